//! The pause before a restart.

use std::time::Duration;

/// Doubles from `first` to `max`; a child that lived longer than `max` starts over.
#[derive(Debug, Clone)]
pub struct Backoff {
    first: Duration,
    max: Duration,
    next: Duration,
}

impl Backoff {
    /// A back-off that begins at `first` and never exceeds `max`.
    #[must_use]
    pub const fn new(first: Duration, max: Duration) -> Self {
        Self {
            first,
            max,
            next: first,
        }
    }

    /// The pause before the next start of a child that has lived for `lifetime`.
    pub fn after(&mut self, lifetime: Duration) -> Duration {
        if lifetime > self.max {
            self.next = self.first;
        }
        let pause = self.next;
        self.next = pause.saturating_mul(2).min(self.max);
        pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn it_doubles_to_its_bound_and_starts_over_after_a_long_life() {
        let mut backoff = Backoff::new(seconds(1), seconds(60));
        let pauses: Vec<u64> = (0..8)
            .map(|_| backoff.after(Duration::ZERO).as_secs())
            .collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(backoff.after(seconds(61)), seconds(1));
        assert_eq!(backoff.after(Duration::ZERO), seconds(2));
    }
}
