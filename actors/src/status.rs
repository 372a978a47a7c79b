//! The live state of every domain and route, as web, metrics and the demo read it.
//!
//! Actors write their own part; readers join the parts with the directory and the ledger. Nothing
//! is decided from here, and nothing is lost with it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;
use storage::model::{Counters, Domain, DomainId, DomainName, Hold, Timestamp};

use crate::availability::AvailabilityFigures;
use crate::delivery::route::RouteKey;
use crate::outages::Outage;

/// Where a destination stands (delivery.md B2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum DestinationState {
    /// Nothing has been sent there since the start.
    #[default]
    Unknown,
    /// Mail is passed on at once.
    Healthy,
    /// Mail is passed on, more carefully than usual.
    Degraded,
    /// One connection failed; it is being confirmed.
    Suspect,
    /// It takes no mail. Everything is held and the destination is probed.
    Down,
    /// It answers again and gets one message at a time.
    Canary,
    /// It takes mail and gets more and more of it.
    Ramp,
    /// It answers, but in a way that needs a person (wrong greeting, TLS policy); mail is held.
    Policy,
    /// Delivery to this domain is stopped by a person or a guard.
    Held,
    /// This domain's delivery has died too often and is stopped.
    Faulty,
}

/// What the governor of a route says.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RouteStatus {
    /// Where the route stands.
    pub state: DestinationState,
    /// Since when.
    pub since: Timestamp,
    /// What the destination said or did last that matters for the state.
    pub reason: Option<String>,
    /// Messages that may be on their way at once.
    pub window: u32,
    /// Messages that are on their way now.
    pub in_flight: u32,
    /// Messages per second at most, when the destination limits its rate.
    pub pace_max: Option<f64>,
    /// When the next probe goes out.
    pub next_probe_at: Option<Timestamp>,
    /// When the last probe went out.
    pub last_probe_at: Option<Timestamp>,
    /// Probes sent since the start.
    pub probes: u64,
}

/// What the delivery of a domain says.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DeliveryStatus {
    /// The route its mail takes.
    pub route: Option<RouteKey>,
    /// When the oldest queued message was accepted.
    pub oldest_at: Option<Timestamp>,
    /// Recipients delivered per second, over the last seconds.
    pub delivered_per_second: f64,
    /// Messages on their way now.
    pub in_flight: u32,
    /// When the next deferred recipient is due.
    pub next_due_at: Option<Timestamp>,
    /// Why permanent failures are not believed at the moment, when they are not (D1).
    pub guard: Option<String>,
    /// Why delivery is stopped until somebody looks at it.
    pub fault: Option<String>,
}

/// Everything about one domain at one moment.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DomainStatus {
    /// Its name.
    pub domain: DomainName,
    /// Where its destination stands.
    pub state: DestinationState,
    /// Since when; zero when unknown.
    pub since: Timestamp,
    /// Why, in words.
    pub reason: Option<String>,
    /// The manual or guard's hold.
    pub hold: Option<Hold>,
    /// Messages that may be on their way to the destination at once, all its domains together.
    pub window: u32,
    /// Messages of this domain on their way now.
    pub in_flight: u32,
    /// Messages per second at most, when the destination limits its rate.
    pub pace_max: Option<f64>,
    /// Recipients delivered per second, over the last seconds.
    pub delivered_per_second: f64,
    /// Queued recipients.
    pub queued: u64,
    /// Bytes of queued bodies.
    pub queued_bytes: u64,
    /// When the oldest queued message was accepted.
    pub oldest_at: Option<Timestamp>,
    /// When the next deferred recipient is due.
    pub next_due_at: Option<Timestamp>,
    /// When the next probe goes out.
    pub next_probe_at: Option<Timestamp>,
    /// Seconds until the queue is empty at the present speed; none while nothing moves.
    pub seconds_left: Option<u64>,
}

/// The board that actors write to and everybody reads. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct StatusBoard {
    parts: Arc<Mutex<Parts>>,
}

#[derive(Debug, Default)]
struct Parts {
    routes: BTreeMap<RouteKey, RouteStatus>,
    domains: BTreeMap<DomainId, DeliveryStatus>,
    availability: AvailabilityFigures,
    outages: BTreeMap<DomainId, Arc<[Outage]>>,
}

impl StatusBoard {
    /// Everything about a domain at `now`. `counters` come from `Spool::counters`.
    #[must_use]
    pub fn domain(&self, domain: &Domain, counters: &Counters, now: Timestamp) -> DomainStatus {
        let parts = self.lock();
        let delivery = parts.domains.get(&domain.id).cloned().unwrap_or_default();
        let route = delivery
            .route
            .clone()
            .unwrap_or_else(|| RouteKey::of(domain));
        let route = parts.routes.get(&route).cloned().unwrap_or_default();
        drop(parts);
        join(domain, domain.hold_at(now), counters, delivery, route)
    }

    /// The state of a route, when it has a governor.
    #[must_use]
    pub fn route(&self, route: &RouteKey) -> Option<RouteStatus> {
        self.lock().routes.get(route).cloned()
    }

    /// The governor's part.
    pub fn publish_route(&self, route: &RouteKey, status: RouteStatus) {
        let mut parts = self.lock();
        if let Some(current) = parts.routes.get_mut(route) {
            *current = status;
        } else {
            parts.routes.insert(route.clone(), status);
        }
    }

