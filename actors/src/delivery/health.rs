//! The health of a route, as it is shown, and of each endpoint, as it decides.
//!
//! Two questions are kept apart. *Is it there?* is answered here, by connections: an endpoint is up,
//! suspect (one connection failed, one is tried to confirm it), down, or in canary (it answers
//! again; single messages prove it). *How much does it take?* is answered by the ramp. A full or
//! busy server is there; an unknown user or a refused message says nothing about either.

use std::time::Duration;

/// Where a route stands (delivery states). Times are the governor's `now`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// Nothing is known: nobody has wanted to send since the start.
    Unknown,
    /// Mail goes at once; nothing waits.
    Healthy,
    /// Mail goes, more carefully than usual, or (policy, TLS) does not go although hosts answer.
    Degraded(Trouble),
    /// A connection failed and is being confirmed.
    Suspect,
    /// No host can be reached. Nothing is sent; the hosts are probed.
    Down,
    /// A host answers again and gets one message at a time.
    Canary,
    /// It takes mail and gets more and more of it, until the backlog is gone.
    Ramp,
}

/// Why a route is degraded or down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Trouble {
    /// It refused for overload within the last minute.
    Overload,
    /// It answers much more slowly than it can.
    Slow,
    /// At least one of its hosts is down.
    EndpointDown,
    /// It is out of space.
    ResourceFull,
    /// Encryption is demanded and fails. Mail is held.
    Tls,
    /// It refuses everybody with 5yz. Mail is held.
    Policy,
    /// No host can be reached.
    Unreachable,
    /// It answers 4yz to everybody.
    Refusing,
}

/// A confirming connect follows a failure after this pause, at least …
const CONFIRM_AFTER_MIN: Duration = Duration::from_millis(250);
/// … and at most (jitter: many routes may lose the same network at once).
const CONFIRM_AFTER_MAX: Duration = Duration::from_millis(500);
/// Progress on another session within this time outweighs a failed connection.
const PROGRESS_GRACE: Duration = Duration::from_secs(2);
/// Deliveries in a row that end the canary.
const CANARIES: u32 = 3;

/// How an endpoint stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndpointHealth {
    /// Nothing is known yet.
    Unknown,
    /// It takes mail.
    Up,
    /// A connection failed; one is tried to confirm it.
    Suspect {
        /// When the confirming connect goes out.
        confirm_at: Duration,
        /// Whether it is on its way.
        confirming: bool,
        /// It had not proved itself before and has canaries ahead of it.
        unproven: bool,
    },
    /// It takes nothing.
    Down {
        /// Why.
        trouble: Trouble,
        /// Since when.
        since: Duration,
    },
    /// It answers again.
    Canary {
        /// Deliveries in a row so far.
        passed: u32,
    },
}

/// What a failed connection means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Suspicion {
    /// Nothing: another session has just made progress.
    Outweighed,
    /// A confirming connect decides.
    Begun,
    /// The endpoint is down: call [`EndpointHealth::fail`].
    Down,
    /// Nothing new.
    Known,
}

impl EndpointHealth {
    /// Whether messages may be sent to it.
    #[must_use]
    pub const fn is_usable(self) -> bool {
        matches!(self, Self::Up | Self::Canary { .. })
    }

    /// Whether it is known to take nothing.
    #[must_use]
    pub const fn is_down(self) -> bool {
        matches!(self, Self::Down { .. })
    }

    /// A connection failed. `last_progress` is the last time any session of the endpoint made
    /// progress; `jitter` is a random share in 0..1.
    pub fn on_connection_failure(
        &mut self,
        now: Duration,
        last_progress: Option<Duration>,
        jitter: f64,
    ) -> Suspicion {
        let alive = last_progress.is_some_and(|at| now < at + PROGRESS_GRACE);
        match *self {
            Self::Up if alive => Suspicion::Outweighed,
            Self::Unknown | Self::Up => {
                let spread = CONFIRM_AFTER_MAX - CONFIRM_AFTER_MIN;
                *self = Self::Suspect {
                    confirm_at: now + CONFIRM_AFTER_MIN + spread.mul_f64(jitter.clamp(0.0, 1.0)),
                    confirming: false,
                    unproven: *self == Self::Unknown,
                };
                Suspicion::Begun
            }
            // It has only just come back: what breaks now is not there yet.
            Self::Canary { .. } => Suspicion::Down,
            Self::Suspect { .. } | Self::Down { .. } => Suspicion::Known,
        }
    }

