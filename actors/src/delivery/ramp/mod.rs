//! How much an endpoint gets: the window `W` of messages in flight and, where the endpoint limits
//! its rate, the pace `R`.
//!
//! *Why two instruments.* A mail server runs out of processes, of cores, of memory, or of patience
//! (a rate limit). The first three show as refusals or as answers that take longer when more is in
//! flight: a window finds them. A rate limit refuses at any concurrency while answers stay quick: only
//! a pace avoids it. Telling one from the other is half of this module.
//!
//! *Slow start, then cruise.* After an outage the caches are cold and every client returns at once, so
//! the first messages go one at a time and the window doubles in steps (`slow_start`). At the first
//! refusal, or when a larger window no longer brings throughput, growth becomes cautious: in cruise
//! the number of messages that *wait inside the destination*, `W(1 − L0/median)`, is kept small but not
//! zero, which is as fast as it can go without queueing there.
//!
//! *Refusals.* With `n` in flight a refusal says that `n − 1` fit. Sends of the same moment that are
//! refused as well lower the estimate one by one, so one round trip finds the limit; only a refusal
//! of something sent *after* the cut says that the limit itself has fallen. A limit that is found
//! again is respected twice as long before it is asked about again (`ceiling`).
//!
//! Invariants: 1 ≤ W ≤ the largest window; W grows only while more was wanted than it allowed;
//! nothing here knows of messages, domains or connections. Times are arguments.

mod accepted;
mod ceiling;
mod cruise;
mod latency;
mod pace;
mod refusal;
mod slow_start;
mod window;

use std::time::Duration;

use self::accepted::Accepted;
use self::ceiling::Ceiling;
use self::cruise::{Course, Cruise, Measurement, ROUND};
use self::latency::{Latency, RoundLatency, SLACK};
use self::pace::Pace;
use self::refusal::Cut;
use self::slow_start::{OPENING, SlowStart, Verdict};
use self::window::Window;

/// Most messages in flight to an endpoint at first.
pub const WINDOW_MAX: u32 = 64;
/// The same after an endpoint has shown that it is bored.
pub const WINDOW_MAX_PROVEN: u32 = 128;
/// How long it has to be at its maximum, quick and without refusal, for that.
const PROVEN_AFTER: Duration = Duration::from_secs(60);
/// Where slow start ends for a server that answers too many connections with delays.
pub const WINDOW_EXCHANGE: u32 = 20;
/// Length of a step of slow start.
pub const STEP: Duration = Duration::from_secs(5);

/// How slow start goes after an outage.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SlowStartPlan {
    /// Places that open in the first step.
    pub from: u32,
    /// Where it ends at the latest: what the endpoint took before the outage.
    pub up_to: u32,
    /// Length of a full step.
    pub step: Duration,
}

impl SlowStartPlan {
    /// From one place on, in full steps.
    #[must_use]
    pub const fn from_one(up_to: u32) -> Self {
        Self {
            from: 1,
            up_to,
            step: STEP,
        }
    }
}

/// When a message was sent: tells a refusal that a cut has already answered from a new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SendMark {
    epoch: u64,
}

/// Whether one more message may be sent now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gate {
    /// Yes.
    Open,
    /// Not before this time.
    Until(Duration),
    /// When one in flight is completed.
    Full,
}

/// Which part of the ramp it is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RampPhase {
    /// Doubling.
    SlowStart,
    /// Following the destination.
    Cruise,
}

/// Window and pace of one endpoint.
#[derive(Debug)]
pub struct Ramp {
    phase: Phase,
    window: Window,
    window_max: f64,
    /// An administrator has set the largest window.
    is_capped: bool,
    slow_start_max: f64,
    at_max_since: Option<Duration>,
    ceiling: Ceiling,
    pace: Pace,
    latency: Latency,
    epoch: u64,
    cut: Option<Cut>,
    paused_until: Duration,
    /// Not before this time, so that the places that came free in a pause are not filled at once.
    refill_at: Duration,
    refused_at: Option<Duration>,
    accepted: Accepted,
    slow_rounds: u32,
}

#[derive(Debug)]
enum Phase {
    SlowStart(SlowStart),
    Cruise(Cruise),
}

