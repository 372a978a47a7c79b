//! Copying a running store as of one moment.

use std::path::Path;

use bytes::Bytes;
use fjall::{Guard, Readable};

use super::create::write_store;
use super::store::{Store, read_error};
use crate::engine::{BackupReport, EngineError};

impl Store {
    /// Writes a snapshot into a new store; commits go on meanwhile and are not part of it.
    pub(super) fn backup(&self, directory: &Path) -> Result<BackupReport, EngineError> {
        let (snapshot, keyspaces) = self.keyspaces.snapshot(&self.database);
        write_store(
            directory,
            keyspaces.iter().map(|(id, keyspace)| {
                let open = |row: Guard| {
                    row.into_inner()
                        .map(|(key, value)| (Bytes::from(key), Bytes::from(value)))
                        .map_err(|error| read_error(*id, Bytes::new(), error))
                };
                (*id, snapshot.iter(keyspace).map(open))
            }),
        )
    }
}
