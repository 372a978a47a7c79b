//! Reading one file, frame by frame.

use std::fs::File;
use std::io::{self, Read};
use std::sync::Arc;

use bytes::Bytes;

use super::slot::{FRAME_HEADER_BYTES, header};
use super::{BodyFiles, FilePlace};
use crate::limits::BODY_STORED_CHUNK_MAX;
use crate::model::MessageId;

/// The file of a body being read. Its calls block.
#[derive(Debug)]
pub(crate) struct SlotReader {
    file: File,
    message: MessageId,
    place: FilePlace,
    next: u32,
}

impl SlotReader {
    /// Opens the file.
    pub(crate) fn open(
        files: &Arc<BodyFiles>,
        message: MessageId,
        place: FilePlace,
    ) -> io::Result<Self> {
        Ok(Self {
            file: File::open(files.path(place.slot))?,
            message,
            place,
            next: 0,
        })
    }

    /// Chunks read so far.
    pub(crate) const fn frames_read(&self) -> u32 {
        self.next
    }

    /// The next chunk as it was stored, its frame verified; none at the end.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidData`] or [`io::ErrorKind::UnexpectedEof`] when something else
    /// stands there.
    pub(crate) fn next(&mut self) -> io::Result<Option<Bytes>> {
        if self.next == self.place.frames {
            return Ok(None);
        }
        let mut found = [0; FRAME_HEADER_BYTES];
        self.file.read_exact(&mut found)?;
        let [.., a, b, c, d] = found;
        let length = u32::from_be_bytes([a, b, c, d]) as usize;
        if length > BODY_STORED_CHUNK_MAX || found != header(self.message, self.next, length) {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "another frame stands there",
            ));
        }
        let mut chunk = vec![0; length];
        self.file.read_exact(&mut chunk)?;
        self.next += 1;
        Ok(Some(chunk.into()))
    }
}
