//! Bodies on their way out, chunk by chunk, from rows or from a file of their own.

use std::io::ErrorKind;

use bytes::Bytes;

use super::Spool;
use super::copies::kept;
use crate::bodies::{FilePlace, Held, SlotReader};
use crate::codec::chunk::{self, ChunkError};
use crate::engine::EngineError;
use crate::error::SpoolError;
use crate::keyspace::transit;
use crate::limits::{BODY_CHUNK_BYTES, BODY_MEMORY_FREE};
use crate::metrics;
use crate::model::{BodyPlace, DomainId, MessageId, QueueEntry};
use crate::seal::BodyKey;

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
    /// Known to be so small that it needs no share of the memory for bodies.
    small: bool,
    /// The file of a large body, once its place has been read.
    file: Option<SlotReader>,
    /// The number of the first chunk in the file.
    first_in_file: u32,
}

impl BodyReader {
    /// The next piece, at most 256 KiB; none at the end.
    ///
    /// # Errors
    /// [`SpoolError::CorruptBody`] when a piece is missing or not what was stored: set the entry
    /// aside. [`SpoolError::Engine`] when the store cannot be read.
    pub async fn next(&mut self) -> Result<Option<Bytes>, SpoolError> {
        loop {
            let held = self.share().await;
            let stored = if self.file.is_some() {
                self.next_in_file().await?
            } else {
                self.next_row().await?
            };
            let Some((number, stored)) = stored else {
                if self.file.take().is_some() {
                    continue;
                }
                return Ok(None);
            };
            let mut number = number;
            let mut stored = stored;
            if self.file.is_none() && self.open_file(number, &stored).await? {
                // The head that came last stands in the row behind.
                let Some((_, head)) = self.next_row().await? else {
                    continue;
                };
                self.first_in_file = 1;
                (number, stored) = (0, head);
            }
            let data = self
                .open(number, &stored)
                .map_err(|error| self.corrupt(number, error.to_string()))?;
            return Ok(Some(held.tie_to(data)));
        }
    }

    /// A share of the memory for bodies, for the next piece; small bodies need none.
    async fn share(&self) -> Held {
        if self.small {
            return Held::default();
        }
        self.spool.inner.memory_out.hold(BODY_CHUNK_BYTES).await
    }

    async fn next_row(&mut self) -> Result<Option<(u32, Bytes)>, SpoolError> {
        let number = self.next;
        if number == self.chunks {
            return Ok(None);
        }
        let stored = match self.stored(number).await {
            Ok(Some(stored)) => stored,
            Ok(None) => return Err(self.corrupt(number, "it is missing".to_owned())),
            Err(SpoolError::Engine(error @ EngineError::Corrupt { .. })) => {
                return Err(self.corrupt(number, error.to_string()));
            }
            Err(error) => return Err(error),
        };
        self.next += 1;
        Ok(Some((number, stored)))
    }

    /// Opens the file that a row names; whether it names one.
    async fn open_file(&mut self, number: u32, stored: &Bytes) -> Result<bool, SpoolError> {
        let Some(place) = FilePlace::decode(stored) else {
            return Ok(false);
        };
        let place = place.map_err(|error| self.corrupt(number, error.to_string()))?;
        let message = self.message;
        let opened = self
            .spool
            .on_files(move |files| SlotReader::open(files, message, place))
            .await;
        self.file = Some(opened.map_err(|error| self.file_error(number, error))?);
        Ok(true)
    }

    async fn next_in_file(&mut self) -> Result<Option<(u32, Bytes)>, SpoolError> {
        let Some(mut file) = self.file.take() else {
            return Ok(None);
        };
        let number = self.first_in_file + file.frames_read();
        let read = self.spool.on_files(move |_| Ok((file.next()?, file))).await;
        let (stored, file) = read.map_err(|error| self.file_error(number, error))?;
        self.file = Some(file);
        Ok(stored.map(|stored| (number, stored)))
    }

    /// What is not there or is something else is damage; anything else is the disk's trouble.
    fn file_error(&self, chunk: u32, error: SpoolError) -> SpoolError {
        match &error {
            SpoolError::Engine(EngineError::Io { source, .. })
                if matches!(
                    source.kind(),
                    ErrorKind::NotFound | ErrorKind::InvalidData | ErrorKind::UnexpectedEof
                ) =>
            {
                self.corrupt(chunk, error.to_string())
            }
            _ => error,
        }
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
    /// Starts to read the body of an entry.
    #[must_use]
    pub fn body(&self, entry: &QueueEntry) -> BodyReader {
        let mut reader = self.body_at(entry.domain, entry.message, entry.place, entry.chunks);
        reader.small = entry.size_bytes <= BODY_MEMORY_FREE as u64;
        reader
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
            first_in_file: 0,
            small: false,
            file: None,
        }
    }
}
