//! Taking a message over: one synced commit of body, message row, entries and ledger.
//!
//! When [`Spool::accept`] has returned `Ok`, the 250 may be sent (S23): what it stands for has
//! been synced to the disk.

use bytes::Bytes;

use super::Spool;
use super::body::StoredBody;
use crate::codec;
use crate::codec::RowError;
use crate::commit::{Batch, Order};
use crate::engine::{Durability, KeyspaceId};
use crate::error::SpoolError;
use crate::keyspace::queue::Fresh;
use crate::keyspace::{aside, meta, queue, transit};
use crate::limits::RECIPIENTS_MAX;
use crate::metrics;
use crate::model::{
    AsideKind, DomainId, Envelope, MessageId, MessageRow, Recipient, RecipientState, Timestamp,
};

/// A message to be taken over.
#[derive(Debug)]
pub struct NewMessage {
    /// Its id, from [`Spool::next_id`].
    pub id: MessageId,
    /// When: the hold period counts from here.
    pub accepted_at: Timestamp,
    /// The transaction; its recipients are those of the entries.
    pub envelope: Envelope,
    /// The body, trace header included.
    pub body: StoredBody,
    /// One per destination domain, at least one.
    pub entries: Vec<NewEntry>,
    /// List-Id, Precedence: bulk or null sender.
    pub bulk: bool,
}

/// The part of a new message that goes to one domain.
#[derive(Debug)]
pub struct NewEntry {
    /// The domain.
    pub domain: DomainId,
    /// Its recipients, at least one.
    pub recipients: Vec<Recipient>,
    /// Where it goes first.
    pub disposition: NewDisposition,
}

/// Where a new entry goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NewDisposition {
    /// Into the queue.
    Queue,
    /// Aside, until a person decides.
    Quarantine {
        /// What the filter found.
        reason: String,
    },
}

/// A message whose rows are encoded as far as they can be without positions.
pub(super) struct PreparedMessage {
    id: MessageId,
    row: MessageRow,
    entries: Vec<PreparedEntry>,
    body: StoredBody,
}

struct PreparedEntry {
    domain: DomainId,
    recipients: u16,
    quarantined: bool,
    row: Bytes,
}

impl Spool {
    /// Takes a message over. `Ok` means that it is on the disk.
    ///
    /// # Errors
    /// [`SpoolError::UnknownDomain`] when a domain was removed since its recipient was accepted:
    /// answer 451. [`SpoolError::Engine`] when the store failed: answer 451, and
    /// [`Spool::failed`] says why. In any case nothing was taken over.
    pub async fn accept(&self, message: NewMessage) -> Result<(), SpoolError> {
        let started = self.clock().monotonic();
        let mut batch = Batch::new();
        let mut prepared = PreparedMessage::new(message, &mut batch)?;
        self.inner
            .committer
            .commit(batch, Durability::Synced, |order, batch| {
                prepared.check(order)?;
                prepared.stage(order, batch)
            })
            .await?;
        prepared.accepted();
        metrics::accepted(self.clock().monotonic().saturating_sub(started));
        Ok(())
    }
}

impl PreparedMessage {
    pub(super) fn new(message: NewMessage, batch: &mut Batch) -> Result<Self, SpoolError> {
        let NewMessage {
            id,
            accepted_at,
            envelope,
            mut body,
            entries,
            bulk,
        } = message;
        if body.message != id {
            return Err(SpoolError::Invalid("the body belongs to another message"));
        }
        let sound = |entry: &NewEntry| (1..=RECIPIENTS_MAX).contains(&entry.recipients.len());
        if entries.is_empty() || !entries.iter().all(sound) {
            return Err(SpoolError::Invalid(
                "a message without recipients, or with too many",
            ));
        }
        let fresh = Fresh {
            message: id,
            size_bytes: body.size_bytes,
            chunks: body.chunks,
            accepted_at,
            bulk,
            shared: entries.len() > 1,
        };
        let row = MessageRow {
            size_bytes: body.size_bytes,
            chunks: body.chunks,
            accepted_at,
            open: Vec::with_capacity(entries.len()),
        };
        let entries = entries
            .into_iter()
            .map(|entry| PreparedEntry::new(entry, fresh, &envelope, batch))
            .collect::<Result<_, _>>()?;
        if let Some(chunk) = body.inline.take() {
            batch.put(KeyspaceId::Transit, &transit::key(id, 0), chunk);
        } else {
            batch.delete(KeyspaceId::Meta, &meta::upload_key(id));
        }
        Ok(Self {
            id,
            row,
            entries,
            body,
        })
    }

    /// Refuses before anything is changed.
    pub(super) fn check(&self, order: &Order) -> Result<(), SpoolError> {
        match self
            .entries
            .iter()
            .find(|entry| order.open_domain(entry.domain).is_none())
        {
            Some(entry) => Err(SpoolError::UnknownDomain(entry.domain)),
            None => Ok(()),
        }
    }

    /// Gives positions and counts. After [`Self::check`] it does not refuse.
    pub(super) fn stage(&mut self, order: &mut Order, batch: &mut Batch) -> Result<(), SpoolError> {
        for entry in &mut self.entries {
            let Some(domain) = order.domain_mut(entry.domain) else {
                return Err(SpoolError::UnknownDomain(entry.domain));
            };
            let sequence = domain.take_sequence();
            let recipients = u64::from(entry.recipients);
            let row = std::mem::take(&mut entry.row);
            domain.counters.accepted += recipients;
            if entry.quarantined {
                domain.counters.quarantined += recipients;
                batch.put(KeyspaceId::Aside, &aside::key(entry.domain, sequence), row);
            } else {
                domain.counters.queued += recipients;
                domain.counters.queued_bytes += self.row.size_bytes;
                order.lane_grows(entry.domain);
                batch.put(KeyspaceId::Queue, &queue::key(entry.domain, sequence), row);
            }
            batch.touch(entry.domain);
            self.row.open.push((entry.domain, sequence));
        }
        let row = &self.row;
        batch.encode(KeyspaceId::Message, self.id.as_bytes(), |out| {
            codec::encode(out, row)
        })?;
        if let Some(claim) = &mut self.body.claim {
            claim.accepting();
        }
        Ok(())
    }

    /// The commit is visible.
    pub(super) fn accepted(self) {
        if let Some(claim) = self.body.claim {
            claim.accepted();
        }
    }
}

impl PreparedEntry {
    fn new(
        entry: NewEntry,
        fresh: Fresh,
        envelope: &Envelope,
        batch: &mut Batch,
    ) -> Result<Self, RowError> {
        let recipients: Vec<_> = entry
            .recipients
            .into_iter()
            .map(RecipientState::new)
            .collect();
        let count = u16::try_from(recipients.len()).unwrap_or(u16::MAX);
        let mut row = batch.row(|out| queue::encode_fresh(out, fresh, envelope, &recipients))?;
        let quarantined = match entry.disposition {
            NewDisposition::Queue => false,
            NewDisposition::Quarantine { reason } => {
                let head = aside::AsideHead {
                    kind: AsideKind::Quarantined,
                    at: fresh.accepted_at,
                    reason: &reason,
                    recipients: count,
                    raw: false,
                };
                row = batch.row(|out| aside::encode(out, head, &row))?;
                true
            }
        };
        Ok(Self {
            domain: entry.domain,
            recipients: count,
            quarantined,
            row,
        })
    }
}
