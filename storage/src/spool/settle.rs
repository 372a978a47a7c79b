//! Writing down what became of entries: one commit per settlement or per batch of them.
//!
//! Only the DeliveryActor of the domain calls this, so the entry it holds is the current one; a
//! copy that is not, because its actor was restarted in between, is recognised and changes nothing.
//! What only says *delivered* is not synced: after a power cut it costs a second delivery at most
//! (RFC 1047), and the ledger goes back together with the entry.

use super::Spool;
use super::accept::{NewMessage, PreparedMessage};
use super::log::{PreparedEvent, changes};
use super::outcome::{self, Applied, AsidePart, RecipientOutcome};
use super::shared::{ReadRows, StageError, replace_reference};
use crate::codec::{self, RowError};
use crate::commit::{Batch, EntryState, Order};
use crate::engine::{Durability, KeyspaceId};
use crate::error::SpoolError;
use crate::keyspace::{aside, queue};
use crate::model::{AsideKind, LogEvent, QueueEntry, Sequence, Timestamp};

/// What became of recipients of one entry.
#[derive(Debug)]
pub struct Settlement {
    /// The entry as its actor holds it.
    pub entry: QueueEntry,
    /// Outcomes by the index of the recipient in the entry; each at most once, at least one.
    pub outcomes: Vec<(usize, RecipientOutcome)>,
    /// Notifications that are accepted in the same commit.
    pub notices: Vec<NewMessage>,
}

/// What a settlement did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settled {
    /// No recipient is open any more: the entry is gone from the queue.
    Closed,
    /// The entry as it is now.
    Open(Box<QueueEntry>),
    /// The copy was not the current one; nothing was written, and the copy is worthless.
    Stale,
}

/// One settlement, ready for the lock.
struct Prepared {
    entry: QueueEntry,
    applied: Applied,
    notices: Vec<PreparedMessage>,
    /// Rows and bodies of the notices.
    notice_rows: Option<Batch>,
    /// What the log says about it.
    event: PreparedEvent,
    current: bool,
}

impl Spool {
    /// Writes down what became of an entry's recipients.
    ///
    /// # Errors
    /// [`SpoolError::Invalid`] for outcomes that do not fit the entry; [`SpoolError::Engine`].
    pub async fn settle(&self, settlement: Settlement) -> Result<Settled, SpoolError> {
        let mut settled = self.settle_all(vec![settlement]).await?;
        Ok(settled.pop().unwrap_or(Settled::Stale))
    }

    /// Writes down several settlements in one commit, answers in their order.
    ///
    /// # Errors
    /// As [`Spool::settle`]; nothing of the batch is written then. An entry may occur once.
    pub async fn settle_all(
        &self,
        settlements: Vec<Settlement>,
    ) -> Result<Vec<Settled>, SpoolError> {
        let prepared = settlements
            .into_iter()
            .map(Prepared::new)
            .collect::<Result<_, _>>()?;
        self.settle_prepared(prepared).await
    }

    /// Sets every open recipient of an entry aside, e.g. because its body is damaged.
    ///
    /// # Errors
    /// [`SpoolError::Engine`].
    pub async fn set_aside(
        &self,
        entry: QueueEntry,
        kind: AsideKind,
        reason: impl Into<String>,
    ) -> Result<Settled, SpoolError> {
        let reason = reason.into();
        let event = LogEvent::SetAside {
            kind,
            reason: reason.clone(),
        };
        let event = PreparedEvent::new(entry.message, entry.domain, &event, &mut Batch::new())?;
        let applied = outcome::set_aside(&entry, kind, reason);
        let prepared = Prepared {
            entry,
            applied,
            notices: Vec::new(),
            notice_rows: None,
            event,
            current: true,
        };
        let mut settled = self.settle_prepared(vec![prepared]).await?;
        Ok(settled.pop().unwrap_or(Settled::Stale))
    }

