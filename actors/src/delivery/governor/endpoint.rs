//! One host of a route: its health, its ramp, its connections, its probe timer, and what each result
//! does to them.

mod probing;

use std::time::Duration;

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::super::classify::{Overload, ReplyKey, Signal};
use super::super::health::{EndpointHealth, Suspicion, Trouble};
use super::super::ramp::{self, Gate, Ramp, RampPhase, SendMark, SlowStartPlan};
use super::EndpointShape;
use super::busy::Busy;
use super::connections::Connections;
use super::event::{
    AttemptReport, ConnectionId, Conveyance, EndpointId, GovernorAlert, GovernorEffect,
};
use super::pause::Pause;
use super::probe_timer::{ProbeTimer, Refusal};
use super::shortage::Shortage;
use super::stability::Stability;

/// Deferrals alike, of different messages in a row, that are an overload.
const DEFERRED_ALIKE: u32 = 3;
/// A failure counts as this latency when an endpoint is chosen.
const FAILURE_LATENCY: f64 = 5.0;
/// Weight of a new latency in the average by which an endpoint is chosen.
const SPEED_WEIGHT: f64 = 0.1;
/// Without any progress for this long, with messages under way, a connect confirms that the host is
/// there: a black hole swallows live sessions without a sound.
const STALLED_AFTER: Duration = Duration::from_secs(30);

/// A host that breaks every transaction is tried again after this time, at first …
const BROKEN_MIN: Duration = Duration::from_secs(5);
/// … and, for mail that has broken nothing, after this time.
const BREATH: Duration = Duration::from_secs(2);
/// … and at most.
const BROKEN_MAX: Duration = Duration::from_secs(60);

/// What is under way to an endpoint, as its permit remembers it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sending {
    pub(super) mark: SendMark,
    era: u32,
    pub(super) connection: ConnectionId,
}

#[derive(Debug)]
pub(super) struct Endpoint {
    pub(super) id: EndpointId,
    pub(super) priority: u16,
    pub(super) weight: f64,
    pub(super) health: EndpointHealth,
    pub(super) ramp: Ramp,
    pub(super) connections: Connections,
    pub(super) probes: ProbeTimer,
    /// Messages under way since the host was last down. What hangs on connections of before is left
    /// to its time-outs and holds up nothing.
    pub(super) in_flight: u32,
    /// How often the host has gone down.
    era: u32,
    pub(super) up_since: Option<Duration>,
    pub(super) shortage: Shortage,
    stability: Stability,
    learned_window: u32,
    looks_like_exchange: bool,
    speed: f64,
    last_progress: Option<Duration>,
    failed_since_progress: bool,
    watched_from: Duration,
    canary_pause: Pause,
    deferred: Option<(ReplyKey, u32)>,
    /// It has broken a transaction since it last answered one, however often it was reached.
    broken: bool,
    broken_pause: Pause,
    /// Mail that had broken nothing was tried before the pause was over.
    hastened: bool,
    /// Not again before this time, when that broke, too.
    haste_pause: Pause,
    busy: Busy,
}

impl Endpoint {
    pub(super) fn new(
        id: EndpointId,
        shape: &EndpointShape,
        learned_window: Option<u32>,
        now: Duration,
    ) -> Self {
        Self {
            id,
            priority: shape.priority,
            weight: f64::from(shape.weight.max(1)),
            health: EndpointHealth::Unknown,
            ramp: Ramp::new(now).capped(shape.limits.window),
            connections: Connections::limited(shape.limits.connections_per_second),
            probes: ProbeTimer::default(),
            in_flight: 0,
            era: 0,
            up_since: None,
            shortage: Shortage::default(),
            stability: Stability::default(),
            learned_window: learned_window
                .unwrap_or_else(|| ramp::WINDOW_MAX.max(shape.limits.window.unwrap_or(0).into())),
            looks_like_exchange: false,
            speed: 0.0,
            last_progress: None,
            failed_since_progress: false,
            watched_from: now,
            canary_pause: Pause::default(),
            deferred: None,
            broken: false,
            broken_pause: Pause::default(),
            hastened: false,
            haste_pause: Pause::default(),
            busy: Busy::default(),
        }
    }

