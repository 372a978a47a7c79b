//! Taking a message over: one synced commit of body, message row, entries, continuity copies and
//! ledger.
//!
//! When [`Spool::accept`] has returned `Ok`, the 250 may be sent (S23): what it stands for has
//! been synced to the disk.

use bytes::Bytes;

use super::Spool;
use super::body::StoredBody;
use super::copies::{CopiedBody, Copies, NewCopies, kept};
use super::log::PreparedEvent;
use super::shared::StageError;
use crate::codec;
use crate::codec::RowError;
use crate::commit::{Batch, Order};
use crate::engine::{Durability, KeyspaceId};
use crate::error::SpoolError;
use crate::keyspace::queue::Fresh;
use crate::keyspace::{aside, meta, queue, transit};
use crate::limits::RECIPIENTS_MAX;
use crate::metrics;
use crate::model::{
    AcceptedEvent, AsideKind, BodyPlace, DomainId, Envelope, LogEvent, MessageId, MessageRow,
    Recipient, RecipientState, Timestamp,
};

/// A message to be taken over.
#[derive(Debug)]
pub struct NewMessage {
    /// Its id, from [`Spool::next_id`].
    pub id: MessageId,
    /// When: the hold period counts from here.
    pub accepted_at: Timestamp,
    /// The transaction; its recipients are those of the entries.
    pub envelope: Envelope,
    /// The body, trace header included.
    pub body: StoredBody,
    /// One per destination domain, at least one.
    pub entries: Vec<NewEntry>,
    /// List-Id, Precedence: bulk or null sender.
    pub bulk: bool,
    /// Copies for continuity mailboxes, made in the same commit; withheld for domains whose entry
    /// goes into quarantine. Domains without continuity get none, whatever stands here.
    pub copies: Option<NewCopies>,
}

/// The part of a new message that goes to one domain.
#[derive(Debug)]
pub struct NewEntry {
    /// The domain.
    pub domain: DomainId,
    /// Its recipients, at least one.
    pub recipients: Vec<Recipient>,
    /// Where it goes first.
    pub disposition: NewDisposition,
}

/// Where a new entry goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NewDisposition {
    /// Into the queue.
    Queue,
    /// Aside, until a person decides.
    Quarantine {
        /// What the filter found.
        reason: String,
    },
}

/// Rows that go with the commit that accepts messages.
#[derive(Debug, Default)]
pub(super) struct Closing {
    rows: Vec<(KeyspaceId, Vec<u8>)>,
}

impl Closing {
    /// One row more.
    pub(super) fn delete(&mut self, keyspace: KeyspaceId, key: &[u8]) {
        self.rows.push((keyspace, key.to_vec()));
    }
}

/// A message whose rows are encoded as far as they can be without positions.
pub(super) struct PreparedMessage {
    id: MessageId,
    row: MessageRow,
    entries: Vec<PreparedEntry>,
    copies: Vec<Copies>,
    body: StoredBody,
}

struct PreparedEntry {
    domain: DomainId,
    recipients: u16,
    quarantined: bool,
    /// Copies that are made when a person releases it.
    withheld: Option<Copies>,
    row: Bytes,
    event: PreparedEvent,
}

impl Spool {
    /// Takes a message over. `Ok` means that it is on the disk.
    ///
    /// # Errors
    /// [`SpoolError::UnknownDomain`] when a domain was removed since its recipient was accepted:
    /// answer 451. [`SpoolError::Engine`] when the store failed: answer 451, and
    /// [`Spool::failed`] says why. In any case nothing was taken over.
    pub async fn accept(&self, message: NewMessage) -> Result<(), SpoolError> {
        self.accept_all(vec![message], Closing::default()).await
    }

    /// Takes several messages over in one commit, with which other rows go: all of it, or nothing.
    pub(super) async fn accept_all(
        &self,
        messages: Vec<NewMessage>,
        closing: Closing,
    ) -> Result<(), SpoolError> {
        let started = self.clock().monotonic();
        let mut batch = Batch::new();
        for (keyspace, key) in &closing.rows {
            batch.delete(*keyspace, key);
        }
        let mut prepared = Vec::with_capacity(messages.len());
        for message in messages {
            prepared.push(self.prepare(message, &mut batch).await?);
        }
        self.accept_prepared(&mut prepared, batch).await?;
        for message in prepared {
            for of in &message.copies {
                of.tell(self);
            }
            message.accepted();
        }
        metrics::accepted(self.clock().monotonic().saturating_sub(started));
        Ok(())
    }

    async fn prepare(
        &self,
        mut message: NewMessage,
        batch: &mut Batch,
    ) -> Result<PreparedMessage, SpoolError> {
        let copies = match message.copies.take() {
            Some(copies) => Copies::prepare(self, message.id, copies)?,
            None => Vec::new(),
        };
        let place = if copies.is_empty() {
            BodyPlace::Transit
        } else {
            let entries = message.entries.iter().map(|entry| entry.domain);
            let domains = entries.chain(copies.iter().map(|of| of.domain));
            kept(self.last_day(domains, message.accepted_at))
        };
        self.settle_place(&mut message.body, place).await?;
        let (copies, withheld) = self.part_copies(&message.entries, copies);
        let mut prepared = PreparedMessage::new(message, batch)?;
        prepared.copies = copies;
        for (entry, withheld) in prepared.entries.iter_mut().zip(withheld) {
            entry.withheld = withheld;
        }
        Ok(prepared)
    }

