//! What people see of a route, and what is kept of it for the next start.

use std::time::Duration;

use ractor::ActorProcessingErr;
use storage::model::Timestamp;
use storage::spool::{Spool, SpoolError};

use super::super::governor::Learned;
use super::super::health::{Health, Trouble};
use super::super::route::RouteKey;
use super::GovernorState;
use crate::status::{DestinationState, RouteStatus};

/// How often figures that change all the time are published.
const PUBLISH_INTERVAL: Duration = Duration::from_millis(200);
/// How often what was learnt is kept, when it has changed.
const SAVE_INTERVAL: Duration = Duration::from_secs(30);

/// What was learnt about a route before the last restart. What cannot be read is not missed.
pub(super) async fn load(spool: &Spool, route: &RouteKey) -> Result<Learned, SpoolError> {
    let learned = spool.load_learned(&learned_key(route)).await?;
    let learned = learned.and_then(|bytes| postcard::from_bytes(&bytes).ok());
    Ok(learned.unwrap_or_default())
}

impl GovernorState {
    /// Keeps what was learnt, for the next start.
    pub(super) async fn save(&mut self) -> Result<(), ActorProcessingErr> {
        let now = self.clock().monotonic();
        if now.saturating_sub(self.saved_at) < SAVE_INTERVAL {
            return Ok(());
        }
        self.saved_at = now;
        let learned = self.machine.learned();
        if learned != self.learned {
            let bytes = postcard::to_allocvec(&learned)?.into();
            let key = learned_key(&self.route);
            self.context.spool.save_learned(&key, bytes).await?;
            self.learned = learned;
        }
        Ok(())
    }

    pub(super) fn publish(&mut self) {
        let now = self.clock().monotonic();
        let recent = |at: Duration| now.saturating_sub(at) < PUBLISH_INTERVAL;
        if self.published_at.is_some_and(recent) {
            return;
        }
        self.published_at = Some(now);
        let wall = self.clock().now();
        let status = self.machine.status(now);
        let ago = |at: Duration| {
            let millis = now.saturating_sub(at).as_millis();
            let millis = u64::try_from(millis).unwrap_or(u64::MAX);
            Timestamp::from_millis(wall.as_millis().saturating_sub(millis))
        };
        let status = RouteStatus {
            state: shown(status.health),
            since: self.since,
            reason: self.reason.clone(),
            window: status.window,
            in_flight: status.in_flight,
            pace_max: status.pace_max,
            next_probe_at: status
                .next_probe_at
                .map(|at| wall.saturating_add(at.saturating_sub(now))),
            last_probe_at: status.last_probe_at.map(ago),
            probes: status.probes,
        };
        self.context.board.publish_route(&self.route, status);
    }
}

/// Where a route's learnt figures are kept.
fn learned_key(route: &RouteKey) -> String {
    format!("route/{route}")
}

pub(super) const fn shown(health: Health) -> DestinationState {
    match health {
        Health::Unknown => DestinationState::Unknown,
        Health::Healthy => DestinationState::Healthy,
        Health::Degraded(Trouble::Policy | Trouble::Tls) => DestinationState::Policy,
        Health::Degraded(_) => DestinationState::Degraded,
        Health::Suspect => DestinationState::Suspect,
        Health::Down => DestinationState::Down,
        Health::Canary => DestinationState::Canary,
        Health::Ramp => DestinationState::Ramp,
    }
}
