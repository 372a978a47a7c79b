//! The lock on a data directory, which also remembers that a process has seen a write or a sync
//! fail.
//!
//! After a failed sync the kernel may keep the pages in memory and call them clean: a process that
//! starts then reads a journal that the disk does not have, and no later sync brings it there. So
//! whoever opens the store next has to write the journals anew. The memory is the length of the lock
//! file, because changing that needs no room on a full disk and no path. It is not synced: a power
//! cut forgets the pages in question together with it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use crate::engine::EngineError;

/// Name of the file that is locked while a process has the data directory.
const LOCK: &str = "lock";

/// A data directory that belongs to this process until the lock is dropped.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
    path: PathBuf,
}

impl Lock {
    /// Takes a data directory.
    pub(super) fn take(directory: &Path) -> Result<Self, EngineError> {
        let path = directory.join(LOCK);
        let failed = |source| EngineError::io(format!("locking {}", path.display()), source);
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { file, path }),
            Err(TryLockError::WouldBlock) => Err(EngineError::Locked {
                directory: directory.to_owned(),
            }),
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }

    /// Whether a process before this one has seen a write or a sync fail.
    pub(super) fn is_tainted(&self) -> Result<bool, EngineError> {
        let length = self.file.metadata().map(|data| data.len());
        length
            .map(|length| length > 0)
            .map_err(|source| self.failed("looking at", source))
    }

    /// Notes that a write or a sync has failed.
    pub(super) fn taint(&self) -> Result<(), EngineError> {
        let noted = self.file.set_len(1);
        noted.map_err(|source| self.failed("writing to", source))
    }

    /// Notes that the journals have been written anew.
    pub(super) fn clear(&self) -> Result<(), EngineError> {
        let noted = self.file.set_len(0);
        noted.map_err(|source| self.failed("writing to", source))
    }

    fn failed(&self, action: &str, source: io::Error) -> EngineError {
        EngineError::io(format!("{action} {}", self.path.display()), source)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_remembered_for_the_next_process_until_it_is_dealt_with() {
        let directory = tempfile::tempdir().unwrap();
        let take = || Lock::take(directory.path()).unwrap();
        let first = take();
        assert!(!first.is_tainted().unwrap());
        assert!(matches!(
            Lock::take(directory.path()),
            Err(EngineError::Locked { .. })
        ));
        first.taint().unwrap();
        drop(first);
        let second = take();
        assert!(second.is_tainted().unwrap());
        second.clear().unwrap();
        drop(second);
        assert!(!take().is_tainted().unwrap());
    }
}