    /// The delivery's part.
    pub fn publish_delivery(&self, domain: DomainId, status: DeliveryStatus) {
        self.lock().domains.insert(domain, status);
    }

    /// How much of the last 30 days mail was taken in (S21).
    #[must_use]
    pub fn availability(&self) -> AvailabilityFigures {
        self.lock().availability
    }

    /// Intake's part.
    pub fn publish_availability(&self, figures: AvailabilityFigures) {
        self.lock().availability = figures;
    }

    /// The outages of a domain's destination in the last 30 days, oldest first.
    #[must_use]
    pub fn outages(&self, domain: DomainId) -> Arc<[Outage]> {
        self.lock()
            .outages
            .get(&domain)
            .cloned()
            .unwrap_or_default()
    }

    /// The outage watch's part.
    pub fn publish_outages(&self, domain: DomainId, outages: Vec<Outage>) {
        self.lock().outages.insert(domain, outages.into());
    }

    /// Notes that a domain's delivery is stopped for good, or that it runs again.
    pub fn publish_fault(&self, domain: DomainId, fault: Option<String>) {
        self.lock().domains.entry(domain).or_default().fault = fault;
    }

    /// Forgets a route that nobody uses any more.
    pub fn forget_route(&self, route: &RouteKey) {
        self.lock().routes.remove(route);
    }

    /// Forgets a domain that has no delivery any more.
    pub fn forget_delivery(&self, domain: DomainId) {
        self.lock().domains.remove(&domain);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Parts> {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn join(
    domain: &Domain,
    hold: Option<&Hold>,
    counters: &Counters,
    delivery: DeliveryStatus,
    route: RouteStatus,
) -> DomainStatus {
    let (state, since, reason) = match (&delivery.fault, hold, &delivery.guard) {
        (Some(fault), _, _) => (DestinationState::Faulty, route.since, Some(fault.clone())),
        (None, Some(hold), _) => {
            let reason = Some(hold.reason.clone());
            (DestinationState::Held, hold.since, reason)
        }
        (None, None, Some(guard)) => (DestinationState::Held, route.since, Some(guard.clone())),
        (None, None, None) => (route.state, route.since, route.reason),
    };
    DomainStatus {
        domain: domain.name.clone(),
        state,
        since,
        reason,
        hold: hold.cloned(),
        window: route.window,
        in_flight: delivery.in_flight,
        pace_max: route.pace_max,
        delivered_per_second: delivery.delivered_per_second,
        queued: counters.queued,
        queued_bytes: counters.queued_bytes,
        oldest_at: delivery.oldest_at,
        next_due_at: delivery.next_due_at,
        next_probe_at: route.next_probe_at,
        seconds_left: seconds_left(counters.queued, delivery.delivered_per_second),
    }
}

/// Slower than one message in this time is no speed to foretell anything from.
const SLOWEST: Duration = Duration::from_secs(3600);

fn seconds_left(queued: u64, per_second: f64) -> Option<u64> {
    if queued == 0 {
        return Some(0);
    }
    // Precision is of no use here: the figure is shown as minutes.
    let seconds = queued as f64 / per_second;
    (per_second * SLOWEST.as_secs_f64() >= 1.0).then_some(seconds.ceil() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use storage::model::{Destination, TlsPolicy};

    fn domain() -> Domain {
        Domain {
            id: DomainId(1),
            name: "example.org".parse().unwrap(),
            destinations: vec![Destination {
                host: "mail.example.org".to_owned(),
                port: 25,
                priority: 0,
                weight: 1,
                tls: TlsPolicy::Opportunistic,
                ..Destination::default()
            }],
            verify: None,
            catch_all: false,
            hold_days: 15,
            hold: None,
            continuity: None,
            created_at: Timestamp::default(),
        }
    }

    #[test]
    fn a_hold_hides_the_route_and_a_fault_hides_both() {
        let board = StatusBoard::default();
        let mut domain = domain();
        let counters = Counters::default();
        assert_eq!(
            board.domain(&domain, &counters, Timestamp::default()).state,
            DestinationState::Unknown
        );
        let status = RouteStatus {
            state: DestinationState::Down,
            window: 1,
            ..RouteStatus::default()
        };
        board.publish_route(&RouteKey::of(&domain), status);
        assert_eq!(
            board.domain(&domain, &counters, Timestamp::default()).state,
            DestinationState::Down
        );
        domain.hold = Some(Hold {
            reason: "maintenance".to_owned(),
            by: "operator".to_owned(),
            since: Timestamp::from_secs(5),
            until: None,
        });
        let held = board.domain(&domain, &counters, Timestamp::default());
        assert_eq!(held.state, DestinationState::Held);
        assert_eq!(held.reason.as_deref(), Some("maintenance"));
        board.publish_fault(domain.id, Some("died five times".to_owned()));
        assert_eq!(
            board.domain(&domain, &counters, Timestamp::default()).state,
            DestinationState::Faulty
        );
    }

    #[test]
    fn the_time_left_is_known_only_while_something_moves() {
        assert_eq!(seconds_left(0, 0.0), Some(0));
        assert_eq!(seconds_left(100, 0.0), None);
        assert_eq!(seconds_left(100, 8.0), Some(13));
    }
}
