//! Who changed what. Rows are only ever added.

use serde::{Deserialize, Serialize};

use super::time::Timestamp;

/// Who did it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    /// The holder of the operator token, and from where.
    Operator {
        /// Peer address.
        from: String,
    },
    /// A part of Mailhold itself, e.g. the recovery guard.
    System {
        /// Which part.
        part: String,
    },
    /// An administrator who has signed in, or an API token of theirs.
    Administrator {
        /// Their address.
        address: String,
        /// Peer address.
        from: String,
    },
    /// The user of a mailbox, or somebody who claims to be.
    User {
        /// The mailbox.
        address: String,
        /// Peer address.
        from: String,
    },
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditRow {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: Actor,
    /// What was done, as `noun.verb`, e.g. `domain.add`.
    pub action: String,
    /// What it was done to, e.g. a domain's name or a queue id.
    pub subject: String,
    /// Before and after or the parameters, as text without secrets or bodies.
    pub detail: String,
}
