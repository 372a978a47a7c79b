//! What can go wrong in a store, said so that an operator knows which file and what next.

use std::io;
use std::path::PathBuf;

use bytes::Bytes;

use super::KeyspaceId;

/// Why an engine did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// A precondition of the commit does not hold; nothing was written.
    #[error("a row of {keyspace} is not what the commit expected")]
    Precondition {
        /// Where the row is.
        keyspace: KeyspaceId,
        /// Which row it is.
        key: Bytes,
    },
    /// A write failed once, so nothing is written any more. End the process and start again: what
    /// was acknowledged is in the journal.
    #[error("the store takes no more writes since one failed: {0}")]
    Poisoned(String),
    /// The engine was shut down.
    #[error("the store is shut down")]
    Closed,
    /// A key or value that no engine can hold.
    #[error("a row of {keyspace} has a key of {key_bytes} and a value of {value_bytes} bytes")]
    InvalidKey {
        /// Where it was to go.
        keyspace: KeyspaceId,
        /// Length of its key in bytes.
        key_bytes: usize,
        /// Length of its value in bytes.
        value_bytes: usize,
    },
    /// A stored row cannot be read as it was written.
    #[error("{keyspace} is damaged at or behind key {}: {reason}", hex(key))]
    Corrupt {
        /// Where the damage is.
        keyspace: KeyspaceId,
        /// The row, or the last readable key before it.
        key: Bytes,
        /// What the store says.
        reason: String,
    },
    /// Another process has this store open.
    #[error("{} is in use by another process; stop it before starting this one", .directory.display())]
    Locked {
        /// The data directory.
        directory: PathBuf,
    },
    /// The store was written in a format that this program does not know. Nothing was touched.
    #[error(
        "{} holds a store of format {found}, this program knows {known}; \
         start the version that wrote it, or restore a backup", .directory.display()
    )]
    Format {
        /// The data directory.
        directory: PathBuf,
        /// What the store says it is.
        found: String,
        /// The newest format known here.
        known: u32,
    },
    /// A journal is damaged in front of good records. Nothing was touched.
    #[error("{0}; what is whole can be kept with the recover command")]
    DamagedJournal(JournalDamage),
    /// The operating system refused.
    #[error("{action}: {source}")]
    Io {
        /// What was being done, with the path.
        action: String,
        /// What the operating system said.
        source: io::Error,
    },
}

/// Where a journal is damaged and what stands behind the damage.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "journal {} is damaged at byte {offset} with {good_behind} good record(s) behind it",
    .file.display()
)]
pub struct JournalDamage {
    /// The journal.
    pub file: PathBuf,
    /// First byte that is not part of a good record.
    pub offset: u64,
    /// Whole records found behind the damage, in this journal and in later ones.
    pub good_behind: u64,
}

impl EngineError {
    /// An error of the operating system with what was being done.
    pub(super) fn io(action: impl Into<String>, source: io::Error) -> Self {
        Self::Io {
            action: action.into(),
            source,
        }
    }
}

/// Enough of a key to find it again.
fn hex(key: &Bytes) -> String {
    const SHOWN_BYTES_MAX: usize = 48;
    use std::fmt::Write;
    let mut out = String::with_capacity(2 * key.len().min(SHOWN_BYTES_MAX));
    for byte in key.iter().take(SHOWN_BYTES_MAX) {
        // Writing into a String cannot fail.
        let _ = write!(out, "{byte:02x}");
    }
    if key.len() > SHOWN_BYTES_MAX {
        out.push('…');
    }
    out
}
