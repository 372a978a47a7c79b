//! The books of a governor's shell: whose permit, which connection, which child.

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};
use std::time::Duration;

use ractor::{ActorCell, ActorId, ActorRef};
use storage::model::{Clock, Destination, DomainId, Sequence, Timestamp};

use super::super::classify::Signal;
use super::super::context::DeliveryContext;
use super::super::delivery_actor::DeliveryMessage;
use super::super::governor::{
    AttemptReport, ConnectionId, Conveyance, EndpointId, EndpointShape, Governor, GovernorEvent,
    Learned, PermitId, ProbeId, ProbeOutcome,
};
use super::super::health::Health;
use super::super::route::RouteKey;
use super::super::turn::WorkSlot;
use super::GovernorArguments;
use super::lookout::LookingOut;
use super::seat::Share;
use crate::metrics;
use crate::supervision::Alarm;

/// The books.
#[derive(Debug)]
pub struct GovernorState {
    pub(super) context: DeliveryContext,
    pub(super) route: RouteKey,
    pub(super) machine: Governor,
    /// What was saved last, and when.
    pub(super) learned: Learned,
    pub(super) saved_at: Duration,
    pub(super) domains: BTreeMap<DomainId, ActorRef<DeliveryMessage>>,
    pub(super) permits: BTreeMap<PermitId, PermitBook>,
    pub(super) links: BTreeMap<ConnectionId, Link>,
    pub(super) children: BTreeMap<ActorId, ConnectionId>,
    pub(super) tls_avoided_until: BTreeMap<EndpointId, Duration>,
    pub(super) chunking_avoided_until: BTreeMap<EndpointId, Duration>,
    pub(super) health: Health,
    pub(super) reason: Option<String>,
    pub(super) since: Timestamp,
    /// When the machine wants to be woken.
    pub(super) wake_at: Option<Duration>,
    /// When it will be.
    pub(super) timer: Option<Alarm<Duration>>,
    pub(super) published_at: Option<Duration>,
    pub(super) share: Share,
    pub(super) looking_out: Option<LookingOut>,
}

#[derive(Debug)]
pub(super) struct PermitBook {
    pub(super) domain: DomainId,
    pub(super) connection: ConnectionId,
    /// The message it is used for.
    pub(super) sequence: Option<Sequence>,
}

#[derive(Debug)]
pub(super) struct Link {
    pub(super) child: ActorCell,
    /// Where the next message goes, while the connection is idle.
    pub(super) slot: Option<WorkSlot>,
    pub(super) permit: Option<PermitId>,
    pub(super) probe: Option<ProbeId>,
}

impl GovernorState {
    pub(super) fn new(
        GovernorArguments { context, route }: GovernorArguments,
        learned: Learned,
    ) -> Self {
        let clock = context.spool.clock();
        let shape = |host: &Destination| EndpointShape {
            priority: host.priority,
            weight: host.weight,
            limits: host.limits,
        };
        let shapes: Vec<EndpointShape> = route.endpoints().iter().map(shape).collect();
        let fingerprint = fingerprint(&route);
        let seed = context.seed ^ fingerprint;
        let now = clock.monotonic();
        Self {
            machine: Governor::new(&shapes, &learned, seed, now),
            learned,
            saved_at: now,
            since: clock.now(),
            health: Health::Unknown,
            reason: None,
            domains: BTreeMap::new(),
            permits: BTreeMap::new(),
            links: BTreeMap::new(),
            children: BTreeMap::new(),
            tls_avoided_until: BTreeMap::new(),
            chunking_avoided_until: BTreeMap::new(),
            wake_at: None,
            timer: None,
            published_at: None,
            share: Share::new(fingerprint),
            looking_out: None,
            context,
            route,
        }
    }

    pub(super) fn clock(&self) -> &dyn Clock {
        self.context.spool.clock().as_ref()
    }

    /// Connections that carry the domain's messages are ended: nobody would judge the results.
    pub(super) fn leave(&mut self, domain: DomainId, delivery: ActorId) -> Option<GovernorEvent> {
        // Its successor may have joined already.
        if self.domains.get(&domain)?.get_id() != delivery {
            return None;
        }
        self.domains.remove(&domain);
        for permit in self.permits.values() {
            if permit.domain == domain
                && permit.sequence.is_some()
                && let Some(link) = self.links.get(&permit.connection)
            {
                link.child.kill();
            }
        }
        Some(GovernorEvent::Demand {
            domain,
            ready: 0,
            has_canary: false,
        })
    }

