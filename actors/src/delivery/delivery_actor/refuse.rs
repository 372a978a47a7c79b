//! A domain without a route: its mail waits, or is refused when the domain itself says that it takes
//! none (OUT4). Only other people's domains are believed in that; a customer's null MX is a mistake
//! that a person repairs, and its mail is held (IN25).

use ractor::{ActorProcessingErr, ActorRef};
use storage::model::QueueEntry;
use storage::spool::RecipientOutcome;

use super::super::exchange::NoRoute;
use super::super::health::Health;
use super::super::host_governor::GovernorMessage;
use super::super::route::RouteKey;
use super::super::stored_reply::stored;
use super::{DeliveryMessage, DeliveryState};

/// Entries of each lane per turn.
const TURN_MAX: usize = 64;

impl DeliveryState {
    /// The domain has lost its route, or never had one.
    pub(super) fn unroutable(
        &mut self,
        myself: &ActorRef<DeliveryMessage>,
        why: NoRoute,
    ) -> Result<(), ActorProcessingErr> {
        if let Some(governor) = self.governor.take() {
            // What is on its way there comes to its end.
            let _ = governor.send_message(GovernorMessage::Demand {
                domain: self.domain.id,
                ready: 0,
                has_canary: false,
            });
        }
        self.route = RouteKey::new(self.context.routing.destinations(&self.domain));
        self.health = Health::Unknown;
        self.announced = None;
        self.published_at = None;
        self.unroutable = Some(why);
        if self.refuses_all() {
            myself.send_message(DeliveryMessage::Refuse)?;
        }
        Ok(())
    }

    /// Whether everything that is queued here is refused for good.
    pub(super) fn refuses_all(&self) -> bool {
        let for_good = self.unroutable.as_ref().is_some_and(NoRoute::is_permanent);
        for_good && self.domain.id.is_outbound()
    }

    /// One turn of refusing what is queued.
    pub(super) async fn refuse(
        &mut self,
        myself: &ActorRef<DeliveryMessage>,
    ) -> Result<(), ActorProcessingErr> {
        let Some(why) = self.unroutable.clone().filter(|_| self.refuses_all()) else {
            return Ok(());
        };
        let spool = self.context.spool.clone();
        let mut entries = spool.queue_page(self.domain.id, None, TURN_MAX).await?;
        entries.extend(spool.deferred_page(self.domain.id, None, TURN_MAX).await?);
        entries.retain(|entry| !self.window.is_leased(entry.sequence));
        let mut settlements = Vec::with_capacity(entries.len());
        for entry in entries {
            self.window.remove(entry.sequence);
            tracing::info!(domain.name = %self.domain.name, queue.id = %entry.message, reason = %why, "a message cannot be delivered");
            let outcomes = refused(&entry, &why, self.domain.name.as_str());
            settlements.push(self.reporter.settlement(entry, outcomes, false).await);
        }
        let count = settlements.len();
        if count > 0 {
            spool.settle_all(settlements).await?;
        }
        if count >= TURN_MAX {
            myself.send_message(DeliveryMessage::Refuse)?;
        }
        Ok(())
    }
}

fn refused(entry: &QueueEntry, why: &NoRoute, host: &str) -> Vec<(usize, RecipientOutcome)> {
    let reply = stored(&why.reply(), host);
    let open = entry.open_recipients();
    open.map(|(index, _)| {
        let reply = reply.clone();
        (index, RecipientOutcome::Parked { reply })
    })
    .collect()
}
