//! Mailboxes and aliases of protected domains.

use serde::{Deserialize, Serialize};

use super::address::Mailbox;
use super::id::DomainId;
use super::time::Timestamp;

/// A mailbox that exists at the destination and, with continuity, here. How its user signs in is
/// in a row of its own (`Credentials`), so that no change of one overwrites the other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailboxAccount {
    /// Its domain.
    pub domain: DomainId,
    /// The address as entered.
    pub address: Mailbox,
    /// Display name.
    pub name: Option<String>,
    /// Address outside the domain for resets.
    pub recovery: Option<Mailbox>,
    /// Language tag, e.g. `de`.
    pub language: Option<String>,
    /// Disabled mailboxes are refused at RCPT.
    pub enabled: bool,
    /// When it was added.
    pub created_at: Timestamp,
}

/// Where mail to an alias belongs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AliasTarget {
    /// The parent mailbox, on the same domain.
    pub mailbox: Mailbox,
}

/// Another address of a mailbox. It has no login.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alias {
    /// Its domain.
    pub domain: DomainId,
    /// The alias address.
    pub address: Mailbox,
    /// The mailbox it stands for.
    pub target: AliasTarget,
    /// When it was added.
    pub created_at: Timestamp,
}
