//! Bodies on their way in; `body_reader` gives them out again.
//!
//! A body of up to 256 KiB stays in memory and is committed with its message. A larger one goes
//! into a file of its own as it arrives ([`crate::bodies`]), in chunks of 256 KiB, and is synced
//! before the commit that accepts the message names it. An engine without files beside it takes the
//! chunks as rows, unsynced; the accepting commit syncs them. Each chunk carries a checksum that is
//! verified whenever it is read, and is compressed and sealed with the body's own key when the domains
//! are known that it is for.
//!
//! The head of a body may come last: the trace fields in it tell what was found in the rest. It is
//! chunk 0 all the same; of a body in a file it is the row behind the one that names the file.
//!
//! What all bodies together have in memory is bounded in both directions (Q16).

use bytes::{Bytes, BytesMut};

use super::Spool;
use super::copies::kept;
use super::upload::{BodyClaim, Upload, UploadClaim};
use crate::bodies::{Held, SlotWriter};
use crate::codec;
use crate::codec::chunk::{ChunkBuilder, ChunkSeal};
use crate::commit::Batch;
use crate::engine::{Durability, KeyspaceId};
use crate::error::SpoolError;
use crate::keyspace::{meta, transit};
use crate::limits::{BODY_CHUNK_BYTES, BODY_MEMORY_FREE};
use crate::model::{BodyPlace, DomainId, MessageId};
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
    /// Where chunks go that are rows.
    place: BodyPlace,
    seal: Option<(BodyKey, BytesMut)>,
    domains: Vec<DomainId>,
    /// Chunk 0 is left for a head that comes last.
    is_behind_head: bool,
    to: Destination,
    held: Held,
}

/// Where chunks go that do not stay in memory.
#[derive(Debug)]
enum Destination {
    /// Nowhere yet.
    None,
    /// Into rows.
    Rows(UploadClaim),
    /// Into a file.
    File(Box<SlotWriter>),
}

/// A body that is complete and belongs to no message yet. Dropping it gives the body up.
#[derive(Debug)]
pub struct StoredBody {
    pub(crate) message: MessageId,
    pub(crate) size_bytes: u64,
    pub(crate) chunks: u32,
    /// Where it is, or where it goes with its message.
    pub(crate) place: BodyPlace,
    /// The domains that can open it; none when it is not sealed.
    pub(crate) sealed_for: Option<Vec<DomainId>>,
    /// Rows that are to be committed with the message: its only chunk, or the place of its file and
    /// the head that came last.
    pub(crate) inline: Vec<Bytes>,
    pub(crate) claim: Option<BodyClaim>,
    /// The share of the memory for bodies, until the message is committed.
    pub(crate) _held: Held,
}

impl StoredBody {
    /// Bytes of the body.
    #[must_use]
    pub const fn size_bytes(&self) -> u64 {
        self.size_bytes
    }
}

impl BodyWriter {
    /// Appends a piece. Waits while the disk is behind, which is what slows a sender down.
    ///
    /// # Errors
    /// [`SpoolError::Engine`] when the store takes nothing more.
    pub async fn write(&mut self, mut data: Bytes) -> Result<(), SpoolError> {
        self.size_bytes += data.len() as u64;
        self.spool.inner.space.take(data.len() as u64);
        while !data.is_empty() {
            if self.chunk.len() == BODY_CHUNK_BYTES {
                self.store_chunk(true).await?;
            }
            let room = BODY_CHUNK_BYTES - self.chunk.len();
            let piece = data.split_to(room.min(data.len()));
            self.make_room(piece.len()).await?;
            self.chunk.extend(&piece);
        }
        Ok(())
    }

    /// Takes memory for what comes; without any left, what is here goes to the disk early.
    async fn make_room(&mut self, bytes: usize) -> Result<(), SpoolError> {
        let wanted = (self.chunk.len() + bytes)
            .next_power_of_two()
            .min(BODY_CHUNK_BYTES);
        if wanted <= BODY_MEMORY_FREE {
            return Ok(());
        }
        if self.spool.inner.memory_in.grow(&mut self.held, wanted) {
            self.chunk.reserve(wanted);
        } else if self.chunk.len() > BODY_MEMORY_FREE && self.spool.inner.files.is_some() {
            self.store_chunk(false).await?;
        }
        Ok(())
    }

