//! The writes of one commit under construction.

use bytes::{Bytes, BytesMut};

use crate::codec::RowError;
use crate::engine::{KeyspaceId, Write};
use crate::model::DomainId;

/// Room for the keys and rows of an ordinary message, in bytes, so that they are one allocation.
const ARENA_BYTES: usize = 768;

/// Rows to be written together. Keys and values that are built here share one buffer.
#[derive(Debug, Clone)]
pub(crate) struct Batch {
    writes: Vec<Write>,
    arena: BytesMut,
    bytes: usize,
    touched: Vec<DomainId>,
}

impl Batch {
    /// An empty batch.
    pub(crate) fn new() -> Self {
        Self {
            writes: Vec::with_capacity(6),
            arena: BytesMut::with_capacity(ARENA_BYTES),
            bytes: 0,
            touched: Vec::new(),
        }
    }

    /// Sets a row to a value that exists already.
    pub(crate) fn put(&mut self, keyspace: KeyspaceId, key: &[u8], value: Bytes) {
        let key = self.stored(key);
        self.push(keyspace, key, Some(value));
    }

    /// Sets a row to what `encode` appends.
    ///
    /// # Errors
    /// Those of `encode`; nothing is added then.
    pub(crate) fn encode(
        &mut self,
        keyspace: KeyspaceId,
        key: &[u8],
        encode: impl FnOnce(&mut BytesMut) -> Result<(), RowError>,
    ) -> Result<(), RowError> {
        let value = self.row(encode)?;
        self.put(keyspace, key, value);
        Ok(())
    }

    /// Builds a value in the shared buffer without adding it yet.
    ///
    /// # Errors
    /// Those of `encode`.
    pub(crate) fn row(
        &mut self,
        encode: impl FnOnce(&mut BytesMut) -> Result<(), RowError>,
    ) -> Result<Bytes, RowError> {
        let done = encode(&mut self.arena);
        let row = self.arena.split().freeze();
        done.map(|()| row)
    }

    /// Deletes a row.
    pub(crate) fn delete(&mut self, keyspace: KeyspaceId, key: &[u8]) {
        let key = self.stored(key);
        self.push(keyspace, key, None);
    }

    /// Adds all writes of another batch behind these.
    pub(crate) fn append(&mut self, other: Self) {
        self.bytes += other.bytes;
        self.writes.extend(other.writes);
        for domain in other.touched {
            self.touch(domain);
        }
    }

    /// Notes that a domain's ledger or queue changes, so that its head is written too.
    pub(crate) fn touch(&mut self, domain: DomainId) {
        if !self.touched.contains(&domain) {
            self.touched.push(domain);
        }
    }

    /// Domains whose heads are to be written.
    pub(crate) fn take_touched(&mut self) -> Vec<DomainId> {
        std::mem::take(&mut self.touched)
    }

    /// Keys and values so far, in bytes.
    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether there is nothing to write.
    pub(crate) fn is_empty(&self) -> bool {
        self.writes.is_empty()
    }

    /// The writes, in the order in which they were added.
    pub(crate) fn into_writes(self) -> Vec<Write> {
        self.writes
    }

    fn stored(&mut self, key: &[u8]) -> Bytes {
        self.arena.extend_from_slice(key);
        self.arena.split().freeze()
    }

    fn push(&mut self, keyspace: KeyspaceId, key: Bytes, value: Option<Bytes>) {
        self.bytes += key.len() + value.as_ref().map_or(0, Bytes::len);
        self.writes.push(Write {
            keyspace,
            key,
            value,
        });
    }
}