impl Ramp {
    /// A ramp that has not begun: a window of one.
    #[must_use]
    pub fn new(now: Duration) -> Self {
        Self {
            phase: Phase::SlowStart(SlowStart::new(STEP, now)),
            window: Window::fixed(1.0),
            window_max: f64::from(WINDOW_MAX),
            is_capped: false,
            slow_start_max: f64::from(WINDOW_MAX),
            at_max_since: None,
            ceiling: Ceiling::default(),
            pace: Pace::default(),
            latency: Latency::default(),
            epoch: 0,
            cut: None,
            paused_until: Duration::ZERO,
            refill_at: Duration::ZERO,
            refused_at: None,
            accepted: Accepted::default(),
            slow_rounds: 0,
        }
    }

    /// The same with a largest window that an administrator has set.
    #[must_use]
    pub fn capped(mut self, window_max: Option<u16>) -> Self {
        if let Some(max) = window_max {
            self.window_max = f64::from(max.max(1));
            self.is_capped = true;
        }
        self
    }

    /// The canary has passed: slow start. What was learnt about latency stays.
    pub fn restart(&mut self, plan: SlowStartPlan, now: Duration) {
        self.phase = Phase::SlowStart(SlowStart::new(plan.step, now));
        self.window.set(1.0);
        self.slow_start_max = f64::from(plan.up_to.max(1)).min(self.slow_start_bound());
        let from = f64::from(plan.from.max(1)).min(self.slow_start_max);
        if from > 1.0 {
            self.window.grow(from, now, plan.step.mul_f64(OPENING));
        }
        self.at_max_since = None;
        self.ceiling = Ceiling::default();
        self.pace.restart(now);
        self.epoch += 1;
        self.cut = None;
        self.paused_until = now;
        self.accepted = Accepted::default();
        self.slow_rounds = 0;
        self.latency.restart_round();
    }

    /// Messages that may be in flight now.
    #[must_use]
    pub fn window(&self, now: Duration) -> u32 {
        let places = self.window.places(now);
        match &self.phase {
            Phase::SlowStart(_) => places,
            Phase::Cruise(cruise) => cruise.places(places),
        }
    }

    /// The window that is being grown to: what is worth remembering over an outage.
    #[must_use]
    pub fn learned_window(&self) -> u32 {
        self.window.target().floor().max(1.0) as u32
    }

    /// Messages per second at most, when the destination limits its rate.
    #[must_use]
    pub fn pace(&self) -> Option<f64> {
        self.pace.limit()
    }

    /// The time an answer takes when the destination has nothing else to do.
    #[must_use]
    pub fn baseline(&self) -> Option<Duration> {
        self.latency.baseline()
    }

    /// Which part of the ramp it is in.
    #[must_use]
    pub const fn phase(&self) -> RampPhase {
        match self.phase {
            Phase::SlowStart(_) => RampPhase::SlowStart,
            Phase::Cruise(_) => RampPhase::Cruise,
        }
    }

    /// The last refusal for overload.
    #[must_use]
    pub const fn refused_at(&self) -> Option<Duration> {
        self.refused_at
    }

    /// Whether answers have been much too slow for three rounds.
    #[must_use]
    pub const fn is_slow(&self) -> bool {
        self.slow_rounds >= 3
    }

    /// Whether one more message may go when `in_flight` are under way. Ask only when there is one
    /// to send: being told [`Gate::Full`] is what makes the window grow.
    pub fn gate(&mut self, in_flight: u32, now: Duration) -> Gate {
        if now < self.paused_until {
            return Gate::Until(self.paused_until);
        }
        if now < self.refill_at {
            return Gate::Until(self.refill_at);
        }
        if in_flight >= self.window(now) {
            match &mut self.phase {
                Phase::SlowStart(step) => step.note_full(),
                Phase::Cruise(cruise) => cruise.note_full(),
            }
            return match self.window.next_place_at(now) {
                Some(at) => Gate::Until(at),
                None => Gate::Full,
            };
        }
        match self.pace.wait(now) {
            Some(at) => Gate::Until(at),
            None => Gate::Open,
        }
    }

    /// A message goes out.
    pub fn sent(&mut self, now: Duration) -> SendMark {
        self.pace.sent(now);
        self.refill_at = self.next_refill(now);
        SendMark { epoch: self.epoch }
    }

