//! A shell around the governor whose sockets are events in a queue.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::time::Duration;

use actors::delivery::classify::{Overload, ReplyKey, Signal};
use actors::delivery::governor::{
    AttemptReport, ConnectionId, Conveyance, EndpointShape, Governor, GovernorEffect,
    GovernorEvent, Learned, PermitId, Pick, ProbeId, ProbeOutcome, Via,
};
use actors::delivery::health::Health;
use actors::delivery::probe_budget::{PERIOD, ProbeBudget, ProbeSeat, Urgency};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use storage::model::{DomainId, HostLimits};

use super::destination::{Answer, Destination, Model, UP_AT};
use super::domains::{Domains, Fate};
use super::fresh::{Fresh, Held};
use super::report::{Report, Sample};

const SIZE: u64 = 20_000;
/// A kernel sends a SYN that nobody answers again after 1 s and, 2 s later, once more …
const SYN_AGAIN: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(2)];
/// … and 2 s after that the probe's time is over.
const SYN_GIVEN_UP: Duration = Duration::from_secs(2);
/// A connection that nobody answers is given up after this long.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// A final reply is awaited for this long.
const REPLY_TIMEOUT: Duration = Duration::from_secs(600);
/// After this long without an answer a kernel has found out that the other side knows the
/// connection no more.
const RETRANSMISSION: Duration = Duration::from_secs(30);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Happening {
    /// The governor asked for it; stale ones carry an old number.
    Tick(u64),
    /// A message may be finished; stale ones carry an old number.
    Completion(u64),
    /// A probe's SYN arrives, after so many that nobody answered.
    Probe(ProbeId, ConnectionId, usize, usize),
    /// A probe was not answered in time.
    ProbeLost(ProbeId),
    /// A connection's SYN arrives.
    Open(PermitId),
    /// MAIL arrives.
    Mail(PermitId),
    /// An answer arrives here.
    Reply(PermitId, Outcome),
    /// A destination goes away.
    Crash(usize),
    /// A destination falls silent.
    Silence(usize),
    /// A fresh message comes in.
    Arrival,
    /// A domain whose breaker is open may ask again.
    Retest(DomainId),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    Delivered,
    Busy(u8),
    Rejected,
    ConnectionRefused,
    Broken,
}

#[derive(Debug)]
struct Attempt {
    domain: DomainId,
    connection: ConnectionId,
    endpoint: usize,
    sent_at: Duration,
    replied_at: Option<Duration>,
    held: Option<Held>,
}

/// One run: a backlog, a destination, a governor.
pub(crate) struct Simulation {
    now: Duration,
    queue: BinaryHeap<Reverse<(Duration, u64, Happening)>>,
    number: u64,
    governor: Governor,
    destinations: Vec<Destination>,
    attempts: BTreeMap<PermitId, Attempt>,
    open: BTreeMap<ConnectionId, usize>,
    tick: u64,
    completion: u64,
    completion_at: Option<Duration>,
    domains: Domains,
    fresh: Option<Fresh>,
    node: Option<NodeShare>,
    rng: ChaCha8Rng,
    report: Report,
}

/// The route's part in the probes of its node.
struct NodeShare {
    probes: ProbeBudget,
    seat: Option<ProbeSeat>,
    place: f64,
    period: Duration,
}

impl Simulation {
    /// A backlog of so many messages for each of so many domains.
    pub(crate) fn new(model: Model, messages: u64, domains: u32, seed: u64) -> Self {
        Self::route(vec![model], messages, domains, seed)
    }

    /// The same, to a route of several hosts alike in priority and weight.
    pub(crate) fn route(hosts: Vec<Model>, messages: u64, domains: u32, seed: u64) -> Self {
        let shape = EndpointShape {
            priority: 10,
            weight: 1,
            limits: HostLimits::NONE,
        };
        let shapes = vec![shape; hosts.len()];
        let report = Report::new(messages * u64::from(domains));
        Self {
            now: Duration::ZERO,
            queue: BinaryHeap::new(),
            number: 0,
            governor: Governor::new(&shapes, &Learned::default(), seed, Duration::ZERO),
            destinations: hosts.into_iter().map(Destination::new).collect(),
            attempts: BTreeMap::new(),
            open: BTreeMap::new(),
            tick: 0,
            completion: 0,
            completion_at: None,
            domains: Domains::new(domains, messages),
            fresh: None,
            node: None,
            rng: ChaCha8Rng::seed_from_u64(seed ^ 0x5EED),
            report,
        }
    }

