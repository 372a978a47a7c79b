//! How many deaths are too many.

use std::collections::VecDeque;
use std::time::Duration;

/// Restart intensity: more than `deaths_max - 1` deaths within `within` are too many.
#[derive(Debug, Clone)]
pub struct Intensity {
    deaths_max: usize,
    within: Duration,
    deaths: VecDeque<Duration>,
}

impl Intensity {
    /// The `deaths_max`-th death inside a span of `within` is one too many.
    #[must_use]
    pub const fn new(deaths_max: usize, within: Duration) -> Self {
        Self {
            deaths_max,
            within,
            deaths: VecDeque::new(),
        }
    }

    /// Notes a death at `now` (monotonic) and says whether it was one too many.
    pub fn record(&mut self, now: Duration) -> bool {
        self.deaths.push_back(now);
        while self
            .deaths
            .front()
            .is_some_and(|first| now.saturating_sub(*first) > self.within)
        {
            self.deaths.pop_front();
        }
        self.deaths.len() >= self.deaths_max
    }

    /// Deaths that still count, as of the last one.
    #[must_use]
    pub fn deaths(&self) -> usize {
        self.deaths.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn the_third_death_in_five_minutes_is_too_many() {
        let mut intensity = Intensity::new(3, 5 * MINUTE);
        assert!(!intensity.record(MINUTE));
        assert!(!intensity.record(2 * MINUTE));
        assert!(intensity.record(6 * MINUTE));
    }

    #[test]
    fn deaths_far_apart_never_add_up() {
        let mut intensity = Intensity::new(3, 5 * MINUTE);
        for death in 1..100 {
            assert!(!intensity.record(death * 3 * MINUTE));
        }
        assert_eq!(intensity.deaths(), 2);
    }
}