    async fn settle_prepared(
        &self,
        mut prepared: Vec<Prepared>,
    ) -> Result<Vec<Settled>, SpoolError> {
        let durability = durability(&prepared);
        let now = self.clock().now();
        loop {
            let entries = prepared.iter().map(|one| &one.entry);
            let shared: Vec<_> = entries
                .filter(|entry| entry.shared)
                .map(|entry| entry.message)
                .collect();
            let read = self.read_messages(shared).await?;
            let staged = self
                .inner
                .committer
                .commit(Batch::new(), durability, |order, batch| {
                    read.check(order)?;
                    stage_all(&mut prepared, order, batch, &read, now)
                })
                .await;
            match staged {
                Ok(settled) => {
                    let current = prepared.into_iter().filter(|one| one.current);
                    for notice in current.flat_map(|one| one.notices) {
                        notice.accepted();
                    }
                    return Ok(settled);
                }
                Err(StageError::ReadAgain) => {}
                Err(StageError::Refused(error)) => return Err(error),
            }
        }
    }
}

fn durability(prepared: &[Prepared]) -> Durability {
    let cheap = |one: &Prepared| one.applied.only_delivered && one.notices.is_empty();
    if prepared.iter().all(cheap) {
        Durability::Buffer
    } else {
        Durability::Synced
    }
}

fn stage_all(
    prepared: &mut [Prepared],
    order: &mut Order,
    batch: &mut Batch,
    read: &ReadRows,
    now: Timestamp,
) -> Result<Vec<Settled>, StageError> {
    for notice in prepared.iter().flat_map(|one| &one.notices) {
        notice.check(order)?;
    }
    let mut settled = Vec::with_capacity(prepared.len());
    for (number, one) in prepared.iter_mut().enumerate() {
        one.current = is_current(order, &one.entry);
        if !one.current {
            settled.push(Settled::Stale);
            continue;
        }
        settled.push(one.stage(order, batch, read, now)?);
        let number = u16::try_from(number).unwrap_or(u16::MAX);
        one.event.stage(order, batch, now, number);
        if let Some(rows) = one.notice_rows.take() {
            batch.append(rows);
        }
        for notice in &mut one.notices {
            notice.stage(order, batch)?;
        }
    }
    Ok(settled)
}

/// Whether this copy is what the queue holds, as far as changes on their way are concerned.
fn is_current(order: &Order, entry: &QueueEntry) -> bool {
    let Some(domain) = order.domain(entry.domain) else {
        return false;
    };
    match order.entry(entry.domain, entry.sequence) {
        Some(EntryState::Gone) => false,
        Some(EntryState::Revision(revision)) => revision == entry.revision,
        None => entry.due_at() > Timestamp::default() || !domain.lane.is_gone(entry.sequence),
    }
}

impl Prepared {
    fn new(settlement: Settlement) -> Result<Self, SpoolError> {
        let entry = &settlement.entry;
        let mut rows = Batch::new();
        let event = changes(entry, &settlement.outcomes);
        let event = PreparedEvent::new(entry.message, entry.domain, &event, &mut rows)?;
        let applied = outcome::apply(entry, settlement.outcomes).map_err(SpoolError::Invalid)?;
        let notices: Vec<_> = settlement
            .notices
            .into_iter()
            .map(|notice| PreparedMessage::new(notice, &mut rows))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            entry: settlement.entry,
            applied,
            notice_rows: (!notices.is_empty()).then_some(rows),
            notices,
            event,
            current: true,
        })
    }

    fn stage(
        &mut self,
        order: &mut Order,
        batch: &mut Batch,
        read: &ReadRows,
        now: Timestamp,
    ) -> Result<Settled, StageError> {
        let entry = &self.entry;
        let positions = positions(
            order,
            entry,
            self.applied.kept.is_some(),
            &self.applied.aside,
        );
        let references: Vec<_> = self
            .applied
            .kept
            .iter()
            .map(|kept| kept.sequence)
            .chain(positions.iter().copied())
            .collect();
        let shared = entry.shared || references.len() > 1;
        if let Some(kept) = &mut self.applied.kept {
            kept.shared = shared;
        }
        move_row(order, batch, entry, self.applied.kept.as_ref())?;
        for (part, sequence) in self.applied.aside.iter_mut().zip(positions) {
            let set_aside = QueueEntry {
                sequence,
                recipients: part.recipients.drain(..).map(reopened).collect(),
                shared,
                ..entry.clone()
            };
            put_aside(batch, &set_aside, part.kind, now, &part.reason)?;
        }
        replace_reference(order, batch, read, entry, &references)?;
        if let Some(domain) = order.domain_mut(entry.domain) {
            self.applied.tally.apply(&mut domain.counters);
            if self.applied.kept.is_none() {
                domain.counters.queued_bytes = domain
                    .counters
                    .queued_bytes
                    .saturating_sub(entry.size_bytes);
            }
        }
        batch.touch(entry.domain);
        Ok(self
            .applied
            .kept
            .clone()
            .map_or(Settled::Closed, |kept| Settled::Open(Box::new(kept))))
    }
}

