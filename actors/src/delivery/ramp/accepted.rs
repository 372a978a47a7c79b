//! The most that was in flight and delivered, in this minute and the last.

use std::time::Duration;

/// How long a number is remembered, once or twice.
const PERIOD: Duration = Duration::from_secs(60);

#[derive(Debug, Default)]
pub(super) struct Accepted {
    most: u32,
    most_before: u32,
    began: Duration,
}

impl Accepted {
    /// Something was delivered with so many in flight.
    pub(super) fn note(&mut self, in_flight: u32, now: Duration) {
        self.turn(now);
        self.most = self.most.max(in_flight);
    }

    /// The most of the last one to two minutes.
    pub(super) fn most(&mut self, now: Duration) -> u32 {
        self.turn(now);
        self.most.max(self.most_before)
    }

    fn turn(&mut self, now: Duration) {
        if now >= self.began + PERIOD {
            self.most_before = std::mem::take(&mut self.most);
            self.began = now;
        }
    }
}
