//! Time as an argument: wall-clock instants for dates, a guarded clock for decisions.

use std::fmt;
use std::sync::Mutex;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, Default)]
pub struct Timestamp(u64);

impl Timestamp {
    /// From milliseconds since 1970.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// From seconds since 1970.
    #[must_use]
    pub const fn from_secs(secs: u64) -> Self {
        Self(secs.saturating_mul(1000))
    }

    /// Milliseconds since 1970.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// Whole seconds since 1970.
    #[must_use]
    pub const fn as_secs(self) -> u64 {
        self.0 / 1000
    }

    /// This instant moved forward, at most to the end of time.
    #[must_use]
    pub fn saturating_add(self, by: Duration) -> Self {
        let millis = u64::try_from(by.as_millis()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(millis))
    }

    /// How long ago `earlier` was; zero when it lies ahead.
    #[must_use]
    pub const fn saturating_since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }

    /// RFC 3339 in UTC with milliseconds, for logs and the API.
    #[must_use]
    pub fn rfc3339(self) -> String {
        self.to_jiff()
            .strftime("%Y-%m-%dT%H:%M:%S%.3fZ")
            .to_string()
    }

    /// The `date-time` of RFC 5322 §3.3, in UTC.
    #[must_use]
    pub fn rfc5322(self) -> String {
        self.to_jiff()
            .strftime("%a, %d %b %Y %H:%M:%S +0000")
            .to_string()
    }

    /// Year and month in UTC.
    #[must_use]
    pub(crate) fn year_and_month(self) -> (u16, u8) {
        let date = self.to_jiff().to_zoned(jiff::tz::TimeZone::UTC).date();
        let year = u16::try_from(date.year()).unwrap_or_default();
        (year, u8::try_from(date.month()).unwrap_or(1))
    }

    fn to_jiff(self) -> jiff::Timestamp {
        i64::try_from(self.0)
            .ok()
            .and_then(|millis| jiff::Timestamp::from_millisecond(millis).ok())
            .unwrap_or(jiff::Timestamp::MAX)
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.rfc3339())
    }
}

/// Where the time comes from. Decisions take `now()`; dates that people read take `wall()`.
pub trait Clock: Send + Sync + fmt::Debug + 'static {
    /// The time that decisions (expiry, due times) follow: it never goes back, and a wall clock
    /// that jumps drags it along only slowly, so a jump expires nothing and retries nothing.
    fn now(&self) -> Timestamp;

    /// What the wall clock says right now.
    fn wall(&self) -> Timestamp;

    /// Time since some fixed point, never adjusted: for measuring how long something took.
    fn monotonic(&self) -> Duration;
}

/// How fast [`SystemClock::now`] follows a wall clock that disagrees with it: at most this share of
/// the elapsed time is gained or lost.
const SLEW_DIVISOR: u64 = 2;

/// The real clock. `now()` runs with the monotonic clock from the wall time at start and is pulled
/// towards the wall clock by at most half a second per second.
#[derive(Debug)]
pub struct SystemClock {
    start: Instant,
    state: Mutex<Slew>,
}

#[derive(Debug)]
struct Slew {
    now_millis: u64,
    seen_monotonic_millis: u64,
}

impl Slew {
    /// Advances by what the monotonic clock says, then closes part of the gap to the wall clock.
    fn advance(&mut self, monotonic_millis: u64, wall_millis: u64) -> u64 {
        let elapsed = monotonic_millis.saturating_sub(self.seen_monotonic_millis);
        self.seen_monotonic_millis = self.seen_monotonic_millis.max(monotonic_millis);
        let free = self.now_millis.saturating_add(elapsed);
        let pull = elapsed / SLEW_DIVISOR;
        let next = if wall_millis >= free {
            free + (wall_millis - free).min(pull)
        } else {
            free - (free - wall_millis).min(pull)
        };
        self.now_millis = next.max(self.now_millis);
        self.now_millis
    }
}

impl SystemClock {
    /// A clock that starts at the wall clock's time, or at `not_before` when that is later (the
    /// last time this store has seen: the wall clock may have been set back while we were down).
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the Clock")]
    pub fn new(not_before: Timestamp) -> Self {
        let wall = wall_clock();
        Self {
            start: Instant::now(),
            state: Mutex::new(Slew {
                now_millis: wall.max(not_before).as_millis(),
                seen_monotonic_millis: 0,
            }),
        }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let monotonic = u64::try_from(self.monotonic().as_millis()).unwrap_or(u64::MAX);
        let wall = wall_clock().as_millis();
        let mut state = self
            .state
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        Timestamp::from_millis(state.advance(monotonic, wall))
    }

    fn wall(&self) -> Timestamp {
        wall_clock()
    }

    fn monotonic(&self) -> Duration {
        self.start.elapsed()
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the Clock")]
fn wall_clock() -> Timestamp {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp::from_millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// A clock that follows tokio's: under a paused runtime, virtual days pass in milliseconds.
#[derive(Debug)]
pub struct TokioClock {
    start: tokio::time::Instant,
    epoch: Timestamp,
}

impl TokioClock {
    /// A clock that reads `epoch` now.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the Clock")]
    pub fn new(epoch: Timestamp) -> Self {
        Self {
            start: tokio::time::Instant::now(),
            epoch,
        }
    }
}

impl Clock for TokioClock {
    fn now(&self) -> Timestamp {
        self.epoch.saturating_add(self.start.elapsed())
    }

    fn wall(&self) -> Timestamp {
        self.now()
    }

    fn monotonic(&self) -> Duration {
        self.start.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u64 = 86_400_000;

    #[test]
    fn q20_a_jump_of_thirty_days_moves_decisions_by_at_most_half_the_elapsed_time() {
        let mut slew = Slew {
            now_millis: 100 * DAY,
            seen_monotonic_millis: 0,
        };
        assert_eq!(slew.advance(10_000, 130 * DAY), 100 * DAY + 15_000);
        assert_eq!(slew.advance(20_000, 70 * DAY), 100 * DAY + 20_000);
    }

    #[test]
    fn q20_time_never_goes_back() {
        let mut slew = Slew {
            now_millis: DAY,
            seen_monotonic_millis: 5_000,
        };
        assert_eq!(slew.advance(1_000, 0), DAY);
        assert!(slew.advance(6_000, 0) >= DAY);
    }

    #[test]
    fn dates_are_those_of_the_standards() {
        let at = Timestamp::from_millis(1_795_325_696_007);
        assert_eq!(at.rfc3339(), "2026-11-22T05:34:56.007Z");
        assert_eq!(at.rfc5322(), "Sun, 22 Nov 2026 05:34:56 +0000");
        assert!(!Timestamp::from_millis(u64::MAX).rfc3339().is_empty());
    }
}
