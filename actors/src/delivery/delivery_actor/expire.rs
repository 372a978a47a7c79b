//! Expiry of held mail (S4): by clock, in small turns, from the oldest on.

use ractor::{ActorProcessingErr, ActorRef};
use storage::model::{QueueEntry, Timestamp};
use storage::spool::RecipientOutcome;

use super::super::expiry;
use super::{DeliveryMessage, DeliveryState};

/// Entries of each lane per turn.
const TURN_MAX: usize = 64;

impl DeliveryState {
    /// Learns the age of the oldest entry from the store.
    pub(super) async fn find_oldest(&mut self) -> Result<(), ActorProcessingErr> {
        let spool = &self.context.spool;
        let ready = spool.queue_page(self.domain.id, None, 1).await?;
        let deferred = spool.deferred_page(self.domain.id, None, 1).await?;
        let oldest = ready.iter().chain(&deferred).map(|entry| entry.accepted_at);
        self.note_oldest(oldest.min());
        Ok(())
    }

    fn note_oldest(&mut self, oldest: Option<Timestamp>) {
        self.oldest_at = oldest;
        self.next_expiry_at = oldest.map(|oldest| expiry::next_expiry(&self.domain, oldest));
    }

    /// One turn: expires what is over, and looks when the next entry is. Entries that are on their
    /// way are left alone; how they end is seen first.
    pub(super) async fn expire(
        &mut self,
        myself: &ActorRef<DeliveryMessage>,
    ) -> Result<(), ActorProcessingErr> {
        let now = self.now();
        let spool = self.context.spool.clone();
        let ready = spool.queue_page(self.domain.id, None, TURN_MAX).await?;
        let deferred = spool.deferred_page(self.domain.id, None, TURN_MAX).await?;
        let mut more = false;
        let mut over = Vec::new();
        let mut oldest = None;
        for lane in [ready, deferred] {
            let is_full = lane.len() == TURN_MAX;
            let mut rest = lane.into_iter().skip_while(|entry| {
                let expired = expiry::is_expired(&self.domain, entry, now);
                if expired && !self.window.is_leased(entry.sequence) {
                    over.push(entry.clone());
                }
                expired
            });
            match rest.next() {
                Some(next) => {
                    let next = next.accepted_at;
                    oldest = Some(oldest.map_or(next, |oldest: Timestamp| oldest.min(next)));
                }
                None => more |= is_full,
            }
        }
        let expired = over.len();
        self.settle_expired(over).await?;
        self.note_oldest(oldest);
        if more && expired > 0 {
            myself.send_message(DeliveryMessage::Expire)?;
        }
        Ok(())
    }

    async fn settle_expired(&mut self, over: Vec<QueueEntry>) -> Result<(), ActorProcessingErr> {
        if over.is_empty() {
            return Ok(());
        }
        tracing::warn!(
            domain.name = %self.domain.name, count = over.len(), days = self.domain.hold_days,
            "mail was held for its whole period and has expired"
        );
        let mut settlements = Vec::with_capacity(over.len());
        for entry in over {
            self.window.remove(entry.sequence);
            let open = entry.open_recipients();
            let outcomes = open
                .map(|(index, _)| (index, RecipientOutcome::Expired))
                .collect();
            settlements.push(self.reporter.settlement(entry, outcomes, false).await);
        }
        self.context.spool.settle_all(settlements).await?;
        Ok(())
    }
}