    /// A message was delivered; `in_flight` counts it as well.
    pub fn delivered(&mut self, latency: Duration, size_bytes: u64, in_flight: u32, now: Duration) {
        self.accepted.note(in_flight, now);
        self.latency
            .sample(latency, size_bytes, in_flight <= 1, now);
        self.pace.delivered(now);
        self.completed(now);
    }

    /// A message was answered, but not delivered, for a reason of its own.
    pub fn answered(&mut self, now: Duration) {
        self.completed(now);
    }

    /// When something changes by itself: a pause ends or a place opens.
    #[must_use]
    pub fn next_change(&self, now: Duration) -> Option<Duration> {
        let pause = (now < self.paused_until).then_some(self.paused_until);
        pause.or_else(|| self.window.next_place_at(now))
    }

    /// Beyond 64 an endpoint has to prove itself, unless an administrator knows it.
    fn slow_start_bound(&self) -> f64 {
        if self.is_capped {
            self.window_max
        } else {
            f64::from(WINDOW_MAX)
        }
    }

    fn cruise(&mut self, now: Duration) {
        self.phase = Phase::Cruise(Cruise::new(now));
        self.latency.restart_round();
    }

    fn completed(&mut self, now: Duration) {
        let window = self.window.at(now);
        match &mut self.phase {
            Phase::SlowStart(step) => {
                if step.completed(window, now) {
                    self.latency.restart_round();
                }
                if step.is_over(window, now) {
                    self.end_step(now);
                }
            }
            Phase::Cruise(cruise) => match cruise.completed(now) {
                Measurement::Idle if cruise.is_over(window, now) => self.end_round(now),
                Measurement::Idle | Measurement::Running => {}
                Measurement::Begins => self.latency.restart_round(),
                Measurement::Complete => self.latency.rebase(now),
            },
        }
    }

    fn end_step(&mut self, now: Duration) {
        let latency = self.latency.close_round();
        self.note_speed(latency);
        let max = self.slow_start_max.min(self.window_max);
        let window = self.window.at(now);
        let Phase::SlowStart(step) = &mut self.phase else {
            return;
        };
        match step.finish(window, max, latency, now) {
            Verdict::Grow { to, over } => self.window.grow(to, now, over),
            Verdict::Stay => {}
            Verdict::Cruise(size) => {
                self.window.set(size);
                self.cruise(now);
            }
        }
    }

    fn end_round(&mut self, now: Duration) {
        let stale = self.latency.is_stale(now);
        let latency = self.latency.close_round();
        self.note_speed(latency);
        let window = self.window.at(now);
        let places = self.window.places(now);
        let Phase::Cruise(cruise) = &mut self.phase else {
            return;
        };
        if stale {
            cruise.remeasure(places);
            return;
        }
        match cruise.finish(window, latency, now) {
            Course::Hold => {}
            Course::Shrink(to) => self.window.set(to),
            Course::Grow(to) => {
                self.ceiling.disproved(window);
                let bound = self.ceiling.cap(now).unwrap_or(f64::INFINITY);
                let to = to.min(bound).min(self.window_max);
                if to > window {
                    self.window.grow(to, now, ROUND.mul_f64(0.8));
                }
            }
        }
        if let Some(latency) = latency {
            self.prove(window, latency, now);
        }
    }

    /// An endpoint that is bored at the largest window gets a larger one.
    fn prove(&mut self, window: f64, latency: RoundLatency, now: Duration) {
        if self.is_capped {
            return;
        }
        let bored = window + 0.5 >= f64::from(WINDOW_MAX) && !latency.exceeds(1.2, SLACK);
        if !bored {
            self.at_max_since = None;
            return;
        }
        let since = *self.at_max_since.get_or_insert(now);
        if now >= since + PROVEN_AFTER {
            self.window_max = f64::from(WINDOW_MAX_PROVEN);
        }
    }

    fn note_speed(&mut self, latency: Option<RoundLatency>) {
        let slow = latency.is_some_and(|round| round.exceeds(1.4, Duration::from_millis(50)));
        self.slow_rounds = if slow { self.slow_rounds + 1 } else { 0 };
    }
}

#[cfg(test)]
mod tests;
