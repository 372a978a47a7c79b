//! What a commit consists of.

use bytes::Bytes;

use super::{EngineError, KeyspaceId};

/// Longest key an engine takes, in bytes: the journal stores the length in sixteen bits.
pub const KEY_BYTES_MAX: usize = 65_535;

/// Longest value an engine takes, in bytes: far above a chunk of a body, far below the journal's
/// thirty-two bits of length.
pub const VALUE_BYTES_MAX: usize = 64 * 1024 * 1024;

/// What an answered commit has survived.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Durability {
    /// The operating system has it: it survives the end of this process, not a power cut.
    Buffer,
    /// The medium has it (`fdatasync` returned): it survives a power cut.
    Synced,
}

/// One row set or deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// Where.
    pub keyspace: KeyspaceId,
    /// Which row.
    pub key: Bytes,
    /// Its value from now on; `None` deletes it. An engine may keep these very bytes in memory for a
    /// while, so a small part of a large buffer should be copied out of it first.
    pub value: Option<Bytes>,
}

/// A row that must still have this value for a commit to happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Precondition {
    /// Where.
    pub keyspace: KeyspaceId,
    /// Which row.
    pub key: Bytes,
    /// The value it must have; `None`: it must not exist.
    pub expected: Option<Bytes>,
}

impl Write {
    /// Sets a row.
    #[must_use]
    pub fn put(keyspace: KeyspaceId, key: impl Into<Bytes>, value: impl Into<Bytes>) -> Self {
        Self {
            keyspace,
            key: key.into(),
            value: Some(value.into()),
        }
    }

    /// Deletes a row; deleting one that is not there is no error.
    #[must_use]
    pub fn delete(keyspace: KeyspaceId, key: impl Into<Bytes>) -> Self {
        Self {
            keyspace,
            key: key.into(),
            value: None,
        }
    }

    /// Refuses what no engine can hold, so that every engine refuses the same.
    pub(super) fn validate(&self) -> Result<(), EngineError> {
        let value_bytes = self.value.as_ref().map_or(0, Bytes::len);
        if self.key.is_empty() || self.key.len() > KEY_BYTES_MAX || value_bytes > VALUE_BYTES_MAX {
            return Err(EngineError::InvalidKey {
                keyspace: self.keyspace,
                key_bytes: self.key.len(),
                value_bytes,
            });
        }
        Ok(())
    }
}
