//! Sizes and counts of a store.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::atomic::Ordering;

use super::create::STORE;
use super::journal::is_journal;
use super::store::Store;
use crate::engine::{EngineError, EngineStats, KeyspaceStats};

/// Unit of `st_blocks`, whatever the file system's block size is.
const BLOCK_BYTES: u64 = 512;

impl Store {
    pub(super) fn stats(&self) -> Result<EngineStats, EngineError> {
        let mut stats = EngineStats {
            commits: self.counters.commits.load(Ordering::Relaxed),
            groups: self.counters.groups.load(Ordering::Relaxed),
            syncs: self.counters.syncs.load(Ordering::Relaxed),
            waiting_bytes: self.counters.waiting_bytes(),
            ..EngineStats::default()
        };
        self.measure(&mut stats)?;
        let size = |(keyspace, handle): (_, fjall::Keyspace)| KeyspaceStats {
            keyspace,
            rows: handle.approximate_len() as u64,
            disk_bytes: handle.disk_space(),
        };
        stats.keyspaces = self.keyspaces.all().into_iter().map(size).collect();
        Ok(stats)
    }

    /// Blocks in use by the whole store, in bytes.
    pub(super) fn disk_bytes(&self) -> Result<u64, EngineError> {
        let mut stats = EngineStats::default();
        self.measure(&mut stats)?;
        Ok(stats.disk_bytes)
    }

    fn measure(&self, stats: &mut EngineStats) -> Result<(), EngineError> {
        let folder = self.directory.join(STORE);
        walk(&folder, stats)
            .map_err(|source| EngineError::io(format!("measuring {}", folder.display()), source))
    }
}

/// Adds up the blocks below a folder. Journals are created with holes, so lengths would lie.
fn walk(folder: &Path, stats: &mut EngineStats) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        // Files come and go while the store works.
        let Ok(metadata) = entry.metadata() else {
            continue;
        };
        let bytes = metadata.blocks() * BLOCK_BYTES;
        stats.disk_bytes += bytes;
        if metadata.is_dir() {
            match walk(&entry.path(), stats) {
                Err(gone) if gone.kind() == io::ErrorKind::NotFound => {}
                walked => walked?,
            }
        } else if is_journal(&entry.path()) {
            stats.journal_bytes += bytes;
            stats.journals += 1;
        }
    }
    Ok(())
}
