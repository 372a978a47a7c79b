//! Bodies with continuity copies: how long they stay, and where they have moved to.
//!
//! Bodies and lines go by whole days. Before a day of bodies is dropped, what is still wanted moves
//! on to a later day: mail that is held or set aside longer than was known when it came, and copies
//! whose retention was lengthened. So dropping a day is always safe.

use std::collections::HashMap;

use bytes::Bytes;

use super::Spool;
use super::copies::kept;
use crate::codec;
use crate::commit::Batch;
use crate::engine::{DayKind, Direction, Durability, EngineError, KeyRange, KeyspaceId};
use crate::error::SpoolError;
use crate::keyspace::{everything, message, moved, transit, view};
use crate::limits::{ASIDE_KEPT, PAGE_ROWS_MAX};
use crate::model::view::day_of;
use crate::model::{BodyPlace, Domain, DomainId, MessageId, MessageRow};

/// Where bodies are that have moved.
type Moved = HashMap<MessageId, u32>;

impl Spool {
    /// The day to which a body has moved, if it was wanted longer than its first one.
    pub(super) async fn moved_to(&self, message: MessageId) -> Result<Option<u32>, SpoolError> {
        let key = Bytes::copy_from_slice(message.as_bytes());
        let row = self.engine().get(KeyspaceId::Moved, key).await?;
        Ok(row.map(|row| codec::decode(&row)).transpose()?)
    }

    /// Drops the oldest day of lines and the oldest day of bodies that nobody needs any more, and
    /// answers how many days that were: call it again until it is none.
    ///
    /// # Errors
    /// [`SpoolError::Engine`].
    pub async fn expire_days(&self) -> Result<usize, SpoolError> {
        let today = day_of(self.clock().now());
        let mut dropped = 0;
        let lines = self.engine().days(DayKind::Continuity).await?;
        if let Some(day) = lines
            .into_iter()
            .find(|day| self.lines_are_over(*day, today))
        {
            let dropping = {
                let mut order = self.inner.committer.order();
                order.counts.forget_day(day);
                self.engine().drop_day(DayKind::Continuity, day)
            };
            dropped += usize::from(dropping.await?);
        }
        let bodies = self.engine().days(DayKind::Kept).await?;
        if let Some(day) = bodies.into_iter().find(|day| *day < today) {
            self.move_wanted(day, today).await?;
            dropped += usize::from(self.engine().drop_day(DayKind::Kept, day).await?);
        }
        Ok(dropped)
    }

    /// Whether no domain shows anything of a day any more.
    fn lines_are_over(&self, day: u32, today: u32) -> bool {
        let domains = self.directory().domains();
        let retentions = domains.iter().filter_map(|domain| domain.continuity);
        let longest = retentions.map(|of| u32::from(of.retention_days)).max();
        day + 1 + longest.unwrap_or_default() <= today
    }

    /// Days and domains whose lines are not shown any more although others' of that day are.
    ///
    /// # Errors
    /// [`SpoolError::Engine`].
    pub async fn overdue_lines(&self) -> Result<Vec<(DomainId, u32)>, SpoolError> {
        let today = day_of(self.clock().now());
        let days = self.engine().days(DayKind::Continuity).await?;
        let mut overdue = Vec::new();
        for domain in self.directory().domains() {
            let Some(continuity) = domain.continuity else {
                continue;
            };
            let shown = u32::from(continuity.retention_days);
            let over = days.iter().filter(|day| **day + 1 + shown <= today);
            overdue.extend(over.map(|day| (domain.id, *day)));
        }
        Ok(overdue)
    }

    /// Deletes a domain's rows of a day, at most `limit`, and says how many there were.
    ///
    /// # Errors
    /// [`SpoolError::Engine`].
    pub async fn sweep_lines(
        &self,
        domain: DomainId,
        day: u32,
        limit: usize,
    ) -> Result<usize, SpoolError> {
        let mut batch = Batch::new();
        let mut swept = 0;
        for range in view::domain_ranges(domain) {
            let left = limit.saturating_sub(swept);
            if left == 0 {
                break;
            }
            let page = self
                .engine()
                .scan(view::keyspace(day), range, Direction::Ascending, left)
                .await?;
            for (key, _) in &page.rows {
                batch.delete(view::keyspace(day), key);
            }
            swept += page.rows.len();
        }
        self.inner
            .committer
            .commit(batch, Durability::Buffer, |_, _| Ok::<_, SpoolError>(()))
            .await?;
        Ok(swept)
    }

    /// Moves on what is still wanted of a day of bodies.
    async fn move_wanted(&self, day: u32, today: u32) -> Result<(), SpoolError> {
        let mut moved = self.moved_bodies().await?;
        self.move_open(day, today, &mut moved).await?;
        for domain in self.directory().domains() {
            self.move_shown(&domain, day, today, &mut moved).await?;
        }
        // What had moved to this day and is not wanted any more goes with it.
        let mut batch = Batch::new();
        for (message, _) in moved.iter().filter(|(_, at)| **at == day) {
            batch.delete(KeyspaceId::Moved, message.as_bytes());
        }
        // Synced: the day goes after what stood in it is elsewhere on the disk.
        self.inner
            .committer
            .commit(batch, Durability::Synced, |_, _| Ok::<_, SpoolError>(()))
            .await
    }