    /// Bytes so far.
    #[must_use]
    pub const fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// Leaves room for a head that comes with [`BodyWriter::finish_with_head`]; to be said before
    /// anything is written.
    #[must_use]
    pub const fn behind_head(mut self) -> Self {
        self.is_behind_head = true;
        self
    }

    /// Completes the body and puts `head`, at most 256 KiB, in front of all that was written.
    ///
    /// # Errors
    /// [`SpoolError::Engine`] when the store takes nothing more; [`SpoolError::Invalid`] when no
    /// room was left or the head is too large.
    pub async fn finish_with_head(mut self, head: &[u8]) -> Result<StoredBody, SpoolError> {
        if !self.is_behind_head || head.len() > BODY_CHUNK_BYTES {
            return Err(SpoolError::Invalid("a head for which no room was left"));
        }
        self.size_bytes += head.len() as u64;
        let mut first = ChunkBuilder::with_capacity(head.len() + self.chunk.len());
        first.extend(head);
        if self.chunks == 0 && head.len() + self.chunk.len() <= BODY_CHUNK_BYTES {
            first.extend(self.chunk.data());
            self.chunk = first;
            self.is_behind_head = false;
            return self.complete(None).await;
        }
        if self.chunk.len() > 0 {
            self.store_chunk(false).await?;
        }
        self.complete(Some(first)).await
    }

    /// Completes the body.
    ///
    /// # Errors
    /// [`SpoolError::Engine`] when the store takes nothing more; [`SpoolError::Invalid`] when room
    /// was left for a head.
    pub async fn finish(mut self) -> Result<StoredBody, SpoolError> {
        if self.is_behind_head {
            return Err(SpoolError::Invalid("a body whose head has not come"));
        }
        if self.chunks > 0 && self.chunk.len() > 0 {
            self.store_chunk(false).await?;
        }
        self.complete(None).await
    }

    async fn complete(mut self, head: Option<ChunkBuilder>) -> Result<StoredBody, SpoolError> {
        let mut inline = Vec::with_capacity(2);
        let claim = match std::mem::replace(&mut self.to, Destination::None) {
            Destination::None => {
                inline.push(self.finish_chunk()?);
                None
            }
            Destination::Rows(claim) => {
                self.to = Destination::Rows(claim);
                if let Some(head) = head {
                    let head = self.stored_chunk(0, head)?;
                    self.put_row(0, head).await?;
                    self.chunks += 1;
                }
                match std::mem::replace(&mut self.to, Destination::None) {
                    Destination::Rows(claim) => Some(BodyClaim::Rows(claim)),
                    Destination::None | Destination::File(_) => None,
                }
            }
            Destination::File(writer) => {
                self.held = Held::default();
                let (place, claim) = self.spool.on_files(|_| writer.finish()).await?;
                inline.push(place.encode()?);
                if let Some(head) = head {
                    inline.push(self.stored_chunk(0, head)?);
                }
                Some(BodyClaim::File(claim))
            }
        };
        let chunks = match inline.len() {
            0 => self.chunks,
            rows => u32::try_from(rows).unwrap_or(u32::MAX),
        };
        Ok(StoredBody {
            message: self.message,
            size_bytes: self.size_bytes,
            chunks,
            place: self.place,
            sealed_for: self.seal.is_some().then_some(self.domains),
            inline,
            claim,
            _held: self.held,
        })
    }

    /// The chunk as it is stored; the next one begins empty.
    fn finish_chunk(&mut self) -> Result<Bytes, SpoolError> {
        let next = ChunkBuilder::with_capacity(0);
        let full = std::mem::replace(&mut self.chunk, next);
        self.stored_chunk(self.next_number(), full)
    }

    /// The number of the chunk that is being filled.
    fn next_number(&self) -> u32 {
        self.chunks + u32::from(self.is_behind_head)
    }

