//! When to give the space of deleted bodies back to the file system. Pure.
//!
//! Under churn it comes back by itself; after a drain the store is idle and somebody has to ask.

use std::time::Duration;

/// A drain of fewer bytes is not worth a compaction.
const DRAINED_MIN: u64 = 256 * 1024 * 1024;
/// Compactions are at least this far apart.
const INTERVAL_MIN: Duration = Duration::from_secs(600);

/// Watches the queue's size.
#[derive(Debug, Default)]
pub struct Reclaim {
    peak_bytes: u64,
    last_at: Option<Duration>,
}

impl Reclaim {
    /// Takes the queue's size at `now` (monotonic) and says whether to reclaim: three quarters of
    /// what was there at its peak, and at least 256 MiB, have gone.
    pub fn on(&mut self, queued_bytes: u64, now: Duration) -> bool {
        self.peak_bytes = self.peak_bytes.max(queued_bytes);
        let drained = self.peak_bytes - queued_bytes;
        let recent = self
            .last_at
            .is_some_and(|at| now.saturating_sub(at) < INTERVAL_MIN);
        if drained < DRAINED_MIN || queued_bytes > self.peak_bytes / 4 || recent {
            return false;
        }
        self.peak_bytes = queued_bytes;
        self.last_at = Some(now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1024 * 1024;

    #[test]
    fn space_is_reclaimed_once_after_a_drain() {
        let mut reclaim = Reclaim::default();
        let minute = |n: u64| Duration::from_secs(60 * n);
        assert!(!reclaim.on(1000 * MIB, minute(1)));
        assert!(!reclaim.on(400 * MIB, minute(2)), "still draining");
        assert!(reclaim.on(100 * MIB, minute(3)));
        assert!(!reclaim.on(0, minute(4)), "nothing worth it since");
        assert!(!reclaim.on(1000 * MIB, minute(5)));
        assert!(!reclaim.on(0, minute(6)), "too soon");
        assert!(reclaim.on(0, minute(14)));
    }

    #[test]
    fn a_small_queue_is_left_to_itself() {
        let mut reclaim = Reclaim::default();
        for hour in 0..100 {
            let queued = if hour % 2 == 0 { 200 * MIB } else { 0 };
            assert!(!reclaim.on(queued, Duration::from_secs(3600 * hour)));
        }
    }
}