    /// Fresh mail for the first domain, so many messages a second at random, until the backlog is
    /// gone.
    pub(crate) fn with_fresh(mut self, per_second: f64) -> Self {
        self.fresh = Some(Fresh::new(self.report.messages, per_second));
        self
    }

    /// One of many routes of a node that share its probes.
    pub(crate) fn of_node(mut self, probes: &ProbeBudget, place: f64) -> Self {
        self.node = Some(NodeShare {
            probes: probes.clone(),
            seat: None,
            place,
            period: PERIOD,
        });
        self
    }

    /// Runs until everything is delivered or the time is over.
    pub(crate) fn run(mut self, limit: Duration) -> Report {
        self.begin();
        while self.next_at().is_some_and(|at| at <= limit) && !self.report.is_complete() {
            self.step();
        }
        self.finish()
    }

    /// Everything that is known beforehand.
    pub(crate) fn begin(&mut self) {
        for host in 0..self.destinations.len() {
            let model = self.destinations[host].model.clone();
            for (at, _) in model.down {
                self.at(at, Happening::Crash(host));
            }
            for (at, _) in model.silent {
                self.at(at, Happening::Silence(host));
            }
        }
        if self.fresh.is_some() {
            self.at(UP_AT, Happening::Arrival);
        }
        for domain in self.domains.ids() {
            self.demand(domain);
        }
    }

    /// When something happens next.
    pub(crate) fn next_at(&self) -> Option<Duration> {
        self.queue.peek().map(|next| next.0.0)
    }

    /// Whether everything is delivered.
    pub(crate) fn is_complete(&self) -> bool {
        self.report.is_complete()
    }

    /// The next thing happens.
    pub(crate) fn step(&mut self) {
        let Some(Reverse((at, _, happening))) = self.queue.pop() else {
            return;
        };
        self.now = at;
        self.happen(happening);
        self.expect_completion();
    }

    /// What it shows.
    pub(crate) fn finish(mut self) -> Report {
        self.report.ended_at = self.now;
        let most = self.destinations.iter().map(Destination::most_in_flight);
        self.report.most_in_flight = most.max().unwrap_or_default();
        self.report.inversions = self.fresh.as_ref().map_or(0, Fresh::inversions);
        self.report.waits = self.fresh.take().map(Fresh::waits).unwrap_or_default();
        assert_eq!(
            self.report.delivered
                + self.report.bounced
                + self.domains.waiting()
                + self.attempts.len() as u64,
            self.report.messages,
            "the ledger adds up"
        );
        self.report
    }

    fn at(&mut self, at: Duration, happening: Happening) {
        self.number += 1;
        self.queue.push(Reverse((at, self.number, happening)));
    }

    fn half(&self, host: usize) -> Duration {
        self.destinations[host].model.round_trip / 2
    }

