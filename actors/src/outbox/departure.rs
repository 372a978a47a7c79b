//! One message leaves: signed, with its trace header, to everybody it is for.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use bytes::Bytes;
use storage::model::{
    BodyKind, ClientFacts, Companion, DomainId, Envelope, Folder, ForwardPath, Mailbox, MessageId,
    OutboxEntry, Recipient, ReversePath, Timestamp,
};
use storage::spool::{
    DraftId, NewCopies, NewCopy, NewDisposition, NewEntry, NewMessage, OUTGOING_PART, Spool,
    SpoolError, StoredBody,
};

use crate::continuity::{self, Sample};
use crate::dkim::{DkimError, Signer};

/// The header of the copy that goes to its author's own server.
pub const COPY_HEADER: &str = "X-Mailhold-Copy";

/// Lets messages leave. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Departure {
    spool: Spool,
    hostname: Arc<str>,
}

/// Why a message did not leave.
#[derive(Debug, thiserror::Error)]
pub enum DepartureError {
    /// The store.
    #[error(transparent)]
    Spool(#[from] SpoolError),
    /// The signature.
    #[error(transparent)]
    Dkim(#[from] DkimError),
    /// The draft holds no finished message.
    #[error("the message is not in its draft")]
    NoMessage,
    /// A thread ended.
    #[error("signing was interrupted")]
    Interrupted,
}

impl Departure {
    /// Departures from a node called `hostname`.
    #[must_use]
    pub fn new(spool: Spool, hostname: &str) -> Self {
        Self {
            spool,
            hostname: hostname.into(),
        }
    }

    pub(super) const fn spool(&self) -> &Spool {
        &self.spool
    }

    /// Lets a message leave; false when sending was undone meanwhile.
    ///
    /// # Errors
    /// [`DepartureError`]; nothing has left then, and nothing is lost.
    pub async fn leave(&self, entry: &OutboxEntry) -> Result<bool, DepartureError> {
        let draft = DraftId(entry.draft);
        let message = self
            .spool
            .draft_part(&entry.scope(), draft, OUTGOING_PART)
            .await?
            .ok_or(DepartureError::NoMessage)?;
        let signature = self.signature(entry, &message).await?;
        let trace = trace(&self.hostname, entry.id, self.spool.clock().wall());
        let signed = Bytes::from([trace.as_bytes(), signature.as_bytes(), &message].concat());
        let mut messages = vec![self.copy_home(entry, &signed).await?];
        messages.extend(self.to_colleagues(entry, &signed).await?);
        messages.extend(self.to_the_world(entry, &signed).await?);
        Ok(self.spool.leave(entry, messages).await?)
    }

    /// The signature of the author's domain; empty while that has no key.
    async fn signature(
        &self,
        entry: &OutboxEntry,
        message: &Bytes,
    ) -> Result<String, DepartureError> {
        let Some(key) = self.spool.dkim_key(entry.domain).await? else {
            return Ok(String::new());
        };
        let signer = Signer::new(entry.from.domain(), &key.selector.parse()?, &key.private)?;
        let message = message.clone();
        let signing = tokio::task::spawn_blocking(move || signer.sign(&message));
        Ok(signing.await.map_err(|_| DepartureError::Interrupted)??)
    }

    /// The copy for the author's own server, marked as such; the author's *Sent* refers to it.
    async fn copy_home(
        &self,
        entry: &OutboxEntry,
        signed: &Bytes,
    ) -> Result<NewMessage, SpoolError> {
        let mark = format!("{COPY_HEADER}: sent\r\n");
        let message = Bytes::from([mark.as_bytes(), signed].concat());
        let (summary, text) = continuity::summarize(&head(&message));
        let copies = NewCopies {
            summary,
            text,
            to: vec![NewCopy {
                scope: entry.scope(),
                folder: Folder::Sent,
                came_to: entry.from.to_string(),
            }],
        };
        let id = entry.id.companion(Companion::Home);
        let entries = vec![new_entry(entry.domain, vec![recipient(&entry.from)])];
        let body = self.sealed_body(id, &entries, message).await?;
        Ok(self.message(entry, id, body, entries, Some(copies)))
    }

    /// What goes to protected domains: into their queues and continuity mailboxes at once.
    async fn to_colleagues(
        &self,
        entry: &OutboxEntry,
        signed: &Bytes,
    ) -> Result<Option<NewMessage>, SpoolError> {
        let directory = self.spool.directory();
        let mut entries = Vec::new();
        for mailbox in &entry.recipients {
            if let Some(domain) = directory.domain_by_name(mailbox.domain()) {
                add(&mut entries, domain.id, recipient(mailbox));
            }
        }
        if entries.is_empty() {
            return Ok(None);
        }
        let recipients = entries.iter().flat_map(|entry| &entry.recipients);
        let copies = continuity::copies(&directory, recipients, || head(signed));
        let body = self.sealed_body(entry.id, &entries, signed.clone()).await?;
        Ok(Some(self.message(entry, entry.id, body, entries, copies)))
    }

    /// What goes to everybody else, by MX or smart host.
    async fn to_the_world(
        &self,
        entry: &OutboxEntry,
        signed: &Bytes,
    ) -> Result<Option<NewMessage>, SpoolError> {
        let directory = self.spool.directory();
        let mut entries = Vec::new();
        for mailbox in &entry.recipients {
            let name = mailbox.domain();
            if directory.domain_by_name(name).is_none() {
                let domain = self.spool.domain_for_outbound(name).await?;
                add(&mut entries, domain, recipient(mailbox));
            }
        }
        if entries.is_empty() {
            return Ok(None);
        }
        let id = entry.id.companion(Companion::World);
        let body = self.sealed_body(id, &entries, signed.clone()).await?;
        Ok(Some(self.message(entry, id, body, entries, None)))
    }

    /// A body for these domains, and whether it is all ASCII.
    async fn sealed_body(
        &self,
        id: MessageId,
        entries: &[NewEntry],
        message: Bytes,
    ) -> Result<(StoredBody, bool), SpoolError> {
        let is_ascii = message.is_ascii();
        let mut domains: Vec<DomainId> = entries.iter().map(|entry| entry.domain).collect();
        domains.sort_unstable();
        domains.dedup();
        let mut body = self.spool.begin_body_for(id, &domains)?;
        body.write(message).await?;
        Ok((body.finish().await?, is_ascii))
    }

    fn message(
        &self,
        entry: &OutboxEntry,
        id: MessageId,
        body: (StoredBody, bool),
        entries: Vec<NewEntry>,
        copies: Option<NewCopies>,
    ) -> NewMessage {
        let (body, is_ascii) = body;
        let recipients = entries.iter().flat_map(|entry| entry.recipients.clone());
        NewMessage {
            id,
            accepted_at: self.spool.clock().now(),
            envelope: self.envelope(entry, recipients.collect(), is_ascii),
            body,
            entries,
            bulk: false,
            copies,
        }
    }

    fn envelope(
        &self,
        entry: &OutboxEntry,
        recipients: Vec<Recipient>,
        is_ascii: bool,
    ) -> Envelope {
        let needs_utf8 = |recipient: &Recipient| match &recipient.path {
            ForwardPath::Mailbox(mailbox) => mailbox.needs_utf8(),
            ForwardPath::Postmaster => false,
        };
        Envelope {
            reverse_path: ReversePath::Mailbox(entry.from.clone()),
            smtputf8: entry.from.needs_utf8() || recipients.iter().any(needs_utf8),
            recipients,
            // Only a message that is passed on whole holds eight bits.
            body: if is_ascii {
                BodyKind::SevenBit
            } else {
                BodyKind::EightBitMime
            },
            dsn_return: None,
            envelope_id: None,
            client: ClientFacts {
                ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
                helo: self.hostname.to_string(),
                reverse_name: None,
                tls_version: None,
                tls_cipher: None,
                // Its author has signed in: notifications may go there (D2).
                authenticated_sender: true,
            },
            authentication: None,
        }
    }
}

/// Handed in over the web (RFC 5321 §4.4; `HTTP` is no registered protocol, and everybody's word
/// for it).
fn trace(hostname: &str, id: MessageId, at: Timestamp) -> String {
    format!(
        "Received: by {hostname} with HTTP id {id};\r\n\t{}\r\n",
        at.rfc5322()
    )
}

fn recipient(mailbox: &Mailbox) -> Recipient {
    Recipient::new(ForwardPath::Mailbox(mailbox.clone()))
}

const fn new_entry(domain: DomainId, recipients: Vec<Recipient>) -> NewEntry {
    NewEntry {
        domain,
        recipients,
        disposition: NewDisposition::Queue,
    }
}

/// One recipient more, in the entry of its domain.
fn add(entries: &mut Vec<NewEntry>, domain: DomainId, recipient: Recipient) {
    match entries.iter_mut().find(|entry| entry.domain == domain) {
        Some(entry) => entry.recipients.push(recipient),
        None => entries.push(new_entry(domain, vec![recipient])),
    }
}

/// The beginning of a message, as a list tells of it.
fn head(message: &Bytes) -> Vec<u8> {
    let mut sample = Sample::default();
    sample.push(message);
    sample.head()
}
