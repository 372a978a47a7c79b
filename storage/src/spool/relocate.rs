//! Moving a queued entry to the queue of another domain, whose route it takes from then on.
//!
//! The envelope stays what it is; only the way changes. In the ledger the recipients leave one domain
//! as removed by an administrator and are taken over by the other.

use super::Spool;
use super::settle::{Settled, is_current, move_row};
use super::shared::{ReadRows, StageError, relocate_reference};
use crate::commit::{Batch, Order};
use crate::engine::{Durability, KeyspaceId};
use crate::error::SpoolError;
use crate::keyspace::queue;
use crate::model::{DomainId, QueueEntry, Timestamp};

impl Spool {
    /// Moves the open recipients of an entry to the end of another domain's queue, due at once. The
    /// time of acceptance stays, and with it what is left of the hold period.
    ///
    /// # Errors
    /// [`SpoolError::UnknownDomain`]; [`SpoolError::Engine`].
    pub async fn relocate(&self, entry: QueueEntry, to: DomainId) -> Result<Settled, SpoolError> {
        if entry.domain == to {
            return Ok(Settled::Open(Box::new(entry)));
        }
        loop {
            let read = self
                .read_messages(entry.shared.then_some(entry.message))
                .await?;
            let staged = self
                .inner
                .committer
                .commit(Batch::new(), Durability::Synced, |order, batch| {
                    read.check(order)?;
                    if order.open_domain(to).is_none() {
                        return Err(SpoolError::UnknownDomain(to).into());
                    }
                    if !is_current(order, &entry) {
                        return Ok(Settled::Stale);
                    }
                    stage(&entry, to, order, batch, &read)?;
                    Ok(Settled::Closed)
                })
                .await;
            match staged {
                Ok(settled) => return Ok(settled),
                Err(StageError::ReadAgain) => {}
                Err(StageError::Refused(error)) => return Err(error),
            }
        }
    }
}

fn stage(
    entry: &QueueEntry,
    to: DomainId,
    order: &mut Order,
    batch: &mut Batch,
    read: &ReadRows,
) -> Result<(), StageError> {
    move_row(order, batch, entry, None)?;
    let mut moved = entry.clone();
    moved.domain = to;
    moved.revision = 0;
    moved.recipients.retain(|state| state.settled.is_none());
    for state in &mut moved.recipients {
        state.due_at = Timestamp::default();
    }
    let recipients = moved.recipients.len() as u64;
    if let Some(left) = order.domain_mut(entry.domain) {
        let counters = &mut left.counters;
        counters.removed += recipients;
        counters.queued = counters.queued.saturating_sub(recipients);
        counters.queued_bytes = counters.queued_bytes.saturating_sub(entry.size_bytes);
    }
    if let Some(joined) = order.domain_mut(to) {
        moved.sequence = joined.take_sequence();
        joined.counters.accepted += recipients;
        joined.counters.queued += recipients;
        joined.counters.queued_bytes += entry.size_bytes;
    }
    order.lane_grows(to);
    batch.encode(KeyspaceId::Queue, &queue::key(to, moved.sequence), |out| {
        queue::encode(out, &moved)
    })?;
    relocate_reference(order, batch, read, entry, (to, moved.sequence))?;
    batch.touch(entry.domain);
    batch.touch(to);
    Ok(())
}