    /// Tells the copies that are made at once from those that are withheld with each entry (C12): a
    /// mailbox whose mail is in quarantine gets none, the others of its domain do. A mailbox that a
    /// message reaches on two ways, one of them clean, gets its copy.
    fn part_copies(
        &self,
        entries: &[NewEntry],
        copies: Vec<Copies>,
    ) -> (Vec<Copies>, Vec<Option<Copies>>) {
        let is_held =
            |entry: &NewEntry| matches!(entry.disposition, NewDisposition::Quarantine { .. });
        if copies.is_empty() || !entries.iter().any(is_held) {
            return (copies, Vec::new());
        }
        let directory = self.directory();
        let reaches = |entry: &NewEntry, domain, mailbox: &str| {
            let mut paths = entry.recipients.iter().map(|it| &it.path);
            entry.domain == domain && paths.any(|path| directory.leads_to(path, mailbox))
        };
        let mut now = copies;
        let mut withheld = Vec::with_capacity(entries.len());
        for entry in entries {
            let mut with_entry = None;
            if is_held(entry) {
                for of in &mut now {
                    let domain = of.domain;
                    let taken = of.take(|mailbox| {
                        let mut clean = entries.iter().filter(|other| !is_held(other));
                        reaches(entry, domain, mailbox)
                            && !clean.any(|other| reaches(other, domain, mailbox))
                    });
                    with_entry = with_entry.or(taken);
                }
            }
            withheld.push(with_entry);
        }
        now.retain(|of| !of.copies.is_empty());
        (now, withheld)
    }

    async fn accept_prepared(
        &self,
        prepared: &mut [PreparedMessage],
        batch: Batch,
    ) -> Result<(), SpoolError> {
        let mut batch = Some(batch);
        // Only what may have to be tried again needs its writes twice.
        let has_copies = prepared.iter().any(|message| !message.copies.is_empty());
        loop {
            for message in prepared.iter() {
                let at = message.row.accepted_at;
                self.load_counts_of(&message.copies, message.id, at).await?;
            }
            let attempt = if has_copies {
                batch.clone()
            } else {
                batch.take()
            };
            let staged = self
                .inner
                .committer
                .commit(
                    attempt.unwrap_or_else(Batch::new),
                    Durability::Synced,
                    |order, batch| stage_all(prepared, order, batch),
                )
                .await;
            match staged {
                Ok(()) => return Ok(()),
                Err(StageError::ReadAgain) => {}
                Err(StageError::Refused(error)) => return Err(error),
            }
        }
    }
}

/// Checks everything before anything is changed.
fn stage_all(
    prepared: &mut [PreparedMessage],
    order: &mut Order,
    batch: &mut Batch,
) -> Result<(), StageError> {
    for message in prepared.iter() {
        message.check(order)?;
        for of in &message.copies {
            of.check(order, message.id, message.row.accepted_at)?;
        }
    }
    for message in prepared {
        message.stage(order, batch)?;
    }
    Ok(())
}

impl PreparedMessage {
    pub(super) fn new(message: NewMessage, batch: &mut Batch) -> Result<Self, SpoolError> {
        let NewMessage {
            id,
            accepted_at,
            envelope,
            mut body,
            entries,
            bulk,
            copies: _,
        } = message;
        if body.message != id {
            return Err(SpoolError::Invalid("the body belongs to another message"));
        }
        let sound = |entry: &NewEntry| (1..=RECIPIENTS_MAX).contains(&entry.recipients.len());
        if entries.is_empty() || !entries.iter().all(sound) {
            return Err(SpoolError::Invalid(
                "a message without recipients, or with too many",
            ));
        }
        // A domain that came since the body was begun could not open it.
        let closed = |domain: &DomainId| match &body.sealed_for {
            Some(domains) => !domains.contains(domain),
            None => false,
        };
        let mut domains = entries.iter().map(|entry| entry.domain);
        if let Some(domain) = domains.find(closed) {
            return Err(SpoolError::UnknownDomain(domain));
        }
        let fresh = Fresh {
            message: id,
            size_bytes: body.size_bytes,
            chunks: body.chunks,
            place: body.place,
            accepted_at,
            bulk,
            shared: entries.len() > 1,
        };
        let row = MessageRow {
            size_bytes: body.size_bytes,
            chunks: body.chunks,
            place: body.place,
            accepted_at,
            open: Vec::with_capacity(entries.len()),
        };
        let entries = entries
            .into_iter()
            .map(|entry| PreparedEntry::new(entry, fresh, &envelope, batch))
            .collect::<Result<_, _>>()?;
        if body.inline.is_empty() {
            batch.delete(KeyspaceId::Meta, &meta::upload_key(id));
        }
        let keyspace = transit::keyspace(body.place);
        for (number, row) in (0..).zip(std::mem::take(&mut body.inline)) {
            batch.put(keyspace, &transit::key(id, number), row);
        }
        Ok(Self {
            id,
            row,
            entries,
            copies: Vec::new(),
            body,
        })
    }

