//! The engine of one machine: [fjall](https://docs.rs/fjall) behind one writer thread.
//!
//! ```text
//! <data directory>/lock          held while the store is open
//! <data directory>/store/        fjall's files, and `format`: which rows stand in it
//! <data directory>/set-aside/    damaged journals as they were found
//! ```
//!
//! Invariants:
//! - Only the writer thread writes ([`writer`]): it drains what waits into one batch, syncs once
//!   and answers everybody, so the rate of commits is not the rate of syncs.
//! - Journals are read frame by frame before fjall sees them ([`journal`]): fjall drops everything
//!   behind a damaged frame without a word.
//! - Nothing is synced again after a failed write ([`health`]): the process has to start anew, and
//!   the next one writes the journals anew ([`lock`]).
//! - Reads block, so they run on the blocking pool and never on a reactor thread: even a row in
//!   memory may wait, because fjall holds the lock of a tree while it syncs its list of files.

mod backup;
mod check;
mod create;
mod group;
mod health;
mod journal;
mod keyspaces;
mod lock;
mod open;
mod options;
mod read;
mod reclaim;
mod stats;
mod store;
mod writer;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};

use bytes::Bytes;
use tokio::sync::{oneshot, watch};

use super::report::{BackupReport, CheckReport, EngineStats, ReclaimReport};
use super::write::{Durability, Precondition, Write};
use super::{
    DayKind, Direction, Engine, EngineError, EngineFuture, Inspector, KeyRange, KeyspaceId, Page,
};
use store::Store;
use writer::{Commit, Order, WriterThread};

pub(crate) use create::create_directory;
pub(super) use create::write_store;
pub use journal::{RecoveredJournal, RecoveryReport, recover_journals};
pub use options::FjallOptions;

/// An [`Engine`] over fjall in a directory of its own. Dropping it syncs and closes the store.
pub struct FjallEngine {
    store: Arc<Store>,
    orders: mpsc::Sender<Order>,
    writer: Option<WriterThread>,
    /// Held, not used: the sentinel ends when this is dropped.
    _sentinel: health::Sentinel,
}

impl FjallEngine {
    /// Opens the store of a data directory, and creates both when they are not there. Blocks:
    /// reading the journals of a store that was not emptied takes up to seconds.
    ///
    /// # Errors
    /// [`EngineError::Locked`] when another process has it, [`EngineError::Format`] when a newer
    /// program wrote it, [`EngineError::DamagedJournal`] when acknowledged records are lost unless
    /// somebody decides what to do ([`recover_journals`]), [`EngineError::Io`] otherwise.
    pub fn open(data_directory: &Path, options: &FjallOptions) -> Result<Self, EngineError> {
        let store = Arc::new(open::open(data_directory, options)?);
        let (orders, inbox) = mpsc::channel();
        let writer = WriterThread::start(Arc::clone(&store), inbox)?;
        let sentinel = health::Sentinel::start(Arc::clone(&store))?;
        Ok(Self {
            store,
            orders,
            writer: Some(writer),
            _sentinel: sentinel,
        })
    }

    /// Sends an order at once and waits for its answer when polled. The answer also comes when the
    /// store fails while the writer is stuck inside it.
    fn order<T: Send + 'static>(
        &self,
        order: impl FnOnce(oneshot::Sender<Result<T, EngineError>>) -> Order,
    ) -> EngineFuture<'_, T> {
        let (answer, answered) = oneshot::channel();
        let sent = self.orders.send(order(answer));
        Box::pin(async move {
            if sent.is_err() {
                return Err(self.store.health.why_closed());
            }
            let mut failed = self.store.health.subscribe();
            tokio::select! {
                biased;
                answer = answered => answer.unwrap_or_else(|_| Err(self.store.health.why_closed())),
                _ = failed.wait_for(Option::is_some) => Err(self.store.health.why_closed()),
            }
        })
    }

    /// Runs a blocking call on the store away from the reactor.
    fn blocking<T: Send + 'static>(
        &self,
        call: impl FnOnce(&Store) -> Result<T, EngineError> + Send + 'static,
    ) -> EngineFuture<'_, T> {
        let store = Arc::clone(&self.store);
        Box::pin(async move {
            tokio::task::spawn_blocking(move || call(&store))
                .await
                .unwrap_or_else(|ended| {
                    let source = std::io::Error::other(ended);
                    Err(EngineError::io("a read of the store did not end", source))
                })
        })
    }
}

impl Drop for FjallEngine {
    fn drop(&mut self) {
        let (answer, _) = oneshot::channel();
        // An error means that the writer has ended already.
        let _ = self.orders.send(Order::Close { answer });
        if let Some(writer) = self.writer.take() {
            writer.end(self.store.health.has_failed());
        }
    }
}

impl fmt::Debug for FjallEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FjallEngine")
            .field("directory", &self.store.directory)
            .finish_non_exhaustive()
    }
}

impl Engine for FjallEngine {
    fn commit(
        &self,
        writes: Vec<Write>,
        durability: Durability,
        preconditions: Vec<Precondition>,
    ) -> EngineFuture<'_, ()> {
        if let Err(refused) = writes.iter().try_for_each(Write::validate) {
            return Box::pin(std::future::ready(Err(refused)));
        }
        let weight = self.store.counters.enter(&writes);
        self.order(move |answer| {
            Order::Commit(Commit {
                writes,
                weight,
                durability,
                preconditions,
                answer,
            })
        })
    }

    fn get(&self, keyspace: KeyspaceId, key: Bytes) -> EngineFuture<'_, Option<Bytes>> {
        self.blocking(move |store| store.get(keyspace, &key))
    }

    fn scan(
        &self,
        keyspace: KeyspaceId,
        range: KeyRange,
        direction: Direction,
        limit: usize,
    ) -> EngineFuture<'_, Page> {
        self.blocking(move |store| store.scan(keyspace, range, direction, limit))
    }

    fn drop_day(&self, kind: DayKind, day: u32) -> EngineFuture<'_, bool> {
        let keyspace = KeyspaceId::Day { kind, day };
        self.order(move |answer| Order::Drop { keyspace, answer })
    }

    fn days(&self, kind: DayKind) -> EngineFuture<'_, Vec<u32>> {
        Box::pin(std::future::ready(Ok(self.store.keyspaces.days(kind))))
    }

    fn watch(&self) -> watch::Receiver<u64> {
        self.store.committed.subscribe()
    }

    fn failed(&self) -> watch::Receiver<Option<String>> {
        self.store.health.subscribe()
    }

    fn stats(&self) -> EngineFuture<'_, EngineStats> {
        self.blocking(Store::stats)
    }

    fn backup(&self, directory: PathBuf) -> EngineFuture<'_, BackupReport> {
        self.blocking(move |store| store.backup(&directory))
    }

    fn reclaim(&self) -> EngineFuture<'_, ReclaimReport> {
        self.blocking(Store::reclaim)
    }

    fn check(&self, inspect: Inspector) -> EngineFuture<'_, CheckReport> {
        self.blocking(move |store| store.check(inspect))
    }

    fn shutdown(&self) -> EngineFuture<'_, ()> {
        let closing = self.order(|answer| Order::Close { answer });
        Box::pin(async move {
            match closing.await {
                // Closed before: what was committed is synced.
                Err(EngineError::Closed) => Ok(()),
                answer => answer,
            }
        })
    }
}

#[cfg(test)]
mod tests;
