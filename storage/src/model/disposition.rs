//! What became of a recipient, and the ledger that counts it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An enhanced status code (RFC 3463), `class.subject.detail`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct EnhancedStatus {
    /// 2 success, 4 persistent transient, 5 permanent.
    pub class: u8,
    /// What the status is about.
    pub subject: u16,
    /// The detail.
    pub detail: u16,
}

impl EnhancedStatus {
    /// A code from its three parts.
    #[must_use]
    pub const fn new(class: u8, subject: u16, detail: u16) -> Self {
        Self {
            class,
            subject,
            detail,
        }
    }
}

impl fmt::Display for EnhancedStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.class, self.subject, self.detail)
    }
}

/// A destination's reply as it is kept with a recipient: what an administrator reads and what a DSN
/// quotes. The text is cut to 512 octets and holds no control characters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredReply {
    /// Three digits, or 0 when there was no reply (connection refused, time-out).
    pub code: u16,
    /// The enhanced code, when the reply had one.
    pub enhanced: Option<EnhancedStatus>,
    /// The text behind the codes; lines joined by a space.
    pub text: String,
    /// `host:port` that said it, when one was reached.
    pub host: Option<String>,
}

/// Terms of the ledger. Its unit is one (message, recipient):
/// accepted = delivered + queued + quarantined + parked + failed + expired + removed, where what is
/// held is queued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Disposition {
    /// The destination answered 2yz after the final dot.
    Delivered,
    /// Permanently refused and a DSN went out, or none was owed (null sender, NOTIFY=NEVER).
    Failed,
    /// The hold period is over (5.4.7).
    Expired,
    /// Permanently refused, but the sender had not authenticated: kept where an administrator sees
    /// it, for 30 days. Still open.
    Parked,
    /// Judged unsafe by the filter. Still open.
    Quarantined,
    /// Discarded or bounced by an administrator.
    Removed,
}

/// Totals of one domain since it was created, in (message, recipient) units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counters {
    /// Taken over with a 250.
    pub accepted: u64,
    /// See [`Disposition::Delivered`].
    pub delivered: u64,
    /// See [`Disposition::Failed`].
    pub failed: u64,
    /// See [`Disposition::Expired`].
    pub expired: u64,
    /// See [`Disposition::Removed`].
    pub removed: u64,
    /// Now parked.
    pub parked: u64,
    /// Now in quarantine.
    pub quarantined: u64,
    /// Now queued, held ones included.
    pub queued: u64,
    /// Bytes of bodies of queued entries (a body counts once per domain).
    pub queued_bytes: u64,
}

impl Counters {
    /// What is missing (positive) or too much (negative). Anything but zero is an alarm (D7).
    #[must_use]
    pub fn difference(&self) -> i128 {
        let settled = [
            self.delivered,
            self.failed,
            self.expired,
            self.removed,
            self.parked,
            self.quarantined,
            self.queued,
        ];
        i128::from(self.accepted) - settled.into_iter().map(i128::from).sum::<i128>()
    }
}
