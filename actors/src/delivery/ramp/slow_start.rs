//! Slow start: the window doubles in steps until something speaks against it.

use std::time::Duration;

use super::latency::RoundLatency;

/// Shortest step whatever the evidence.
const STEP_FLOOR: Duration = Duration::from_millis(300);
/// Part of a full step that is waited for whatever the evidence.
const FLOOR_PART: u32 = 16;
/// Completions per place that are as good as a long step: a destination that answers in a few
/// milliseconds has shown in a third of a second what others show in five.
const EVIDENCE: f64 = 50.0;
/// Share of a step over which its places open.
pub(super) const OPENING: f64 = 0.8;
/// A step is judged by what happens after this share of it.
const JUDGED_FROM: f64 = 0.6;
/// Of the throughput that a larger window promises at least this share has to come.
const PLATEAU: f64 = 0.3;

/// What follows from the end of a step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Verdict {
    /// The window grows to this size over this time.
    Grow { to: f64, over: Duration },
    /// Nobody wanted more: the same again.
    Stay,
    /// The limit is found: cruise from this size on.
    Cruise(f64),
}

/// One step at a time.
#[derive(Debug)]
pub(super) struct SlowStart {
    step: Duration,
    began: Duration,
    planned: Duration,
    completions: u32,
    /// Completions since the step is judged, and since when that is.
    judged: Option<(Duration, u32)>,
    window_before: f64,
    throughput_before: Option<f64>,
    doubts: u32,
    wanted_more: bool,
}

impl SlowStart {
    /// The first step, at a window of one; `step` is the length of a full step.
    pub(super) fn new(step: Duration, now: Duration) -> Self {
        Self {
            step,
            began: now,
            planned: step,
            completions: 0,
            judged: None,
            window_before: 1.0,
            throughput_before: None,
            doubts: 0,
            wanted_more: false,
        }
    }

    /// More could have been sent than the window allowed.
    pub(super) const fn note_full(&mut self) {
        self.wanted_more = true;
    }

    /// A message was completed. True when what is measured from here on counts for the judgement.
    pub(super) fn completed(&mut self, window: f64, now: Duration) -> bool {
        self.completions += 1;
        if let Some((_, count)) = self.judged.as_mut() {
            *count += 1;
            return false;
        }
        let elapsed = now.saturating_sub(self.began);
        let evidence = JUDGED_FROM * EVIDENCE * window;
        let begins = elapsed >= self.planned.mul_f64(JUDGED_FROM)
            || (elapsed >= self.floor().mul_f64(JUDGED_FROM)
                && f64::from(self.completions) >= evidence);
        if begins {
            self.judged = Some((now, 0));
        }
        begins
    }

    /// Whether the step is over.
    pub(super) fn is_over(&self, window: f64, now: Duration) -> bool {
        let elapsed = now.saturating_sub(self.began);
        let completions = f64::from(self.completions);
        let judged = self.judged.map_or(0.0, |(_, count)| f64::from(count));
        if completions < window.max(4.0) || judged < (window / 2.0).max(2.0) {
            return false;
        }
        elapsed >= self.step || (elapsed >= self.floor() && completions >= EVIDENCE * window)
    }

    fn floor(&self) -> Duration {
        STEP_FLOOR.max(self.step / FLOOR_PART)
    }

    /// Judges the step and begins the next one.
    pub(super) fn finish(
        &mut self,
        window: f64,
        max: f64,
        latency: Option<RoundLatency>,
        now: Duration,
    ) -> Verdict {
        let verdict = self.judge(window, max, latency, now);
        self.planned = now.saturating_sub(self.began).min(self.step);
        self.began = now;
        self.completions = 0;
        self.judged = None;
        self.wanted_more = false;
        match verdict {
            Verdict::Grow { to, .. } => Verdict::Grow {
                to,
                over: self.planned.mul_f64(OPENING),
            },
            other => other,
        }
    }

