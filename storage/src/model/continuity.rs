//! The continuity mailbox: who has one, what is kept, and what is still missing before it can be
//! switched on.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::time::Timestamp;

/// Days that copies are kept by default (requirement C2).
pub const RETENTION_DAYS_DEFAULT: u16 = 30;
/// Fewest days.
pub const RETENTION_DAYS_MIN: u16 = 1;
/// Most days.
pub const RETENTION_DAYS_MAX: u16 = 90;

/// Continuity of a domain, switched on (C1). Copies are made from then on (C9).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Continuity {
    /// Since when.
    pub enabled_since: Timestamp,
    /// How long a copy is kept, in days from acceptance (1–90). A change applies to what is there.
    pub retention_days: u16,
    /// When it was last made longer: bodies accepted before were stored for a shorter time.
    pub lengthened_at: Option<Timestamp>,
}

impl Continuity {
    /// How long a copy is kept.
    #[must_use]
    pub fn retention(&self) -> Duration {
        Duration::from_secs(u64::from(self.retention_days) * 86_400)
    }

    /// Whether a copy made at `at` is still shown at `now`.
    #[must_use]
    pub fn shows(&self, at: Timestamp, now: Timestamp) -> bool {
        now.saturating_since(at) < self.retention()
    }

    /// Copies made at this time or before are not shown any more.
    #[must_use]
    pub fn cutoff(&self, now: Timestamp) -> Option<Timestamp> {
        let retention = u64::try_from(self.retention().as_millis()).unwrap_or(u64::MAX);
        now.as_millis()
            .checked_sub(retention)
            .map(Timestamp::from_millis)
    }
}

/// What has to be done before continuity can be switched on (C10). Filtering is always on: every
/// message is judged before it is copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContinuityGap {
    /// The domain has no mailbox, so nobody could sign in.
    Mailboxes,
}

impl ContinuityGap {
    /// Its name in the API.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Mailboxes => "mailboxes",
        }
    }
}

impl fmt::Display for ContinuityGap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Mailboxes => "the domain has no mailboxes yet: add or import them",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// C2, Q45: a copy is shown for exactly its days.
    #[test]
    fn c2_a_copy_is_shown_until_its_last_moment() {
        let continuity = Continuity {
            enabled_since: Timestamp::default(),
            retention_days: 30,
            lengthened_at: None,
        };
        let at = Timestamp::from_secs(1_790_000_000);
        let end = at.saturating_add(continuity.retention());
        let before = Timestamp::from_millis(end.as_millis() - 1);
        assert!(continuity.shows(at, before) && !continuity.shows(at, end));
        assert_eq!(continuity.cutoff(end), Some(at));
    }
}
