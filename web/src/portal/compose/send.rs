//! From a draft to the outbox: everything is checked, and whatever is wrong is named beside its
//! field before anything leaves.

use bytes::Bytes;
use storage::model::{Mailbox, MessageId, OutboxEntry, VerifyMode};
use storage::spool::{DraftSaved, OUTGOING_PART, Resolution};

use super::content::{self, Content, Kept};
use super::words;
use crate::compose::limits::{RECIPIENTS_MAX, TEXT_BYTES_MAX};
use crate::compose::{Attachment, ListError, Outgoing, Party, build, parse_list};
use crate::language::Language;
use crate::portal::refusal::Refusal;
use crate::portal::user::User;

/// A field and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    /// The field's name in the form.
    pub(super) field: &'static str,
    /// What is wrong, in the writer's language.
    pub(super) text: String,
}

impl Fault {
    /// That a file may have been forgotten.
    pub(super) fn forgotten(language: Language) -> Self {
        Self {
            field: "files",
            text: words::fault_forgotten(language).to_owned(),
        }
    }

    /// Whether it is that one.
    pub(super) fn is_forgotten(&self, language: Language) -> bool {
        self.text == words::fault_forgotten(language)
    }
}

/// Who gets the message.
#[derive(Debug, Default)]
struct Recipients {
    to: Vec<Party>,
    cc: Vec<Party>,
    all: Vec<Mailbox>,
}

/// Puts a saved draft into the outbox; the faults when it cannot leave as it is.
pub(super) async fn send(
    user: &User,
    kept: &Kept,
) -> Result<Result<MessageId, Vec<Fault>>, Refusal> {
    let content = &kept.content;
    let checked = match check(user, content) {
        Ok(checked) => checked,
        Err(faults) => return Ok(Err(faults)),
    };
    let (from, recipients) = checked;
    let spool = &user.portal.spool;
    let id = spool.next_id();
    let now = spool.clock().wall();
    let mut attachments = Vec::with_capacity(content.files.len());
    for file in &content.files {
        let part = spool.draft_part(&user.scope, kept.id, file.part).await?;
        let bytes = part.ok_or_else(|| Refusal::Broken("a file of a draft is gone".into()))?;
        attachments.push(Attachment {
            name: file.name.clone(),
            media_type: file.media_type.clone(),
            content: bytes.to_vec(),
        });
    }
    let outgoing = Outgoing {
        message_id: format!("{id}@{}", from.address.domain()),
        from: from.clone(),
        to: recipients.to,
        cc: recipients.cc,
        subject: content.subject.clone(),
        text: content.text.clone(),
        attachments,
        in_reply_to: content.in_reply_to.clone(),
        references: content.references.clone(),
        date: now,
    };
    let message = tokio::task::spawn_blocking(move || build(&outgoing))
        .await
        .map_err(|ended| Refusal::Broken(ended.to_string()))?
        .map_err(|error| Refusal::Broken(error.to_string()))?;
    let finished = spool
        .put_draft_part(
            &user.scope,
            kept.id,
            kept.revision,
            OUTGOING_PART,
            Some(Bytes::from(message)),
        )
        .await?;
    match finished {
        DraftSaved::Saved(_) => {}
        DraftSaved::Conflict(_) | DraftSaved::Gone => {
            return Ok(Err(vec![conflict(user.language)]));
        }
        DraftSaved::Full => return Ok(Err(vec![too_large(user.language)])),
    }
    let delay = std::time::Duration::from_secs(u64::from(user.preferences.undo_seconds));
    let entry = OutboxEntry {
        id,
        domain: user.scope.domain(),
        mailbox: user.scope.mailbox().to_owned(),
        draft: kept.id.0,
        leaves_at: spool.clock().now().saturating_add(delay),
        from: from.address,
        recipients: recipients.all,
        attempts: 0,
        fault: None,
    };
    match spool.send_later(&entry).await? {
        storage::spool::SendLater::Queued => Ok(Ok(id)),
        storage::spool::SendLater::Limit => Ok(Err(vec![Fault {
            field: "to",
            text: words::fault_limit(user.language).to_owned(),
        }])),
    }
}

pub(super) fn conflict(language: Language) -> Fault {
    Fault {
        field: "text",
        text: words::fault_conflict(language).to_owned(),
    }
}

pub(super) fn too_large(language: Language) -> Fault {
    Fault {
        field: "files",
        text: words::fault_too_large(language).to_owned(),
    }
}

fn check(user: &User, content: &Content) -> Result<(Party, Recipients), Vec<Fault>> {
    let language = user.language;
    let mut faults = Vec::new();
    let own = user.own_addresses();
    let from = own
        .iter()
        .find(|own| own.to_string().eq_ignore_ascii_case(content.from.trim()));
    let name = user.preferences.display_name.as_deref();
    let name = name.or(user.name.as_deref()).unwrap_or_default();
    let from = from.map(|address| Party::named(name, address.clone()));
    if from.is_none() {
        // Only own addresses: whatever the form says, nobody writes in another's name.
        faults.push(fault("from", words::fault_from(language)));
    }
    let mut recipients = Recipients::default();
    let fields = [
        ("to", &content.to),
        ("cc", &content.cc),
        ("bcc", &content.bcc),
    ];
    for (field, typed) in fields {
        match parse_list(typed) {
            Err(error) => faults.push(fault(field, list_fault(language, &error))),
            Ok(parties) => {
                for party in &parties {
                    faults.extend(unknown(user, field, &party.address));
                    if !recipients
                        .all
                        .iter()
                        .any(|known| party.is_same_mailbox(known))
                    {
                        recipients.all.push(party.address.clone());
                    }
                }
                match field {
                    "to" => recipients.to = parties,
                    "cc" => recipients.cc = parties,
                    _ => {}
                }
            }
        }
    }
    if faults.is_empty() && recipients.all.is_empty() {
        faults.push(fault("to", words::fault_nobody(language)));
    }
    if recipients.all.len() > RECIPIENTS_MAX {
        faults.push(fault("to", list_fault(language, &ListError::TooMany)));
    }
    if content.text.len() > TEXT_BYTES_MAX {
        faults.push(fault("text", words::fault_text(language)));
    }
    match from {
        Some(from) if faults.is_empty() => Ok((from, recipients)),
        _ => Err(faults),
    }
}

fn fault(field: &'static str, text: impl Into<String>) -> Fault {
    Fault {
        field,
        text: text.into(),
    }
}

fn list_fault(language: Language, error: &ListError) -> String {
    match error {
        ListError::NotAnAddress(text) => words::fault_address(language, text),
        ListError::TooMany => words::fault_too_many(language, RECIPIENTS_MAX),
        ListError::TooLong => words::fault_too_long(language).to_owned(),
    }
}

/// Colleagues who do not exist are named before the message leaves (D6).
fn unknown(user: &User, field: &'static str, address: &Mailbox) -> Option<Fault> {
    let is_known = match user.portal.spool.directory().resolve(address) {
        Resolution::Unknown { verify, .. } => verify != VerifyMode::Directory,
        Resolution::Disabled { .. } => false,
        _ => true,
    };
    (!is_known).then(|| fault(field, words::fault_unknown(user.language, address)))
}

/// Reads the draft again, for what is shown after a fault.
pub(super) async fn again(user: &User, kept: &Kept) -> Result<Kept, Refusal> {
    content::read(user, kept.id).await
}
