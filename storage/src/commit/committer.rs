//! The one way into the engine.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, watch};

use super::batch::Batch;
use super::order::Order;
use crate::bodies::BodyFiles;
use crate::codec;
use crate::codec::RowError;
use crate::engine::{Durability, Engine, EngineError, EngineFuture, KeyspaceId, Write};
use crate::error::SpoolError;
use crate::feed::{Feed, Hint};
use crate::keyspace::{heads, meta, transit};
use crate::limits::COMMIT_BYTES_ON_THE_WAY_MAX;
use crate::model::{Clock, Timestamp};

/// How often the clock's watermark is written, at most.
const WATERMARK_INTERVAL: Duration = Duration::from_secs(60);
/// Bytes that one permit stands for.
const PERMIT_BYTES: usize = 1_024;

/// Turns typed changes into commits whose order is the order of positions.
#[derive(Debug)]
pub(crate) struct Committer {
    engine: Arc<dyn Engine>,
    clock: Arc<dyn Clock>,
    order: Mutex<Order>,
    completed: AtomicU64,
    feed: Arc<Feed>,
    /// How many commits the engine has answered, ours and those before us.
    answered: watch::Receiver<u64>,
    answered_before: u64,
    /// Bounds what waits for the disk; the bound stands before the send.
    room: Semaphore,
    /// Told of the rows that go; none where all bodies are rows.
    files: Option<Arc<BodyFiles>>,
}

impl Committer {
    pub(crate) fn new(
        engine: Arc<dyn Engine>,
        clock: Arc<dyn Clock>,
        order: Order,
        feed: Arc<Feed>,
    ) -> Self {
        let answered = engine.watch();
        let answered_before = *answered.borrow();
        Self {
            engine,
            clock,
            feed,
            answered,
            answered_before,
            order: Mutex::new(order),
            completed: AtomicU64::new(0),
            room: Semaphore::new(COMMIT_BYTES_ON_THE_WAY_MAX / PERMIT_BYTES),
            files: None,
        }
    }

    /// The same with files of bodies beside the engine.
    pub(crate) fn with_files(self, files: Option<Arc<BodyFiles>>) -> Self {
        Self { files, ..self }
    }

    /// The engine, for reading.
    pub(crate) fn engine(&self) -> &Arc<dyn Engine> {
        &self.engine
    }

    /// The state that commits share, for a look or for a note. Never held across an await.
    pub(crate) fn order(&self) -> MutexGuard<'_, Order> {
        // Whoever panicked under this lock has not given anything to the engine; what it changed
        // in memory is at most a position or a count that nobody got.
        self.order.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The latest commit known to be visible to readers, and with it all before it.
    pub(crate) fn completed(&self) -> u64 {
        self.completed.load(Ordering::Acquire)
    }

    /// Commits what is in `batch` and what `stage` adds under the lock. `stage` must decide before
    /// it changes anything: after an error nothing is written, and nothing is taken back.
    ///
    /// Once the engine has the writes, dropping the future does not stop them.
    pub(crate) async fn commit<T, E>(
        &self,
        batch: Batch,
        durability: Durability,
        stage: impl FnOnce(&mut Order, &mut Batch) -> Result<T, E>,
    ) -> Result<T, E>
    where
        E: From<EngineError> + From<RowError>,
    {
        let permits =
            (batch.bytes() / PERMIT_BYTES + 1).min(COMMIT_BYTES_ON_THE_WAY_MAX / PERMIT_BYTES);
        let permits = u32::try_from(permits).unwrap_or(u32::MAX);
        let _room = self
            .room
            .acquire_many(permits)
            .await
            .map_err(|_| E::from(EngineError::Closed))?;
        let (staged, ticket, done) = self.enqueue(batch, durability, stage)?;
        if let Some(done) = done {
            done.await?;
            self.completed.fetch_max(ticket, Ordering::AcqRel);
            self.tell_news(ticket);
        }
        Ok(staged)
    }

    /// Tells of new mail that is visible by now: that of this commit, and that of all others of its
    /// group, which the engine counts before it answers any of them.
    fn tell_news(&self, ticket: u64) {
        let answered = self.answered.borrow().saturating_sub(self.answered_before);
        let news = self.order().news.take(ticket.max(answered));
        for domain in news {
            self.feed.tell(Hint::Queued(domain));
        }
    }

    /// Tells of bodies whose row this commit takes away.
    fn tell_files(&self, writes: &[Write]) {
        let Some(files) = &self.files else { return };
        for write in writes {
            if write.value.is_none()
                && write.keyspace.holds_bodies()
                && let Some((message, 0)) = transit::parse_key(&write.key)
            {
                files.row_goes(message);
            }
        }
    }

    /// Writes the clock's watermark when no other commit has done so for a while.
    pub(crate) async fn keep_watermark(&self) -> Result<(), SpoolError> {
        let due = watermark_is_due(&self.order(), self.clock.now());
        if !due {
            return Ok(());
        }
        self.commit(Batch::new(), Durability::Buffer, |_, batch| {
            // The commit replaces it by its own, a moment later.
            let now = self.clock.now();
            batch.encode(KeyspaceId::Meta, meta::CLOCK, |out| {
                codec::encode(out, &now)
            })?;
            Ok(())
        })
        .await
    }

    fn enqueue<T, E>(
        &self,
        mut batch: Batch,
        durability: Durability,
        stage: impl FnOnce(&mut Order, &mut Batch) -> Result<T, E>,
    ) -> Result<(T, u64, Option<EngineFuture<'_, ()>>), E>
    where
        E: From<EngineError> + From<RowError>,
    {
        let now = self.clock.now();
        let mut order = self.order();
        // Tickets number what the engine is given, as the engine does.
        order.ticket += 1;
        order.completed = self.completed();
        let completed = order.completed;
        order.counts.forget(completed);
        let staged = stage(&mut order, &mut batch).inspect_err(|_| order.ticket -= 1)?;
        for domain in batch.take_touched() {
            if let Some(state) = order.domain(domain) {
                let head = state.head();
                batch.encode(KeyspaceId::Heads, &heads::key(domain), |out| {
                    codec::encode(out, &head)
                })?;
            }
        }
        // An empty batch that is synced puts everything before it on the disk.
        if batch.is_empty() && durability == Durability::Buffer {
            order.ticket -= 1;
            return Ok((staged, order.ticket, None));
        }
        if watermark_is_due(&order, now) {
            order.clock_written = now;
            batch.encode(KeyspaceId::Meta, meta::CLOCK, |out| {
                codec::encode(out, &now)
            })?;
        }
        let writes = batch.into_writes();
        self.tell_files(&writes);
        let done = self.engine.commit(writes, durability, Vec::new());
        Ok((staged, order.ticket, Some(done)))
    }
}

fn watermark_is_due(order: &Order, now: Timestamp) -> bool {
    now.saturating_since(order.clock_written) >= WATERMARK_INTERVAL
}
