//! Copies of mail that was queued before continuity was switched on (C3): which domains wait for
//! them, which entries come next, and the commit that makes copies and notes how far it has come.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::Spool;
use super::copies::{CopiedBody, Copies, NewCopies, kept};
use super::shared::StageError;
use crate::codec;
use crate::commit::Batch;
use crate::engine::{Durability, KeyspaceId};
use crate::error::SpoolError;
use crate::keyspace::{meta, transit};
use crate::model::{BodyPlace, DomainId, MessageId, QueueEntry, Sequence, Timestamp};

/// How far a domain has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Progress {
    /// Entries before this position are done.
    next: Sequence,
    /// Entries from this position on were accepted with their copies.
    until: Sequence,
}

/// Domains that wait for copies.
#[derive(Debug, Default)]
pub(super) struct Backfills {
    domains: Mutex<BTreeMap<DomainId, Progress>>,
}

impl Progress {
    /// Everything up to here is to be copied.
    pub(super) const fn up_to(until: Sequence) -> Self {
        Self {
            next: Sequence(0),
            until,
        }
    }
}

impl Backfills {
    /// What was under way when the store was closed.
    pub(super) fn new(domains: BTreeMap<DomainId, Progress>) -> Self {
        Self {
            domains: Mutex::new(domains),
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<DomainId, Progress>> {
        self.domains.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes note of a domain, or of how far it has come.
    pub(super) fn put(&self, domain: DomainId, progress: Progress) {
        self.lock().insert(domain, progress);
    }
}

/// The copies of one entry, ready to be made.
struct Ready {
    message: MessageId,
    at: Timestamp,
    body: CopiedBody,
    copies: Vec<Copies>,
}

impl Spool {
    /// Domains whose queued mail is still to be copied.
    #[must_use]
    pub fn backfills(&self) -> Vec<DomainId> {
        self.inner.backfills.lock().keys().copied().collect()
    }

    /// The next entries of a domain to be copied, in either lane; none at the end.
    ///
    /// # Errors
    /// [`SpoolError::Engine`].
    pub async fn backfill_page(
        &self,
        domain: DomainId,
        limit: usize,
    ) -> Result<Vec<QueueEntry>, SpoolError> {
        let Some(progress) = self.inner.backfills.lock().get(&domain).copied() else {
            return Ok(Vec::new());
        };
        let after = progress.next.0.checked_sub(1).map(Sequence);
        let mut entries = self.queue_page(domain, after, limit).await?;
        entries.extend(self.deferred_page(domain, after, limit).await?);
        entries.retain(|entry| entry.sequence < progress.until);
        entries.sort_unstable_by_key(|entry| entry.sequence);
        entries.truncate(limit);
        Ok(entries)
    }

    /// Makes the copies of a page of entries in one commit, and notes that they are done. An empty
    /// page ends the domain's back-fill. Answers whether there may be more.
    ///
    /// # Errors
    /// [`SpoolError`].
    pub async fn backfill(
        &self,
        domain: DomainId,
        page: Vec<(QueueEntry, Option<NewCopies>)>,
    ) -> Result<bool, SpoolError> {
        let Some(before) = self.inner.backfills.lock().get(&domain).copied() else {
            return Ok(false);
        };
        let last = page.last().map(|(entry, _)| entry.sequence);
        let progress = last.map(|last| Progress {
            next: Sequence(last.0 + 1),
            ..before
        });
        let mut ready = Vec::with_capacity(page.len());
        for (entry, copies) in page {
            if let Some(copies) = copies {
                ready.extend(self.ready(&entry, copies).await?);
            }
        }
        let mut batch = Batch::new();
        let key = meta::backfill_key(domain);
        match &progress {
            Some(progress) => {
                batch.encode(KeyspaceId::Meta, &key, |out| codec::encode(out, progress))?;
            }
            None => batch.delete(KeyspaceId::Meta, &key),
        }
        self.commit_ready(&ready, batch).await?;
        match progress {
            Some(progress) => self.inner.backfills.put(domain, progress),
            None => drop(self.inner.backfills.lock().remove(&domain)),
        }
        for of in ready.iter().flat_map(|ready| &ready.copies) {
            of.tell(self);
        }
        Ok(progress.is_some())
    }

    async fn commit_ready(&self, ready: &[Ready], batch: Batch) -> Result<(), SpoolError> {
        loop {
            for one in ready {
                self.load_counts_of(&one.copies, one.message, one.at)
                    .await?;
            }
            let staged = self
                .inner
                .committer
                .commit(batch.clone(), Durability::Synced, |order, batch| {
                    for one in ready {
                        for of in &one.copies {
                            of.check(order, one.message, one.at)?;
                        }
                    }
                    for one in ready {
                        for of in &one.copies {
                            of.stage(order, batch, one.body, one.at)?;
                        }
                    }
                    Ok(())
                })
                .await;
            match staged {
                Ok(()) => return Ok(()),
                Err(StageError::ReadAgain) => {}
                Err(StageError::Refused(error)) => return Err(error),
            }
        }
    }

    /// Copies of an entry with a body that stays; none when the body has gone with its delivery, or
    /// the copy would not be shown any more.
    async fn ready(
        &self,
        entry: &QueueEntry,
        mut copies: NewCopies,
    ) -> Result<Option<Ready>, SpoolError> {
        let domain = self.directory().domain(entry.domain);
        let continuity = domain.and_then(|domain| domain.continuity);
        let now = self.clock().now();
        if !continuity.is_some_and(|continuity| continuity.shows(entry.accepted_at, now)) {
            return Ok(None);
        }
        copies.to.retain(|copy| copy.scope.domain() == entry.domain);
        let copies = Copies::prepare(self, entry.message, copies)?;
        let until = self.last_day(std::iter::once(entry.domain), entry.accepted_at);
        let day = match entry.place {
            BodyPlace::Kept { day } => {
                self.keep_until(entry.message, entry.chunks, day, until)
                    .await?;
                day
            }
            BodyPlace::Transit if self.keep_copy(entry, until).await? => until,
            BodyPlace::Transit => return Ok(None),
        };
        Ok(Some(Ready {
            message: entry.message,
            at: entry.accepted_at,
            body: CopiedBody {
                message: entry.message,
                day,
                chunks: entry.chunks,
                size_bytes: entry.size_bytes,
            },
            copies,
        }))
    }

    /// Writes the body of a queued entry to a day as well: its own goes with its delivery. Whether
    /// all of it was still there.
    async fn keep_copy(&self, entry: &QueueEntry, day: u32) -> Result<bool, SpoolError> {
        for number in 0..entry.chunks {
            let key = transit::key(entry.message, number);
            let stored = self
                .engine()
                .get(KeyspaceId::Transit, Bytes::copy_from_slice(&key))
                .await?;
            let Some(stored) = stored else {
                return Ok(false);
            };
            let mut batch = Batch::new();
            batch.put(transit::keyspace(kept(day)), &key, stored);
            self.inner
                .committer
                .commit(batch, Durability::Buffer, |_, _| Ok::<_, SpoolError>(()))
                .await?;
        }
        // A large body is a file that both rows name. Still named by the first one now, it cannot
        // have been freed before the second one was there.
        let first = Bytes::copy_from_slice(&transit::key(entry.message, 0));
        let stays = self.engine().get(KeyspaceId::Transit, first).await?;
        Ok(stays.is_some())
    }
}
