//! What can be chosen when a store is opened, and what is chosen for each keyspace when it is
//! created. Options of a keyspace are stored with it and win when it is opened again.

use std::path::Path;

use fjall::{
    CompressionType, Database, DatabaseBuilder, KeyspaceCreateOptions, KvSeparationOptions,
};

use crate::engine::KeyspaceId;

/// Sizes of a store in memory and on disk, in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FjallOptions {
    /// Cache of blocks and bodies read from disk.
    pub cache_bytes: u64,
    /// Size at which the bodies in memory go to disk. A body that is deleted before that is
    /// written once.
    pub body_memtable_bytes: u64,
    /// Size at which the rows of one keyspace in memory go to disk. Small, so that rows do not pin
    /// the journals of bodies.
    pub row_memtable_bytes: u64,
    /// Size of all journals above which the keyspaces that pin the oldest are written out. At least
    /// 64 MiB. Bounds the time that opening takes.
    pub journals_bytes: u64,
    /// Open files kept.
    pub open_files: usize,
}

const MIB: u64 = 1024 * 1024;

/// Values of this size and above are stored beside the tree of their keys, so that compaction does
/// not rewrite bodies.
const SEPARATION_THRESHOLD_BYTES: u32 = 1024;

/// Share of dead bodies from which on a file is rewritten without them. Files of a queue die whole,
/// oldest first, so most are never rewritten; this bounds what the others waste.
const DEAD_SHARE_REWRITTEN: f32 = 0.5;

/// Share of such files, oldest first, that one compaction rewrites.
const FILES_REWRITTEN_SHARE: f32 = 1.0;

/// Size of the files that separated values go to: small enough that one with a few live bodies in
/// it is soon rewritten.
const BODY_FILE_BYTES: u64 = 32 * MIB;

impl Default for FjallOptions {
    fn default() -> Self {
        Self {
            cache_bytes: 32 * MIB,
            body_memtable_bytes: 16 * MIB,
            row_memtable_bytes: 8 * MIB,
            journals_bytes: 256 * MIB,
            open_files: 256,
        }
    }
}

/// Bodies in memory that wait to be written out: one table that is full while the next one fills,
/// and what compaction needs beside them.
const BODY_MEMTABLES_UNWRITTEN: u64 = 3;
/// The same of rows: a few keyspaces are busy, most are not.
const ROW_MEMTABLES_UNWRITTEN: u64 = 2;

impl FjallOptions {
    /// What a store may have to write after it has answered its last commit, in bytes. It has to be
    /// kept free: a table that cannot be written out ends the store.
    #[must_use]
    pub const fn unwritten_bytes_max(&self) -> u64 {
        self.body_memtable_bytes * BODY_MEMTABLES_UNWRITTEN
            + self.row_memtable_bytes * ROW_MEMTABLES_UNWRITTEN
    }

    pub(super) fn database(&self, path: &Path) -> DatabaseBuilder<Database> {
        Database::builder(path)
            // Compression would run inside the commit.
            .journal_compression(CompressionType::None)
            .manual_journal_persist(true)
            .max_journaling_size(self.journals_bytes.max(64 * MIB))
            .cache_size(self.cache_bytes)
            .max_cached_files(Some(self.open_files.max(16)))
            .worker_threads(2)
    }

    pub(super) fn keyspace(&self, keyspace: KeyspaceId) -> KeyspaceCreateOptions {
        let options = KeyspaceCreateOptions::default().manual_journal_persist(true);
        if keyspace.holds_bodies() {
            let separation = KvSeparationOptions::default()
                .compression(CompressionType::None)
                .separation_threshold(SEPARATION_THRESHOLD_BYTES)
                .staleness_threshold(DEAD_SHARE_REWRITTEN)
                .age_cutoff(FILES_REWRITTEN_SHARE)
                .file_target_size(BODY_FILE_BYTES);
            options
                .max_memtable_size(self.body_memtable_bytes)
                .with_kv_separation(Some(separation))
        } else {
            options.max_memtable_size(self.row_memtable_bytes)
        }
    }
}
