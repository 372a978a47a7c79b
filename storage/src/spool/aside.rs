//! What is set aside: listed, released, deleted, and dropped after its time.

use bytes::Bytes;

use super::Spool;
use super::log::PreparedEvent;
use super::shared::{ReadRows, StageError, replace_in_list, replace_reference};
use crate::codec;
use crate::commit::{Batch, Order};
use crate::engine::{Direction, Durability, EngineError, KeyspaceId};
use crate::error::SpoolError;
use crate::keyspace::{aside, audit, queue};
use crate::limits::{ASIDE_KEPT, PAGE_ROWS_MAX};
use crate::metrics;
use crate::model::{
    AsideEntry, AsideKind, AuditRow, Counters, DomainId, LogEvent, MessageId, QueueEntry, Sequence,
    Timestamp,
};

/// What happens to an entry that leaves.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Departure {
    /// Back into the queue.
    Released,
    /// A person does not want it.
    Deleted,
    /// Its time is over.
    Swept,
}

impl Spool {
    /// A domain's entries that are set aside, in the order of their positions, behind `after`.
    ///
    /// # Errors
    /// [`SpoolError::Engine`].
    pub async fn aside_page(
        &self,
        domain: DomainId,
        after: Option<Sequence>,
        limit: usize,
    ) -> Result<Vec<AsideEntry>, SpoolError> {
        let from = after.map_or(0, |after| after.0.saturating_add(1));
        let range = aside::range(domain, Sequence(from));
        let page = self.scan(KeyspaceId::Aside, range, limit).await?;
        let entries = page.rows.into_iter().filter_map(|(key, row)| {
            let (domain, sequence) = aside::parse_key(&key)?;
            Some(decode_or_raw(domain, sequence, &row))
        });
        Ok(entries.collect())
    }