    pub(super) fn finished(
        &mut self,
        connection: ConnectionId,
        report: AttemptReport,
        reason: Option<String>,
        slot: Option<WorkSlot>,
    ) -> Option<GovernorEvent> {
        if reason.is_some() {
            self.reason = reason;
        }
        if report.signal == Signal::Delivered {
            self.share.delivered_at = Some(self.clock().monotonic());
        }
        let permit = self.links.get_mut(&connection)?.permit.take();
        match slot {
            Some(slot) => self.keep(connection, slot),
            None => self.remove_link(connection),
        }
        let Some(permit) = permit else {
            return (report.conveyance == Conveyance::Closed)
                .then_some(GovernorEvent::ConnectionClosed { connection });
        };
        self.permits.remove(&permit);
        Some(GovernorEvent::Finished { permit, report })
    }

    pub(super) fn unused(
        &mut self,
        connection: ConnectionId,
        slot: WorkSlot,
    ) -> Option<GovernorEvent> {
        let permit = self.links.get_mut(&connection)?.permit.take();
        self.keep(connection, slot);
        let permit = permit?;
        if let Some(book) = self.permits.remove(&permit)
            && let Some(delivery) = self.domains.get(&book.domain)
        {
            // The machine takes its demand for zero now, whatever it has said meanwhile.
            let _ = delivery.send_message(DeliveryMessage::Announce);
        }
        Some(GovernorEvent::Returned {
            permit,
            conveyance: Conveyance::Kept,
        })
    }

    pub(super) fn closed(&mut self, connection: ConnectionId) -> Option<GovernorEvent> {
        let permit = self.links.get_mut(&connection)?.permit.take();
        self.remove_link(connection);
        match permit {
            // The permit came just as the connection was left; the message has been put back.
            Some(permit) => {
                self.permits.remove(&permit);
                Some(stale(permit))
            }
            None => Some(GovernorEvent::ConnectionClosed { connection }),
        }
    }

    pub(super) fn probed(
        &mut self,
        connection: ConnectionId,
        probe: ProbeId,
        outcome: ProbeOutcome,
        reason: Option<String>,
        slot: Option<WorkSlot>,
    ) -> GovernorEvent {
        if reason.is_some() {
            self.reason = reason;
        }
        metrics::probed(outcome);
        if let Some(link) = self.links.get_mut(&connection) {
            link.probe = None;
        }
        match slot {
            Some(slot) => self.keep(connection, slot),
            None => self.remove_link(connection),
        }
        GovernorEvent::Probed { probe, outcome }
    }

    fn keep(&mut self, connection: ConnectionId, slot: WorkSlot) {
        if let Some(link) = self.links.get_mut(&connection) {
            link.slot = Some(slot);
        }
    }

    fn remove_link(&mut self, connection: ConnectionId) {
        if let Some(link) = self.links.remove(&connection) {
            self.children.remove(&link.child.get_id());
        }
    }

    /// A connection's task ended without a word: it panicked, failed or was killed.
    pub(super) fn child_ended(
        &mut self,
        child: ActorId,
        failure: Option<String>,
    ) -> Option<GovernorEvent> {
        let looks_out = |one: &LookingOut| one.service.get_id() == child;
        if self.looking_out.as_ref().is_some_and(looks_out) {
            self.looking_out = None;
        }
        let connection = self.children.remove(&child)?;
        let link = self.links.remove(&connection)?;
        let why = failure.unwrap_or_else(|| "ended without a result".to_owned());
        metrics::delivery_crashed("attempt");
        tracing::error!(route = %self.route, error = why, "a connection to a destination crashed");
        if let Some(probe) = link.probe {
            let outcome = ProbeOutcome::Unreachable;
            return Some(GovernorEvent::Probed { probe, outcome });
        }
        let Some(permit) = link.permit else {
            return Some(GovernorEvent::ConnectionClosed { connection });
        };
        let book = self.permits.remove(&permit)?;
        let Some(sequence) = book.sequence else {
            // It did not get as far as a message: as good as a connection that fails.
            return Some(GovernorEvent::Finished {
                permit,
                report: AttemptReport {
                    at_opening: true,
                    ..report(Signal::Connection)
                },
            });
        };
        if let Some(delivery) = self.domains.get(&book.domain) {
            // A dead DeliveryActor reloads from the store anyway.
            let _ = delivery.send_message(DeliveryMessage::Crashed { sequence, why });
        }
        Some(GovernorEvent::Finished {
            permit,
            report: report(Signal::Nothing),
        })
    }
}

/// A number that differs between routes and stays the same between runs.
fn fingerprint(route: &RouteKey) -> u64 {
    let mut hasher = std::hash::DefaultHasher::new();
    route.to_string().hash(&mut hasher);
    hasher.finish()
}

/// A permit whose connection had gone before anything was sent.
pub(super) fn stale(permit: PermitId) -> GovernorEvent {
    GovernorEvent::Finished {
        permit,
        report: report(Signal::Stale),
    }
}

/// A result without a dialogue.
pub(super) const fn report(signal: Signal) -> AttemptReport {
    AttemptReport {
        signal,
        latency: None,
        size_bytes: 0,
        conveyance: Conveyance::Closed,
        at_opening: false,
    }
}
