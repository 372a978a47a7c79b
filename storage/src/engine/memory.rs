//! The engine for simulations and tests: one ordered map per keyspace, no thread, no file.
//!
//! A commit is done when it is called, a read when its future is first polled, so it behaves the
//! same under a paused clock and in every run. A clone is another handle on the same rows, which
//! is how a test "restarts". Rows of unsynced commits can be taken back ([`MemoryEngine::lose_unsynced`]) as a power cut
//! would, and the engine can be told to fail ([`MemoryEngine::fail`]) as a full disk would.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::watch;

use super::fjall::write_store;
use super::range::is_empty;
use super::report::{
    BackupReport, CheckReport, EngineStats, Inspected, KeyspaceStats, ReclaimReport,
};
use super::write::{Durability, Precondition, Write};
use super::{
    DayKind, Direction, Engine, EngineError, EngineFuture, Inspector, KeyRange, KeyspaceId, Page,
};

type Rows = BTreeMap<Bytes, Bytes>;

/// An [`Engine`] that keeps its rows in memory.
#[derive(Clone)]
pub struct MemoryEngine {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    committed: watch::Sender<u64>,
    failed: watch::Sender<Option<String>>,
}

#[derive(Default)]
struct State {
    keyspaces: BTreeMap<KeyspaceId, Rows>,
    /// What unsynced commits replaced, oldest first.
    unsynced: Vec<(KeyspaceId, Bytes, Option<Bytes>)>,
    commits: u64,
    syncs: u64,
    closed: bool,
}

impl MemoryEngine {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self {
            shared: Arc::new(Shared {
                state: Mutex::default(),
                committed: watch::Sender::new(0),
                failed: watch::Sender::new(None),
            }),
        }
    }

    /// Fails every commit from now on, as after an error of the disk.
    pub fn fail(&self, why: &str) {
        self.shared.failed.send_replace(Some(why.to_owned()));
    }

    /// Takes back everything that was committed since the last synced commit, as a power cut may.
    /// The rows of a day that was dropped meanwhile stay dropped.
    pub fn lose_unsynced(&self) {
        let mut state = self.state();
        while let Some((keyspace, key, before)) = state.unsynced.pop() {
            if let Some(rows) = state.keyspaces.get_mut(&keyspace) {
                set(rows, key, before);
            }
        }
    }

    /// Makes a store that was shut down or failed take commits again, as a new process would.
    pub fn reopen(&self) {
        self.state().closed = false;
        self.shared.failed.send_replace(None);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // The map is whole between any two statements that could panic.
        self.shared
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn writable(&self, state: &State) -> Result<(), EngineError> {
        if let Some(why) = self.shared.failed.borrow().clone() {
            return Err(EngineError::Poisoned(why));
        }
        if state.closed {
            return Err(EngineError::Closed);
        }
        Ok(())
    }

    fn commit_now(
        &self,
        writes: Vec<Write>,
        durability: Durability,
        preconditions: &[Precondition],
    ) -> Result<(), EngineError> {
        let mut state = self.state();
        self.writable(&state)?;
        for write in &writes {
            write.validate()?;
        }
        if let Some(broken) = preconditions.iter().find(|wanted| {
            state.row(wanted.keyspace, &wanted.key).as_ref() != wanted.expected.as_ref()
        }) {
            return Err(EngineError::Precondition {
                keyspace: broken.keyspace,
                key: broken.key.clone(),
            });
        }
        for write in writes {
            let rows = state.keyspaces.entry(write.keyspace).or_default();
            let before = set(rows, write.key.clone(), write.value);
            state.unsynced.push((write.keyspace, write.key, before));
        }
        state.commits += 1;
        if durability == Durability::Synced {
            state.syncs += 1;
            state.unsynced.clear();
        }
        let commits = state.commits;
        drop(state);
        self.shared.committed.send_replace(commits);
        Ok(())
    }

    fn scan_now(
        &self,
        keyspace: KeyspaceId,
        range: KeyRange,
        direction: Direction,
        limit: usize,
    ) -> Page {
        let state = self.state();
        let Some(rows) = state.keyspaces.get(&keyspace).filter(|_| !is_empty(&range)) else {
            return Page::default();
        };
        let found = rows.range::<Bytes, _>(range);
        let own = |(key, value): (&Bytes, &Bytes)| (key.clone(), value.clone());
        let mut rows: Vec<_> = match direction {
            Direction::Ascending => found.take(limit.saturating_add(1)).map(own).collect(),
            Direction::Descending => found.rev().take(limit.saturating_add(1)).map(own).collect(),
        };
        let more = rows.len() > limit;
        rows.truncate(limit);
        Page { rows, more }
    }

    fn stats_now(&self) -> EngineStats {
        let state = self.state();
        let keyspaces: Vec<_> = state
            .keyspaces
            .iter()
            .map(|(keyspace, rows)| KeyspaceStats {
                keyspace: *keyspace,
                rows: rows.len() as u64,
                disk_bytes: rows.iter().map(|(key, value)| row_bytes(key, value)).sum(),
            })
            .collect();
        EngineStats {
            disk_bytes: keyspaces.iter().map(|stats| stats.disk_bytes).sum(),
            commits: state.commits,
            groups: state.commits,
            syncs: state.syncs,
            keyspaces,
            ..EngineStats::default()
        }
    }

    fn check_now(&self, mut inspect: Inspector) -> CheckReport {
        // A copy, so that the inspector may use the engine. Cloning `Bytes` copies no content.
        let keyspaces = self.state().keyspaces.clone();
        let mut report = CheckReport::default();
        for (keyspace, rows) in &keyspaces {
            for (key, value) in rows {
                report.rows += 1;
                report.bytes += row_bytes(key, value);
                inspect(Inspected::Row {
                    keyspace: *keyspace,
                    key,
                    value,
                });
            }
        }
        report
    }
}

