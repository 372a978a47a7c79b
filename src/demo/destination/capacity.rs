//! How much a destination can take: connections, messages in flight, messages per second.
//!
//! Above a limit it refuses the way real servers do: 421 at the greeting for connections, 452 at
//! MAIL for messages in flight, 451 at MAIL for the rate. Nothing is queued or delayed for being
//! too much, so every excess of the peer shows as a refusal in the ledger.

use std::time::Duration;

/// Messages per second with a burst: a token bucket.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    /// Tokens that come back each second.
    pub per_second: f64,
    /// Tokens at the start and at most.
    pub burst: f64,
}

/// The limits of a destination; `None` is unlimited.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Capacity {
    /// Messages per second.
    pub rate: Option<Rate>,
    /// Connections at once.
    pub connections_max: Option<usize>,
    /// Transactions at once, from MAIL to the final reply.
    pub in_flight_max: Option<usize>,
    /// How long the server works on each message before its final reply.
    pub service_time: Duration,
}

/// A token bucket; time is an argument.
#[derive(Debug, Clone)]
pub struct TokenBucket {
    rate: Rate,
    tokens: f64,
    seen: Duration,
}

impl TokenBucket {
    /// A full bucket at `now`.
    #[must_use]
    pub const fn new(rate: Rate, now: Duration) -> Self {
        Self {
            rate,
            tokens: rate.burst,
            seen: now,
        }
    }

    /// Takes one token, if there is one.
    pub fn take(&mut self, now: Duration) -> bool {
        let elapsed = now.saturating_sub(self.seen).as_secs_f64();
        self.seen = self.seen.max(now);
        self.tokens = (self.tokens + elapsed * self.rate.per_second).min(self.rate.burst);
        if self.tokens < 1.0 {
            return false;
        }
        self.tokens -= 1.0;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_gives_its_burst_and_then_its_rate() {
        let rate = Rate {
            per_second: 40.0,
            burst: 10.0,
        };
        let mut bucket = TokenBucket::new(rate, Duration::ZERO);
        let mut taken_within = |from: u64, to: u64| {
            (from..to)
                .filter(|millis| bucket.take(Duration::from_millis(*millis)))
                .count()
        };
        assert_eq!(taken_within(0, 1), 1);
        assert_eq!(taken_within(1, 100), 12);
        assert_eq!(taken_within(100, 1100), 40);
    }

    #[test]
    fn a_long_rest_fills_no_more_than_the_burst() {
        let rate = Rate {
            per_second: 1.0,
            burst: 3.0,
        };
        let mut bucket = TokenBucket::new(rate, Duration::ZERO);
        let late = Duration::from_secs(3600);
        assert_eq!((0..10).filter(|_| bucket.take(late)).count(), 3);
        assert!(!bucket.take(Duration::ZERO), "time does not go back");
    }
}