    /// A live session made progress: a suspicion was wrong.
    pub fn on_progress(&mut self) {
        if let Self::Suspect {
            unproven: false, ..
        } = *self
        {
            *self = Self::Up;
        }
    }

    /// A probe reached a session: a suspicion was wrong, an endpoint that was down is in canary.
    pub fn on_probe_ready(&mut self) {
        *self = match *self {
            Self::Suspect {
                unproven: false, ..
            }
            | Self::Up => Self::Up,
            Self::Canary { passed } => Self::Canary { passed },
            Self::Unknown | Self::Down { .. } | Self::Suspect { .. } => Self::Canary { passed: 0 },
        };
    }

    /// A probe failed, or the endpoint refuses everybody.
    pub fn fail(&mut self, trouble: Trouble, now: Duration) {
        let since = match *self {
            Self::Down { since, .. } => since,
            _ => now,
        };
        *self = Self::Down { trouble, since };
    }

    /// A message was delivered. True when that was the last canary needed.
    pub fn on_delivered(&mut self) -> bool {
        if let Self::Canary { passed } = *self {
            if passed + 1 >= CANARIES {
                *self = Self::Up;
                return true;
            }
            *self = Self::Canary { passed: passed + 1 };
        }
        false
    }

    /// A message was not delivered: canaries have to pass in a row.
    pub const fn on_canary_refused(&mut self) {
        if let Self::Canary { passed } = self {
            *passed = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T: Duration = Duration::from_secs(100);

    #[test]
    fn one_failure_is_a_suspicion_and_only_a_second_one_is_down() {
        let mut health = EndpointHealth::Up;
        assert_eq!(health.on_connection_failure(T, None, 0.5), Suspicion::Begun);
        let EndpointHealth::Suspect { confirm_at, .. } = health else {
            panic!("{health:?}");
        };
        assert_eq!(confirm_at, T + Duration::from_millis(375));
        assert!(!health.is_usable() && !health.is_down());
        health.fail(Trouble::Unreachable, confirm_at);
        assert!(health.is_down());
        health.fail(Trouble::Refusing, confirm_at * 2);
        assert_eq!(
            health,
            EndpointHealth::Down {
                trouble: Trouble::Refusing,
                since: confirm_at
            }
        );
    }

    #[test]
    fn progress_of_another_session_outweighs_a_failure_for_two_seconds() {
        let mut health = EndpointHealth::Up;
        let just_now = Some(T - Duration::from_millis(1999));
        assert_eq!(
            health.on_connection_failure(T, just_now, 0.0),
            Suspicion::Outweighed
        );
        assert_eq!(health, EndpointHealth::Up);
        let before = Some(T - PROGRESS_GRACE);
        assert_eq!(
            health.on_connection_failure(T, before, 0.0),
            Suspicion::Begun
        );
        health.on_progress();
        assert_eq!(health, EndpointHealth::Up, "a live session was right");
    }

    #[test]
    fn s12_up_means_three_deliveries_in_a_row_and_not_an_open_port() {
        let mut health = EndpointHealth::Down {
            trouble: Trouble::Unreachable,
            since: T,
        };
        health.on_probe_ready();
        assert_eq!(health, EndpointHealth::Canary { passed: 0 });
        assert!(!health.on_delivered() && !health.on_delivered());
        health.on_canary_refused();
        assert!(!health.on_delivered() && !health.on_delivered());
        assert!(health.on_delivered());
        assert_eq!(health, EndpointHealth::Up);
    }

    #[test]
    fn a_canary_that_breaks_is_down_at_once() {
        let mut health = EndpointHealth::Canary { passed: 2 };
        let suspicion = health.on_connection_failure(T, Some(T), 0.0);
        assert_eq!(suspicion, Suspicion::Down);
    }

    #[test]
    fn an_endpoint_nobody_knows_has_canaries_ahead_even_after_a_suspicion() {
        let mut health = EndpointHealth::Unknown;
        health.on_connection_failure(T, None, 0.0);
        health.on_progress();
        assert!(matches!(health, EndpointHealth::Suspect { .. }));
        health.on_probe_ready();
        assert_eq!(health, EndpointHealth::Canary { passed: 0 });
    }
}
