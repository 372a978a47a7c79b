//! The memory of where the destination refused, so that asking again becomes rare.

use std::collections::VecDeque;
use std::time::Duration;

/// How long a ceiling is respected when it is found for the first time …
const HOLD_MIN: Duration = Duration::from_secs(10);
/// … and at most, after it was found again and again.
const HOLD_MAX: Duration = Duration::from_secs(600);
/// Refusals below the ceiling within this time say that it is not concurrency that is limited.
const BELOW_PERIOD: Duration = Duration::from_secs(120);

/// The largest number in flight that was not refused.
#[derive(Debug, Default)]
pub(super) struct Ceiling {
    at: Option<f64>,
    hold: Duration,
    until: Duration,
    below: VecDeque<Duration>,
}

impl Ceiling {
    /// A refusal with `n` in flight. Each time the same ceiling is found its hold doubles.
    pub(super) fn hit(&mut self, n: f64, now: Duration) {
        let found = (n - 1.0).max(1.0);
        if self.at.is_some_and(|at| n <= at) {
            self.below.push_back(now);
        }
        let same = self
            .at
            .is_some_and(|at| (at - found).abs() <= (0.05 * at).max(1.0));
        self.hold = if same {
            (self.hold * 2).min(HOLD_MAX)
        } else {
            HOLD_MIN
        };
        self.at = Some(found);
        self.until = now + self.hold;
    }

    /// More sends of the same moment were refused: the ceiling was lower than thought.
    pub(super) fn lower(&mut self, at: f64) {
        self.at = Some(at.max(1.0));
    }

    /// How far the window may grow: the ceiling, and one above it when its hold is over.
    pub(super) fn cap(&self, now: Duration) -> Option<f64> {
        let at = self.at?;
        Some(if now < self.until { at } else { at + 1.0 })
    }

    /// More than the ceiling was in flight for a round and nothing was refused.
    pub(super) fn disproved(&mut self, window: f64) {
        if self.at.is_some_and(|at| window >= at + 1.0) {
            self.at = None;
        }
    }

    /// Whether at least two refusals came at or below the ceiling lately.
    pub(super) fn is_refused_below(&mut self, now: Duration) -> bool {
        while self
            .below
            .front()
            .is_some_and(|at| *at + BELOW_PERIOD < now)
        {
            self.below.pop_front();
        }
        self.below.len() >= 2
    }

    /// It was the rate and not the concurrency.
    pub(super) fn forget(&mut self) {
        self.at = None;
        self.below.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn s(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn a_ceiling_found_again_is_respected_for_twice_as_long_up_to_ten_minutes() {
        let mut ceiling = Ceiling::default();
        let mut now = s(0);
        let mut holds = Vec::new();
        for _ in 0..9 {
            ceiling.hit(11.0, now);
            assert_eq!(ceiling.cap(now), Some(10.0));
            holds.push(ceiling.hold.as_secs());
            now = ceiling.until;
            assert_eq!(ceiling.cap(now), Some(11.0), "one connection asks");
        }
        assert_eq!(holds, [10, 20, 40, 80, 160, 320, 600, 600, 600]);
        ceiling.hit(31.0, now);
        assert_eq!(ceiling.hold, s(10));
    }

    #[test]
    fn a_ceiling_that_is_passed_is_forgotten() {
        let mut ceiling = Ceiling::default();
        ceiling.hit(11.0, s(0));
        ceiling.disproved(10.0);
        assert_eq!(ceiling.cap(s(20)), Some(11.0));
        ceiling.disproved(11.0);
        assert_eq!(ceiling.cap(s(20)), None);
    }

    #[test]
    fn refusals_below_the_ceiling_are_noticed_for_two_minutes() {
        let mut ceiling = Ceiling::default();
        ceiling.hit(11.0, s(0));
        ceiling.hit(8.0, s(10));
        assert!(!ceiling.is_refused_below(s(10)));
        ceiling.hit(5.0, s(100));
        assert!(ceiling.is_refused_below(s(100)));
        assert!(!ceiling.is_refused_below(s(200)));
    }
}
