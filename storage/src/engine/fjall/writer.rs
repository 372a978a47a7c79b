//! The one thread that writes: group commit.
//!
//! It takes the first order that waits and everything that came while the last sync ran, at most
//! [`GROUP_BYTES_MAX`], writes it as one batch, syncs once if anybody asked for it, and answers all.
//! There is no timer: a lone commit is never delayed, and the more wait the fewer syncs each costs.

use std::sync::atomic::Ordering;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use fjall::PersistMode;
use tokio::sync::oneshot;

use super::group::{Group, Waiting};
use super::store::{Store, describe};
use crate::engine::{Durability, EngineError, KeyspaceId, Precondition, Write};

/// Largest group: what a slow disk writes in a fraction of a second, and what a batch may hold in
/// memory a second time.
const GROUP_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// Where the outcome of an order goes.
pub(super) type Answer<T> = oneshot::Sender<Result<T, EngineError>>;

/// What the writer is asked to do.
pub(super) enum Order {
    Commit(Commit),
    Drop {
        keyspace: KeyspaceId,
        answer: Answer<bool>,
    },
    Close {
        answer: Answer<()>,
    },
}

/// A batch that is written whole or not at all.
pub(super) struct Commit {
    pub(super) writes: Vec<Write>,
    /// Roughly its bytes in the journal.
    pub(super) weight: u64,
    pub(super) durability: Durability,
    pub(super) preconditions: Vec<Precondition>,
    pub(super) answer: Answer<()>,
}

/// How long the end of a failed store waits for its writer, which may be stuck inside of it.
const STUCK_TIMEOUT: Duration = Duration::from_secs(2);

/// The running writer of a store. It ends when it is told to close or nobody can send orders.
pub(super) struct WriterThread {
    thread: JoinHandle<()>,
    /// Disconnected by the end of the thread.
    ended: Mutex<mpsc::Receiver<()>>,
}

impl WriterThread {
    pub(super) fn start(
        store: Arc<Store>,
        orders: mpsc::Receiver<Order>,
    ) -> Result<Self, EngineError> {
        let (ending, ended) = mpsc::channel::<()>();
        let thread = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || {
                Writer { store, orders }.run();
                drop(ending);
            })
            .map_err(|source| {
                EngineError::io("starting the thread that writes the store", source)
            })?;
        Ok(Self {
            thread,
            ended: Mutex::new(ended),
        })
    }

    /// Waits for the end of a writer that was told to close; for one that may be stuck, not long:
    /// the process ends around it.
    pub(super) fn end(self, may_be_stuck: bool) {
        let ended = self
            .ended
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        if may_be_stuck && ended.recv_timeout(STUCK_TIMEOUT) == Err(RecvTimeoutError::Timeout) {
            return;
        }
        let _ = self.thread.join();
    }
}

struct Writer {
    store: Arc<Store>,
    orders: mpsc::Receiver<Order>,
}

impl Drop for Writer {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.store.health.fail("the writer was stopped by a defect");
        }
    }
}

impl Writer {
    fn run(self) {
        let mut next = self.orders.recv().ok();
        while let Some(order) = next {
            next = match order {
                Order::Commit(first) => self.write_group(first),
                Order::Drop { keyspace, answer } => {
                    let _ = answer.send(self.drop_keyspace(keyspace));
                    None
                }
                Order::Close { answer } => {
                    let _ = answer.send(self.sync(PersistMode::SyncAll));
                    return;
                }
            }
            .or_else(|| self.orders.recv().ok());
        }
    }

    /// Writes one group that begins with `first`; an order that does not belong to it, if one came.
    fn write_group(&self, first: Commit) -> Option<Order> {
        let mut group = Group::default();
        let mut next = Some(Order::Commit(first));
        while let Some(Order::Commit(commit)) = next {
            group.add(&self.store, commit);
            if group.bytes >= GROUP_BYTES_MAX {
                next = None;
                break;
            }
            next = self.orders.try_recv().ok();
        }
        let outcome = self.write(std::mem::take(&mut group.rows), group.durability);
        self.store.counters.groups.fetch_add(1, Ordering::Relaxed);
        if outcome.is_ok() {
            let committed = group
                .answers
                .iter()
                .filter(|waiting| waiting.refused.is_none());
            let committed = committed.count() as u64;
            let before = self
                .store
                .counters
                .commits
                .fetch_add(committed, Ordering::Relaxed);
            self.store.committed.send_replace(before + committed);
        }
        self.store.counters.leave(group.bytes);
        for Waiting { answer, refused } in group.answers {
            let own = match (&outcome, refused) {
                (Err(_), _) => Err(self.store.health.why_closed()),
                (Ok(()), Some(refused)) => Err(refused),
                (Ok(()), None) => Ok(()),
            };
            // Who does not wait for the answer any more has left it to us.
            let _ = answer.send(own);
        }
        next
    }

    fn write(&self, rows: Vec<Write>, durability: Durability) -> Result<(), EngineError> {
        self.store.health.ensure()?;
        let mode = match durability {
            Durability::Buffer => PersistMode::Buffer,
            Durability::Synced => PersistMode::SyncData,
        };
        if durability == Durability::Synced {
            self.store.counters.syncs.fetch_add(1, Ordering::Relaxed);
        }
        if rows.is_empty() {
            return self.sync(mode);
        }
        self.write_batch(rows, mode)
            .map_err(|error| self.failed(&error))
    }

    fn write_batch(&self, rows: Vec<Write>, mode: PersistMode) -> Result<(), fjall::Error> {
        let store = &self.store;
        let mut batch = fjall::OwnedWriteBatch::with_capacity(store.database.clone(), rows.len())
            .durability(Some(mode));
        for row in rows {
            match row.value {
                Some(value) => {
                    let keyspace = store
                        .keyspaces
                        .get_or_create(&store.database, row.keyspace)?;
                    batch.insert(&keyspace, row.key, value);
                }
                None => {
                    if let Some(keyspace) = store.keyspaces.get(row.keyspace) {
                        batch.remove(&keyspace, row.key);
                    }
                }
            }
        }
        if batch.is_empty() {
            return store.database.persist(mode);
        }
        batch.commit()
    }

    fn drop_keyspace(&self, keyspace: KeyspaceId) -> Result<bool, EngineError> {
        self.store.health.ensure()?;
        let Some(handle) = self.store.keyspaces.remove(keyspace) else {
            return Ok(false);
        };
        let store = &self.store;
        let delete = || {
            store.database.delete_keyspace(handle)?;
            // fjall counts on from the newest row it finds: keep one newer than the deletion, or it
            // would number later keyspaces as older than this one.
            let internal = store.keyspaces.internal();
            internal.insert("dropped", keyspace.name().as_bytes())?;
            store.database.persist(PersistMode::SyncData)
        };
        delete().map_err(|error| self.failed(&error))?;
        Ok(true)
    }

    fn sync(&self, mode: PersistMode) -> Result<(), EngineError> {
        self.store.health.ensure()?;
        let persisted = self.store.database.persist(mode);
        persisted.map_err(|error| self.failed(&error))
    }

    fn failed(&self, error: &fjall::Error) -> EngineError {
        self.store.health.fail(&describe(error));
        self.store.health.why_closed()
    }
}
