//! Keeps look-ups from waiting for name servers that are all away: after a row of failures the next
//! ones fail at once for a while, except one that tries.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Failures in a row after which nobody waits any more.
const FAILURES_MAX: u32 = 8;
/// How long look-ups fail at once before one tries again.
const PAUSE: Duration = Duration::from_secs(5);

/// Counts failures in a row.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    failures: u32,
    /// When the next look-up may try, by the monotonic clock.
    next_try_at: Duration,
}

impl Breaker {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a look-up may ask now.
    pub(super) fn permits(&self, now: Duration) -> bool {
        let mut state = self.state();
        if state.failures < FAILURES_MAX {
            return true;
        }
        let is_due = now >= state.next_try_at;
        if is_due {
            state.next_try_at = now.saturating_add(PAUSE);
        }
        is_due
    }

    /// A name server answered, whatever it said.
    pub(super) fn answered(&self) {
        *self.state() = State::default();
    }

    /// No name server answered.
    pub(super) fn failed(&self, now: Duration) {
        let mut state = self.state();
        state.failures = state.failures.saturating_add(1);
        state.next_try_at = now.saturating_add(PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    #[test]
    fn q21_dead_servers_cost_one_wait_in_five_seconds_and_an_answer_ends_it() {
        let breaker = Breaker::default();
        for _ in 0..FAILURES_MAX {
            assert!(breaker.permits(at(10)));
            breaker.failed(at(10));
        }
        assert!(!breaker.permits(at(14)));
        assert!(breaker.permits(at(15)), "one tries");
        assert!(!breaker.permits(at(15)), "the others do not wait for it");
        breaker.failed(at(20));
        assert!(!breaker.permits(at(24)));
        assert!(breaker.permits(at(25)));
        breaker.answered();
        assert!(breaker.permits(at(25)));
        assert!(breaker.permits(at(25)));
    }
}