    async fn moved_bodies(&self) -> Result<Moved, SpoolError> {
        let mut bodies = Moved::new();
        let mut rows = Rows::new(KeyspaceId::Moved, everything());
        while let Some(page) = rows.next(self).await? {
            for (key, row) in page {
                if let (Some(message), Ok(day)) = (moved::parse_key(&key), codec::decode(&row)) {
                    bodies.insert(message, day);
                }
            }
        }
        Ok(bodies)
    }

    /// Bodies of messages that are queued or set aside.
    async fn move_open(&self, day: u32, today: u32, moved: &mut Moved) -> Result<(), SpoolError> {
        let aside_days = u32::try_from(ASIDE_KEPT.as_secs() / 86_400).unwrap_or(u32::MAX);
        let mut rows = Rows::new(KeyspaceId::Message, everything());
        while let Some(page) = rows.next(self).await? {
            for (key, row) in page {
                let (Some(id), Ok(row)) =
                    (message::parse_key(&key), codec::decode::<MessageRow>(&row))
                else {
                    continue;
                };
                let BodyPlace::Kept { day: first } = row.place else {
                    continue;
                };
                let lies = moved.get(&id).copied().unwrap_or(first);
                if lies == day && !row.open.is_empty() {
                    self.move_body(id, row.chunks, day, today + aside_days)
                        .await?;
                    moved.insert(id, today + aside_days);
                }
            }
        }
        Ok(())
    }

    /// Bodies whose lines a domain shows longer than it did when they came.
    async fn move_shown(
        &self,
        domain: &Domain,
        day: u32,
        today: u32,
        moved: &mut Moved,
    ) -> Result<(), SpoolError> {
        let Some(continuity) = domain.continuity else {
            return Ok(());
        };
        let Some(lengthened_at) = continuity.lengthened_at else {
            return Ok(());
        };
        let now = self.clock().now();
        let shown = today.saturating_sub(u32::from(continuity.retention_days) + 1);
        let [_, lines, ..] = view::domain_ranges(domain.id);
        let mut days = self.engine().days(DayKind::Continuity).await?;
        days.retain(|of| (shown..=day_of(lengthened_at)).contains(of));
        for of in days {
            let mut rows = Rows::new(view::keyspace(of), lines.clone());
            while let Some(page) = rows.next(self).await? {
                for (key, row) in page {
                    let (Some(id), Ok(header)) = (view::parse_id(&key), view::decode_header(&row))
                    else {
                        continue;
                    };
                    let lies = moved.get(&id.message).copied().unwrap_or(header.day);
                    if lies == day && continuity.shows(id.at, now) {
                        let until = day_of(id.at.saturating_add(continuity.retention()));
                        self.move_body(id.message, header.chunks, day, until.max(today))
                            .await?;
                        moved.insert(id.message, until.max(today));
                    }
                }
            }
        }
        Ok(())
    }

    /// Makes sure that a body stays until `until`.
    pub(super) async fn keep_until(
        &self,
        message: MessageId,
        chunks: u32,
        first: u32,
        until: u32,
    ) -> Result<(), SpoolError> {
        let lies = self.moved_to(message).await?.unwrap_or(first);
        if lies < until {
            self.move_body(message, chunks, lies, until).await?;
        }
        Ok(())
    }

    /// Writes a body to a later day; the last commit says that it is there.
    async fn move_body(
        &self,
        message: MessageId,
        chunks: u32,
        from: u32,
        to: u32,
    ) -> Result<(), SpoolError> {
        for number in 0..chunks {
            let key = transit::key(message, number);
            let found = self
                .engine()
                .get(transit::keyspace(kept(from)), Bytes::copy_from_slice(&key))
                .await;
            let stored = match found {
                Ok(Some(stored)) => stored,
                // Damaged or gone: whoever reads it reports that. The others move on.
                Ok(None) | Err(EngineError::Corrupt { .. }) => continue,
                Err(error) => return Err(error.into()),
            };
            let mut batch = Batch::new();
            batch.put(transit::keyspace(kept(to)), &key, stored);
            self.inner
                .committer
                .commit(batch, Durability::Buffer, |_, _| Ok::<_, SpoolError>(()))
                .await?;
        }
        let mut batch = Batch::new();
        batch.encode(KeyspaceId::Moved, message.as_bytes(), |out| {
            codec::encode(out, &to)
        })?;
        self.inner
            .committer
            .commit(batch, Durability::Synced, |_, _| Ok::<_, SpoolError>(()))
            .await
    }
}

/// Rows of a range, page by page.
struct Rows {
    keyspace: KeyspaceId,
    range: Option<KeyRange>,
}

impl Rows {
    const fn new(keyspace: KeyspaceId, range: KeyRange) -> Self {
        Self {
            keyspace,
            range: Some(range),
        }
    }

    async fn next(&mut self, spool: &Spool) -> Result<Option<Vec<(Bytes, Bytes)>>, SpoolError> {
        let Some(range) = self.range.take() else {
            return Ok(None);
        };
        let end = range.1.clone();
        let page = spool
            .engine()
            .scan(self.keyspace, range, Direction::Ascending, PAGE_ROWS_MAX)
            .await?;
        let last = page.rows.last().filter(|_| page.more);
        self.range = last.map(|(key, _)| (std::ops::Bound::Excluded(key.clone()), end));
        Ok(Some(page.rows))
    }
}
