//! The life of a message, event by event, as it is kept for administrators: envelopes and replies,
//! never a subject or content (D8).

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::address::{ForwardPath, ReversePath};
use super::aside::AsideKind;
use super::disposition::StoredReply;
use super::id::{DomainId, MessageId};
use super::time::Timestamp;

/// One event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogRow {
    /// The message.
    pub message: MessageId,
    /// When it happened.
    pub at: Timestamp,
    /// The destination domain concerned.
    pub domain: DomainId,
    /// What happened.
    pub event: LogEvent,
}

/// What happened. New kinds are added at the end, because the order is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum LogEvent {
    /// Taken over with a 250.
    Accepted(AcceptedEvent),
    /// An attempt, the clock or a person changed where recipients stand.
    Recipients(Vec<RecipientEvent>),
    /// All open recipients were set aside.
    SetAside {
        /// As what.
        kind: AsideKind,
        /// Why, in words.
        reason: String,
    },
    /// Put back into the queue by a person.
    Released {
        /// What it had been set aside as.
        kind: AsideKind,
    },
    /// Deleted by a person.
    Deleted {
        /// What it had been set aside as.
        kind: AsideKind,
    },
    /// Deleted because its time among what is set aside was over.
    Dropped {
        /// What it had been set aside as.
        kind: AsideKind,
    },
}

/// How a message came in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AcceptedEvent {
    /// `MAIL FROM`.
    pub reverse_path: ReversePath,
    /// Recipients in this domain.
    pub recipients: Vec<ForwardPath>,
    /// Bytes of the body, our trace header included.
    pub size_bytes: u64,
    /// The peer that handed it in.
    pub client_ip: IpAddr,
    /// What it called itself.
    pub helo: String,
    /// The negotiated TLS version; none in clear.
    pub tls_version: Option<String>,
    /// What the filter found, when it went into quarantine and not into the queue.
    pub quarantined: Option<String>,
}

/// What became of one recipient.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecipientEvent {
    /// The recipient.
    pub recipient: ForwardPath,
    /// What became of it.
    pub change: RecipientChange,
}

/// Where a recipient stands after an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum RecipientChange {
    /// The destination took it.
    Delivered(StoredReply),
    /// Not yet: it is tried again.
    Deferred {
        /// What was said or happened.
        reply: StoredReply,
        /// Not before this time; zero for as soon as the destination permits.
        due_at: Timestamp,
    },
    /// Refused for good, and whoever had to be told was told.
    Failed(StoredReply),
    /// Refused for good, and kept for an administrator.
    Parked(StoredReply),
    /// The hold period is over.
    Expired,
    /// An administrator discarded or bounced it.
    Removed,
}
