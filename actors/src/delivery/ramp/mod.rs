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

mod ceiling;
mod latency;
mod pace;
mod slow_start;
mod window;

use std::time::Duration;

use self::ceiling::Ceiling;
use self::latency::{Latency, RoundLatency, SLACK};
use self::pace::Pace;
use self::slow_start::{SlowStart, Verdict};
use self::window::Window;
use super::classify::Overload;

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
/// Nothing is sent for this long after a refusal.
const PAUSE: Duration = Duration::from_millis(250);
/// Shortest round of cruise.
const ROUND: Duration = Duration::from_secs(1);
/// Rounds without a reason to shrink after which growth is bolder.
const CALM_ROUNDS: u32 = 4;
/// Cuts when even what was sent after a cut is refused.
const REPEATED_CUTS: [f64; 3] = [0.85, 0.7, 0.5];
/// How long an accepted number in flight is remembered.
const ACCEPTED_PERIOD: Duration = Duration::from_secs(60);

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
    slow_start_max: f64,
    at_max_since: Option<Duration>,
    ceiling: Ceiling,
    pace: Pace,
    latency: Latency,
    epoch: u64,
    cut: Option<Cut>,
    paused_until: Duration,
    refused_at: Option<Duration>,
    accepted: Accepted,
    slow_rounds: u32,
}

#[derive(Debug)]
enum Phase {
    SlowStart(SlowStart),
    Cruise(Round),
}

#[derive(Debug)]
struct Round {
    began: Duration,
    completions: u32,
    wanted_more: bool,
    calm: u32,
}

#[derive(Debug, Clone, Copy)]
struct Cut {
    at: Duration,
    n: f64,
    refused: u32,
    repeated: usize,
}

/// The most that was in flight and delivered, in this minute and the last.
#[derive(Debug, Default)]
struct Accepted {
    most: u32,
    most_before: u32,
    began: Duration,
}

impl Ramp {
    /// A ramp that has not begun: a window of one.
    #[must_use]
    pub fn new(now: Duration) -> Self {
        Self {
            phase: Phase::SlowStart(SlowStart::new(STEP, now)),
            window: Window::fixed(1.0),
            window_max: f64::from(WINDOW_MAX),
            slow_start_max: f64::from(WINDOW_MAX),
            at_max_since: None,
            ceiling: Ceiling::default(),
            pace: Pace::default(),
            latency: Latency::default(),
            epoch: 0,
            cut: None,
            paused_until: Duration::ZERO,
            refused_at: None,
            accepted: Accepted::default(),
            slow_rounds: 0,
        }
    }