    /// A chunk as it is stored. The shares of the body's key stand in the first one.
    fn stored_chunk(&self, number: u32, full: ChunkBuilder) -> Result<Bytes, SpoolError> {
        let Some((key, shares)) = &self.seal else {
            return Ok(full.finish());
        };
        let seal = ChunkSeal {
            message: self.message,
            chunk: number,
            key,
            shares: if number == 0 { shares } else { &[] },
        };
        Ok(full.finish_sealed(&self.spool.inner.compressors, &seal)?)
    }

    /// Puts what is in memory where large bodies go.
    async fn store_chunk(&mut self, more: bool) -> Result<(), SpoolError> {
        let number = self.next_number();
        let full = self.finish_chunk()?;
        if self.spool.inner.files.is_some() {
            self.append_to_file(full).await?;
        } else {
            self.put_row(number, full).await?;
        }
        self.chunks += 1;
        if more {
            self.chunk.reserve(BODY_CHUNK_BYTES);
        }
        Ok(())
    }

    async fn append_to_file(&mut self, full: Bytes) -> Result<(), SpoolError> {
        let begun = match std::mem::replace(&mut self.to, Destination::None) {
            Destination::File(writer) => Some(writer),
            _ => None,
        };
        let message = self.message;
        // A caller that goes away leaves the file to the thread that writes it.
        let append = move |files: &_| {
            let mut writer = match begun {
                Some(writer) => writer,
                None => Box::new(SlotWriter::begin(files, message)?),
            };
            writer.append(&full)?;
            Ok(writer)
        };
        self.to = Destination::File(self.spool.on_files(append).await?);
        Ok(())
    }

    async fn put_row(&mut self, number: u32, full: Bytes) -> Result<(), SpoolError> {
        if let Destination::None = self.to {
            self.to = Destination::Rows(self.spool.inner.uploads.claim(self.message));
        }
        let upload = Upload {
            chunks: self.next_number() + 1,
            place: self.place,
        };
        if let Destination::Rows(claim) = &mut self.to {
            claim.wrote(upload);
        }
        let mut batch = Batch::new();
        let key = transit::key(self.message, number);
        batch.put(transit::keyspace(self.place), &key, full);
        batch.encode(KeyspaceId::Meta, &meta::upload_key(self.message), |out| {
            codec::encode(out, &upload)
        })?;
        self.spool
            .inner
            .committer
            .commit(batch, Durability::Buffer, |_, _| Ok::<_, SpoolError>(()))
            .await
    }
}

impl Spool {
    /// Starts to take in the body of a message, unsealed: for bodies that are for no domain.
    #[must_use]
    pub fn begin_body(&self, message: MessageId) -> BodyWriter {
        self.body_writer(message, BodyPlace::Transit, None, Vec::new())
    }

    /// Starts to take in the body of a message for these domains: it is sealed with their keys (for
    /// other people's domains with one of the node's own, made from the master key), and
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
        Ok(self.body_writer(message, place, seal, domains.to_vec()))
    }

    fn body_writer(
        &self,
        message: MessageId,
        place: BodyPlace,
        seal: Option<(BodyKey, BytesMut)>,
        domains: Vec<DomainId>,
    ) -> BodyWriter {
        BodyWriter {
            spool: self.clone(),
            message,
            chunk: ChunkBuilder::with_capacity(BODY_CAPACITY),
            size_bytes: 0,
            chunks: 0,
            place,
            seal,
            domains,
            is_behind_head: false,
            to: Destination::None,
            held: Held::default(),
        }
    }

    /// Puts a body that belongs to no message yet where its message wants it. One that is in memory
    /// or in a file goes anywhere; one whose chunks are rows is written again when it would go too early.
    pub(super) async fn settle_place(
        &self,
        body: &mut StoredBody,
        wanted: BodyPlace,
    ) -> Result<(), SpoolError> {
        if !body.inline.is_empty() {
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
            batch.encode(KeyspaceId::Meta, &meta::upload_key(message), |out| {
                codec::encode(out, &upload)
            })?;
            self.inner
                .committer
                .commit(batch, Durability::Buffer, |_, _| Ok::<_, SpoolError>(()))
                .await?;
        }
        Ok(())
    }
}