    /// One entry that is set aside.
    ///
    /// # Errors
    /// [`SpoolError::Engine`].
    pub async fn aside_entry(
        &self,
        domain: DomainId,
        sequence: Sequence,
    ) -> Result<Option<AsideEntry>, SpoolError> {
        let key = Bytes::copy_from_slice(&aside::key(domain, sequence));
        match self.engine().get(KeyspaceId::Aside, key).await {
            Ok(row) => Ok(row.map(|row| decode_or_raw(domain, sequence, &row))),
            Err(EngineError::Corrupt { reason, .. }) => {
                Ok(Some(unreadable(domain, sequence, reason, Bytes::new())))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Puts an entry back into the queue, at its end, and starts its hold period again. Answers
    /// where it is now.
    ///
    /// # Errors
    /// [`SpoolError::UnknownEntry`]; [`SpoolError::NotReleasable`] for a damaged row;
    /// [`SpoolError::Engine`].
    pub async fn release_aside(
        &self,
        domain: DomainId,
        sequence: Sequence,
        audit: AuditRow,
    ) -> Result<Sequence, SpoolError> {
        self.depart(domain, sequence, Departure::Released, Some(&audit))
            .await
    }

    /// Deletes an entry for good.
    ///
    /// # Errors
    /// [`SpoolError::UnknownEntry`]; [`SpoolError::Engine`].
    pub async fn delete_aside(
        &self,
        domain: DomainId,
        sequence: Sequence,
        audit: AuditRow,
    ) -> Result<(), SpoolError> {
        self.depart(domain, sequence, Departure::Deleted, Some(&audit))
            .await
            .map(|_| ())
    }

    /// Drops entries that were set aside more than 30 days before `now`: at most `limit`, and how
    /// many it were. What was parked counts as failed from then on, what was quarantined as expired.
    /// Damaged entries stay.
    ///
    /// # Errors
    /// [`SpoolError::Engine`].
    pub async fn sweep_aside(&self, now: Timestamp, limit: usize) -> Result<usize, SpoolError> {
        let kept_millis = u64::try_from(ASIDE_KEPT.as_millis()).unwrap_or(u64::MAX);
        let Some(until) = now.as_millis().checked_sub(kept_millis) else {
            return Ok(0);
        };
        let range = aside::age_range(Timestamp::default(), Timestamp::from_millis(until));
        let page = self
            .engine()
            .scan(
                KeyspaceId::Aside,
                range,
                Direction::Ascending,
                limit.clamp(1, PAGE_ROWS_MAX),
            )
            .await?;
        let mut swept = 0;
        let mut index = Batch::new();
        for (key, _) in page.rows {
            let Some((_, domain, sequence)) = aside::parse_age_key(&key) else {
                continue;
            };
            match self.depart(domain, sequence, Departure::Swept, None).await {
                Ok(_) => swept += 1,
                Err(SpoolError::UnknownEntry { .. }) => {}
                Err(error) => return Err(error),
            }
            // Gone with its row already, unless the row was damaged and did not say its age.
            index.delete(KeyspaceId::Aside, &key);
        }
        self.inner
            .committer
            .commit(index, Durability::Buffer, |_, _| Ok::<_, SpoolError>(()))
            .await?;
        Ok(swept)
    }

    pub(super) async fn depart(
        &self,
        domain: DomainId,
        sequence: Sequence,
        departure: Departure,
        audit: Option<&AuditRow>,
    ) -> Result<Sequence, SpoolError> {
        let now = self.clock().now();
        let unknown = || SpoolError::UnknownEntry { domain, sequence };
        loop {
            let completed = self.inner.committer.completed();
            let found = self
                .aside_entry(domain, sequence)
                .await?
                .ok_or_else(unknown)?;
            let withheld = match departure {
                Departure::Released => self.withheld(&found, now).await?,
                Departure::Deleted | Departure::Swept => None,
            };
            let leaver = Leaver::new(found, departure)?;
            let read = self.read_messages(leaver.shared_message()).await?;
            let staged = self
                .inner
                .committer
                .commit(Batch::new(), Durability::Synced, |order, batch| {
                    read.check(order)?;
                    if order.forgot_since(completed) {
                        return Err(StageError::ReadAgain);
                    }
                    if order.aside_is_gone(domain, sequence) || order.domain(domain).is_none() {
                        return Err(unknown().into());
                    }
                    if departure == Departure::Released && order.open_domain(domain).is_none() {
                        return Err(SpoolError::UnknownDomain(domain).into());
                    }
                    if let Some(of) = &withheld {
                        of.copies.check(order, of.body.message, now)?;
                        of.copies.stage(order, batch, of.body, now)?;
                    }
                    if let Some(audit) = audit {
                        put_audit(order, batch, audit)?;
                    }
                    leaver.stage(order, batch, &read, now)
                })
                .await;
            match staged {
                Ok(position) => {
                    if let Some(of) = &withheld {
                        of.copies.tell(self);
                    }
                    return Ok(position);
                }
                Err(StageError::ReadAgain) => {}
                Err(StageError::Refused(error)) => return Err(error),
            }
        }
    }
}

/// An entry on its way out of `aside`.
struct Leaver {
    found: AsideEntry,
    departure: Departure,
}

impl Leaver {
    fn new(found: AsideEntry, departure: Departure) -> Result<Self, SpoolError> {
        if matches!(departure, Departure::Released) && found.entry.is_none() {
            return Err(SpoolError::NotReleasable);
        }
        Ok(Self { found, departure })
    }

    /// The message whose row has to be read: that of a shared or a damaged entry.
    fn shared_message(&self) -> Option<MessageId> {
        match &self.found.entry {
            Some(entry) => entry.shared.then_some(entry.message),
            None => queue::header(&self.found.raw).map(|header| header.message),
        }
    }

    fn stage(
        &self,
        order: &mut Order,
        batch: &mut Batch,
        read: &ReadRows,
        now: Timestamp,
    ) -> Result<Sequence, StageError> {
        let AsideEntry {
            domain,
            sequence,
            kind,
            at,
            recipients,
            ..
        } = self.found;
        batch.delete(KeyspaceId::Aside, &aside::key(domain, sequence));
        if aside::expires(kind) {
            batch.delete(KeyspaceId::Aside, &aside::age_key(at, domain, sequence));
        }
        if kind == AsideKind::Quarantined {
            batch.delete(KeyspaceId::Withheld, &queue::key(domain, sequence));
        }
        order.note_aside_gone(domain, sequence);
        let mut position = sequence;
        if let Some(state) = order.domain_mut(domain) {
            count(
                &mut state.counters,
                kind,
                u64::from(recipients),
                self.departure,
            );
            if matches!(self.departure, Departure::Released) {
                position = state.take_sequence();
                order.lane_grows(domain);
            }
        }
        match (&self.found.entry, self.departure) {
            (Some(entry), Departure::Released) => {
                let released = reborn(entry, position, now);
                batch.encode(KeyspaceId::Queue, &queue::key(domain, position), |out| {
                    queue::encode(out, &released)
                })?;
                replace_reference(order, batch, read, entry, &[position])?;
                if let Some(state) = order.domain_mut(domain) {
                    state.counters.queued_bytes += entry.size_bytes;
                }
            }
            (Some(entry), _) => replace_reference(order, batch, read, entry, &[])?,
            (None, _) => {
                if let Some(header) = queue::header(&self.found.raw) {
                    let old = (domain, sequence);
                    replace_in_list(order, batch, read, header.message, old, &[])?;
                }
            }
        }
        if let Some(message) = self.message() {
            let event = self.event();
            PreparedEvent::new(message, domain, &event, batch)?.stage(order, batch, now, 0);
        }
        batch.touch(domain);
        Ok(position)
    }

    fn message(&self) -> Option<MessageId> {
        match &self.found.entry {
            Some(entry) => Some(entry.message),
            None => queue::header(&self.found.raw).map(|header| header.message),
        }
    }

    const fn event(&self) -> LogEvent {
        let kind = self.found.kind;
        match self.departure {
            Departure::Released => LogEvent::Released { kind },
            Departure::Deleted => LogEvent::Deleted { kind },
            Departure::Swept => LogEvent::Dropped { kind },
        }
    }
}

/// The entry as it enters the queue again: due at once, with a new hold period.
fn reborn(entry: &QueueEntry, sequence: Sequence, now: Timestamp) -> QueueEntry {
    let mut entry = entry.clone();
    entry.sequence = sequence;
    entry.accepted_at = now;
    entry.revision = 0;
    for recipient in &mut entry.recipients {
        recipient.due_at = Timestamp::default();
    }
    entry
}

/// Moves the recipients of a departing entry to their new place in the ledger. What has expired
/// stays expired unless it is released.
const fn count(counters: &mut Counters, kind: AsideKind, recipients: u64, departure: Departure) {
    let was = match kind {
        AsideKind::Parked | AsideKind::Corrupt => &mut counters.parked,
        AsideKind::Quarantined => &mut counters.quarantined,
        AsideKind::Expired if matches!(departure, Departure::Released) => &mut counters.expired,
        AsideKind::Expired => return,
    };
    *was = was.saturating_sub(recipients);
    match departure {
        Departure::Released => counters.queued += recipients,
        Departure::Deleted => counters.removed += recipients,
        Departure::Swept if matches!(kind, AsideKind::Quarantined) => {
            counters.expired += recipients;
        }
        Departure::Swept => counters.failed += recipients,
    }
}

/// Adds an audit row to a commit.
pub(super) fn put_audit(
    order: &mut Order,
    batch: &mut Batch,
    row: &AuditRow,
) -> Result<(), codec::RowError> {
    let number = order.next_audit;
    order.next_audit += 1;
    batch.encode(KeyspaceId::Audit, &audit::key(number), |out| {
        codec::encode(out, row)
    })
}

/// An entry, or what can be told of it when its row in `aside` is damaged too.
fn decode_or_raw(domain: DomainId, sequence: Sequence, row: &Bytes) -> AsideEntry {
    aside::decode(domain, sequence, row).unwrap_or_else(|error| {
        metrics::corrupt_record(KeyspaceId::Aside);
        tracing::error!(domain.id = domain.0, sequence = sequence.0, %error, "a row that was set aside is damaged");
        unreadable(domain, sequence, error.to_string(), row.clone())
    })
}

fn unreadable(domain: DomainId, sequence: Sequence, reason: String, raw: Bytes) -> AsideEntry {
    let (kind, recipients) = aside::header(&raw).unwrap_or((AsideKind::Corrupt, 1));
    AsideEntry {
        domain,
        sequence,
        kind,
        reason,
        at: Timestamp::default(),
        recipients,
        entry: None,
        raw,
    }
}
