//! Entries that wait for a time of their own, by time.
//!
//! The index `due` is read from a watermark: earlier rows are gone.

use std::time::Duration;

use super::Spool;
use crate::commit::Batch;
use crate::engine::{Durability, KeyspaceId};
use crate::error::SpoolError;
use crate::keyspace::queue;
use crate::model::{DomainId, QueueEntry, Sequence, Timestamp};

impl Spool {
    /// Entries whose time has come by `until`, earliest first.
    ///
    /// # Errors
    /// [`SpoolError::Engine`].
    pub async fn deferred_due(
        &self,
        domain: DomainId,
        until: Timestamp,
        limit: usize,
    ) -> Result<Vec<QueueEntry>, SpoolError> {
        let page = self.due_rows(domain, until, limit).await?;
        let mut entries = Vec::with_capacity(page.len());
        for (due_at, sequence) in page {
            match self
                .read_entry(KeyspaceId::Deferred, domain, sequence)
                .await?
            {
                Some(entry) if entry.due_at() == due_at => entries.push(entry),
                _ => self.drop_stray_due(domain, due_at, sequence).await?,
            }
        }
        Ok(entries)
    }

    /// When the next entry of a domain that waits for its own time is due; none when none waits.
    ///
    /// # Errors
    /// [`SpoolError::Engine`].
    pub async fn next_due(&self, domain: DomainId) -> Result<Option<Timestamp>, SpoolError> {
        let end_of_time = Timestamp::from_millis(u64::MAX);
        let page = self.due_rows(domain, end_of_time, 1).await?;
        Ok(page.first().map(|(due_at, _)| *due_at))
    }

    async fn due_rows(
        &self,
        domain: DomainId,
        until: Timestamp,
        limit: usize,
    ) -> Result<Vec<(Timestamp, Sequence)>, SpoolError> {
        let (from, ticket) = {
            let completed = self.inner.committer.completed();
            let order = self.inner.committer.order();
            let Some(state) = order.domain(domain) else {
                return Ok(Vec::new());
            };
            let settled = completed >= state.due_ticket;
            (state.due_from, settled.then_some(state.due_ticket))
        };
        if from > until {
            return Ok(Vec::new());
        }
        let page = self
            .scan(
                KeyspaceId::Due,
                queue::due_range(domain, from, until),
                limit,
            )
            .await?;
        let rows: Vec<_> = page
            .rows
            .iter()
            .filter_map(|(key, _)| queue::parse_due_key(key))
            .map(|(_, due_at, sequence)| (due_at, sequence))
            .collect();
        // Nothing earlier can appear if all that was ever added was visible before the scan, and
        // nothing was added since.
        let mut order = self.inner.committer.order();
        if let Some(state) = order.domain_mut(domain)
            && ticket == Some(state.due_ticket)
        {
            let behind = until.saturating_add(Duration::from_millis(1));
            state.due_from = rows.first().map_or(behind, |(first, _)| *first);
        }
        Ok(rows)
    }

    /// An index row whose entry is gone or waits for another time, which only a damaged row leaves
    /// behind.
    async fn drop_stray_due(
        &self,
        domain: DomainId,
        due_at: Timestamp,
        sequence: Sequence,
    ) -> Result<(), SpoolError> {
        let changing = {
            let order = self.inner.committer.order();
            order.entry(domain, sequence).is_some()
        };
        if changing {
            return Ok(());
        }
        let mut batch = Batch::new();
        batch.delete(KeyspaceId::Due, &queue::due_key(domain, due_at, sequence));
        self.inner
            .committer
            .commit(batch, Durability::Buffer, |_, _| Ok::<_, SpoolError>(()))
            .await
    }
}