    fn judge(
        &mut self,
        window: f64,
        max: f64,
        latency: Option<RoundLatency>,
        now: Duration,
    ) -> Verdict {
        if !self.wanted_more {
            return Verdict::Stay;
        }
        let (since, count) = self.judged.unwrap_or((now, 0));
        let span = now.saturating_sub(since).as_secs_f64().max(1e-3);
        let throughput = f64::from(count) / span;
        let slow = latency.is_some_and(|round| round.exceeds(1.4, Duration::from_millis(50)));
        let growth = window / self.window_before;
        let expected = PLATEAU.mul_add(growth - 1.0, 1.0);
        // A few completions more or less are chance, not a plateau.
        let chance = 2.0 * f64::from(count).sqrt() / span;
        let plateau = growth > 1.0
            && self
                .throughput_before
                .is_some_and(|before| throughput + chance < before * expected);
        self.throughput_before = Some(throughput);
        self.window_before = window;
        if slow || plateau {
            self.doubts += 1;
        }
        match self.doubts {
            _ if window >= max => Verdict::Cruise(max),
            0 => grow(window * 2.0, max),
            1 => grow((window * 1.25).max(window + 1.0), max),
            _ => {
                // What is in flight without waiting there, and a little more.
                let waiting =
                    latency.map_or(0.0, |round| round.waiting(throughput, Duration::ZERO));
                let flight = 1.15_f64.mul_add((window - waiting).max(0.0), 1.0);
                Verdict::Cruise(flight.ceil().clamp(1.0, window))
            }
        }
    }
}

fn grow(to: f64, max: f64) -> Verdict {
    Verdict::Grow {
        to: to.min(max),
        over: Duration::ZERO,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEP: Duration = Duration::from_secs(5);

    fn round(median_ms: u64, baseline_ms: u64) -> Option<RoundLatency> {
        Some(RoundLatency {
            median: Duration::from_millis(median_ms),
            baseline: Duration::from_millis(baseline_ms),
        })
    }

    /// One step with so many completions per second; its verdict and its length.
    fn step(
        slow_start: &mut SlowStart,
        window: f64,
        per_second: u32,
        latency: Option<RoundLatency>,
        from: Duration,
    ) -> (Verdict, Duration) {
        let interval = Duration::from_secs(1) / per_second;
        let mut now = from;
        loop {
            now += interval;
            slow_start.note_full();
            slow_start.completed(window, now);
            if slow_start.is_over(window, now) {
                return (slow_start.finish(window, 64.0, latency, now), now - from);
            }
        }
    }

    fn grown(verdict: Verdict) -> f64 {
        match verdict {
            Verdict::Grow { to, .. } => to,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn s13_a_clean_step_lasts_five_seconds_and_doubles() {
        let mut slow_start = SlowStart::new(STEP, Duration::ZERO);
        let (verdict, length) = step(&mut slow_start, 1.0, 4, round(250, 250), Duration::ZERO);
        assert!((grown(verdict) - 2.0).abs() < 1e-9);
        assert!(length >= STEP);
        let (verdict, _) = step(&mut slow_start, 2.0, 8, round(250, 250), length);
        assert_eq!(
            verdict,
            Verdict::Grow {
                to: 4.0,
                over: STEP.mul_f64(0.8)
            }
        );
    }

    #[test]
    fn a_very_quick_destination_needs_a_third_of_a_second() {
        let mut slow_start = SlowStart::new(STEP, Duration::ZERO);
        let (_, length) = step(&mut slow_start, 1.0, 500, round(2, 2), Duration::ZERO);
        assert!(length < Duration::from_millis(350), "{length:?}");
    }

    #[test]
    fn s14_the_first_doubt_slows_the_growth_and_the_second_ends_it() {
        let mut slow_start = SlowStart::new(STEP, Duration::ZERO);
        let (_, mut at) = step(&mut slow_start, 4.0, 16, round(250, 250), Duration::ZERO);
        let (verdict, length) = step(&mut slow_start, 8.0, 20, round(450, 250), at);
        assert!((grown(verdict) - 10.0).abs() < 1e-9);
        at += length;
        let (verdict, _) = step(&mut slow_start, 10.0, 20, round(500, 250), at);
        // 20/s at 250 ms are 5 in flight; 1.15 times that and one.
        assert_eq!(verdict, Verdict::Cruise(7.0));
    }

    #[test]
    fn a_throughput_that_does_not_follow_the_window_is_a_doubt() {
        let mut slow_start = SlowStart::new(STEP, Duration::ZERO);
        let (_, at) = step(&mut slow_start, 4.0, 20, None, Duration::ZERO);
        let (verdict, length) = step(&mut slow_start, 8.0, 21, None, at);
        assert!((grown(verdict) - 16.0).abs() < 1e-9, "it may be chance");
        let at = at + length;
        let (verdict, _) = step(&mut slow_start, 16.0, 13, None, at);
        assert!((grown(verdict) - 20.0).abs() < 1e-9);
    }

    #[test]
    fn without_demand_nothing_grows() {
        let mut slow_start = SlowStart::new(STEP, Duration::ZERO);
        for second in 1..9 {
            slow_start.completed(1.0, Duration::from_secs(second));
        }
        let now = Duration::from_secs(8);
        assert!(slow_start.is_over(1.0, now));
        assert_eq!(slow_start.finish(1.0, 64.0, None, now), Verdict::Stay);
    }
}
