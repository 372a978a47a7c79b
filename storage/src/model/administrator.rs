//! People who look after domains.

use serde::{Deserialize, Serialize};

use super::address::Mailbox;
use super::id::DomainId;
use super::time::Timestamp;

/// What an administrator may do with a domain. Later roles include less.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Everything about the domain's people.
    DomainAdministrator,
    /// Hands out one-time codes and sees who could sign in.
    Helpdesk,
    /// Sees, and changes nothing.
    Auditor,
}

/// A role on a domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// The domain.
    pub domain: DomainId,
    /// What may be done with it.
    pub role: Role,
}

/// An administrator; how they sign in is in their `Credentials`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Administrator {
    /// The address, which may lie outside the domains.
    pub address: Mailbox,
    /// What they may do.
    pub grants: Vec<Grant>,
    /// When they were invited first.
    pub created_at: Timestamp,
}

impl Administrator {
    /// The role on a domain.
    #[must_use]
    pub fn role(&self, domain: DomainId) -> Option<Role> {
        let grant = self.grants.iter().find(|grant| grant.domain == domain);
        grant.map(|grant| grant.role)
    }
}
