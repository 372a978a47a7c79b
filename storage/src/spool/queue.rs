//! Reading the queue, in pages.
//!
//! Pages start at the lane's watermark, so no read walks over the rows of mail long delivered. A
//! row that does not decode is set aside with its bytes and reported; the rest goes on.

use bytes::Bytes;

use super::Spool;
use crate::commit::EntryState;
use crate::engine::{Direction, EngineError, KeyRange, KeyspaceId, Page};
use crate::error::SpoolError;
use crate::keyspace::queue;
use crate::limits::PAGE_ROWS_MAX;
use crate::metrics;
use crate::model::{DomainId, QueueEntry, Sequence};

/// What a reader of the ready lane knows before it reads.
struct LaneView {
    from: Sequence,
    next: Sequence,
    /// Whether every row with a position before `next` is visible to the engine's readers.
    settled: bool,
}

impl Spool {
    /// The ready lane in the order of acceptance: entries behind `after`, or from the watermark on.
    /// An empty page means that nothing (more) is ready.
    ///
    /// # Errors
    /// [`SpoolError::Engine`].
    pub async fn queue_page(
        &self,
        domain: DomainId,
        after: Option<Sequence>,
        limit: usize,
    ) -> Result<Vec<QueueEntry>, SpoolError> {
        let mut after = after;
        loop {
            let from_head = after.is_none();
            let Some(view) = self.lane_view(domain, after) else {
                return Ok(Vec::new());
            };
            let page = self
                .scan_lane(KeyspaceId::Queue, domain, view.from, view.next, limit)
                .await?;
            if from_head {
                self.note_lane_start(domain, &view, &page);
            }
            let (last, more) = (page.rows.last().and_then(|row| position(&row.0)), page.more);
            let entries = self.decode_page(KeyspaceId::Queue, page).await?;
            // A page of nothing but old copies and damaged rows does not mean the end.
            match last {
                Some(last) if entries.is_empty() && more => after = Some(last),
                _ => return Ok(entries),
            }
        }
    }

    /// Entries that wait for a time of their own, in the order of acceptance.
    ///
    /// # Errors
    /// [`SpoolError::Engine`].
    pub async fn deferred_page(
        &self,
        domain: DomainId,
        after: Option<Sequence>,
        limit: usize,
    ) -> Result<Vec<QueueEntry>, SpoolError> {
        let mut from = after.map_or(Sequence(0), successor);
        loop {
            let next = self.next_position(domain);
            let page = self
                .scan_lane(KeyspaceId::Deferred, domain, from, next, limit)
                .await?;
            let (last, more) = (page.rows.last().and_then(|row| position(&row.0)), page.more);
            let entries = self.decode_page(KeyspaceId::Deferred, page).await?;
            match last {
                Some(last) if entries.is_empty() && more => from = successor(last),
                _ => return Ok(entries),
            }
        }
    }

    /// One entry, ready or waiting; none when it is settled or set aside.
    ///
    /// # Errors
    /// [`SpoolError::Engine`].
    pub async fn entry(
        &self,
        domain: DomainId,
        sequence: Sequence,
    ) -> Result<Option<QueueEntry>, SpoolError> {
        let ready = self.read_entry(KeyspaceId::Queue, domain, sequence).await?;
        if ready.is_some() {
            return Ok(ready);
        }
        self.read_entry(KeyspaceId::Deferred, domain, sequence)
            .await
    }

    /// Domains with queued mail, held mail included.
    #[must_use]
    pub fn domains_with_mail(&self) -> Vec<DomainId> {
        let order = self.inner.committer.order();
        let mut domains: Vec<_> = order
            .domains()
            .filter(|(_, state)| state.counters.queued > 0)
            .map(|(domain, _)| domain)
            .collect();
        domains.sort_unstable();
        domains
    }

    /// The position that the next entry of a domain will get, in either lane. What is accepted from
    /// now on lies there or behind.
    #[must_use]
    pub fn next_position(&self, domain: DomainId) -> Sequence {
        let order = self.inner.committer.order();
        order
            .domain(domain)
            .map_or(Sequence(0), |state| state.next())
    }