impl Default for MemoryEngine {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryEngine")
            .field("commits", &*self.shared.committed.borrow())
            .finish_non_exhaustive()
    }
}

impl State {
    fn row(&self, keyspace: KeyspaceId, key: &Bytes) -> Option<Bytes> {
        self.keyspaces.get(&keyspace)?.get(key).cloned()
    }
}

impl Engine for MemoryEngine {
    fn commit(
        &self,
        writes: Vec<Write>,
        durability: Durability,
        preconditions: Vec<Precondition>,
    ) -> EngineFuture<'_, ()> {
        let done = self.commit_now(writes, durability, &preconditions);
        Box::pin(std::future::ready(done))
    }

    fn get(&self, keyspace: KeyspaceId, key: Bytes) -> EngineFuture<'_, Option<Bytes>> {
        Box::pin(async move { Ok(self.state().row(keyspace, &key)) })
    }

    fn scan(
        &self,
        keyspace: KeyspaceId,
        range: KeyRange,
        direction: Direction,
        limit: usize,
    ) -> EngineFuture<'_, Page> {
        Box::pin(async move { Ok(self.scan_now(keyspace, range, direction, limit)) })
    }

    fn drop_day(&self, kind: DayKind, day: u32) -> EngineFuture<'_, bool> {
        Box::pin(async move {
            let mut state = self.state();
            self.writable(&state)?;
            let dropped = KeyspaceId::Day { kind, day };
            state.unsynced.retain(|(keyspace, ..)| *keyspace != dropped);
            Ok(state.keyspaces.remove(&dropped).is_some())
        })
    }

    fn days(&self, kind: DayKind) -> EngineFuture<'_, Vec<u32>> {
        Box::pin(async move {
            let state = self.state();
            Ok(state
                .keyspaces
                .keys()
                .filter_map(|keyspace| match keyspace {
                    KeyspaceId::Day { kind: found, day } if *found == kind => Some(*day),
                    _ => None,
                })
                .collect())
        })
    }

    fn watch(&self) -> watch::Receiver<u64> {
        self.shared.committed.subscribe()
    }

    fn failed(&self) -> watch::Receiver<Option<String>> {
        self.shared.failed.subscribe()
    }

    fn stats(&self) -> EngineFuture<'_, EngineStats> {
        Box::pin(async move { Ok(self.stats_now()) })
    }

    fn backup(&self, directory: PathBuf) -> EngineFuture<'_, BackupReport> {
        Box::pin(async move {
            // A copy, as in a check. Writing blocks: who backs up a simulation accepts that.
            let keyspaces = self.state().keyspaces.clone();
            let rows = |(keyspace, rows): (KeyspaceId, Rows)| (keyspace, rows.into_iter().map(Ok));
            write_store(&directory, keyspaces.into_iter().map(rows))
        })
    }

    fn reclaim(&self) -> EngineFuture<'_, ReclaimReport> {
        Box::pin(async move {
            let disk_bytes = self.stats_now().disk_bytes;
            Ok(ReclaimReport {
                disk_bytes_before: disk_bytes,
                disk_bytes_after: disk_bytes,
            })
        })
    }

    fn check(&self, inspect: Inspector) -> EngineFuture<'_, CheckReport> {
        Box::pin(async move { Ok(self.check_now(inspect)) })
    }

    fn shutdown(&self) -> EngineFuture<'_, ()> {
        Box::pin(async move {
            let mut state = self.state();
            if !state.closed {
                self.writable(&state)?;
            }
            state.unsynced.clear();
            state.closed = true;
            Ok(())
        })
    }
}

/// Sets or deletes a row; what it was before.
fn set(rows: &mut Rows, key: Bytes, value: Option<Bytes>) -> Option<Bytes> {
    match value {
        Some(value) => rows.insert(key, value),
        None => rows.remove(&key),
    }
}

fn row_bytes(key: &Bytes, value: &Bytes) -> u64 {
    (key.len() + value.len()) as u64
}
