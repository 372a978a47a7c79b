//! The seam between the spool and an ordered key–value store: read one row, read a page of rows,
//! commit a batch whole or not at all.
//!
//! The trait is coarse and asynchronous so that a store inside this process ([`FjallEngine`]) and a
//! transactional server can both keep it: no iterator outlives a call, no read is assumed to be
//! free, nothing is promised that only one process can know. One suite of behaviour tests
//! (`suite`) runs against every engine.
//!
//! Invariants every engine keeps:
//! - A commit is atomic over all keyspaces and, once answered, seen by every later read.
//! - Commits take effect in the order in which their futures are first polled.
//! - [`Durability::Synced`] answers only when everything committed so far is on the medium.
//! - After a failed write the engine is poisoned: no commit succeeds any more, reads go on.

use std::fmt::Debug;
use std::path::PathBuf;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use tokio::sync::watch;

#[cfg(test)]
#[macro_use]
mod suite;

mod error;
mod fjall;
mod keyspace;
mod memory;
mod range;
mod report;
mod write;

pub(crate) use self::fjall::create_directory;
pub use self::fjall::{
    FjallEngine, FjallOptions, RecoveredJournal, RecoveryReport, recover_journals,
};
pub use error::{EngineError, JournalDamage};
pub use keyspace::{DayKind, KeyspaceId};
pub use memory::MemoryEngine;
pub use range::KeyRange;
pub use report::{BackupReport, CheckReport, EngineStats, Inspected, KeyspaceStats, ReclaimReport};
pub use write::{Durability, KEY_BYTES_MAX, Precondition, VALUE_BYTES_MAX, Write};

/// Called with every row and every damage that [`Engine::check`] finds.
pub type Inspector = Box<dyn FnMut(Inspected<'_>) + Send>;

/// What a call on an engine gives back.
pub type EngineFuture<'a, T> = BoxFuture<'a, Result<T, EngineError>>;

/// The order in which a scan returns rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Smallest key first.
    Ascending,
    /// Largest key first.
    Descending,
}

/// A run of rows from a scan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// Keys and values, in the order asked for.
    pub rows: Vec<(Bytes, Bytes)>,
    /// Whether the range holds at least one row beyond these.
    pub more: bool,
}

/// An ordered key–value store with atomic batches over named keyspaces.
///
/// Keys are at most 65,535 bytes and never empty, values less than 4 GiB. Futures that are dropped
/// before they are done cancel nothing: the commit may still happen.
pub trait Engine: Send + Sync + Debug + 'static {
    /// Applies all writes, or none when a precondition does not hold. The later of two writes to
    /// one key wins. An empty batch with [`Durability::Synced`] puts everything before it on disk.
    ///
    /// The commit takes its place in the order when this is *called*, not when the future is first
    /// polled: the spool calls it inside the short critical section that hands out positions, and
    /// awaits outside. A dropped future does not cancel the commit. So nothing here may wait for
    /// room; the spool bounds the bytes that are on their way.
    ///
    /// # Errors
    /// [`EngineError::Precondition`] with the first key that differs; [`EngineError::Poisoned`]
    /// after any failed write; [`EngineError::Closed`] after [`Engine::shutdown`];
    /// [`EngineError::InvalidKey`] for a key no engine can hold.
    fn commit(
        &self,
        writes: Vec<Write>,
        durability: Durability,
        preconditions: Vec<Precondition>,
    ) -> EngineFuture<'_, ()>;

    /// The value of one key.
    ///
    /// # Errors
    /// [`EngineError::Corrupt`] or [`EngineError::Io`] when it cannot be read.
    fn get(&self, keyspace: KeyspaceId, key: Bytes) -> EngineFuture<'_, Option<Bytes>>;

    /// At most `limit` rows of a range, as of one moment. Page on from the last key, excluded. The
    /// cost grows with the deleted rows that the range covers, so start at a watermark, not at the
    /// head of a prefix that is emptied from the front.
    ///
    /// # Errors
    /// [`EngineError::Corrupt`] or [`EngineError::Io`] when a row cannot be read.
    fn scan(
        &self,
        keyspace: KeyspaceId,
        range: KeyRange,
        direction: Direction,
        limit: usize,
    ) -> EngineFuture<'_, Page>;

    /// Deletes the whole keyspace of one day and gives its space back at once; whether there was
    /// one. Follows all commits asked for before; later writes begin an empty one.
    ///
    /// # Errors
    /// As [`Engine::commit`].
    fn drop_day(&self, kind: DayKind, day: u32) -> EngineFuture<'_, bool>;

    /// The days of one kind that have a keyspace, oldest first.
    ///
    /// # Errors
    /// [`EngineError::Io`] when the store cannot say.
    fn days(&self, kind: DayKind) -> EngineFuture<'_, Vec<u32>>;

    /// A hint that something was committed: the number of commits so far, here or elsewhere. Steps
    /// may be skipped; who wakes up reads the store.
    fn watch(&self) -> watch::Receiver<u64>;

    /// `Some(why)` from the moment on in which the engine is poisoned.
    fn failed(&self) -> watch::Receiver<Option<String>>;

    /// Sizes and counts, for metrics and the status page.
    ///
    /// # Errors
    /// [`EngineError::Io`] when the directory cannot be read.
    fn stats(&self) -> EngineFuture<'_, EngineStats>;

    /// Writes everything committed before this call, as of one moment, into a new store in
    /// `directory` while commits go on. The directory must be empty or absent.
    ///
    /// # Errors
    /// [`EngineError::Io`] when it is not, or when writing fails; then what was written stays, to be
    /// looked at or removed.
    fn backup(&self, directory: PathBuf) -> EngineFuture<'_, BackupReport>;

    /// Gives back the space of deleted rows: worth its reading and writing after a drain, or when
    /// space falls.
    ///
    /// # Errors
    /// [`EngineError::Io`] when compaction fails.
    fn reclaim(&self) -> EngineFuture<'_, ReclaimReport>;

    /// Reads every row, shows each to `inspect`, and goes on behind damage that it finds.
    ///
    /// # Errors
    /// [`EngineError::Io`] when the store cannot be read at all.
    fn check(&self, inspect: Inspector) -> EngineFuture<'_, CheckReport>;

    /// Syncs what was committed and takes no further commits; reads go on.
    ///
    /// # Errors
    /// [`EngineError::Poisoned`] when the last sync fails or the engine was poisoned before.
    fn shutdown(&self) -> EngineFuture<'_, ()>;
}
