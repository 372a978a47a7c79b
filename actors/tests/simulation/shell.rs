//! A shell around the governor whose sockets are events in a queue.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::time::Duration;

use actors::delivery::classify::{Overload, ReplyKey, Signal};
use actors::delivery::governor::{
    AttemptReport, ConnectionId, Conveyance, EndpointShape, Governor, GovernorEffect,
    GovernorEvent, Learned, PermitId, ProbeId, ProbeOutcome, Via,
};
use actors::delivery::health::Health;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use storage::model::DomainId;

use super::destination::{Answer, Destination, Model, UP_AT};
use super::domains::{Domains, Fate};
use super::report::Report;

const SIZE: u64 = 20_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Happening {
    /// The governor asked for it; stale ones carry an old number.
    Tick(u64),
    /// A message may be finished; stale ones carry an old number.
    Completion(u64),
    /// A probe's SYN arrives.
    Probe(ProbeId, ConnectionId),
    /// A connection's SYN arrives.
    Open(PermitId),
    /// MAIL arrives.
    Mail(PermitId),
    /// An answer arrives here.
    Reply(PermitId, Outcome),
    /// The destination goes away.
    Crash,
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
    sent_at: Duration,
}

/// One run: a backlog, a destination, a governor.
pub(crate) struct Simulation {
    now: Duration,
    queue: BinaryHeap<Reverse<(Duration, u64, Happening)>>,
    number: u64,
    governor: Governor,
    destination: Destination,
    attempts: BTreeMap<PermitId, Attempt>,
    open: BTreeSet<ConnectionId>,
    tick: u64,
    completion: u64,
    completion_at: Option<Duration>,
    domains: Domains,
    rng: ChaCha8Rng,
    report: Report,
}

impl Simulation {
    /// A backlog of so many messages for each of so many domains.
    pub(crate) fn new(model: Model, messages: u64, domains: u32, seed: u64) -> Self {
        let shape = EndpointShape {
            priority: 10,
            weight: 1,
        };
        let report = Report::new(messages * u64::from(domains));
        Self {
            now: Duration::ZERO,
            queue: BinaryHeap::new(),
            number: 0,
            governor: Governor::new(&[shape], &Learned::default(), seed, Duration::ZERO),
            destination: Destination::new(model),
            attempts: BTreeMap::new(),
            open: BTreeSet::new(),
            tick: 0,
            completion: 0,
            completion_at: None,
            domains: Domains::new(domains, messages),
            rng: ChaCha8Rng::seed_from_u64(seed ^ 0x5EED),
            report,
        }
    }

    /// Runs until everything is delivered or the time is over.
    pub(crate) fn run(mut self, limit: Duration) -> Report {
        let crashes: Vec<Duration> = self.destination.model.down.iter().map(|d| d.0).collect();
        for at in crashes {
            self.at(at, Happening::Crash);
        }
        for domain in self.domains.ids() {
            self.demand(domain);
        }
        while let Some(Reverse((at, _, happening))) = self.queue.pop() {
            if at > limit || self.report.is_complete() {
                break;
            }
            self.now = at;
            self.happen(happening);
            self.expect_completion();
        }
        self.report.ended_at = self.now;
        self.report.most_in_flight = self.destination.most_in_flight();
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

    fn half(&self) -> Duration {
        self.destination.model.round_trip / 2
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
            Happening::Probe(probe, connection) => self.probe(probe, connection),
            Happening::Open(permit) => self.open(permit),
            Happening::Mail(permit) => self.mail(permit),
            Happening::Reply(permit, outcome) => self.reply(permit, outcome),
            Happening::Crash => self.crash(),
            Happening::Retest(domain) => self.demand(domain),
        }
    }

    fn on(&mut self, event: GovernorEvent) {
        let effects = self.governor.on(event, self.now);
        for effect in effects {
            self.report.trace.add(self.now, &effect);
            self.carry_out(effect);
        }
    }

    fn carry_out(&mut self, effect: GovernorEffect) {
        match effect {
            GovernorEffect::Probe {
                probe, connection, ..
            } => {
                self.report.probes += 1;
                self.at(self.now + self.half(), Happening::Probe(probe, connection));
            }
            GovernorEffect::Grant {
                permit,
                domain,
                via,
                ..
            } => self.granted(permit, domain, via),
            GovernorEffect::Close { connection } => self.hang_up(connection),
            GovernorEffect::WakeAt(at) => {
                self.tick += 1;
                self.at(at, Happening::Tick(self.tick));
            }
            GovernorEffect::StateChanged(health) => self.report.states.push((self.now, health)),
            GovernorEffect::Alert(_) => {}
        }
    }

    fn granted(&mut self, permit: PermitId, domain: DomainId, via: Via) {
        let health = self.governor.health();
        assert!(
            !matches!(health, Health::Down | Health::Suspect),
            "a permit while {health:?}"
        );
        self.domains.sent(domain, self.now);
        self.report
            .note_in_flight(self.attempts.len() + 1, self.now);
        let (Via::Open(connection) | Via::Reuse(connection)) = via;
        self.attempts.insert(
            permit,
            Attempt {
                domain,
                connection,
                sent_at: self.now,
            },
        );
        let arrives = self.now + self.half();
        match via {
            Via::Open(_) => self.at(arrives, Happening::Open(permit)),
            Via::Reuse(_) => self.at(arrives, Happening::Mail(permit)),
        }
    }

    fn probe(&mut self, probe: ProbeId, connection: ConnectionId) {
        let outcome = match self.destination.connect(self.now) {
            Answer::Yes => {
                self.open.insert(connection);
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

    fn open(&mut self, permit: PermitId) {
        let half = self.half();
        match self.destination.connect(self.now) {
            Answer::Yes => {
                let attempt = self.attempts.get_mut(&permit).unwrap();
                self.open.insert(attempt.connection);
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
        let half = self.half();
        if !self.open.contains(&attempt.connection) {
            self.at(self.now + half, Happening::Reply(permit, Outcome::Broken));
            return;
        }
        let outcome = match self.destination.mail(permit.0, self.now, &mut self.rng) {
            Answer::Yes => return,
            Answer::TooMuchInFlight | Answer::TooManyConnections => Outcome::Busy(0),
            Answer::TooFast => Outcome::Busy(1),
            Answer::UnknownUser => Outcome::Rejected,
            Answer::Nobody => Outcome::Broken,
        };
        self.at(self.now + half, Happening::Reply(permit, outcome));
    }

    fn expect_completion(&mut self) {
        let at = self.destination.next_completion();
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
        let half = self.half();
        for id in self.destination.completed(self.now) {
            let reply = Happening::Reply(PermitId(id), Outcome::Delivered);
            self.at(self.now + half, reply);
        }
    }

    fn crash(&mut self) {
        self.open.clear();
        let half = self.half();
        for id in self.destination.crash(self.now) {
            self.at(
                self.now + half,
                Happening::Reply(PermitId(id), Outcome::Broken),
            );
        }
    }

    fn hang_up(&mut self, connection: ConnectionId) {
        if self.open.remove(&connection) {
            self.destination.disconnect(self.now);
        }
    }

    fn reply(&mut self, permit: PermitId, outcome: Outcome) {
        let attempt = self.attempts.remove(&permit).unwrap();
        let alive = self.open.contains(&attempt.connection);
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
            Outcome::Broken => self.report.broken += 1,
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
            latency: (outcome == Outcome::Delivered).then(|| self.now - attempt.sent_at),
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
