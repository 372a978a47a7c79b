//! Whether the store still takes writes.
//!
//! A failed write or sync is final: the kernel may have thrown the pages away and report the next
//! sync as good (Rebello et al., "Can Applications Recover from fsync Failures?", ATC 2020). So the
//! first failure is remembered, everybody is told, and only a new process writes again.

use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::Duration;

use fjall::PersistMode;
use tokio::sync::watch;

use super::lock::Lock;
use super::store::{Store, describe};
use crate::engine::EngineError;

/// The first failure of a store, if there was one.
#[derive(Debug)]
pub(super) struct Health {
    failed: watch::Sender<Option<String>>,
    lock: Arc<Lock>,
}

impl Health {
    pub(super) fn new(lock: Arc<Lock>) -> Self {
        Self {
            failed: watch::Sender::new(None),
            lock,
        }
    }

    /// Notes a failure for everybody and for the next process; the first one stays.
    pub(super) fn fail(&self, why: &str) {
        // Before anybody hears of it and ends the process.
        if let Err(error) = self.lock.taint() {
            tracing::error!(%error, "the next start will not know of the failure");
        }
        let is_first = self.failed.send_if_modified(|failed| {
            let is_first = failed.is_none();
            if is_first {
                *failed = Some(why.to_owned());
            }
            is_first
        });
        if is_first {
            tracing::error!(reason = why, "the store takes no more writes");
        }
    }

    pub(super) fn has_failed(&self) -> bool {
        self.failed.borrow().is_some()
    }

    pub(super) fn subscribe(&self) -> watch::Receiver<Option<String>> {
        self.failed.subscribe()
    }

    /// Fails when the store has failed.
    pub(super) fn ensure(&self) -> Result<(), EngineError> {
        match self.failed.borrow().clone() {
            Some(why) => Err(EngineError::Poisoned(why)),
            None => Ok(()),
        }
    }

    /// Why the writer answers nothing: it failed, or it was told to stop.
    pub(super) fn why_closed(&self) -> EngineError {
        self.ensure().err().unwrap_or(EngineError::Closed)
    }
}

/// How often the sentinel looks, and so how late an idle process learns of a failure.
const PERIOD: Duration = Duration::from_secs(1);

/// A thread that notices when the store fails in the background, where no commit would see it: a
/// memtable that cannot be written out stops the store while nobody writes, and lets the writer
/// wait inside of it for ever.
pub(super) struct Sentinel {
    stop: Option<mpsc::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Sentinel {
    pub(super) fn start(store: Arc<Store>) -> Result<Self, EngineError> {
        let (stop, stopped) = mpsc::channel();
        let thread = std::thread::Builder::new()
            .name("store-sentinel".to_owned())
            .spawn(move || {
                while stopped.recv_timeout(PERIOD) == Err(RecvTimeoutError::Timeout) {
                    // Writes nothing when nothing is buffered, and asks whether writing is allowed.
                    if let Err(error) = store.database.persist(PersistMode::Buffer) {
                        store.health.fail(&describe(&error));
                        return;
                    }
                }
            })
            .map_err(|source| {
                EngineError::io("starting the thread that watches the store", source)
            })?;
        Ok(Self {
            stop: Some(stop),
            thread: Some(thread),
        })
    }
}

impl Drop for Sentinel {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
