//! When to give the space of deleted bodies back to the file system. Pure.
//!
//! Under churn it comes back by itself; after a drain the store is idle and somebody has to ask. While
//! the volume is short of space, whatever mail has gone is worth asking (Q14).

use std::time::Duration;

/// A drain of fewer bytes is not worth a compaction.
const DRAINED_MIN: u64 = 256 * 1024 * 1024;
/// Compactions are at least this far apart.
const INTERVAL_MIN: Duration = Duration::from_secs(600);
/// The same while space is short.
const INTERVAL_SHORT: Duration = Duration::from_secs(10);

/// Watches the queue's size.
#[derive(Debug, Default)]
pub struct Reclaim {
    peak_bytes: u64,
    last_at: Option<Duration>,
    /// Recipients that had gone when space was short and last reclaimed.
    gone: Option<u64>,
}

/// What is looked at.
#[derive(Debug, Clone, Copy)]
pub struct Sight {
    /// Bytes of queued mail.
    pub queued_bytes: u64,
    /// Recipients whose mail has left the store, since ever.
    pub gone: u64,
    /// Whether the volume is short of space.
    pub is_short: bool,
}

impl Reclaim {
    /// Takes a look at `now` (monotonic) and says whether to reclaim: three quarters of what was
    /// there at its peak, and at least 256 MiB, have gone; or space is short and anything has gone.
    pub fn on(&mut self, sight: Sight, now: Duration) -> bool {
        self.peak_bytes = self.peak_bytes.max(sight.queued_bytes);
        let drained = self.peak_bytes - sight.queued_bytes;
        let is_drained = drained >= DRAINED_MIN && sight.queued_bytes <= self.peak_bytes / 4;
        let is_wanted = sight.is_short && self.gone != Some(sight.gone);
        let pause = if is_wanted {
            INTERVAL_SHORT
        } else {
            INTERVAL_MIN
        };
        let recent = self
            .last_at
            .is_some_and(|at| now.saturating_sub(at) < pause);
        if recent || !(is_drained || is_wanted) {
            return false;
        }
        self.peak_bytes = sight.queued_bytes;
        self.last_at = Some(now);
        self.gone = sight.is_short.then_some(sight.gone);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1024 * 1024;

    fn queued(bytes: u64) -> Sight {
        Sight {
            queued_bytes: bytes,
            gone: 0,
            is_short: false,
        }
    }

    #[test]
    fn space_is_reclaimed_once_after_a_drain() {
        let mut reclaim = Reclaim::default();
        let minute = |n: u64| Duration::from_secs(60 * n);
        assert!(!reclaim.on(queued(1000 * MIB), minute(1)));
        assert!(!reclaim.on(queued(400 * MIB), minute(2)), "still draining");
        assert!(reclaim.on(queued(100 * MIB), minute(3)));
        assert!(!reclaim.on(queued(0), minute(4)), "nothing worth it since");
        assert!(!reclaim.on(queued(1000 * MIB), minute(5)));
        assert!(!reclaim.on(queued(0), minute(6)), "too soon");
        assert!(reclaim.on(queued(0), minute(14)));
    }

    #[test]
    fn a_small_queue_is_left_to_itself() {
        let mut reclaim = Reclaim::default();
        for hour in 0..100 {
            let bytes = if hour % 2 == 0 { 200 * MIB } else { 0 };
            assert!(!reclaim.on(queued(bytes), Duration::from_secs(3600 * hour)));
        }
    }

    #[test]
    fn q14_while_space_is_short_everything_that_went_is_given_back() {
        let mut reclaim = Reclaim::default();
        let mut at = |second: u64, gone: u64| {
            let sight = Sight {
                queued_bytes: MIB,
                gone,
                is_short: true,
            };
            reclaim.on(sight, Duration::from_secs(second))
        };
        assert!(at(1, 10), "it has just become short");
        assert!(!at(20, 10), "nothing has gone since");
        assert!(at(21, 11));
        assert!(!at(30, 12), "too soon");
        assert!(at(31, 12));
    }
}