    fn lane_view(&self, domain: DomainId, after: Option<Sequence>) -> Option<LaneView> {
        let completed = self.inner.committer.completed();
        let order = self.inner.committer.order();
        let state = order.domain(domain)?;
        let from = after.map_or(Sequence(0), successor);
        Some(LaneView {
            from: state.lane.first_from(from),
            next: state.next(),
            settled: completed >= state.lane_ticket,
        })
    }

    /// Moves the watermark to the first row there is. Rows become visible in the order of their
    /// positions, so nothing can appear before a row that is visible.
    fn note_lane_start(&self, domain: DomainId, view: &LaneView, page: &Page) {
        let start = match page.rows.first() {
            Some((key, _)) => position(key),
            None => view.settled.then_some(view.next),
        };
        let mut order = self.inner.committer.order();
        if let (Some(start), Some(state)) = (start, order.domain_mut(domain)) {
            state.lane.advance(start);
        }
    }

    /// A page of a lane; where the store itself is damaged, row by row around the damage.
    async fn scan_lane(
        &self,
        keyspace: KeyspaceId,
        domain: DomainId,
        from: Sequence,
        next: Sequence,
        limit: usize,
    ) -> Result<Page, SpoolError> {
        let range = queue::range(domain, from);
        match self.scan(keyspace, range, limit).await {
            Err(SpoolError::Engine(EngineError::Corrupt { reason, .. })) => {
                metrics::corrupt_record(keyspace);
                tracing::error!(%keyspace, domain.id = domain.0, reason, "a part of the store is damaged; reading around it");
                self.read_around(keyspace, domain, from, next, limit).await
            }
            page => page,
        }
    }

    pub(super) async fn scan(
        &self,
        keyspace: KeyspaceId,
        range: KeyRange,
        limit: usize,
    ) -> Result<Page, SpoolError> {
        let limit = limit.clamp(1, PAGE_ROWS_MAX);
        Ok(self
            .engine()
            .scan(keyspace, range, Direction::Ascending, limit)
            .await?)
    }

    /// Decodes a page, leaves out copies older than what is on its way to the disk, and sets aside
    /// what does not decode.
    async fn decode_page(
        &self,
        keyspace: KeyspaceId,
        page: Page,
    ) -> Result<Vec<QueueEntry>, SpoolError> {
        let mut entries = Vec::with_capacity(page.rows.len());
        for (key, row) in page.rows {
            let Some((domain, sequence)) = queue::parse_key(&key) else {
                continue;
            };
            match queue::decode(domain, sequence, &row) {
                Ok(entry) => entries.push(entry),
                Err(error) => {
                    self.set_row_aside(keyspace, domain, sequence, row, error)
                        .await?;
                }
            }
        }
        let order = self.inner.committer.order();
        entries.retain(|entry| match order.entry(entry.domain, entry.sequence) {
            Some(EntryState::Gone) => false,
            Some(EntryState::Revision(revision)) => entry.revision == revision,
            None => true,
        });
        Ok(entries)
    }

    pub(super) async fn read_entry(
        &self,
        keyspace: KeyspaceId,
        domain: DomainId,
        sequence: Sequence,
    ) -> Result<Option<QueueEntry>, SpoolError> {
        let key = Bytes::copy_from_slice(&queue::key(domain, sequence));
        let row = match self.engine().get(keyspace, key.clone()).await {
            Ok(None) => return Ok(None),
            Ok(Some(row)) => row,
            Err(EngineError::Corrupt { .. }) => Bytes::new(),
            Err(error) => return Err(error.into()),
        };
        let page = Page {
            rows: vec![(key, row)],
            more: false,
        };
        Ok(self.decode_page(keyspace, page).await?.pop())
    }
}

fn position(key: &[u8]) -> Option<Sequence> {
    queue::parse_key(key).map(|(_, sequence)| sequence)
}

const fn successor(sequence: Sequence) -> Sequence {
    Sequence(sequence.0.saturating_add(1))
}
