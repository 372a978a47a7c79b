//! Bodies on their way in and out.
//!
//! A body of up to 256 KiB stays in memory and is committed with its message. A larger one goes
//! into the store in chunks of 1 MiB as it arrives, unsynced; the commit that accepts the message
//! syncs them (the journal is sequential). Each chunk carries a checksum that is verified whenever
//! it is read.

use bytes::Bytes;

use super::Spool;
use super::upload::UploadClaim;
use crate::codec;
use crate::codec::chunk::{self, ChunkBuilder};
use crate::commit::Batch;
use crate::engine::{Durability, EngineError, KeyspaceId};
use crate::error::SpoolError;
use crate::keyspace::{meta, transit};
use crate::limits::{BODY_CHUNK_BYTES, BODY_INLINE_MAX};
use crate::metrics;
use crate::model::{MessageId, QueueEntry};

/// Room that a body has at first, in bytes; most messages are smaller.
const BODY_CAPACITY: usize = 8 * 1024;

/// Takes a body in, piece by piece. Dropping it gives the body up.
#[derive(Debug)]
pub struct BodyWriter {
    spool: Spool,
    message: MessageId,
    chunk: ChunkBuilder,
    size_bytes: u64,
    chunks: u32,
    claim: Option<UploadClaim>,
}

/// A body that is complete and belongs to no message yet. Dropping it gives the body up.
#[derive(Debug)]
pub struct StoredBody {
    pub(crate) message: MessageId,
    pub(crate) size_bytes: u64,
    pub(crate) chunks: u32,
    /// The only chunk, when it is to be committed with the message.
    pub(crate) inline: Option<Bytes>,
    pub(crate) claim: Option<UploadClaim>,
}

impl StoredBody {
    /// Bytes of the body.
    #[must_use]
    pub const fn size_bytes(&self) -> u64 {
        self.size_bytes
    }
}

impl BodyWriter {
    /// Appends a piece. Waits while the store is behind, which is what slows a sender down.
    ///
    /// # Errors
    /// [`SpoolError::Engine`] when the store takes nothing more.
    pub async fn write(&mut self, mut data: Bytes) -> Result<(), SpoolError> {
        self.size_bytes += data.len() as u64;
        while !data.is_empty() {
            let room = BODY_CHUNK_BYTES - self.chunk.len();
            let piece = data.split_to(room.min(data.len()));
            if self.chunk.len() <= BODY_INLINE_MAX
                && self.chunk.len() + piece.len() > BODY_INLINE_MAX
            {
                // It will be a large one: one allocation for the rest instead of doubling.
                self.chunk.reserve(BODY_CHUNK_BYTES);
            }
            self.chunk.extend(&piece);
            if self.chunk.len() == BODY_CHUNK_BYTES {
                self.store_chunk(BODY_CHUNK_BYTES).await?;
            }
        }
        Ok(())
    }

    /// Bytes so far.
    #[must_use]
    pub const fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// Completes the body.
    ///
    /// # Errors
    /// [`SpoolError::Engine`] when the store takes nothing more.
    pub async fn finish(mut self) -> Result<StoredBody, SpoolError> {
        let inline = self.chunks == 0 && self.chunk.len() <= BODY_INLINE_MAX;
        if !inline && self.chunk.len() > 0 {
            self.store_chunk(0).await?;
        }
        Ok(StoredBody {
            message: self.message,
            size_bytes: self.size_bytes,
            chunks: if inline { 1 } else { self.chunks },
            inline: inline.then(|| self.chunk.finish()),
            claim: self.claim,
        })
    }

    async fn store_chunk(&mut self, next_capacity: usize) -> Result<(), SpoolError> {
        let next = ChunkBuilder::with_capacity(next_capacity);
        let full = std::mem::replace(&mut self.chunk, next).finish();
        let number = self.chunks;
        self.chunks += 1;
        let claim = self
            .claim
            .get_or_insert_with(|| self.spool.inner.uploads.claim(self.message));
        claim.wrote(self.chunks);
        let mut batch = Batch::new();
        batch.put(
            KeyspaceId::Transit,
            &transit::key(self.message, number),
            full,
        );
        let chunks = self.chunks;
        batch.encode(KeyspaceId::Meta, &meta::upload_key(self.message), |out| {
            codec::encode(out, &chunks)
        })?;
        self.spool
            .inner
            .committer
            .commit(batch, Durability::Buffer, |_, _| Ok::<_, SpoolError>(()))
            .await
    }
}

/// Gives a body out, chunk by chunk, each verified before it is given.
#[derive(Debug)]
pub struct BodyReader {
    spool: Spool,
    message: MessageId,
    chunks: u32,
    next: u32,
}

impl BodyReader {
    /// The next piece, at most 1 MiB; none at the end.
    ///
    /// # Errors
    /// [`SpoolError::CorruptBody`] when a piece is missing or not what was stored: set the entry
    /// aside. [`SpoolError::Engine`] when the store cannot be read.
    pub async fn next(&mut self) -> Result<Option<Bytes>, SpoolError> {
        if self.next == self.chunks {
            return Ok(None);
        }
        let number = self.next;
        let key = Bytes::copy_from_slice(&transit::key(self.message, number));
        let stored = match self.spool.engine().get(KeyspaceId::Transit, key).await {
            Ok(Some(stored)) => stored,
            Ok(None) => return Err(self.corrupt(number, "it is missing".to_owned())),
            Err(error @ EngineError::Corrupt { .. }) => {
                return Err(self.corrupt(number, error.to_string()));
            }
            Err(error) => return Err(error.into()),
        };
        let data = chunk::open(&stored).map_err(|error| self.corrupt(number, error.to_string()))?;
        self.next += 1;
        Ok(Some(data))
    }

    fn corrupt(&self, chunk: u32, reason: String) -> SpoolError {
        metrics::corrupt_record(KeyspaceId::Transit);
        tracing::error!(
            queue.id = %self.message,
            chunk,
            reason,
            "a stored body is damaged"
        );
        SpoolError::CorruptBody {
            message: self.message,
            chunk,
            reason,
        }
    }
}

impl Spool {
    /// Starts to take in the body of a message.
    #[must_use]
    pub fn begin_body(&self, message: MessageId) -> BodyWriter {
        BodyWriter {
            spool: self.clone(),
            message,
            chunk: ChunkBuilder::with_capacity(BODY_CAPACITY),
            size_bytes: 0,
            chunks: 0,
            claim: None,
        }
    }

    /// Starts to read the body of an entry.
    #[must_use]
    pub fn body(&self, entry: &QueueEntry) -> BodyReader {
        BodyReader {
            spool: self.clone(),
            message: entry.message,
            chunks: entry.chunks,
            next: 0,
        }
    }
}
