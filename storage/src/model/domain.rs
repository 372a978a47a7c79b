//! A protected domain: where its mail goes and how it is treated.

use serde::{Deserialize, Serialize};

use super::address::DomainName;
use super::continuity::Continuity;
use super::id::DomainId;
use super::time::Timestamp;

/// Days of hold by default, and the bounds of the setting (requirement S4).
pub const HOLD_DAYS_DEFAULT: u16 = 15;
/// Fewest days a domain may be held.
pub const HOLD_DAYS_MIN: u16 = 1;
/// Most days a domain may be held.
pub const HOLD_DAYS_MAX: u16 = 60;

/// How a connection to a destination is encrypted.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum TlsPolicy {
    /// Never ask for STARTTLS.
    None,
    /// STARTTLS when offered, certificate not verified, plaintext when it fails.
    #[default]
    Opportunistic,
    /// STARTTLS or nothing; certificate not verified.
    Required,
    /// STARTTLS with a certificate that verifies for the host's name, or nothing.
    Verified,
}

/// One host of the customer's own mail server.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Destination {
    /// Host name, IPv4 address or IPv6 address without brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Lower is tried first.
    pub priority: u16,
    /// Share among hosts of one priority, at least 1.
    pub weight: u16,
    /// Encryption on the way there.
    pub tls: TlsPolicy,
}

/// How recipients are checked at RCPT (requirement D6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum VerifyMode {
    /// Only what the directory knows.
    Directory,
    /// Ask the destination while it is up and remember its answers.
    Callout,
    /// Everything: nobody is refused yet.
    Accept,
}

/// Delivery stopped by a person or by a guard; intake goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Why, for the banner and the audit.
    pub reason: String,
    /// Who, e.g. `operator` or `recovery guard`.
    pub by: String,
    /// Since when.
    pub since: Timestamp,
    /// Released by itself at this time, when set.
    pub until: Option<Timestamp>,
}

/// A protected domain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Domain {
    /// Number in keys.
    pub id: DomainId,
    /// Its name.
    pub name: DomainName,
    /// The customer's hosts; at least one.
    pub destinations: Vec<Destination>,
    /// Explicit choice of the recipient check; none means `directory` as soon as the domain has a
    /// mailbox and `accept` until then.
    pub verify: Option<VerifyMode>,
    /// Where recipients go that the directory does not know, when set (catch-all).
    pub catch_all: bool,
    /// How long mail is held, in days from acceptance (1–60). A change applies to held mail.
    pub hold_days: u16,
    /// Manual or guard's hold.
    pub hold: Option<Hold>,
    /// The continuity mailbox, when it is switched on (C1).
    pub continuity: Option<Continuity>,
    /// When the domain was added.
    pub created_at: Timestamp,
}

impl Domain {
    /// The hold period.
    #[must_use]
    pub fn hold_period(&self) -> std::time::Duration {
        std::time::Duration::from_secs(u64::from(self.hold_days) * 86_400)
    }

    /// When an entry accepted at `accepted_at` expires.
    #[must_use]
    pub fn expires_at(&self, accepted_at: Timestamp) -> Timestamp {
        accepted_at.saturating_add(self.hold_period())
    }
}
