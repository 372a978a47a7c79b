//! The shell around a route's governor: sockets, timers and messages for the pure machine.
//!
//! It decides nothing. Its children are the route's connections ([`super::attempt`]); what a domain
//! may do with them it learns from [`super::governor`]. The books here only translate names: permit
//! to domain, connection to child.

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};
use std::time::Duration;

use futures_util::future::join_all;
use ractor::{Actor, ActorCell, ActorId, ActorProcessingErr, ActorRef, SupervisionEvent};
use storage::model::{Clock, Destination, DomainId, Sequence, Timestamp};
use tokio::sync::oneshot;

use super::attempt::{AttemptArguments, Purpose, spawn_attempt};
use super::classify::Signal;
use super::context::DeliveryContext;
use super::conversation::Avoid;
use super::delivery_actor::DeliveryMessage;
use super::governor::{
    AttemptReport, ConnectionId, Conveyance, EndpointId, EndpointShape, Governor, GovernorAlert,
    GovernorEffect, GovernorEvent, Learned, PermitId, Pick, ProbeId, ProbeOutcome, Via,
};
use super::health::Health;
use super::route::{RouteKey, host_port};
use super::turn::{Grant, Work, WorkSlot};
use crate::status::{DestinationState, RouteStatus};
use crate::supervision::Alarm;

/// An opportunistic handshake that failed is not tried again for this long (delivery.md B7).
const TLS_AVOIDED_FOR: Duration = Duration::from_secs(3600);
/// How often figures that change all the time are published.
const PUBLISH_INTERVAL: Duration = Duration::from_millis(200);
/// How often what was learnt is kept, when it has changed.
const SAVE_INTERVAL: Duration = Duration::from_secs(30);
/// Connections get this long for the message they carry and for QUIT when the governor ends.
const CLOSE_GRACE: Duration = Duration::from_secs(25);

/// The actor.
#[derive(Debug)]
pub struct HostGovernor;

/// What a governor starts with.
#[derive(Debug)]
pub struct GovernorArguments {
    /// Handles.
    pub context: DeliveryContext,
    /// Its route.
    pub route: RouteKey,
}

/// Messages, from the domains of the route and from its connections.
#[derive(Debug)]
pub enum GovernorMessage {
    /// A domain's mail takes this route.
    Join {
        /// The domain.
        domain: DomainId,
        /// Who delivers it.
        delivery: ActorRef<DeliveryMessage>,
    },
    /// It does not any more, or its DeliveryActor has died: its leases are void.
    Leave {
        /// The domain.
        domain: DomainId,
    },
    /// How many messages a domain could send now.
    Demand {
        /// The domain.
        domain: DomainId,
        /// Messages.
        ready: u32,
        /// A good canary is among them.
        has_canary: bool,
    },
    /// A domain has chosen a message for a permit.
    Picked {
        /// The permit.
        permit: PermitId,
        /// The message's place.
        sequence: Sequence,
        /// Octets of its body.
        size_bytes: u64,
    },
    /// A domain has nothing to send with a permit.
    Returned {
        /// The permit.
        permit: PermitId,
    },
    /// The connection of a permit was gone before the message got there.
    SlotGone {
        /// The permit.
        permit: PermitId,
    },
    /// A message is over, or a connection did not come about.
    Finished {
        /// The connection.
        connection: ConnectionId,
        /// The result.
        report: AttemptReport,
        /// What was said, for people.
        reason: Option<String>,
        /// Takes the next message, when the connection goes on.
        slot: Option<WorkSlot>,
    },
    /// A DeliveryActor let go of a slot.
    Unused {
        /// The connection.
        connection: ConnectionId,
        /// The new one.
        slot: WorkSlot,
    },
    /// An idle connection is closed.
    Closed {
        /// The connection.
        connection: ConnectionId,
    },
    /// A probe is over.
    Probed {
        /// Its connection.
        connection: ConnectionId,
        /// It.
        probe: ProbeId,
        /// How it ended.
        outcome: ProbeOutcome,
        /// What was said, for people.
        reason: Option<String>,
        /// Takes the first message, when it succeeded.
        slot: Option<WorkSlot>,
    },
    /// Opportunistic TLS does not work with a host.
    TlsFailed {
        /// The host.
        endpoint: EndpointId,
        /// What went wrong.
        why: String,
    },
    /// A connection's task has ended.
    ChildEnded {
        /// Which.
        child: ActorId,
        /// Why, when it failed.
        failure: Option<String>,
    },
    /// The machine's time has come.
    Tick,
    /// Probe at once.
    ProbeNow,
    /// No new permits, no probes.
    Drain,
}