    /// Says how many messages a domain could send now.
    fn demand(&mut self, domain: DomainId) {
        let (ready, retest_at) = self.domains.ready(domain, self.now);
        if let Some(at) = retest_at {
            self.at(at, Happening::Retest(domain));
        }
        self.on(GovernorEvent::Demand {
            domain,
            ready,
            has_canary: true,
        });
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Tick(number) if number == self.tick => self.on(GovernorEvent::Tick),
            Happening::Completion(number) if number == self.completion => self.complete(),
            Happening::Tick(_) | Happening::Completion(_) => {}
            Happening::Probe(probe, connection, host, tries) => {
                self.probe(probe, connection, host, tries);
            }
            Happening::ProbeLost(probe) => {
                let outcome = ProbeOutcome::Unreachable;
                self.on(GovernorEvent::Probed { probe, outcome });
            }
            Happening::Open(permit) => self.open(permit),
            Happening::Mail(permit) => self.mail(permit),
            Happening::Reply(permit, outcome) => self.reply(permit, outcome),
            Happening::Crash(host) => self.crash(host),
            Happening::Silence(host) => self.fall_silent(host),
            Happening::Arrival => self.arrival(),
            Happening::Retest(domain) => self.demand(domain),
        }
    }

    fn on(&mut self, event: GovernorEvent) {
        let effects = self.governor.on(event, self.now);
        for effect in effects {
            self.report.trace.add(self.now, &effect);
            self.carry_out(effect);
        }
        if self.report.wants_sample(self.now) {
            let status = self.governor.status(self.now);
            self.report.take_sample(Sample {
                at: self.now,
                window: status.window,
                pace: status.pace_max,
                in_flight: status.in_flight,
            });
        }
    }

    fn carry_out(&mut self, effect: GovernorEffect) {
        match effect {
            GovernorEffect::Probe {
                probe,
                connection,
                endpoint,
                ..
            } => {
                let sent_at = self.probe_slot();
                self.report.note_probe(sent_at);
                let arrives = sent_at + self.half(endpoint.0);
                let syn = Happening::Probe(probe, connection, endpoint.0, 0);
                self.at(arrives, syn);
                self.ask_as_often_as_it_may();
            }
            GovernorEffect::Grant {
                permit,
                domain,
                endpoint,
                via,
                pick,
            } => self.granted(permit, domain, endpoint.0, via, pick),
            GovernorEffect::Close { connection } => self.hang_up(connection),
            GovernorEffect::WakeAt(at) => {
                self.tick += 1;
                self.at(at, Happening::Tick(self.tick));
            }
            GovernorEffect::StateChanged(health) => {
                if let Some(node) = self.node.as_mut().filter(|_| health != Health::Down) {
                    node.seat = None;
                }
                if let (Health::Canary, Some(fresh)) = (health, &mut self.fresh) {
                    fresh.recovery_began(self.now);
                }
                self.report.states.push((self.now, health));
            }
            GovernorEffect::Alert(_) => {}
        }
    }

    fn granted(
        &mut self,
        permit: PermitId,
        domain: DomainId,
        endpoint: usize,
        via: Via,
        pick: Pick,
    ) {
        let health = self.governor.health();
        assert!(
            !matches!(health, Health::Down | Health::Suspect),
            "a permit while {health:?}"
        );
        self.domains.sent(domain, self.now);
        self.report
            .note_in_flight(self.attempts.len() + 1, self.now);
        let (Via::Open(connection) | Via::Reuse(connection)) = via;
        let now = self.now;
        let held = self.fresh.as_mut().map(|fresh| fresh.next(pick, now));
        self.attempts.insert(
            permit,
            Attempt {
                domain,
                connection,
                endpoint,
                sent_at: self.now,
                replied_at: None,
                held,
            },
        );
        let arrives = self.now + self.half(endpoint);
        match via {
            Via::Open(_) => self.at(arrives, Happening::Open(permit)),
            Via::Reuse(_) => self.at(arrives, Happening::Mail(permit)),
        }
    }

    fn probe(&mut self, probe: ProbeId, connection: ConnectionId, host: usize, tries: usize) {
        let outcome = match self.destinations[host].connect(self.now) {
            Answer::Silence => {
                let next = match SYN_AGAIN.get(tries) {
                    Some(wait) => (*wait, Happening::Probe(probe, connection, host, tries + 1)),
                    None => (SYN_GIVEN_UP, Happening::ProbeLost(probe)),
                };
                self.at(self.now + next.0, next.1);
                return;
            }
            Answer::Yes => {
                self.open.insert(connection, host);
                ProbeOutcome::Ready {
                    looks_like_exchange: false,
                }
            }
            Answer::TooManyConnections => ProbeOutcome::Refused(ReplyKey {
                code: 421,
                enhanced: None,
            }),
            _ => ProbeOutcome::Unreachable,
        };
        self.on(GovernorEvent::Probed { probe, outcome });
    }

    /// When a probe may go out.
    fn probe_slot(&self) -> Duration {
        let node = self.node.as_ref();
        node.map_or(self.now, |node| node.probes.slot(self.now))
    }

    /// What the governor's actor does about its seat in the node's budget.
    fn ask_as_often_as_it_may(&mut self) {
        let hosts = self.governor.hosts_down();
        let urgency = Urgency::of(self.domains.waiting() * SIZE, self.now);
        let Some(node) = self.node.as_mut().filter(|_| hosts > 0) else {
            return;
        };
        let (probes, place) = (&node.probes, node.place);
        let seat = node
            .seat
            .get_or_insert_with(|| probes.take_seat(urgency, hosts, place));
        seat.change(urgency, hosts);
        let mean = seat.period();
        if mean != node.period {
            node.period = mean;
            self.on(GovernorEvent::ProbePeriod { mean });
        }
    }

    fn open(&mut self, permit: PermitId) {
        let host = self.attempts[&permit].endpoint;
        let half = self.half(host);
        match self.destinations[host].connect(self.now) {
            Answer::Silence => {
                let lost = Happening::Reply(permit, Outcome::Broken);
                self.at(self.now + CONNECT_TIMEOUT, lost);
            }
            Answer::Yes => {
                let attempt = self.attempts.get_mut(&permit).unwrap();
                self.open.insert(attempt.connection, host);
                // Greeting, EHLO, its answer: then MAIL.
                attempt.sent_at = self.now + half * 3;
                self.at(self.now + half * 4, Happening::Mail(permit));
            }
            Answer::Nobody => self.at(self.now + half, Happening::Reply(permit, Outcome::Broken)),
            _ => self.at(
                self.now + half,
                Happening::Reply(permit, Outcome::ConnectionRefused),
            ),
        }
    }

    fn mail(&mut self, permit: PermitId) {
        let Some(attempt) = self.attempts.get(&permit) else {
            return;
        };
        let host = attempt.endpoint;
        let half = self.half(host);
        if self.destinations[host].model.is_silent(self.now) {
            let given_up = self.given_up(host);
            self.at(given_up, Happening::Reply(permit, Outcome::Broken));
            return;
        }
        if !self.open.contains_key(&attempt.connection) {
            self.at(self.now + half, Happening::Reply(permit, Outcome::Broken));
            return;
        }
        let outcome = match self.destinations[host].mail(permit.0, self.now, &mut self.rng) {
            Answer::Yes => return,
            Answer::TooMuchInFlight | Answer::TooManyConnections => Outcome::Busy(0),
            Answer::TooFast => Outcome::Busy(1),
            Answer::UnknownUser => Outcome::Rejected,
            Answer::Nobody | Answer::Silence => Outcome::Broken,
        };
        self.at(self.now + half, Happening::Reply(permit, outcome));
    }

    fn expect_completion(&mut self) {
        let next = self
            .destinations
            .iter()
            .filter_map(Destination::next_completion);
        let at = next.min();
        if at == self.completion_at {
            return;
        }
        self.completion += 1;
        self.completion_at = at;
        if let Some(at) = at {
            self.at(at, Happening::Completion(self.completion));
        }
    }

    fn complete(&mut self) {
        self.completion_at = None;
        for host in 0..self.destinations.len() {
            let half = self.half(host);
            let (from, mean) = self.destinations[host].model.own_noise;
            for id in self.destinations[host].completed(self.now) {
                let late = if self.now < from || mean.is_zero() {
                    Duration::ZERO
                } else {
                    mean.mul_f64(-self.rng.random_range(f64::EPSILON..1.0).ln())
                };
                let reply = Happening::Reply(PermitId(id), Outcome::Delivered);
                self.at(self.now + half + late, reply);
            }
        }
    }

    fn crash(&mut self, host: usize) {
        self.open.retain(|_, on| *on != host);
        let half = self.half(host);
        for id in self.destinations[host].crash(self.now) {
            self.at(
                self.now + half,
                Happening::Reply(PermitId(id), Outcome::Broken),
            );
        }
    }

    /// When a session that hangs since now is given up.
    fn given_up(&self, host: usize) -> Duration {
        let silent = &self.destinations[host].model.silent;
        let ends = silent
            .iter()
            .filter(|(from, to)| *from <= self.now && self.now < *to);
        let back = ends.map(|(_, to)| *to + RETRANSMISSION).min();
        (self.now + REPLY_TIMEOUT).min(back.unwrap_or(Duration::MAX))
    }

    fn fall_silent(&mut self, host: usize) {
        self.open.retain(|_, on| *on != host);
        let given_up = self.given_up(host);
        for id in self.destinations[host].crash(self.now) {
            let lost = Happening::Reply(PermitId(id), Outcome::Broken);
            self.at(given_up, lost);
        }
    }

    fn arrival(&mut self) {
        let Some(fresh) = self.fresh.as_mut().filter(|fresh| fresh.has_backlog()) else {
            return;
        };
        let gap = fresh.arrive(self.now, &mut self.rng);
        let domain = DomainId(0);
        self.report.messages += 1;
        self.domains.arrived(domain);
        self.at(self.now + gap, Happening::Arrival);
        self.demand(domain);
    }

    fn hang_up(&mut self, connection: ConnectionId) {
        if let Some(host) = self.open.remove(&connection) {
            self.destinations[host].disconnect(self.now);
        }
    }

    fn reply(&mut self, permit: PermitId, outcome: Outcome) {
        let now = self.now;
        let attempt = self.attempts.get_mut(&permit).unwrap();
        let own_time = self.destinations[attempt.endpoint].model.own_time;
        if attempt.replied_at.is_none() && !own_time.is_zero() {
            attempt.replied_at = Some(now);
            self.at(now + own_time, Happening::Reply(permit, outcome));
            return;
        }
        let attempt = self.attempts.remove(&permit).unwrap();
        let latency = attempt
            .replied_at
            .unwrap_or(now)
            .saturating_sub(attempt.sent_at);
        let alive = self.open.contains_key(&attempt.connection);
        let signal = match outcome {
            Outcome::Delivered => Signal::Delivered,
            Outcome::Busy(0) | Outcome::ConnectionRefused => {
                Signal::Overloaded(Overload::Unspecified)
            }
            Outcome::Busy(_) => Signal::Overloaded(Overload::Rate),
            Outcome::Rejected => Signal::Answered,
            Outcome::Broken => Signal::Connection,
        };
        match outcome {
            Outcome::Delivered => self.report.note_delivered(attempt.domain, self.now),
            Outcome::Busy(_) | Outcome::ConnectionRefused => self.report.note_refused(self.now),
            Outcome::Rejected => self.report.rejected += 1,
            Outcome::Broken => self.report.note_broken(self.now),
        }
        if let (Some(fresh), Some(held)) = (&mut self.fresh, attempt.held) {
            fresh.finished(held, outcome == Outcome::Delivered, now);
        }
        let fate = match outcome {
            Outcome::Delivered => Fate::Delivered,
            Outcome::Rejected => Fate::Rejected,
            _ => Fate::Untouched,
        };
        let recovering = !matches!(
            self.governor.health(),
            Health::Healthy | Health::Degraded(_)
        );
        let after = self
            .domains
            .finished(attempt.domain, fate, recovering, self.now);
        self.report.bounced += u64::from(after.bounced);
        let kept = alive && !matches!(outcome, Outcome::ConnectionRefused | Outcome::Broken);
        if !kept {
            self.hang_up(attempt.connection);
        }
        let report = AttemptReport {
            signal,
            latency: (outcome == Outcome::Delivered).then_some(latency),
            size_bytes: SIZE,
            conveyance: if kept {
                Conveyance::Kept
            } else {
                Conveyance::Closed
            },
            at_opening: outcome == Outcome::ConnectionRefused,
        };
        self.on(GovernorEvent::Finished { permit, report });
        if after.has_more {
            self.demand(attempt.domain);
        }
        assert!(self.now >= UP_AT || self.report.delivered == 0);
    }
}