    /// The canary has passed: slow start from one. It doubles up to `slow_start_max` (what the
    /// endpoint took before the outage) in steps of `step`. What was learnt about latency stays.
    pub fn restart(&mut self, slow_start_max: u32, step: Duration, now: Duration) {
        self.phase = Phase::SlowStart(SlowStart::new(step, now));
        self.window.set(1.0);
        self.slow_start_max = f64::from(slow_start_max.clamp(1, WINDOW_MAX));
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
        self.window.places(now)
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
        if in_flight >= self.window.places(now) {
            match &mut self.phase {
                Phase::SlowStart(step) => step.note_full(),
                Phase::Cruise(round) => round.wanted_more = true,
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
        SendMark { epoch: self.epoch }
    }

    /// A message was delivered; `in_flight` counts it as well.
    pub fn delivered(&mut self, latency: Duration, size_bytes: u64, in_flight: u32, now: Duration) {
        self.accepted.note(in_flight, now);
        self.latency.sample(latency, size_bytes, now);
        self.pace.delivered(now);
        self.completed(now);
    }

    /// A message was answered, but not delivered, for a reason of its own.
    pub fn answered(&mut self, now: Duration) {
        self.completed(now);
    }

    /// A message, or a connection, was refused for overload. `n` is the number that were in flight
    /// (or connected) with it; `at_opening` when the connection was refused and not a message.
    pub fn refused(
        &mut self,
        mark: SendMark,
        kind: Overload,
        n: u32,
        at_opening: bool,
        now: Duration,
    ) {
        self.refused_at = Some(now);
        self.at_max_since = None;
        if mark.epoch < self.epoch {
            self.refused_again(now);
            return;
        }
        let soon = self.latency.baseline().unwrap_or_default() * 3 + Duration::from_millis(500);
        let repeated = match self.cut {
            Some(cut) if now < cut.at + soon => cut.repeated + 1,
            _ => 0,
        };
        self.epoch += 1;
        self.paused_until = now + PAUSE;
        self.cut = Some(Cut {
            at: now,
            n: f64::from(n.max(1)),
            refused: 1,
            repeated,
        });
        let same_rate = self.pace.note_refusal(now);
        let concurrency = at_opening || kind == Overload::Concurrency;
        if !concurrency && self.latency.is_flat() && self.is_rate(kind, n, same_rate, now) {
            self.limit_rate(repeated, now);
        } else {
            self.cut_window(f64::from(n.max(1)), repeated, now);
        }
    }

    /// When something changes by itself: a pause ends or a place opens.
    #[must_use]
    pub fn next_change(&self, now: Duration) -> Option<Duration> {
        let pause = (now < self.paused_until).then_some(self.paused_until);
        pause.or_else(|| self.window.next_place_at(now))
    }

    /// A send that was already under way at the last cut was refused as well.
    fn refused_again(&mut self, now: Duration) {
        self.paused_until = self.paused_until.max(now + PAUSE);
        let Some(cut) = self.cut.as_mut() else {
            return;
        };
        cut.refused += 1;
        if self.pace.limit().is_some() || cut.repeated > 0 {
            return;
        }
        let fits = (cut.n - f64::from(cut.refused)).max(1.0);
        if fits < self.window.target() {
            self.window.set(fits);
            self.ceiling.lower(fits);
        }
    }

    /// Whether it is the rate that is limited. Only asked while answers are quick.
    fn is_rate(&mut self, kind: Overload, n: u32, same_rate: bool, now: Duration) -> bool {
        let spoken = kind == Overload::Rate && self.pace.recent_refusals(now) >= 2;
        let far_below = n * 2 <= self.accepted.most(now);
        self.pace.limit().is_some()
            || spoken
            || far_below
            || same_rate
            || self.ceiling.is_refused_below(now)
    }

    fn limit_rate(&mut self, repeated: usize, now: Duration) {
        self.pace.limit_to_refused(now);
        if repeated >= 2 {
            let factor = REPEATED_CUTS.get(repeated - 2).or(REPEATED_CUTS.last());
            self.pace.slow_down(factor.copied().unwrap_or(0.5));
        }
        self.ceiling.forget();
        // The window must not be what limits the pace.
        let baseline = self.latency.baseline().unwrap_or_default().as_secs_f64();
        let flight = self.pace.limit().unwrap_or_default() * baseline;
        let size = flight.mul_add(1.5, 2.0).max(self.window.at(now));
        self.window.set(size.min(self.window_max));
        self.cruise(now);
    }

    fn cut_window(&mut self, n: f64, repeated: usize, now: Duration) {
        self.ceiling.hit(n, now);
        let size = match repeated {
            0 => n - 1.0,
            times => {
                let factor = REPEATED_CUTS.get(times - 1).or(REPEATED_CUTS.last());
                self.window.at(now) * factor.copied().unwrap_or(0.5)
            }
        };
        self.window.set(size.min(self.window.at(now)));
        self.cruise(now);
    }

    fn cruise(&mut self, now: Duration) {
        self.phase = Phase::Cruise(Round {
            began: now,
            completions: 0,
            wanted_more: false,
            calm: 0,
        });
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
            Phase::Cruise(round) => {
                round.completions += 1;
                let enough = f64::from(round.completions) >= window;
                if enough && now >= round.began + ROUND {
                    self.end_round(now);
                }
            }
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
        let latency = self.latency.close_round();
        self.note_speed(latency);
        let window = self.window.at(now);
        let Phase::Cruise(round) = &mut self.phase else {
            return;
        };
        let wanted_more = std::mem::take(&mut round.wanted_more);
        round.began = now;
        round.completions = 0;
        let Some(latency) = latency else {
            return;
        };
        let waiting = window * (1.0 - share(latency.baseline + SLACK, latency.median));
        if waiting > (window * 0.33).max(3.0) {
            round.calm = 0;
            self.window.set(window - (window * 0.1).max(1.0));
        } else if waiting < (window * 0.15).max(1.2) && wanted_more {
            round.calm += 1;
            let share = if round.calm > CALM_ROUNDS { 0.15 } else { 0.06 };
            self.ceiling.disproved(window);
            let bound = self.ceiling.cap(now).unwrap_or(f64::INFINITY);
            let to = (window + (window * share).max(1.0))
                .min(bound)
                .min(self.window_max);
            if to > window {
                self.window.grow(to, now, ROUND.mul_f64(0.8));
            }
        }
        self.prove(window, latency, now);
    }

    /// An endpoint that is bored at the largest window gets a larger one.
    fn prove(&mut self, window: f64, latency: RoundLatency, now: Duration) {
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

impl Accepted {
    fn note(&mut self, in_flight: u32, now: Duration) {
        self.turn(now);
        self.most = self.most.max(in_flight);
    }

    fn most(&mut self, now: Duration) -> u32 {
        self.turn(now);
        self.most.max(self.most_before)
    }

    fn turn(&mut self, now: Duration) {
        if now >= self.began + ACCEPTED_PERIOD {
            self.most_before = std::mem::take(&mut self.most);
            self.began = now;
        }
    }
}

fn share(part: Duration, whole: Duration) -> f64 {
    if whole.is_zero() {
        return 1.0;
    }
    (part.as_secs_f64() / whole.as_secs_f64()).min(1.0)
}

#[cfg(test)]
mod tests;
