//! What an administrator wants done with queued mail: committed, carried out by the domain's
//! DeliveryActor, then gone. The open ones are kept in memory too.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::Spool;
use super::aside::put_audit;
use crate::codec;
use crate::commit::Batch;
use crate::engine::{Durability, KeyspaceId};
use crate::error::SpoolError;
use crate::feed::Hint;
use crate::keyspace::intents as keys;
use crate::model::{AuditRow, DomainId, Intent, IntentAction, IntentId, Sequence};

/// Open intents.
#[derive(Debug)]
pub(crate) struct IntentBoard {
    state: Mutex<Board>,
}

#[derive(Debug)]
struct Board {
    open: BTreeMap<IntentId, OpenIntent>,
    next: u64,
}

#[derive(Debug)]
struct OpenIntent {
    intent: Intent,
    /// Counts what is left of the request that this belongs to; none after a restart.
    left: Option<Arc<watch::Sender<usize>>>,
}

impl IntentBoard {
    /// The board as the store has it.
    pub(crate) fn new(open: Vec<Intent>) -> Self {
        let next = open.iter().map(|intent| intent.id.0 + 1).max();
        let open = open.into_iter().map(|intent| {
            let entry = OpenIntent { intent, left: None };
            (intent.id, entry)
        });
        Self {
            state: Mutex::new(Board {
                open: open.collect(),
                next: next.unwrap_or(1),
            }),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Board> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn finish(&self, id: IntentId) -> Option<OpenIntent> {
        self.lock().open.remove(&id)
    }
}

/// Says when all intents of one request are carried out.
#[derive(Debug)]
pub struct IntentTicket {
    left: watch::Receiver<usize>,
}

impl IntentTicket {
    /// Waits until they are.
    pub async fn done(mut self) {
        // The sender goes with the last intent, whose count is zero then.
        let _ = self.left.wait_for(|left| *left == 0).await;
    }
}

impl Spool {
    /// Writes down what is wanted with entries of a domain; the ticket says when it is done. An
    /// entry that is settled meanwhile counts as done.
    ///
    /// # Errors
    /// [`SpoolError::UnknownDomain`]; [`SpoolError::Engine`].
    pub async fn add_intents(
        &self,
        domain: DomainId,
        wanted: Vec<(Sequence, IntentAction)>,
        audit: AuditRow,
    ) -> Result<IntentTicket, SpoolError> {
        let (left, ticket) = watch::channel(wanted.len());
        let left = Arc::new(left);
        self.inner
            .committer
            .commit(Batch::new(), Durability::Synced, |order, batch| {
                if order.domain(domain).is_none() {
                    return Err(SpoolError::UnknownDomain(domain));
                }
                put_audit(order, batch, &audit)?;
                let mut board = self.inner.intents.lock();
                for (sequence, action) in wanted {
                    let intent = Intent {
                        id: IntentId(board.next),
                        domain,
                        sequence,
                        action,
                    };
                    batch.encode(KeyspaceId::Intents, &keys::key(intent.id), |out| {
                        codec::encode(out, &intent)
                    })?;
                    board.next += 1;
                    let left = Some(Arc::clone(&left));
                    board.open.insert(intent.id, OpenIntent { intent, left });
                }
                Ok(())
            })
            .await?;
        self.inner.feed.tell(Hint::Intents(domain));
        Ok(IntentTicket { left: ticket })
    }

    /// Notes that somebody believes a domain's destination to be back, and says so to whoever probes
    /// it. Only the audit row is kept.
    ///
    /// # Errors
    /// [`SpoolError::UnknownDomain`]; [`SpoolError::Engine`].
    pub async fn ask_probe(&self, domain: DomainId, audit: AuditRow) -> Result<(), SpoolError> {
        self.inner
            .committer
            .commit(Batch::new(), Durability::Synced, |order, batch| {
                if order.domain(domain).is_none() {
                    return Err(SpoolError::UnknownDomain(domain));
                }
                put_audit(order, batch, &audit)?;
                Ok(())
            })
            .await?;
        self.inner.feed.tell(Hint::Probe(domain));
        Ok(())
    }

    /// What is wanted with entries of a domain, in the order in which it was asked for.
    #[must_use]
    pub fn intents(&self, domain: DomainId) -> Vec<Intent> {
        let board = self.inner.intents.lock();
        let open = board.open.values().map(|open| open.intent);
        open.filter(|intent| intent.domain == domain).collect()
    }

    /// An intent is carried out, or there is nothing to carry it out on.
    ///
    /// # Errors
    /// [`SpoolError::Engine`].
    pub async fn finish_intent(&self, id: IntentId) -> Result<(), SpoolError> {
        let mut batch = Batch::new();
        batch.delete(KeyspaceId::Intents, &keys::key(id));
        let finished = self.inner.intents.finish(id);
        // Not synced: after a power cut it is carried out once more, on an entry that is gone.
        self.inner
            .committer
            .commit(batch, Durability::Buffer, |_, _| Ok::<_, SpoolError>(()))
            .await?;
        if let Some(left) = finished.and_then(|finished| finished.left) {
            left.send_modify(|left| *left = left.saturating_sub(1));
        }
        Ok(())
    }
}
