//! A protected domain: where its mail goes and how it is treated.

use serde::{Deserialize, Serialize};

use super::address::DomainName;
use super::continuity::Continuity;
use super::destination::Destination;
use super::id::DomainId;
use super::time::Timestamp;

/// Days of hold by default, and the bounds of the setting (requirement S4).
pub const HOLD_DAYS_DEFAULT: u16 = 15;
/// Fewest days a domain may be held.
pub const HOLD_DAYS_MIN: u16 = 1;
/// Most days a domain may be held.
pub const HOLD_DAYS_MAX: u16 = 60;
/// Days that our own mail to others is tried (RFC 5321 §4.5.4.1).
pub const OUTBOUND_HOLD_DAYS: u16 = 5;

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
    /// The customer's hosts; at least one for a protected domain, none for another's, to which
    /// only our own mail goes (see [`DomainId::is_outbound`]).
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

/// Another name of a domain: `user@alias` is the same mailbox as `user@domain`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DomainAlias {
    /// The further name.
    pub name: DomainName,
    /// The domain that it stands for.
    pub domain: DomainId,
    /// When it was added.
    pub created_at: Timestamp,
}

impl Domain {
    /// The hold that is in force; one whose time is over is none.
    #[must_use]
    pub fn hold_at(&self, now: Timestamp) -> Option<&Hold> {
        let over = |hold: &&Hold| hold.until.is_none_or(|until| until > now);
        self.hold.as_ref().filter(over)
    }

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spool::testing::domain;

    #[test]
    fn s3_a_hold_whose_time_is_over_holds_nothing() {
        let mut domain = domain(1, "x.example");
        assert_eq!(domain.hold_at(Timestamp::default()), None);
        domain.hold = Some(Hold {
            reason: "maintenance".to_owned(),
            by: "operator".to_owned(),
            since: Timestamp::default(),
            until: Some(Timestamp::from_secs(10)),
        });
        assert!(domain.hold_at(Timestamp::from_secs(9)).is_some());
        assert!(domain.hold_at(Timestamp::from_secs(10)).is_none());
        domain.hold.as_mut().unwrap().until = None;
        assert!(
            domain
                .hold_at(Timestamp::from_secs(u64::MAX / 2_000))
                .is_some()
        );
    }
}
