//! A message on its way from the session to the store: the head is held back until the rest has
//! been seen, because what is found in the body is told in front of it.
//!
//! What always holds: below our trace fields every octet is stored as it came, but for forged
//! fields that are taken out; besides the head (256 KiB at most) nothing is held in memory.

use bytes::{Bytes, BytesMut};
use storage::spool::{BodyWriter, SpoolError, StoredBody};

use super::body_hash::{BodyHashes, FinishedHashes};
use super::header_summary::fields;
use super::parts::{PartScanner, PartSummary};
use crate::smtp::header::is_header_line;

/// Takes a message in, our trace field first.
#[derive(Debug)]
pub struct IncomingBody {
    writer: BodyWriter,
    stage: Stage,
    parts: PartScanner,
    hashes: Option<BodyHashes>,
    /// Signatures will be verified.
    is_hashed: bool,
}

#[derive(Debug)]
enum Stage {
    /// The header section, and where the line begins whose end has not come yet.
    Header {
        held: BytesMut,
        line_start: usize,
    },
    Body {
        head: Bytes,
    },
}

/// A complete message whose body is in the store.
#[derive(Debug)]
pub struct ReceivedMessage {
    writer: BodyWriter,
    head: Bytes,
    trace_len: usize,
    /// How it is built.
    pub parts: PartSummary,
    /// For its signatures; none when they are not verified.
    pub hashes: Option<FinishedHashes>,
}

impl IncomingBody {
    /// A message that goes into `writer`. With `is_hashed` its signatures can be verified.
    #[must_use]
    pub fn new(writer: BodyWriter, is_hashed: bool) -> Self {
        Self {
            writer: writer.behind_head(),
            stage: Stage::Header {
                held: BytesMut::new(),
                line_start: 0,
            },
            parts: PartScanner::default(),
            hashes: None,
            is_hashed,
        }
    }

    /// Takes the next piece.
    ///
    /// # Errors
    /// [`SpoolError::Engine`] when the store takes nothing more.
    pub async fn write(&mut self, piece: Bytes) -> Result<(), SpoolError> {
        let Stage::Header { held, line_start } = &mut self.stage else {
            return self.write_body(piece).await;
        };
        let seen = held.len();
        held.extend_from_slice(&piece);
        for offset in memchr::memchr_iter(b'\n', &piece) {
            let next = seen + offset + 1;
            let line = held.get(*line_start..next).unwrap_or_default();
            if !is_header_line(line) {
                let end = *line_start;
                let body = piece.slice(end.saturating_sub(seen)..);
                // The line may have begun in an earlier piece.
                let early = held.get(end..seen.max(end)).unwrap_or_default();
                let early = Bytes::copy_from_slice(early);
                held.truncate(end);
                return self.begin_body(early, body).await;
            }
            *line_start = next;
        }
        Ok(())
    }

    async fn begin_body(&mut self, early: Bytes, body: Bytes) -> Result<(), SpoolError> {
        let Stage::Header { held, .. } = &mut self.stage else {
            return Ok(());
        };
        let head = std::mem::take(held).freeze();
        let section = head.get(trace_len(&head)..).unwrap_or_default();
        self.parts.push(section);
        self.hashes = self.is_hashed.then(|| BodyHashes::for_header(section));
        self.stage = Stage::Body { head };
        // The empty line belongs to neither for signatures, and is stored with the body.
        let mut first = BytesMut::with_capacity(early.len() + body.len());
        first.extend_from_slice(&early);
        first.extend_from_slice(&body);
        let first = first.freeze();
        self.parts.push(&first);
        if let Some(hashes) = &mut self.hashes {
            hashes.push(first.strip_prefix(b"\r\n").unwrap_or(&first));
        }
        self.writer.write(first).await
    }

    async fn write_body(&mut self, piece: Bytes) -> Result<(), SpoolError> {
        self.parts.push(&piece);
        if let Some(hashes) = &mut self.hashes {
            hashes.push(&piece);
        }
        self.writer.write(piece).await
    }

    /// The message is complete.
    ///
    /// # Errors
    /// [`SpoolError::Engine`] when the store takes nothing more.
    pub async fn finish(mut self) -> Result<ReceivedMessage, SpoolError> {
        if let Stage::Header { held, .. } = &mut self.stage {
            // Nothing but a header; a last line without its end belongs to it.
            let _ = held;
            self.begin_body(Bytes::new(), Bytes::new()).await?;
        }
        let Stage::Body { head } = self.stage else {
            return Err(SpoolError::Invalid("a message without a head"));
        };
        Ok(ReceivedMessage {
            trace_len: trace_len(&head),
            head,
            writer: self.writer,
            parts: self.parts.summary(),
            hashes: self.hashes.map(BodyHashes::finish),
        })
    }
}

impl ReceivedMessage {
    /// The header section as received, without our trace field.
    #[must_use]
    pub fn section(&self) -> &[u8] {
        self.head.get(self.trace_len..).unwrap_or_default()
    }

    /// Octets of the message, the trace field included.
    #[must_use]
    pub fn size_bytes(&self) -> u64 {
        self.writer.size_bytes() + self.head.len() as u64
    }

    /// Stores it with `fields` behind our trace field and with `section` in place of the received
    /// header section.
    ///
    /// # Errors
    /// [`SpoolError::Engine`] when the store takes nothing more.
    pub async fn store(
        self,
        fields: &str,
        section: Option<Vec<u8>>,
    ) -> Result<StoredBody, SpoolError> {
        let trace = self.head.get(..self.trace_len).unwrap_or_default();
        let section = section.as_deref().unwrap_or(self.section());
        let mut head = Vec::with_capacity(trace.len() + fields.len() + section.len());
        head.extend_from_slice(trace);
        head.extend_from_slice(fields.as_bytes());
        head.extend_from_slice(section);
        self.writer.finish_with_head(&head).await
    }
}

/// Our trace field is the first one, and exactly one.
fn trace_len(head: &[u8]) -> usize {
    fields(head).next().map_or(0, |trace| trace.whole.len())
}
