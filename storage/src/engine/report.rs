//! What an engine says about itself.

use bytes::Bytes;

use super::KeyspaceId;

/// Sizes and counts of a store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EngineStats {
    /// Everything the store occupies, in bytes.
    pub disk_bytes: u64,
    /// The part of it that is write-ahead log, in bytes.
    pub journal_bytes: u64,
    /// Write-ahead logs, the active one included.
    pub journals: u64,
    /// Commits answered since the engine was opened.
    pub commits: u64,
    /// Groups in which they were written: one write and at most one sync each.
    pub groups: u64,
    /// Groups that were synced.
    pub syncs: u64,
    /// Bytes of commits that wait for their turn right now.
    pub waiting_bytes: u64,
    /// Every keyspace that exists, in the order of [`KeyspaceId`].
    pub keyspaces: Vec<KeyspaceStats>,
}

/// Size of one keyspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyspaceStats {
    /// Which one.
    pub keyspace: KeyspaceId,
    /// Rows, roughly: overwritten and deleted ones may still count.
    pub rows: u64,
    /// Bytes in its tables, write-ahead log not included.
    pub disk_bytes: u64,
}

/// What a backup contains.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BackupReport {
    /// Rows written.
    pub rows: u64,
    /// Keys and values written, in bytes.
    pub bytes: u64,
}

/// What a reclaim gave back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReclaimReport {
    /// Size of the store before, in bytes.
    pub disk_bytes_before: u64,
    /// Size of the store after, in bytes.
    pub disk_bytes_after: u64,
}

/// One finding of a check.
#[derive(Clone, Debug)]
pub enum Inspected<'a> {
    /// A row as it is stored; whether it can be decoded is for the owner of the keyspace to say.
    Row {
        /// Where it is.
        keyspace: KeyspaceId,
        /// Its key.
        key: &'a Bytes,
        /// Its value.
        value: &'a Bytes,
    },
    /// A row or a run of rows that cannot be read.
    Corrupt {
        /// Where the damage is.
        keyspace: KeyspaceId,
        /// The row, or the last readable key before the damage; empty at the very beginning.
        key: &'a Bytes,
        /// What the store says.
        reason: &'a str,
    },
}

/// Totals of a check.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CheckReport {
    /// Rows read.
    pub rows: u64,
    /// Keys and values read, in bytes.
    pub bytes: u64,
    /// Damages met.
    pub corrupt: u64,
}