    /// Refuses before anything is changed.
    pub(super) fn check(&self, order: &Order) -> Result<(), SpoolError> {
        match self
            .entries
            .iter()
            .find(|entry| order.open_domain(entry.domain).is_none())
        {
            Some(entry) => Err(SpoolError::UnknownDomain(entry.domain)),
            None => Ok(()),
        }
    }

    /// Gives positions and counts. After [`Self::check`] it does not refuse.
    pub(super) fn stage(&mut self, order: &mut Order, batch: &mut Batch) -> Result<(), SpoolError> {
        for (number, entry) in self.entries.iter_mut().enumerate() {
            let Some(domain) = order.domain_mut(entry.domain) else {
                return Err(SpoolError::UnknownDomain(entry.domain));
            };
            let sequence = domain.take_sequence();
            let recipients = u64::from(entry.recipients);
            let row = std::mem::take(&mut entry.row);
            domain.counters.accepted += recipients;
            if entry.quarantined {
                domain.counters.quarantined += recipients;
                batch.put(KeyspaceId::Aside, &aside::key(entry.domain, sequence), row);
                let age = aside::age_key(self.row.accepted_at, entry.domain, sequence);
                batch.encode(KeyspaceId::Aside, &age, |out| codec::encode(out, &()))?;
            } else {
                domain.counters.queued += recipients;
                domain.counters.queued_bytes += self.row.size_bytes;
                order.lane_grows(entry.domain);
                batch.put(KeyspaceId::Queue, &queue::key(entry.domain, sequence), row);
            }
            if let Some(of) = &entry.withheld {
                of.withhold(batch, sequence)?;
            }
            let number = u16::try_from(number).unwrap_or(u16::MAX);
            entry
                .event
                .stage(order, batch, self.row.accepted_at, number);
            batch.touch(entry.domain);
            self.row.open.push((entry.domain, sequence));
        }
        self.stage_copies(order, batch)?;
        let row = &self.row;
        batch.encode(KeyspaceId::Message, self.id.as_bytes(), |out| {
            codec::encode(out, row)
        })?;
        if let Some(claim) = &mut self.body.claim {
            claim.accepting();
        }
        Ok(())
    }

    /// The copies that are made at once (C11).
    fn stage_copies(&self, order: &mut Order, batch: &mut Batch) -> Result<(), RowError> {
        let BodyPlace::Kept { day } = self.row.place else {
            return Ok(());
        };
        let body = CopiedBody {
            message: self.id,
            day,
            chunks: self.row.chunks,
            size_bytes: self.row.size_bytes,
        };
        for of in &self.copies {
            of.stage(order, batch, body, self.row.accepted_at)?;
        }
        Ok(())
    }

    /// The commit is visible.
    pub(super) fn accepted(self) {
        if let Some(claim) = self.body.claim {
            claim.accepted();
        }
    }
}

impl PreparedEntry {
    fn new(
        entry: NewEntry,
        fresh: Fresh,
        envelope: &Envelope,
        batch: &mut Batch,
    ) -> Result<Self, RowError> {
        let event = accepted(&entry, fresh.size_bytes, envelope);
        let event = PreparedEvent::new(fresh.message, entry.domain, &event, batch)?;
        let recipients: Vec<_> = entry
            .recipients
            .into_iter()
            .map(RecipientState::new)
            .collect();
        let count = u16::try_from(recipients.len()).unwrap_or(u16::MAX);
        let mut row = batch.row(|out| queue::encode_fresh(out, fresh, envelope, &recipients))?;
        let quarantined = match entry.disposition {
            NewDisposition::Queue => false,
            NewDisposition::Quarantine { reason } => {
                let head = aside::AsideHead {
                    kind: AsideKind::Quarantined,
                    at: fresh.accepted_at,
                    reason: &reason,
                    recipients: count,
                    raw: false,
                };
                row = batch.row(|out| aside::encode(out, head, &row))?;
                true
            }
        };
        Ok(Self {
            domain: entry.domain,
            recipients: count,
            quarantined,
            withheld: None,
            row,
            event,
        })
    }
}

fn accepted(entry: &NewEntry, size_bytes: u64, envelope: &Envelope) -> LogEvent {
    let paths = entry.recipients.iter().map(|one| one.path.clone());
    LogEvent::Accepted(AcceptedEvent {
        reverse_path: envelope.reverse_path.clone(),
        recipients: paths.collect(),
        size_bytes,
        client_ip: envelope.client.ip,
        helo: envelope.client.helo.clone(),
        tls_version: envelope.client.tls_version.clone(),
        quarantined: match &entry.disposition {
            NewDisposition::Queue => None,
            NewDisposition::Quarantine { reason } => Some(reason.clone()),
        },
    })
}