/// The books.
#[derive(Debug)]
pub struct GovernorState {
    context: DeliveryContext,
    route: RouteKey,
    machine: Governor,
    /// What was saved last, and when.
    learned: Learned,
    saved_at: Duration,
    domains: BTreeMap<DomainId, ActorRef<DeliveryMessage>>,
    permits: BTreeMap<PermitId, PermitBook>,
    links: BTreeMap<ConnectionId, Link>,
    children: BTreeMap<ActorId, ConnectionId>,
    tls_avoided_until: BTreeMap<EndpointId, Duration>,
    health: Health,
    reason: Option<String>,
    since: Timestamp,
    /// When the machine wants to be woken.
    wake_at: Option<Duration>,
    /// When it will be.
    timer: Option<Alarm<Duration>>,
    published_at: Option<Duration>,
}

#[derive(Debug)]
struct PermitBook {
    domain: DomainId,
    connection: ConnectionId,
    /// The message it is used for.
    sequence: Option<Sequence>,
}

#[derive(Debug)]
struct Link {
    child: ActorCell,
    /// Where the next message goes, while the connection is idle.
    slot: Option<WorkSlot>,
    permit: Option<PermitId>,
    probe: Option<ProbeId>,
}

impl Actor for HostGovernor {
    type Msg = GovernorMessage;
    type State = GovernorState;
    type Arguments = GovernorArguments;

    async fn pre_start(
        &self,
        _: ActorRef<GovernorMessage>,
        arguments: GovernorArguments,
    ) -> Result<GovernorState, ActorProcessingErr> {
        let key = learned_key(&arguments.route);
        let learned = arguments.context.spool.load_learned(&key).await?;
        let learned = learned.and_then(|bytes| postcard::from_bytes(&bytes).ok());
        Ok(GovernorState::new(arguments, learned.unwrap_or_default()))
    }

    async fn handle(
        &self,
        myself: ActorRef<GovernorMessage>,
        message: GovernorMessage,
        state: &mut GovernorState,
    ) -> Result<(), ActorProcessingErr> {
        let event = state.on_message(message);
        if let Some(event) = event {
            state.on_event(&myself, event).await;
        }
        state.arm(&myself);
        state.publish();
        state.save().await?;
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        myself: ActorRef<GovernorMessage>,
        event: SupervisionEvent,
        _: &mut GovernorState,
    ) -> Result<(), ActorProcessingErr> {
        let (cell, failure) = match event {
            SupervisionEvent::ActorTerminated(cell, _, _) => (cell, None),
            SupervisionEvent::ActorFailed(cell, error) => (cell, Some(error.to_string())),
            _ => return Ok(()),
        };
        // Ends overtake messages: what the child said last has to be heard first.
        let child = cell.get_id();
        myself.send_message(GovernorMessage::ChildEnded { child, failure })?;
        Ok(())
    }

    async fn post_stop(
        &self,
        _: ActorRef<GovernorMessage>,
        state: &mut GovernorState,
    ) -> Result<(), ActorProcessingErr> {
        let links = std::mem::take(&mut state.links);
        join_all(links.into_values().map(|link| async move {
            if link
                .child
                .stop_and_wait(None, Some(CLOSE_GRACE))
                .await
                .is_err()
            {
                link.child.kill();
            }
        }))
        .await;
        Ok(())
    }
}

