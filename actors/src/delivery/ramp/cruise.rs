//! Cruise: round by round the window follows what the destination makes of it.
//!
//! Of the messages in flight, `X·(median − L0)` wait inside the destination when it completes `X` a
//! second (Little's law); the others are worked on there, or here: on their way in, being written
//! down. When this side is busy, answers look late as well: then the window is held, not given up.
//! A few that wait keep the destination busy; many are only a queue that belongs to us. Every five
//! minutes without a confirmation of `L0` a short time with half the window measures it anew.

use std::time::Duration;

use super::latency::{RoundLatency, SLACK};

/// Shortest round.
pub(super) const ROUND: Duration = Duration::from_secs(1);
/// Rounds without a reason to shrink after which growth is bolder.
const CALM_ROUNDS: u32 = 4;

/// What follows from a round.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Course {
    Grow(f64),
    Shrink(f64),
    Hold,
}

#[derive(Debug)]
pub(super) struct Cruise {
    began: Duration,
    completions: u32,
    wanted_more: bool,
    calm: u32,
    remeasure: Option<Remeasure>,
}

/// Half the window, until what was sent before has come back and then enough has been measured.
#[derive(Debug, Clone, Copy)]
struct Remeasure {
    places: u32,
    ignored: u32,
    measured: u32,
}

/// What a completion means for the measurement of `L0`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Measurement {
    /// None is going on.
    Idle,
    /// It goes on; this answer does not count for rounds.
    Running,
    /// From the next answer on it counts.
    Begins,
    /// It is complete.
    Complete,
}

impl Cruise {
    pub(super) const fn new(now: Duration) -> Self {
        Self {
            began: now,
            completions: 0,
            wanted_more: false,
            calm: 0,
            remeasure: None,
        }
    }

    /// More could have been sent than the window allowed.
    pub(super) const fn note_full(&mut self) {
        self.wanted_more = true;
    }

    /// The places while `L0` is measured.
    pub(super) fn places(&self, window: u32) -> u32 {
        self.remeasure.map_or(window, |one| one.places.min(window))
    }

    /// Begins to measure `L0` anew.
    pub(super) fn remeasure(&mut self, window: u32) {
        let places = (window / 2).max(1);
        self.remeasure = Some(Remeasure {
            places,
            ignored: window,
            measured: places.max(4),
        });
    }

    /// A message was completed.
    pub(super) fn completed(&mut self, now: Duration) -> Measurement {
        let Some(one) = self.remeasure.as_mut() else {
            self.completions += 1;
            return Measurement::Idle;
        };
        if one.ignored > 0 {
            one.ignored -= 1;
            return if one.ignored == 0 {
                Measurement::Begins
            } else {
                Measurement::Running
            };
        }
        one.measured = one.measured.saturating_sub(1);
        if one.measured > 0 {
            return Measurement::Running;
        }
        self.remeasure = None;
        self.restart(now);
        Measurement::Complete
    }

    /// Whether the round is over.
    pub(super) fn is_over(&self, window: f64, now: Duration) -> bool {
        self.remeasure.is_none()
            && f64::from(self.completions) >= window
            && now >= self.began + ROUND
    }

    /// Judges the round and begins the next one.
    pub(super) fn finish(
        &mut self,
        window: f64,
        latency: Option<RoundLatency>,
        now: Duration,
    ) -> Course {
        let wanted_more = self.wanted_more;
        let elapsed = now.saturating_sub(self.began).as_secs_f64();
        let throughput = f64::from(self.completions) / elapsed.max(1e-3);
        self.restart(now);
        let Some(latency) = latency else {
            return Course::Hold;
        };
        // What looks like waiting if all of the window's time is spent in the destination.
        let most = window * (1.0 - share(latency.baseline + SLACK, latency.median));
        let waiting = latency.waiting(throughput, SLACK).min(most);
        if waiting > (window * 0.33).max(3.0) {
            self.calm = 0;
            return Course::Shrink(window - (window * 0.1).max(1.0));
        }
        if most < (window * 0.15).max(1.2) && wanted_more {
            self.calm += 1;
            let share = if self.calm > CALM_ROUNDS { 0.15 } else { 0.06 };
            return Course::Grow(window + (window * share).max(1.0));
        }
        Course::Hold
    }

    const fn restart(&mut self, now: Duration) {
        self.began = now;
        self.completions = 0;
        self.wanted_more = false;
    }
}

fn share(part: Duration, whole: Duration) -> f64 {
    if whole.is_zero() {
        return 1.0;
    }
    (part.as_secs_f64() / whole.as_secs_f64()).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn course(window: f64, median_ms: u64, wanted_more: bool) -> Course {
        let mut cruise = Cruise::new(Duration::ZERO);
        // All of the window's time is spent in the destination.
        let each = Duration::from_millis(median_ms);
        let round = each * 100;
        for _ in 0..(window * 100.0) as u32 {
            cruise.completed(round);
        }
        if wanted_more {
            cruise.note_full();
        }
        let latency = RoundLatency {
            median: Duration::from_millis(median_ms),
            baseline: Duration::from_millis(300),
        };
        cruise.finish(window, Some(latency), round)
    }

    #[test]
    fn s14_the_window_follows_what_waits_inside_the_destination() {
        let table = [
            (20.0, 300, true, Course::Grow(21.2)),
            (4.0, 300, true, Course::Grow(5.0)),
            (20.0, 300, false, Course::Hold),
            (20.0, 400, true, Course::Hold),
            (20.0, 600, true, Course::Shrink(18.0)),
            (3.0, 900, true, Course::Hold),
        ];
        for (window, median_ms, wanted_more, expected) in table {
            assert_eq!(
                course(window, median_ms, wanted_more),
                expected,
                "{window} at {median_ms} ms"
            );
        }
    }

    #[test]
    fn l0_is_measured_with_half_the_window_and_without_what_was_sent_before() {
        let mut cruise = Cruise::new(Duration::ZERO);
        let now = Duration::from_secs(9);
        cruise.remeasure(12);
        assert_eq!(cruise.places(12), 6);
        let seen: Vec<Measurement> = (0..18).map(|_| cruise.completed(now)).collect();
        assert!(seen[..11].iter().all(|one| *one == Measurement::Running));
        assert_eq!(seen[11], Measurement::Begins);
        assert_eq!(seen[17], Measurement::Complete);
        assert_eq!(cruise.places(12), 12);
        assert!(!cruise.is_over(1.0, now), "a round begins");
    }
}
