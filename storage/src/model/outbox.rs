//! Messages that users have sent and that have not left yet.

use serde::{Deserialize, Serialize};

use super::address::Mailbox;
use super::id::{DomainId, MessageId};
use super::time::Timestamp;

/// A message between *Send* and its way out: as long as it is here, sending can be undone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutboxEntry {
    /// Its queue id, given when it was sent, so that it cannot leave twice.
    pub id: MessageId,
    /// The domain of who wrote it.
    pub domain: DomainId,
    /// The key of the mailbox of who wrote it, see [`Mailbox::key`].
    pub mailbox: String,
    /// The draft that it was made from; it holds the finished message until that has left.
    pub draft: MessageId,
    /// When it leaves.
    pub leaves_at: Timestamp,
    /// The own address it is from.
    pub from: Mailbox,
    /// Everybody it goes to, Bcc included, each once.
    pub recipients: Vec<Mailbox>,
    /// How often it was tried to let it leave.
    pub attempts: u32,
    /// Why it did not leave, when it was tried.
    pub fault: Option<String>,
}