    /// What is worth remembering over a restart.
    pub(super) fn learned_window(&self) -> u32 {
        match self.ramp.phase() {
            RampPhase::Cruise => self.ramp.learned_window(),
            RampPhase::SlowStart => self.learned_window,
        }
    }

    /// Messages that may be in flight.
    pub(super) fn window(&self, now: Duration) -> u32 {
        match self.health {
            EndpointHealth::Up if self.shortage.is_on() => 1,
            EndpointHealth::Up | EndpointHealth::Suspect { .. } => self.ramp.window(now),
            EndpointHealth::Canary { .. } => 1,
            EndpointHealth::Unknown | EndpointHealth::Down { .. } => 0,
        }
    }

    /// Whether a message may be sent now. Ask only when there is one.
    pub(super) fn gate(&mut self, now: Duration) -> Gate {
        let single = |at: Option<Duration>, in_flight: u32| match at {
            _ if in_flight > 0 => Gate::Full,
            Some(at) if now < at => Gate::Until(at),
            _ => Gate::Open,
        };
        let gate = match self.health {
            EndpointHealth::Up => match self.shortage.next_at() {
                Some(at) => single(Some(at), self.in_flight),
                None => match self.busy.until().filter(|until| now < *until) {
                    Some(until) => Gate::Until(until),
                    None => self.ramp.gate(self.in_flight, now),
                },
            },
            EndpointHealth::Canary { .. } => single(self.canary_pause.until(), self.in_flight),
            _ => return Gate::Full,
        };
        match (gate, self.connections.wait(now)) {
            (Gate::Open, Some(at)) => Gate::Until(at),
            _ => gate,
        }
    }

    /// How good a choice it is; lower is better.
    pub(super) fn cost(&self) -> f64 {
        f64::from(self.in_flight + 1) * self.speed.max(0.001) / self.weight
    }

    /// A message goes out.
    pub(super) fn sent(&mut self, connection: ConnectionId, now: Duration) -> Sending {
        if self.in_flight == 0 {
            self.watched_from = now;
        }
        self.in_flight += 1;
        self.shortage.sent(now);
        Sending {
            mark: self.ramp.sent(now),
            era: self.era,
            connection,
        }
    }

    /// A message's attempt is over, whatever came of it.
    pub(super) fn release(
        &mut self,
        sending: Sending,
        conveyance: Conveyance,
        now: Duration,
        out: &mut Vec<GovernorEffect>,
    ) {
        if sending.era == self.era {
            self.in_flight = self.in_flight.saturating_sub(1);
        }
        match conveyance {
            Conveyance::Closed => self.connections.closed(sending.connection),
            Conveyance::Kept => {
                self.connections.kept(sending.connection, now);
            }
        }
        self.tidy(now, out);
    }

    /// Closes idle connections that are too old or too many.
    pub(super) fn tidy(&mut self, now: Duration, out: &mut Vec<GovernorEffect>) {
        let window = usize::try_from(self.window(now)).unwrap_or(usize::MAX);
        let closing = self.connections.superfluous(window, now);
        out.extend(closing.into_iter().map(close));
    }

    /// What an attempt's result means. Called before [`Endpoint::release`], so that everything that
    /// was in flight with it still counts.
    pub(super) fn report(
        &mut self,
        sending: Sending,
        report: &AttemptReport,
        now: Duration,
        rng: &mut ChaCha8Rng,
        out: &mut Vec<GovernorEffect>,
    ) {
        if sending.era != self.era {
            self.heard_of_before(report.signal, now);
            return;
        }
        match report.signal {
            Signal::Delivered => self.delivered(report, now),
            Signal::Answered => self.answered(now),
            Signal::Deferred(key) => self.deferred(key, sending.mark, now),
            Signal::Overloaded(kind) => self.overloaded(kind, sending.mark, report, now, out),
            Signal::Connection => self.connection_failed(sending.mark, report, now, rng, out),
            Signal::Stale => out.extend(self.connections.abandon().into_iter().map(close)),
            Signal::Policy => self.refuses_everybody(report.at_opening, now, rng, out),
            Signal::Tls => {
                out.push(GovernorEffect::Alert(GovernorAlert::Tls {
                    endpoint: self.id,
                }));
                self.go_down(Trouble::Tls, now, out);
                self.probes.refused(Refusal::Tls, now, rng);
            }
            Signal::Nothing => {}
        }
    }

