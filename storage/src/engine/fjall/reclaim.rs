//! Giving back the space of deleted bodies.
//!
//! In an idle store it comes back late: the deletions sit in memory, the bodies in files that only
//! a compaction may rewrite, and the old files go when the next memtable is written out. Under
//! churn all of that happens by itself.

use std::time::Duration;

use fjall::Keyspace;

use super::store::{Store, store_error};
use crate::engine::{EngineError, KeyspaceId, ReclaimReport};

/// How often a memtable that is being written out is looked at.
const FLUSH_POLL: Duration = Duration::from_millis(5);

/// The first pass finds the dead bodies, the second one rewrites the files they are in.
const PASSES_MIN: u32 = 2;
/// After this many the rest is left to time: a store in use is never done.
const PASSES_MAX: u32 = 4;
/// A pass that gives back less than this is the last.
const GAIN_BYTES_MIN: u64 = 1024 * 1024;

impl Store {
    pub(super) fn reclaim(&self) -> Result<ReclaimReport, EngineError> {
        let disk_bytes_before = self.disk_bytes()?;
        let keyspaces = self.keyspaces.all();
        for (_, keyspace) in &keyspaces {
            self.flush(keyspace)?;
        }
        let mut disk_bytes = self.disk_bytes()?;
        for pass in 1..=PASSES_MAX {
            self.compact(&keyspaces)?;
            let before = std::mem::replace(&mut disk_bytes, self.disk_bytes()?);
            if pass >= PASSES_MIN && disk_bytes.saturating_add(GAIN_BYTES_MIN) > before {
                break;
            }
        }
        Ok(ReclaimReport {
            disk_bytes_before,
            disk_bytes_after: disk_bytes,
        })
    }

    /// Drops deleted rows, rewrites files of bodies most of which are dead, removes what they
    /// supersede.
    fn compact(&self, keyspaces: &[(KeyspaceId, Keyspace)]) -> Result<(), EngineError> {
        self.advance()?;
        for (id, keyspace) in keyspaces {
            self.health.ensure()?;
            keyspace
                .major_compact()
                .map_err(|error| store_error(format!("compacting {id}"), error))?;
        }
        self.advance()
    }

    /// Lets fjall see that nobody reads what was there until now: it looks when a memtable that
    /// holds something is written out. Only then does a compaction drop what was deleted last, and
    /// only then are superseded files removed.
    fn advance(&self) -> Result<(), EngineError> {
        let internal = self.keyspaces.internal();
        internal
            .insert("reclaimed", b"")
            .map_err(|error| store_error("noting a reclaim", error))?;
        self.flush(internal)
    }

    /// Writes a memtable out and waits until that is done.
    fn flush(&self, keyspace: &Keyspace) -> Result<(), EngineError> {
        keyspace
            .rotate_memtable()
            .map_err(|error| store_error("writing out a memtable", error))?;
        while keyspace.sealed_memtable_count() > 0 {
            self.health.ensure()?;
            std::thread::park_timeout(FLUSH_POLL);
        }
        Ok(())
    }
}