/// Positions for the parts set aside: the entry's own for the first when nothing else keeps it.
fn positions(
    order: &mut Order,
    entry: &QueueEntry,
    kept: bool,
    parts: &[AsidePart],
) -> Vec<Sequence> {
    let mut own = (!kept).then_some(entry.sequence);
    parts
        .iter()
        .map(|_| {
            own.take().unwrap_or_else(|| {
                order.domain_mut(entry.domain).map_or(
                    entry.sequence,
                    super::super::commit::DomainOrder::take_sequence,
                )
            })
        })
        .collect()
}

fn reopened(mut state: crate::model::RecipientState) -> crate::model::RecipientState {
    state.settled = None;
    state
}

/// Takes the entry's row out of its lane and puts what is kept of it where it belongs.
pub(super) fn move_row(
    order: &mut Order,
    batch: &mut Batch,
    old: &QueueEntry,
    kept: Option<&QueueEntry>,
) -> Result<(), RowError> {
    let at_once = Timestamp::default();
    let (domain, sequence) = (old.domain, old.sequence);
    let key = queue::key(domain, sequence);
    let was_ready = old.due_at() == at_once;
    let stays_ready = was_ready && kept.is_some_and(|kept| kept.due_at() == at_once);
    if was_ready && !stays_ready {
        batch.delete(KeyspaceId::Queue, &key);
        if let Some(state) = order.domain_mut(domain) {
            state.lane.remove(sequence);
        }
    }
    if !was_ready {
        if kept.is_none_or(|kept| kept.due_at() != old.due_at()) {
            let due = queue::due_key(domain, old.due_at(), sequence);
            batch.delete(KeyspaceId::Due, &due);
        }
        if kept.is_none() {
            batch.delete(KeyspaceId::Deferred, &key);
        }
    }
    let Some(kept) = kept else {
        order.note_entry(domain, sequence, EntryState::Gone);
        return Ok(());
    };
    order.note_entry(domain, sequence, EntryState::Revision(kept.revision));
    if stays_ready {
        return batch.encode(KeyspaceId::Queue, &key, |out| queue::encode(out, kept));
    }
    batch.encode(KeyspaceId::Deferred, &key, |out| queue::encode(out, kept))?;
    if was_ready || kept.due_at() != old.due_at() {
        let ticket = order.ticket;
        if let Some(state) = order.domain_mut(domain) {
            state.due_grows(ticket, kept.due_at());
        }
        let due = queue::due_key(domain, kept.due_at(), sequence);
        batch.encode(KeyspaceId::Due, &due, |out| codec::encode(out, &()))?;
    }
    Ok(())
}

/// Puts an entry aside, and into the index by age when it expires there.
pub(super) fn put_aside(
    batch: &mut Batch,
    entry: &QueueEntry,
    kind: AsideKind,
    at: Timestamp,
    reason: &str,
) -> Result<(), RowError> {
    let row = batch.row(|out| queue::encode(out, entry))?;
    let head = aside::AsideHead {
        kind,
        at,
        reason,
        recipients: u16::try_from(entry.recipients.len()).unwrap_or(u16::MAX),
        raw: false,
    };
    let key = aside::key(entry.domain, entry.sequence);
    batch.encode(KeyspaceId::Aside, &key, |out| {
        aside::encode(out, head, &row)
    })?;
    if aside::expires(kind) {
        let age = aside::age_key(at, entry.domain, entry.sequence);
        batch.encode(KeyspaceId::Aside, &age, |out| codec::encode(out, &()))?;
    }
    Ok(())
}
