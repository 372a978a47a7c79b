//! Bodies on their way in and out.
//!
//! A body of up to 256 KiB stays in memory and is committed with its message. A larger one goes
//! into the store in chunks of 1 MiB as it arrives, unsynced; the commit that accepts the message
//! syncs them (the journal is sequential). Each chunk carries a checksum that is verified whenever
//! it is read, and is compressed and sealed with the body's own key when the domains are known that
//! it is for.

use bytes::{Bytes, BytesMut};

use super::Spool;
use super::copies::kept;
use super::upload::{Upload, UploadClaim};
use crate::codec;
use crate::codec::chunk::{self, ChunkBuilder, ChunkError, ChunkSeal};
use crate::commit::Batch;
use crate::engine::{Durability, EngineError};
use crate::error::SpoolError;
use crate::keyspace::{meta, transit};
use crate::limits::{BODY_CHUNK_BYTES, BODY_INLINE_MAX};
use crate::metrics;
use crate::model::{BodyPlace, DomainId, MessageId, QueueEntry};
use crate::seal::BodyKey;

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
    /// Where chunks go that do not wait for the message.
    place: BodyPlace,
    seal: Option<(BodyKey, BytesMut)>,
    claim: Option<UploadClaim>,
}

/// A body that is complete and belongs to no message yet. Dropping it gives the body up.
#[derive(Debug)]
pub struct StoredBody {
    pub(crate) message: MessageId,
    pub(crate) size_bytes: u64,
    pub(crate) chunks: u32,
    /// Where it is, or where it goes with its message.
    pub(crate) place: BodyPlace,
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
            place: self.place,
            inline: if inline {
                Some(self.finish_chunk(0)?)
            } else {
                None
            },
            claim: self.claim,
        })
    }

    /// The chunk as it is stored; the next one begins with room for `next_capacity` bytes.
    fn finish_chunk(&mut self, next_capacity: usize) -> Result<Bytes, SpoolError> {
        let next = ChunkBuilder::with_capacity(next_capacity);
        let full = std::mem::replace(&mut self.chunk, next);
        let Some((key, shares)) = &self.seal else {
            return Ok(full.finish());
        };
        let first = self.chunks == 0;
        let seal = ChunkSeal {
            message: self.message,
            chunk: self.chunks,
            key,
            shares: if first { shares } else { &[] },
        };
        Ok(full.finish_sealed(&self.spool.inner.compressors, &seal)?)
    }

    async fn store_chunk(&mut self, next_capacity: usize) -> Result<(), SpoolError> {
        let full = self.finish_chunk(next_capacity)?;
        let number = self.chunks;
        self.chunks += 1;
        let upload = Upload {
            chunks: self.chunks,
            place: self.place,
        };
        let claim = self
            .claim
            .get_or_insert_with(|| self.spool.inner.uploads.claim(self.message));
        claim.wrote(upload);
        let mut batch = Batch::new();
        let keyspace = transit::keyspace(self.place);
        batch.put(keyspace, &transit::key(self.message, number), full);
        batch.encode(
            crate::engine::KeyspaceId::Meta,
            &meta::upload_key(self.message),
            |out| codec::encode(out, &upload),
        )?;
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
    domain: DomainId,
    chunks: u32,
    place: BodyPlace,
    next: u32,
    key: Option<BodyKey>,
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
        let stored = match self.stored(number).await {
            Ok(Some(stored)) => stored,
            Ok(None) => return Err(self.corrupt(number, "it is missing".to_owned())),
            Err(SpoolError::Engine(error @ EngineError::Corrupt { .. })) => {
                return Err(self.corrupt(number, error.to_string()));
            }
            Err(error) => return Err(error),
        };
        let data = self
            .open(number, &stored)
            .map_err(|error| self.corrupt(number, error.to_string()))?;
        self.next += 1;
        Ok(Some(data))
    }

    /// The chunk where it was stored, or where it has moved to.
    async fn stored(&mut self, number: u32) -> Result<Option<Bytes>, SpoolError> {
        let engine = self.spool.engine();
        let key = Bytes::copy_from_slice(&transit::key(self.message, number));
        let found = engine
            .get(transit::keyspace(self.place), key.clone())
            .await?;
        if found.is_some() || self.place == BodyPlace::Transit {
            return Ok(found);
        }
        let Some(day) = self.spool.moved_to(self.message).await? else {
            return Ok(None);
        };
        self.place = kept(day);
        let keyspace = transit::keyspace(self.place);
        Ok(self.spool.engine().get(keyspace, key).await?)
    }

    fn open(&mut self, number: u32, stored: &Bytes) -> Result<Bytes, ChunkError> {
        let verified = chunk::verify(stored)?;
        if !verified.is_sealed() {
            return verified.plain();
        }
        let mut skip = 0;
        if number == 0 {
            let ring = &self.spool.inner.keyring;
            let (key, shares) = BodyKey::open(ring, self.message, self.domain, verified.stored())?;
            self.key = Some(key);
            skip = shares;
        }
        let key = self.key.as_ref().ok_or(ChunkError::Unknown)?;
        verified.opened(key, self.message, number, skip)
    }

    fn corrupt(&self, chunk: u32, reason: String) -> SpoolError {
        metrics::corrupt_record(transit::keyspace(self.place));
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
    /// Starts to take in the body of a message, unsealed.
    #[must_use]
    pub fn begin_body(&self, message: MessageId) -> BodyWriter {
        self.body_writer(message, BodyPlace::Transit, None)
    }

    /// Starts to take in the body of a message for these domains: it is sealed with their keys, and
    /// lies where their continuity copies will look for it.
    ///
    /// # Errors
    /// [`SpoolError::Seal`] when a domain has no key: answer 451.
    pub fn begin_body_for(
        &self,
        message: MessageId,
        domains: &[DomainId],
    ) -> Result<BodyWriter, SpoolError> {
        let seal = BodyKey::make(&self.inner.keyring, message, domains)?;
        let directory = self.directory();
        let copied = domains
            .iter()
            .any(|domain| directory.has_continuity(*domain));
        let place = if copied {
            // A day more than it needs now, because it is accepted later.
            let day = self.last_day(domains.iter().copied(), self.clock().now());
            kept(day.saturating_add(1))
        } else {
            BodyPlace::Transit
        };
        Ok(self.body_writer(message, place, seal))
    }

    fn body_writer(
        &self,
        message: MessageId,
        place: BodyPlace,
        seal: Option<(BodyKey, BytesMut)>,
    ) -> BodyWriter {
        BodyWriter {
            spool: self.clone(),
            message,
            chunk: ChunkBuilder::with_capacity(BODY_CAPACITY),
            size_bytes: 0,
            chunks: 0,
            place,
            seal,
            claim: None,
        }
    }

    /// Starts to read the body of an entry.
    #[must_use]
    pub fn body(&self, entry: &QueueEntry) -> BodyReader {
        self.body_at(entry.domain, entry.message, entry.place, entry.chunks)
    }

    /// Starts to read a body in the name of a domain.
    pub(super) fn body_at(
        &self,
        domain: DomainId,
        message: MessageId,
        place: BodyPlace,
        chunks: u32,
    ) -> BodyReader {
        BodyReader {
            spool: self.clone(),
            message,
            domain,
            chunks,
            place,
            next: 0,
            key: None,
        }
    }

    /// Puts a body that belongs to no message yet where its message wants it. One that is in memory
    /// goes anywhere; one whose chunks are in the store is written again when it would go too early.
    pub(super) async fn settle_place(
        &self,
        body: &mut StoredBody,
        wanted: BodyPlace,
    ) -> Result<(), SpoolError> {
        if body.inline.is_some() {
            body.place = wanted;
            return Ok(());
        }
        let stays = match (body.place, wanted) {
            (_, BodyPlace::Transit) => true,
            (BodyPlace::Kept { day }, BodyPlace::Kept { day: wanted }) => day >= wanted,
            (BodyPlace::Transit, BodyPlace::Kept { .. }) => false,
        };
        if stays {
            return Ok(());
        }
        self.write_again(body.message, body.chunks, body.place, wanted)
            .await?;
        body.place = wanted;
        Ok(())
    }

    /// Writes the chunks of a body to another place, unsynced, and takes them away from the first.
    async fn write_again(
        &self,
        message: MessageId,
        chunks: u32,
        from: BodyPlace,
        to: BodyPlace,
    ) -> Result<(), SpoolError> {
        for number in 0..chunks {
            let key = transit::key(message, number);
            let stored = self
                .engine()
                .get(transit::keyspace(from), Bytes::copy_from_slice(&key))
                .await?
                .ok_or(SpoolError::Invalid("a chunk of the body is missing"))?;
            let mut batch = Batch::new();
            batch.put(transit::keyspace(to), &key, stored);
            batch.delete(transit::keyspace(from), &key);
            let upload = Upload { chunks, place: to };
            batch.encode(
                crate::engine::KeyspaceId::Meta,
                &meta::upload_key(message),
                |out| codec::encode(out, &upload),
            )?;
            self.inner
                .committer
                .commit(batch, Durability::Buffer, |_, _| Ok::<_, SpoolError>(()))
                .await?;
        }
        Ok(())
    }
}