    /// A message that was under way when the host went down has ended. It says nothing about what
    /// the host takes now, but an answer is a sign of life.
    fn heard_of_before(&mut self, signal: Signal, now: Duration) {
        let answered = matches!(
            signal,
            Signal::Delivered | Signal::Answered | Signal::Deferred(_)
        );
        if answered && self.health.is_down() {
            self.probes.hurry(now);
        }
    }

    /// When to become suspicious without a failure, while messages are under way.
    pub(super) fn stalled_at(&self) -> Option<Duration> {
        let watched = self.in_flight > 0 && self.health == EndpointHealth::Up;
        let patience = self.ramp.baseline().unwrap_or_default() * 20;
        let from = self
            .watched_from
            .max(self.last_progress.unwrap_or_default());
        watched.then_some(from + patience.max(STALLED_AFTER))
    }

    /// Nothing has come back for too long: a connect tells whether the host is there.
    pub(super) fn on_stall(&mut self, now: Duration) {
        self.watched_from = now;
        self.health = EndpointHealth::Suspect {
            confirm_at: now,
            confirming: false,
            unproven: false,
        };
    }

    fn connected(&self) -> u32 {
        u32::try_from(self.connections.count()).unwrap_or(u32::MAX)
    }

    fn progress(&mut self, now: Duration) {
        self.last_progress = Some(now);
        self.failed_since_progress = false;
        self.broken = false;
        self.broken_pause = Pause::default();
        self.hastened = false;
        self.haste_pause = Pause::default();
        self.health.on_progress();
    }

    fn delivered(&mut self, report: &AttemptReport, now: Duration) {
        self.progress(now);
        self.deferred = None;
        if let Some(latency) = report.latency {
            self.note_speed(latency.as_secs_f64());
            self.ramp
                .delivered(latency, report.size_bytes, self.in_flight, now);
        } else {
            self.ramp.answered(now);
        }
        self.canary_pause = Pause::default();
        self.busy = Busy::default();
        if self.health.on_delivered() {
            self.up_since = Some(now);
            self.restart_ramp(now);
        }
        if self.shortage.over() {
            let plan = SlowStartPlan::from_one(self.slow_start_max());
            self.ramp.restart(plan, now);
        }
    }

    fn answered(&mut self, now: Duration) {
        self.progress(now);
        self.ramp.answered(now);
        self.canary_refused(Duration::from_secs(1), Duration::from_secs(1), now);
    }

    fn deferred(&mut self, key: ReplyKey, mark: SendMark, now: Duration) {
        self.progress(now);
        let alike = match self.deferred {
            Some((last, count)) if last == key => count + 1,
            _ => 1,
        };
        self.deferred = Some((key, alike));
        if alike >= DEFERRED_ALIKE && self.health == EndpointHealth::Up {
            self.deferred = None;
            self.ramp
                .refused(mark, Overload::Unspecified, self.in_flight, false, now);
        } else {
            self.ramp.answered(now);
        }
        self.canary_refused(Duration::from_secs(1), Duration::from_secs(60), now);
    }

    fn overloaded(
        &mut self,
        kind: Overload,
        mark: SendMark,
        report: &AttemptReport,
        now: Duration,
        out: &mut Vec<GovernorEffect>,
    ) {
        // A refused message is a live session's progress; a refused connection is not.
        if !report.at_opening {
            self.progress(now);
        }
        self.canary_refused(Duration::from_secs(5), Duration::from_secs(60), now);
        if self.health != EndpointHealth::Up {
            return;
        }
        if self.in_flight <= 1 {
            self.busy.refused_alone(now);
        }
        if kind == Overload::Resource && self.shortage.refused(now) {
            let alert = GovernorAlert::ResourceFull { endpoint: self.id };
            out.push(GovernorEffect::Alert(alert));
        }
        let n = if report.at_opening {
            self.connected()
        } else {
            self.in_flight
        };
        self.ramp.refused(mark, kind, n, report.at_opening, now);
    }