impl GovernorState {
    fn new(GovernorArguments { context, route }: GovernorArguments, learned: Learned) -> Self {
        let clock = context.spool.clock();
        let shape = |host: &Destination| EndpointShape {
            priority: host.priority,
            weight: host.weight,
        };
        let shapes: Vec<EndpointShape> = route.endpoints().iter().map(shape).collect();
        let seed = context.seed ^ fingerprint(&route);
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
            wake_at: None,
            timer: None,
            published_at: None,
            context,
            route,
        }
    }

    fn clock(&self) -> &dyn Clock {
        self.context.spool.clock().as_ref()
    }

    /// Enters a message in the books; what it means for the machine, when it means anything.
    fn on_message(&mut self, message: GovernorMessage) -> Option<GovernorEvent> {
        match message {
            GovernorMessage::Join { domain, delivery } => {
                // It starts out not knowing where the route stands.
                let _ = delivery.send_message(DeliveryMessage::Health(self.health));
                self.domains.insert(domain, delivery);
                None
            }
            GovernorMessage::Leave { domain } => Some(self.leave(domain)),
            GovernorMessage::Demand {
                domain,
                ready,
                has_canary,
            } => Some(GovernorEvent::Demand {
                domain,
                ready,
                has_canary,
            }),
            GovernorMessage::Picked {
                permit,
                sequence,
                size_bytes,
            } => {
                self.permits.get_mut(&permit)?.sequence = Some(sequence);
                Some(GovernorEvent::Picked { permit, size_bytes })
            }
            // The slot was dropped with the permit: the connection speaks up with a new one.
            GovernorMessage::Returned { .. } => None,
            GovernorMessage::SlotGone { permit } => {
                // The connection's own last word, which is on its way, answers the permit.
                self.permits.get_mut(&permit)?.sequence = None;
                None
            }
            GovernorMessage::Finished {
                connection,
                report,
                reason,
                slot,
            } => self.finished(connection, report, reason, slot),
            GovernorMessage::Unused { connection, slot } => self.unused(connection, slot),
            GovernorMessage::Closed { connection } => self.closed(connection),
            GovernorMessage::Probed {
                connection,
                probe,
                outcome,
                reason,
                slot,
            } => Some(self.probed(connection, probe, outcome, reason, slot)),
            GovernorMessage::TlsFailed { endpoint, why } => {
                let until = self.clock().monotonic() + TLS_AVOIDED_FOR;
                self.tls_avoided_until.insert(endpoint, until);
                tracing::warn!(route = %self.route, error = why, "TLS does not work with a destination; mail goes in clear for an hour");
                None
            }
            GovernorMessage::ChildEnded { child, failure } => self.child_ended(child, failure),
            GovernorMessage::Tick => {
                self.timer = None;
                let now = self.clock().monotonic();
                self.wake_at = self.wake_at.filter(|at| *at > now);
                Some(GovernorEvent::Tick)
            }
            GovernorMessage::ProbeNow => Some(GovernorEvent::ProbeNow),
            GovernorMessage::Drain => Some(GovernorEvent::Drain),
        }
    }

    /// Connections that carry the domain's messages are ended: nobody would judge the results.
    fn leave(&mut self, domain: DomainId) -> GovernorEvent {
        self.domains.remove(&domain);
        for permit in self.permits.values() {
            if permit.domain == domain
                && permit.sequence.is_some()
                && let Some(link) = self.links.get(&permit.connection)
            {
                link.child.kill();
            }
        }
        GovernorEvent::Demand {
            domain,
            ready: 0,
            has_canary: false,
        }
    }

    fn finished(
        &mut self,
        connection: ConnectionId,
        report: AttemptReport,
        reason: Option<String>,
        slot: Option<WorkSlot>,
    ) -> Option<GovernorEvent> {
        if reason.is_some() {
            self.reason = reason;
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

    fn unused(&mut self, connection: ConnectionId, slot: WorkSlot) -> Option<GovernorEvent> {
        let permit = self.links.get_mut(&connection)?.permit.take();
        self.keep(connection, slot);
        let permit = permit?;
        self.permits.remove(&permit);
        Some(GovernorEvent::Returned {
            permit,
            conveyance: Conveyance::Kept,
        })
    }

    fn closed(&mut self, connection: ConnectionId) -> Option<GovernorEvent> {
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

    fn probed(
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
    fn child_ended(&mut self, child: ActorId, failure: Option<String>) -> Option<GovernorEvent> {
        let connection = self.children.remove(&child)?;
        let link = self.links.remove(&connection)?;
        let why = failure.unwrap_or_else(|| "ended without a result".to_owned());
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

    async fn on_event(&mut self, myself: &ActorRef<GovernorMessage>, event: GovernorEvent) {
        let mut events = vec![event];
        while let Some(event) = events.pop() {
            let now = self.clock().monotonic();
            let mut effects = self.machine.on(event, now);
            // Domains hear of the new health before they get a permit because of it.
            effects.sort_by_key(|effect| !matches!(effect, GovernorEffect::StateChanged(_)));
            for effect in effects {
                if let Some(answer) = self.carry_out(myself, effect).await {
                    events.push(answer);
                }
            }
        }
    }

    /// Carries out one effect; some are answered at once.
    async fn carry_out(
        &mut self,
        myself: &ActorRef<GovernorMessage>,
        effect: GovernorEffect,
    ) -> Option<GovernorEvent> {
        match effect {
            GovernorEffect::Probe {
                probe,
                endpoint,
                connection,
            } => {
                let purpose = Purpose::Probe(probe);
                let opened = self.open(myself, connection, endpoint, purpose, None).await;
                let outcome = ProbeOutcome::Unreachable;
                (!opened).then_some(GovernorEvent::Probed { probe, outcome })
            }
            GovernorEffect::Grant {
                permit,
                domain,
                endpoint,
                via,
                pick,
            } => {
                self.grant(myself, permit, domain, endpoint, via, pick)
                    .await
            }
            GovernorEffect::Close { connection } => {
                if let Some(link) = self.links.remove(&connection) {
                    self.children.remove(&link.child.get_id());
                    link.child.stop(None);
                }
                None
            }
            GovernorEffect::WakeAt(at) => {
                self.wake_at = Some(at);
                None
            }
            GovernorEffect::StateChanged(health) => {
                self.state_changed(health);
                None
            }
            GovernorEffect::Alert(alert) => {
                self.alert(alert);
                None
            }
        }
    }

    async fn grant(
        &mut self,
        myself: &ActorRef<GovernorMessage>,
        permit: PermitId,
        domain: DomainId,
        endpoint: EndpointId,
        via: Via,
        pick: Pick,
    ) -> Option<GovernorEvent> {
        let (connection, slot) = match via {
            Via::Reuse(connection) => {
                let slot = self
                    .links
                    .get_mut(&connection)
                    .and_then(|link| link.slot.take());
                // It has closed itself and the news is on its way.
                let Some(slot) = slot else {
                    return Some(stale(permit));
                };
                (connection, slot)
            }
            Via::Open(connection) => {
                let (slot, first) = oneshot::channel();
                let first = Some(first);
                let purpose = Purpose::Message;
                if !self
                    .open(myself, connection, endpoint, purpose, first)
                    .await
                {
                    return Some(GovernorEvent::Finished {
                        permit,
                        report: report(Signal::Nothing),
                    });
                }
                (connection, slot)
            }
        };
        if let Some(link) = self.links.get_mut(&connection) {
            link.permit = Some(permit);
        }
        self.permits.insert(
            permit,
            PermitBook {
                domain,
                connection,
                sequence: None,
            },
        );
        let grant = Grant {
            permit,
            pick,
            proving: matches!(self.machine.health(), Health::Canary | Health::Ramp),
            slot,
        };
        // A grant that reaches nobody drops the slot, and the connection speaks up.
        if let Some(delivery) = self.domains.get(&domain) {
            let _ = delivery.send_message(DeliveryMessage::Granted(Box::new(grant)));
        }
        None
    }

    async fn open(
        &mut self,
        myself: &ActorRef<GovernorMessage>,
        connection: ConnectionId,
        endpoint: EndpointId,
        purpose: Purpose,
        first: Option<oneshot::Receiver<Work>>,
    ) -> bool {
        let Some(host) = self.route.endpoint(endpoint.0) else {
            return false;
        };
        let now = self.clock().monotonic();
        let avoid_tls = self
            .tls_avoided_until
            .get(&endpoint)
            .is_some_and(|until| now < *until);
        let arguments = AttemptArguments {
            connection,
            endpoint,
            purpose,
            governor: myself.clone(),
            spool: self.context.spool.clone(),
            opener: self.context.opener.clone(),
            host: host.clone(),
            avoid: Avoid {
                starttls: avoid_tls,
                chunking: false,
            },
            first,
        };
        let Ok(child) = spawn_attempt(myself.get_cell(), arguments).await else {
            return false;
        };
        self.children.insert(child.get_id(), connection);
        let probe = match purpose {
            Purpose::Probe(probe) => Some(probe),
            Purpose::Message => None,
        };
        let link = Link {
            child,
            slot: None,
            permit: None,
            probe,
        };
        self.links.insert(connection, link);
        true
    }

    fn state_changed(&mut self, health: Health) {
        let before = shown(self.health);
        self.health = health;
        if shown(health) != before {
            self.since = self.clock().now();
            tracing::info!(route = %self.route, from = ?before, to = ?shown(health), "the destination's state changed");
        }
        if matches!(health, Health::Healthy | Health::Ramp) {
            self.reason = None;
        }
        for delivery in self.domains.values() {
            // One that has died reloads everything.
            let _ = delivery.send_message(DeliveryMessage::Health(health));
        }
        self.published_at = None;
    }

    fn alert(&self, alert: GovernorAlert) {
        let route = &self.route;
        let reason = self.reason.as_deref().unwrap_or_default();
        let host = |endpoint: EndpointId| {
            let destination = route.endpoint(endpoint.0);
            destination.map_or_else(String::new, host_port)
        };
        match alert {
            GovernorAlert::Down(trouble) => {
                tracing::warn!(%route, ?trouble, reason, "a destination is down; its mail is held");
            }
            GovernorAlert::Up { after } => {
                tracing::info!(%route, after_s = after.as_secs(), "a destination takes mail again");
            }
            GovernorAlert::Policy { endpoint, reply } => {
                tracing::error!(%route, host = host(endpoint), reply.code = reply.code, reason, "a destination refuses everybody; its mail is held until somebody looks at it");
            }
            GovernorAlert::Tls { endpoint } => {
                tracing::error!(%route, host = host(endpoint), reason, "encryption is demanded and fails; mail is held");
            }
            GovernorAlert::ResourceFull { endpoint } => {
                tracing::warn!(%route, host = host(endpoint), reason, "a destination is out of space");
            }
        }
    }

    /// Makes sure that the machine is woken when it wants to be. A timer that is too early only
    /// makes it look once more.
    fn arm(&mut self, myself: &ActorRef<GovernorMessage>) {
        let Some(wake_at) = self.wake_at else { return };
        if self.timer.as_ref().is_some_and(|timer| timer.at <= wake_at) {
            return;
        }
        let pause = wake_at.saturating_sub(self.clock().monotonic());
        self.timer = Some(Alarm::set(myself, wake_at, pause, || GovernorMessage::Tick));
    }

    /// Keeps what was learnt, for the next start.
    async fn save(&mut self) -> Result<(), ActorProcessingErr> {
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

    fn publish(&mut self) {
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

/// A number that differs between routes and stays the same between runs.
fn fingerprint(route: &RouteKey) -> u64 {
    let mut hasher = std::hash::DefaultHasher::new();
    route.to_string().hash(&mut hasher);
    hasher.finish()
}

/// A permit whose connection had gone before anything was sent.
fn stale(permit: PermitId) -> GovernorEvent {
    GovernorEvent::Finished {
        permit,
        report: report(Signal::Stale),
    }
}

/// A result without a dialogue.
const fn report(signal: Signal) -> AttemptReport {
    AttemptReport {
        signal,
        latency: None,
        size_bytes: 0,
        conveyance: Conveyance::Closed,
        at_opening: false,
    }
}

const fn shown(health: Health) -> DestinationState {
    use super::health::Trouble;
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
