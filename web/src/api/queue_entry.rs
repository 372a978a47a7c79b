//! A queued message as the API shows it: one entry per message and domain.

use serde::{Deserialize, Serialize};
use storage::model::{Disposition, QueueEntry, RecipientState, StoredReply};
use utoipa::ToSchema;

use super::audited::time;
use super::authentication::AuthenticationView;
use crate::AdminSite;

/// One message for one domain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct QueueEntryView {
    /// The queue id, as in the reply to the sender, in the log and in trace headers.
    #[schema(example = "06DX0T4M3V0000000001")]
    pub id: String,
    /// The destination domain.
    pub domain: String,
    /// `ready`, or `deferred` until `due_at`.
    pub lane: String,
    /// `MAIL FROM`; empty for a notification.
    pub sender: String,
    /// Its recipients on the domain.
    pub recipients: Vec<RecipientView>,
    /// Bytes of the message.
    pub size_bytes: u64,
    /// When it was accepted (RFC 3339).
    pub accepted_at: String,
    /// When the hold period is over (RFC 3339).
    pub expires_at: String,
    /// When it is tried again (RFC 3339); absent: as soon as the destination permits.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub due_at: Option<String>,
    /// Address of who handed it in.
    pub client: String,
    /// What the client called itself.
    pub client_helo: String,
    /// Whether it is bulk mail.
    pub bulk: bool,
    /// What sender authentication found out; absent when it was not asked.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub authentication: Option<AuthenticationView>,
}

/// Where one recipient stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RecipientView {
    /// `RCPT TO`.
    pub address: String,
    /// `open`, `delivered`, `failed`, `expired`, `parked`, `quarantined` or `removed`.
    pub state: String,
    /// Attempts that ended in a reply about this recipient.
    pub attempts: u32,
    /// When it is tried again (RFC 3339).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub due_at: Option<String>,
    /// What the destination said last.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub last_reply: Option<String>,
    /// Who said it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub last_host: Option<String>,
}

impl QueueEntryView {
    pub(super) fn new(site: &AdminSite, entry: &QueueEntry) -> Self {
        let domain = site.spool.directory().domain(entry.domain);
        let due_at = time(entry.due_at());
        Self {
            id: entry.message.to_string(),
            domain: match &domain {
                Some(domain) => domain.name.to_string(),
                None => entry.domain.0.to_string(),
            },
            lane: if due_at.is_some() {
                "deferred"
            } else {
                "ready"
            }
            .to_owned(),
            sender: entry.reverse_path.to_string(),
            recipients: entry.recipients.iter().map(RecipientView::new).collect(),
            size_bytes: entry.size_bytes,
            accepted_at: entry.accepted_at.rfc3339(),
            expires_at: domain.map_or_else(String::new, |domain| {
                domain.expires_at(entry.accepted_at).rfc3339()
            }),
            due_at,
            client: entry.client.ip.to_string(),
            client_helo: entry.client.helo.clone(),
            bulk: entry.bulk,
            authentication: entry.authentication.as_ref().map(AuthenticationView::new),
        }
    }
}

impl RecipientView {
    fn new(state: &RecipientState) -> Self {
        let reply = state.last_reply.as_ref();
        Self {
            address: state.recipient.path.to_string(),
            state: state.settled.map_or("open", disposition_word).to_owned(),
            attempts: state.attempts,
            due_at: time(state.due_at).filter(|_| state.settled.is_none()),
            last_reply: reply.map(reply_text),
            last_host: reply.and_then(|reply| reply.host.clone()),
        }
    }
}

const fn disposition_word(disposition: Disposition) -> &'static str {
    match disposition {
        Disposition::Delivered => "delivered",
        Disposition::Failed => "failed",
        Disposition::Expired => "expired",
        Disposition::Parked => "parked",
        Disposition::Quarantined => "quarantined",
        Disposition::Removed => "removed",
    }
}

/// `451 4.7.1 text`, or the text alone when there was no reply.
pub(super) fn reply_text(reply: &StoredReply) -> String {
    let code = (reply.code > 0).then(|| reply.code.to_string());
    let enhanced = reply.enhanced.map(|enhanced| enhanced.to_string());
    let parts = [code, enhanced, Some(reply.text.clone())];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    parts.join(" ")
}
