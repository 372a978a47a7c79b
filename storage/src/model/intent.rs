//! What an administrator wants done with queued mail: written down first, then carried out by the
//! one who owns the queue.

use serde::{Deserialize, Serialize};

use super::id::{DomainId, Sequence};

/// An intent's number, in the order of commits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct IntentId(pub u64);

/// What is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IntentAction {
    /// Try again at the next occasion, whatever the entry waits for.
    Retry,
    /// Give up and tell the sender, if a notification is owed.
    Bounce,
    /// Discard without telling anybody.
    Remove,
    /// Into the queue of this domain, whose route it takes from then on.
    Move(DomainId),
}

/// One wish about one entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// Its number.
    pub id: IntentId,
    /// The domain of the entry.
    pub domain: DomainId,
    /// The entry.
    pub sequence: Sequence,
    /// What to do.
    pub action: IntentAction,
}
