//! What the writer, the readers and the sentinel of one open store share.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use fjall::{Database, LsmError};
use tokio::sync::watch;

use super::health::Health;
use super::keyspaces::Keyspaces;
use super::lock::Lock;
use crate::engine::{EngineError, KeyspaceId, Write};

/// One open store.
pub(super) struct Store {
    /// The data directory.
    pub(super) directory: PathBuf,
    pub(super) database: Database,
    pub(super) keyspaces: Keyspaces,
    pub(super) health: Health,
    pub(super) counters: Counters,
    /// Commits so far.
    pub(super) committed: watch::Sender<u64>,
    /// Declared last so that it is released last: the next process finds everything closed.
    pub(super) _lock: Arc<Lock>,
}

/// What [`crate::engine::EngineStats`] counts.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) commits: AtomicU64,
    pub(super) groups: AtomicU64,
    pub(super) syncs: AtomicU64,
    waiting_bytes: AtomicU64,
}

impl Counters {
    /// Notes that a commit waits for its turn; what it weighs.
    pub(super) fn enter(&self, writes: &[Write]) -> u64 {
        let weight = writes.iter().map(weight).sum();
        self.waiting_bytes.fetch_add(weight, Ordering::Relaxed);
        weight
    }

    /// Notes that a commit of this weight waits no longer.
    pub(super) fn leave(&self, weight: u64) {
        self.waiting_bytes.fetch_sub(weight, Ordering::Relaxed);
    }

    pub(super) fn waiting_bytes(&self) -> u64 {
        self.waiting_bytes.load(Ordering::Relaxed)
    }
}

/// Lengths, tags and numbers of a row in the journal, in bytes.
const ROW_OVERHEAD_BYTES: usize = 20;

fn weight(write: &Write) -> u64 {
    let value = write.value.as_ref().map_or(0, Bytes::len);
    (ROW_OVERHEAD_BYTES + write.key.len() + value) as u64
}

/// Says in an operator's words what fjall says.
pub(super) fn describe(error: &fjall::Error) -> String {
    match error {
        fjall::Error::Io(source) | fjall::Error::Storage(LsmError::Io(source)) => {
            source.to_string()
        }
        fjall::Error::Poisoned => "a write in the background failed".to_owned(),
        other => format!("{other:?}"),
    }
}

/// What an error while reading means for the row that was wanted.
pub(super) fn read_error(keyspace: KeyspaceId, key: Bytes, error: fjall::Error) -> EngineError {
    let (fjall::Error::Io(source) | fjall::Error::Storage(LsmError::Io(source))) = error else {
        return EngineError::Corrupt {
            keyspace,
            key,
            reason: describe(&error),
        };
    };
    match source.kind() {
        // What should be there is not: the file is damaged, not the disk busy.
        io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData => EngineError::Corrupt {
            keyspace,
            key,
            reason: source.to_string(),
        },
        _ => EngineError::io(format!("reading {keyspace}"), source),
    }
}

/// An error of the store as such, with what was being done.
pub(super) fn store_error(action: impl Into<String>, error: fjall::Error) -> EngineError {
    let source = match error {
        fjall::Error::Io(source) | fjall::Error::Storage(LsmError::Io(source)) => source,
        other => io::Error::other(describe(&other)),
    };
    EngineError::io(action, source)
}