    fn connection_failed(
        &mut self,
        mark: SendMark,
        report: &AttemptReport,
        now: Duration,
        rng: &mut ChaCha8Rng,
        out: &mut Vec<GovernorEffect>,
    ) {
        self.note_speed(FAILURE_LATENCY);
        let jitter = rng.random_range(0.0..1.0);
        // One failure is outweighed by what went well just before; a second one in a row is not.
        let progress = self.last_progress.filter(|_| !self.failed_since_progress);
        self.failed_since_progress = true;
        let suspicion = self.health.on_connection_failure(now, progress, jitter);
        let again = self.broken;
        self.broken |= !report.at_opening;
        match suspicion {
            // It is reached and breaks what it began, every time: that is not up (S12), and asking
            // costs it a process.
            Suspicion::Begun | Suspicion::Down if again && !report.at_opening => {
                self.go_down(Trouble::Unreachable, now, out);
                self.broken_pause.extend(BROKEN_MIN, BROKEN_MAX, now);
                if std::mem::take(&mut self.hastened) {
                    self.haste_pause.extend(BROKEN_MIN, BROKEN_MAX, now);
                }
                self.probes.wait_until(self.broken_pause.until());
            }
            Suspicion::Down => {
                self.go_down(Trouble::Unreachable, now, out);
                self.probes.start(now, rng);
            }
            // Others pass: it takes no more connections than it has.
            Suspicion::Outweighed if report.at_opening => {
                let n = self.connected();
                self.ramp.refused(mark, Overload::Concurrency, n, true, now);
            }
            _ => {}
        }
    }

    /// Mail has come that has broken nothing. If it was one message that broke everything so far, the
    /// new one need not wait for its pause; if it is the host, these pauses grow as well.
    pub(super) fn mail_came(&mut self, now: Duration) {
        let pausing = self.broken_pause.until().is_some_and(|until| now < until);
        if self.broken && pausing && self.health.is_down() {
            self.hastened = true;
            let breath = self.broken_pause.began().map(|at| at + BREATH);
            let at = self.haste_pause.until().max(breath);
            self.probes.hasten(at.unwrap_or(now).max(now));
        }
    }

    fn refuses_everybody(
        &mut self,
        at_opening: bool,
        now: Duration,
        rng: &mut ChaCha8Rng,
        out: &mut Vec<GovernorEffect>,
    ) {
        let reply = ReplyKey {
            code: if at_opening { 554 } else { 530 },
            enhanced: None,
        };
        let endpoint = self.id;
        out.push(GovernorEffect::Alert(GovernorAlert::Policy {
            endpoint,
            reply,
        }));
        self.go_down(Trouble::Policy, now, out);
        self.probes.refused(Refusal::Reply(reply), now, rng);
    }

    fn canary_refused(&mut self, first: Duration, max: Duration, now: Duration) {
        if matches!(self.health, EndpointHealth::Canary { .. }) {
            self.health.on_canary_refused();
            self.canary_pause.extend(first, max, now);
        }
    }

    fn go_down(&mut self, trouble: Trouble, now: Duration, out: &mut Vec<GovernorEffect>) {
        if !self.health.is_down() {
            if self.up_since.is_some() {
                self.learned_window = self.learned_window();
            }
            if self.stability.fell(now) {
                self.probes.be_brisk(now);
            }
        }
        self.up_since = None;
        self.era += 1;
        self.in_flight = 0;
        self.shortage = Shortage::default();
        self.health.fail(trouble, now);
        out.extend(self.connections.abandon().into_iter().map(close));
    }

    fn restart_ramp(&mut self, now: Duration) {
        let plan = self.stability.plan(self.slow_start_max());
        self.ramp.restart(plan, now);
    }

    /// What slow start doubles up to.
    fn slow_start_max(&self) -> u32 {
        if self.looks_like_exchange {
            self.learned_window.min(ramp::WINDOW_EXCHANGE)
        } else {
            self.learned_window
        }
    }

    fn note_speed(&mut self, seconds: f64) {
        self.speed = if self.speed > 0.0 {
            SPEED_WEIGHT.mul_add(seconds - self.speed, self.speed)
        } else {
            seconds
        };
    }
}

pub(super) const fn close(connection: ConnectionId) -> GovernorEffect {
    GovernorEffect::Close { connection }
}
