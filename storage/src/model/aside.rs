//! Entries that delivery no longer touches: an administrator decides about them.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::id::{DomainId, Sequence};
use super::message::QueueEntry;
use super::time::Timestamp;

/// Why an entry is set aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AsideKind {
    /// Permanently refused, and the sender had not authenticated: kept for 30 days (D2).
    Parked,
    /// The hold period is over: kept for 30 days.
    Expired,
    /// Judged unsafe by the filter: kept for 30 days.
    Quarantined,
    /// The row or the body is damaged; kept until a person decides. The ledger counts its
    /// recipients as parked.
    Corrupt,
}

/// One entry that was set aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AsideEntry {
    /// The destination domain.
    pub domain: DomainId,
    /// Its position; unique among all entries of the domain, set aside or not.
    pub sequence: Sequence,
    /// Why it is here.
    pub kind: AsideKind,
    /// The reply, the judgement or the damage, in words.
    pub reason: String,
    /// Since when.
    pub at: Timestamp,
    /// Recipients concerned; for a damaged row as far as it can be told.
    pub recipients: u16,
    /// The entry; none when its row could not be decoded.
    pub entry: Option<QueueEntry>,
    /// The row as it was found when it could not be decoded; empty otherwise.
    pub raw: Bytes,
}
