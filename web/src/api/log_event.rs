//! An event of a message's life as the API shows it: one row per recipient that it changed.

use serde::{Deserialize, Serialize};
use storage::model::{
    AcceptedEvent, AsideKind, LogEvent, LogRow, RecipientChange, RecipientEvent, StoredReply,
};
use utoipa::ToSchema;

use super::audited::time;
use super::queue_entry::reply_text;
use crate::AdminSite;

/// One event.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogEventView {
    /// The queue id.
    #[schema(example = "06DX0T4M3V0000000001")]
    pub id: String,
    /// When (RFC 3339).
    pub at: String,
    /// The destination domain; its number when it is not here any more.
    pub domain: String,
    /// `accepted`, `quarantined`, `delivered`, `deferred`, `failed`, `parked`, `expired`, `removed`,
    /// `corrupt`, `released`, `deleted` or `dropped`.
    pub event: String,
    /// `MAIL FROM` when it came in; empty for a notification.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub sender: Option<String>,
    /// The recipients concerned; empty: all that were open.
    pub recipients: Vec<String>,
    /// What was said, found or set aside, in words.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub detail: Option<String>,
    /// The host that said it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub host: Option<String>,
    /// When it is tried again (RFC 3339).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub due_at: Option<String>,
    /// Bytes of the message.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub size_bytes: Option<u64>,
    /// Address of who handed it in.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub client: Option<String>,
    /// What the client called itself.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub client_helo: Option<String>,
    /// The TLS version it came in with; absent: in clear.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub tls_version: Option<String>,
}

impl LogEventView {
    /// Every event of these rows.
    pub(super) fn all(site: &AdminSite, rows: &[LogRow]) -> Vec<Self> {
        let of_row = |row| views(row, Self::base(site, row));
        rows.iter().flat_map(of_row).collect()
    }

    fn base(site: &AdminSite, row: &LogRow) -> Self {
        let domain = site.spool.directory().domain(row.domain);
        Self {
            id: row.message.to_string(),
            at: row.at.rfc3339(),
            domain: domain.map_or_else(
                || row.domain.0.to_string(),
                |domain| domain.name.to_string(),
            ),
            ..Self::default()
        }
    }

    fn accepted(self, accepted: &AcceptedEvent) -> Self {
        let event = match &accepted.quarantined {
            None => "accepted",
            Some(_) => "quarantined",
        };
        Self {
            event: event.to_owned(),
            sender: Some(accepted.reverse_path.to_string()),
            recipients: accepted
                .recipients
                .iter()
                .map(ToString::to_string)
                .collect(),
            detail: accepted.quarantined.clone(),
            size_bytes: Some(accepted.size_bytes),
            client: Some(accepted.client_ip.to_string()),
            client_helo: Some(accepted.helo.clone()),
            tls_version: accepted.tls_version.clone(),
            ..self
        }
    }

    fn changed(self, changed: &RecipientEvent) -> Self {
        let (event, reply) = match &changed.change {
            RecipientChange::Delivered(reply) => ("delivered", Some(reply)),
            RecipientChange::Deferred { reply, .. } => ("deferred", Some(reply)),
            RecipientChange::Failed(reply) => ("failed", Some(reply)),
            RecipientChange::Parked(reply) => ("parked", Some(reply)),
            RecipientChange::Expired => ("expired", None),
            RecipientChange::Removed => ("removed", None),
        };
        let due_at = match &changed.change {
            RecipientChange::Deferred { due_at, .. } => time(*due_at),
            _ => None,
        };
        Self {
            recipients: vec![changed.recipient.to_string()],
            due_at,
            ..self.said(event, reply)
        }
    }

    fn said(self, event: &str, reply: Option<&StoredReply>) -> Self {
        Self {
            event: event.to_owned(),
            detail: reply.map(reply_text),
            host: reply.and_then(|reply| reply.host.clone()),
            ..self
        }
    }

    fn aside(self, event: &str, detail: &str) -> Self {
        Self {
            event: event.to_owned(),
            detail: Some(detail.to_owned()),
            ..self
        }
    }
}

fn views(row: &LogRow, base: LogEventView) -> Vec<LogEventView> {
    match &row.event {
        LogEvent::Accepted(accepted) => vec![base.accepted(accepted)],
        LogEvent::Recipients(changes) => {
            let view = |changed| base.clone().changed(changed);
            changes.iter().map(view).collect()
        }
        LogEvent::SetAside { kind, reason } => vec![base.aside(kind_word(*kind), reason)],
        LogEvent::Released { kind } => vec![base.aside("released", kind_word(*kind))],
        LogEvent::Deleted { kind } => vec![base.aside("deleted", kind_word(*kind))],
        LogEvent::Dropped { kind } => vec![base.aside("dropped", kind_word(*kind))],
    }
}

const fn kind_word(kind: AsideKind) -> &'static str {
    match kind {
        AsideKind::Parked => "parked",
        AsideKind::Expired => "expired",
        AsideKind::Quarantined => "quarantined",
        AsideKind::Corrupt => "corrupt",
    }
}
