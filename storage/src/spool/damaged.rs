//! Rows of the queue that cannot be read or decoded: read around, set aside, reported.

use bytes::Bytes;

use super::Spool;
use super::log::PreparedEvent;
use crate::codec::RowError;
use crate::commit::{Batch, EntryState};
use crate::engine::{Durability, EngineError, KeyspaceId, Page};
use crate::error::SpoolError;
use crate::keyspace::{aside, queue};
use crate::metrics;
use crate::model::{AsideKind, DomainId, LogEvent, Sequence};

impl Spool {
    /// A page of a lane where the store itself is damaged, row by row. A row that cannot be read is
    /// given empty.
    pub(super) async fn read_around(
        &self,
        keyspace: KeyspaceId,
        domain: DomainId,
        from: Sequence,
        next: Sequence,
        limit: usize,
    ) -> Result<Page, SpoolError> {
        let mut page = Page::default();
        for at in from.0..next.0 {
            if page.rows.len() >= limit {
                page.more = true;
                break;
            }
            let key = Bytes::copy_from_slice(&queue::key(domain, Sequence(at)));
            match self.engine().get(keyspace, key.clone()).await {
                Ok(Some(row)) => page.rows.push((key, row)),
                // The row's bytes are lost; what is left is that it was here.
                Err(EngineError::Corrupt { .. }) => page.rows.push((key, Bytes::new())),
                Ok(None) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(page)
    }

    /// Keeps a row that does not decode where an administrator sees it. Its recipients count as
    /// parked from now on.
    pub(super) async fn set_row_aside(
        &self,
        keyspace: KeyspaceId,
        domain: DomainId,
        sequence: Sequence,
        row: Bytes,
        error: RowError,
    ) -> Result<(), SpoolError> {
        metrics::corrupt_record(keyspace);
        tracing::error!(%keyspace, domain.id = domain.0, sequence = sequence.0, %error, "a queue row is damaged and set aside");
        let header = queue::header(&row);
        let recipients = header.map_or(1, |header| header.open_recipients);
        let size_bytes = header.map_or(0, |header| header.size_bytes);
        let reason = error.to_string();
        let at = self.clock().now();
        self.inner
            .committer
            .commit(Batch::new(), Durability::Synced, |order, batch| {
                if order.entry(domain, sequence).is_some() {
                    return Ok(()); // Somebody was faster.
                }
                order.note_entry(domain, sequence, EntryState::Gone);
                let Some(state) = order.domain_mut(domain) else {
                    return Ok(());
                };
                if keyspace == KeyspaceId::Queue {
                    state.lane.remove(sequence);
                }
                let counters = &mut state.counters;
                // A damaged count must not take more out of the queue than there is.
                let most = u16::try_from(counters.queued).unwrap_or(u16::MAX);
                let recipients = recipients.min(most);
                counters.queued -= u64::from(recipients);
                counters.parked += u64::from(recipients);
                counters.queued_bytes = counters.queued_bytes.saturating_sub(size_bytes);
                let head = aside::AsideHead {
                    kind: AsideKind::Corrupt,
                    at,
                    reason: &reason,
                    recipients,
                    raw: true,
                };
                batch.delete(keyspace, &queue::key(domain, sequence));
                let key = aside::key(domain, sequence);
                batch.encode(KeyspaceId::Aside, &key, |out| {
                    aside::encode(out, head, &row)
                })?;
                if let Some(header) = header {
                    let event = LogEvent::SetAside {
                        kind: AsideKind::Corrupt,
                        reason: reason.clone(),
                    };
                    PreparedEvent::new(header.message, domain, &event, batch)?
                        .stage(order, batch, at, 0);
                }
                batch.touch(domain);
                Ok::<_, SpoolError>(())
            })
            .await
    }
}
