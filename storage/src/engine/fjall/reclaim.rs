//! Giving back the space of deleted bodies.
//!
//! In an idle store it comes back late: the deletions sit in memory, the bodies in files that only
//! a compaction may rewrite, and the old files go when the next memtable is written out. Under
//! churn all of that happens by itself.

use std::time::Duration;

use fjall::Keyspace;

use super::store::{Store, store_error};
use crate::engine::{EngineError, ReclaimReport};

/// How often a memtable that is being written out is looked at.
const FLUSH_POLL: Duration = Duration::from_millis(5);

impl Store {
    pub(super) fn reclaim(&self) -> Result<ReclaimReport, EngineError> {
        let disk_bytes_before = self.disk_bytes()?;
        let keyspaces = self.keyspaces.all();
        for (_, keyspace) in &keyspaces {
            self.flush(keyspace)?;
        }
        // The first pass drops the rows and finds the dead bodies, the second one rewrites files.
        for _ in 0..2 {
            for (id, keyspace) in &keyspaces {
                self.health.ensure()?;
                keyspace
                    .major_compact()
                    .map_err(|error| store_error(format!("compacting {id}"), error))?;
            }
        }
        // Superseded files are deleted when a memtable that holds something is written out.
        let internal = self.keyspaces.internal();
        internal
            .insert("reclaimed", disk_bytes_before.to_be_bytes())
            .map_err(|error| store_error("noting a reclaim", error))?;
        self.flush(internal)?;
        Ok(ReclaimReport {
            disk_bytes_before,
            disk_bytes_after: self.disk_bytes()?,
        })
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
