//! How fast something happens, with the last seconds weighing most.

use std::time::Duration;

/// Time constant of the mean.
const MEMORY: Duration = Duration::from_secs(5);
/// Below this many per second the speed is zero.
const STANDSTILL: f64 = 0.01;

/// Events per second.
#[derive(Debug, Clone, Default)]
pub struct Speed {
    weight: f64,
    at: Duration,
}

impl Speed {
    /// Notes `count` events at `now` (monotonic).
    pub fn add(&mut self, count: u32, now: Duration) {
        self.weight = self.decayed(now) + f64::from(count);
        self.at = now;
    }

    /// Events per second at `now`.
    #[must_use]
    pub fn per_second(&self, now: Duration) -> f64 {
        let speed = self.decayed(now) / MEMORY.as_secs_f64();
        if speed < STANDSTILL { 0.0 } else { speed }
    }

    fn decayed(&self, now: Duration) -> f64 {
        let age = now.saturating_sub(self.at).as_secs_f64();
        self.weight * (-age / MEMORY.as_secs_f64()).exp()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_steady_stream_shows_its_rate_and_a_silence_none() {
        let mut speed = Speed::default();
        for tenth in 0..600 {
            speed.add(4, Duration::from_millis(100 * tenth));
        }
        let now = Duration::from_secs(60);
        assert!((38.0..42.0).contains(&speed.per_second(now)));
        assert_eq!(speed.per_second(now + Duration::from_secs(60)), 0.0);
    }
}
