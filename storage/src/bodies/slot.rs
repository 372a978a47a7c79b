//! Writing one file, frame by frame.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write as _};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;

use super::register::FileClaim;
use super::{BodyFiles, FilePlace};
use crate::model::MessageId;

/// Bytes in front of a frame's chunk.
pub(super) const FRAME_HEADER_BYTES: usize = 20;
/// A body is given back what its file has more than this share of it, in per cent.
const WASTE_PERCENT_MAX: u64 = 25;

/// The file of a body under construction. Its calls block.
#[derive(Debug)]
pub(crate) struct SlotWriter {
    file: File,
    claim: FileClaim,
    frames: u32,
    bytes: u64,
    /// The file is new, so its name has to be made durable too.
    is_new: bool,
}

impl SlotWriter {
    /// Takes a file for a body: one that waits to be used again, or a new one.
    pub(crate) fn begin(files: &Arc<BodyFiles>, message: MessageId) -> io::Result<Self> {
        let (claim, is_new) = FileClaim::take(files, message);
        let file = OpenOptions::new()
            .write(true)
            .create(is_new)
            .truncate(false)
            .mode(0o600)
            .open(files.path(claim.slot()))?;
        Ok(Self {
            file,
            claim,
            frames: 0,
            bytes: 0,
            is_new,
        })
    }

    /// Appends a chunk as it is stored.
    pub(crate) fn append(&mut self, chunk: &[u8]) -> io::Result<()> {
        let header = header(self.claim.message(), self.frames, chunk.len());
        let written = self
            .file
            .write_all(&header)
            .and_then(|()| self.file.write_all(chunk));
        written.inspect_err(|_| self.claim.spoil())?;
        self.frames += 1;
        self.bytes += (header.len() + chunk.len()) as u64;
        Ok(())
    }

    /// Makes the body durable; where it lies, and the right to the file.
    pub(crate) fn finish(self) -> io::Result<(FilePlace, FileClaim)> {
        self.sync().inspect_err(|_| self.claim.spoil())?;
        let place = FilePlace {
            slot: self.claim.slot(),
            frames: self.frames,
            bytes: self.bytes,
        };
        Ok((place, self.claim))
    }

    fn sync(&self) -> io::Result<()> {
        let room = self.file.metadata()?.len();
        if room.saturating_sub(self.bytes) > self.bytes / 100 * WASTE_PERCENT_MAX {
            self.file.set_len(self.bytes)?;
        }
        self.file.sync_data()?;
        if self.is_new {
            File::open(&self.claim.files().folder)?.sync_all()?;
        }
        Ok(())
    }
}

/// What stands in front of a chunk.
pub(super) fn header(message: MessageId, number: u32, length: usize) -> [u8; FRAME_HEADER_BYTES] {
    let length = u32::try_from(length).unwrap_or(u32::MAX);
    let mut header = [0; FRAME_HEADER_BYTES];
    let parts = message
        .as_bytes()
        .iter()
        .copied()
        .chain(number.to_be_bytes())
        .chain(length.to_be_bytes());
    for (to, from) in header.iter_mut().zip(parts) {
        *to = from;
    }
    header
}

/// Whose body a file holds, by its first frame; none when it has no frame.
pub(super) fn owner(path: &Path) -> io::Result<Option<MessageId>> {
    let mut id = [0; 12];
    match fs::File::open(path)?.read_exact(&mut id) {
        Ok(()) => Ok(Some(MessageId::from_bytes(id))),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
    }
}
