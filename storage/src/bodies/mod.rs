//! Files of large bodies beside the store (ADR 0005).
//!
//! ```text
//! <data directory>/bodies/<slot>    frames, one behind the other:
//!   message id 12 | number u32 | length u32 | codec::chunk
//! ```
//! A body over 256 KiB is written into a file of its own as it arrives, synced, and only then
//! named by the row of its message in `transit` (a [`FilePlace`]). A file keeps its name, the slot,
//! for good and is written over when its body is gone: blocks that exist already are synced many
//! times faster than new ones, and no directory changes.
//!
//! Invariants:
//! - A row never names a file whose content has not been synced before the row's commit.
//! - A file is written over or deleted only after the commit that took its row away has been
//!   synced, so a power cut never brings back a row without its body.
//! - Every frame carries the id of its message, so that what was there before is never taken for
//!   what should be there.
//! - Which files are wanted is said by the rows alone; what nobody names is free.

mod budget;
mod place;
mod reader;
mod register;
mod slot;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Semaphore;

use crate::engine::{EngineError, create_directory};
use crate::limits::BODY_WRITERS_MAX;
use crate::model::MessageId;
use register::Register;

pub(crate) use budget::{Budget, Held};
pub(crate) use place::FilePlace;
pub(crate) use reader::SlotReader;
pub(crate) use register::{FileClaim, Suspect};
pub(crate) use slot::SlotWriter;

/// Name of the folder in a data directory.
const FOLDER: &str = "bodies";

/// Files of large bodies and what this process knows about them.
#[derive(Debug)]
pub(crate) struct BodyFiles {
    folder: PathBuf,
    register: Mutex<Register>,
    /// Bodies that are being written to the disk right now: bounds threads and buffers.
    writing: Semaphore,
    /// Held while files are freed; a backup holds it while it copies them.
    pub(crate) freeing: tokio::sync::Mutex<()>,
}

/// What the files of bodies occupy.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BodyFilesStats {
    /// Files, those that wait to be used again included.
    pub files: u64,
    /// Blocks of all of them, in bytes.
    pub disk_bytes: u64,
    /// Files that wait to be used again.
    pub free_files: u64,
}

impl BodyFiles {
    /// The files of a data directory; which of them are wanted is found out later.
    pub(crate) fn open(data_directory: &Path) -> Result<Self, EngineError> {
        let folder = data_directory.join(FOLDER);
        create_directory(&folder)?;
        let register = Register::of(slots(&folder).map_err(|error| failed(&folder, error))?);
        Ok(Self {
            folder,
            register: Mutex::new(register),
            writing: Semaphore::new(BODY_WRITERS_MAX),
            freeing: tokio::sync::Mutex::new(()),
        })
    }

    fn register(&self) -> MutexGuard<'_, Register> {
        // No statement under this lock leaves the register half changed.
        self.register.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs file work away from the reactor, together with a bounded number of others.
    pub(crate) async fn blocking<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Arc<Self>) -> io::Result<T> + Send + 'static,
    ) -> Result<T, EngineError> {
        let files = Arc::clone(self);
        let ended = |error: String| failed(&self.folder, io::Error::other(error));
        let turn = self.writing.acquire().await;
        let _turn = turn.map_err(|closed| ended(closed.to_string()))?;
        tokio::task::spawn_blocking(move || work(&files))
            .await
            .map_err(|error| ended(error.to_string()))?
            .map_err(|error| failed(&self.folder, error))
    }

    fn path(&self, slot: u64) -> PathBuf {
        path(&self.folder, slot)
    }

    /// Notes that a commit on its way takes away the row of a body: its file may be free soon.
    pub(crate) fn row_goes(&self, message: MessageId) {
        self.register().suspect(message);
    }

    /// Files that may be free: what was noted since the last call.
    pub(crate) fn take_suspects(&self) -> Vec<Suspect> {
        self.register().take_suspects()
    }

    /// Every file that is not being written, for a look at all of them.
    pub(crate) fn all_suspects(&self) -> Vec<Suspect> {
        let (mut suspects, unknown) = self.register().all();
        for slot in unknown {
            // A file without a readable beginning belongs to nobody.
            let message = slot::owner(&self.path(slot)).unwrap_or_default();
            suspects.extend(self.register().found(slot, message));
        }
        suspects
    }

    /// Frees files that nobody names. `keep` says whether they may wait to be used again.
    pub(crate) fn free(&self, suspects: &[Suspect], keep: bool) -> io::Result<()> {
        for suspect in suspects {
            let path = self.path(suspect.slot);
            let bytes = fs::metadata(&path).map_or(0, |file| file.len());
            if self.register().free(suspect, bytes, keep) {
                remove(&path)?;
            }
        }
        Ok(())
    }

    /// Deletes the files that wait to be used again: their space is wanted elsewhere.
    pub(crate) fn trim(&self) -> io::Result<()> {
        let waiting = self.register().take_free();
        waiting
            .into_iter()
            .try_for_each(|slot| remove(&self.path(slot)))
    }

    /// Copies every file that may be wanted into the folder of another data directory. The caller
    /// holds [`Self::freeing`]. Answers their bytes.
    pub(crate) fn copy_to(&self, data_directory: &Path) -> Result<u64, EngineError> {
        let to = data_directory.join(FOLDER);
        create_directory(&to)?;
        let wanted = self.register().wanted();
        let copy = |slot: u64| {
            let copy = path(&to, slot);
            let bytes = fs::copy(self.path(slot), &copy)?;
            fs::File::open(&copy)?.sync_all()?;
            Ok(bytes)
        };
        let copied: io::Result<u64> = wanted.into_iter().map(copy).sum();
        let synced = copied.and_then(|bytes| {
            fs::File::open(&to)?.sync_all()?;
            Ok(bytes)
        });
        synced.map_err(|error| failed(&to, error))
    }

    /// What the files occupy.
    pub(crate) fn stats(&self) -> io::Result<BodyFilesStats> {
        use std::os::unix::fs::MetadataExt;
        const BLOCK_BYTES: u64 = 512;
        let mut stats = BodyFilesStats {
            free_files: self.register().free_files(),
            ..BodyFilesStats::default()
        };
        for file in fs::read_dir(&self.folder)? {
            // One that was deleted meanwhile occupies nothing.
            if let Ok(file) = file?.metadata() {
                stats.files += 1;
                stats.disk_bytes += file.blocks() * BLOCK_BYTES;
            }
        }
        Ok(stats)
    }
}

fn path(folder: &Path, slot: u64) -> PathBuf {
    folder.join(format!("{slot:012}"))
}

fn slots(folder: &Path) -> io::Result<Vec<u64>> {
    let mut slots = Vec::new();
    for file in fs::read_dir(folder)? {
        let name = file?.file_name();
        // Anything else is not ours.
        slots.extend(name.to_str().and_then(|name| name.parse::<u64>().ok()));
    }
    Ok(slots)
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn failed(folder: &Path, source: io::Error) -> EngineError {
    EngineError::Io {
        action: format!("a body in {}", folder.display()),
        source,
    }
}
