//! How often a client may name recipients that do not exist (Q32): ten at once, then one a second.
//!
//! Each one beyond the ten is answered later than the one before it; a client that owes more than
//! twenty seconds is told nothing any more. The count is per client (an IPv4 address or an IPv6
//! /64), so that more connections do not help.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::gate::client_of;
use crate::smtp::limits::{
    UNKNOWN_RECIPIENT_DELAY_MAX, UNKNOWN_RECIPIENT_INTERVAL, UNKNOWN_RECIPIENTS_BURST,
};

/// Clients that are remembered, at most. Those that owe nothing go first.
const REMEMBERED_MAX: usize = 16_384;

/// What clients owe.
#[derive(Debug, Default)]
pub(super) struct Harvest {
    /// When each client is free of debt, by the monotonic clock.
    free_at: Mutex<HashMap<IpAddr, Duration>>,
}

impl Harvest {
    /// Notes one more recipient that does not exist and says how long its answer has to wait.
    pub(super) fn note(&self, client: IpAddr, now: Duration) -> Duration {
        let mut clients = self.clients();
        if clients.len() >= REMEMBERED_MAX {
            clients.retain(|_, free_at| *free_at > now);
        }
        if clients.len() >= REMEMBERED_MAX {
            return Duration::ZERO;
        }
        let free_at = clients.entry(client_of(client)).or_insert(now);
        *free_at = (*free_at).max(now) + UNKNOWN_RECIPIENT_INTERVAL;
        debt(*free_at, now).min(UNKNOWN_RECIPIENT_DELAY_MAX)
    }

    /// Whether a client owes so much that it is told nothing more.
    pub(super) fn is_exhausted(&self, client: IpAddr, now: Duration) -> bool {
        let clients = self.clients();
        let free_at = clients.get(&client_of(client));
        free_at.is_some_and(|free_at| debt(*free_at, now) > UNKNOWN_RECIPIENT_DELAY_MAX)
    }

    fn clients(&self) -> MutexGuard<'_, HashMap<IpAddr, Duration>> {
        self.free_at.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a client owes beyond what it may try at once.
fn debt(free_at: Duration, now: Duration) -> Duration {
    let burst = UNKNOWN_RECIPIENT_INTERVAL * UNKNOWN_RECIPIENTS_BURST;
    free_at.saturating_sub(now).saturating_sub(burst)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLIENT: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

    #[test]
    fn q32_a_thousand_guesses_take_more_than_ten_minutes() {
        let harvest = Harvest::default();
        let mut now = Duration::ZERO;
        for _ in 0..1_000 {
            // As fast as it is answered, over as many connections as it likes.
            while harvest.is_exhausted(CLIENT, now) {
                now += Duration::from_millis(100);
            }
            now += harvest.note(CLIENT, now);
        }
        assert!(now > Duration::from_secs(600), "{now:?}");
    }

    #[test]
    fn q32_parallel_guesses_are_cut_off_and_the_debt_is_forgotten_in_time() {
        let harvest = Harvest::default();
        let delays: Vec<u64> = (0..12)
            .map(|_| harvest.note(CLIENT, Duration::ZERO).as_secs())
            .collect();
        assert_eq!(delays, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2]);
        for _ in 0..19 {
            harvest.note(CLIENT, Duration::ZERO);
        }
        assert!(harvest.is_exhausted(CLIENT, Duration::ZERO));
        assert!(!harvest.is_exhausted("192.0.2.2".parse().unwrap(), Duration::ZERO));
        assert!(!harvest.is_exhausted(CLIENT, Duration::from_secs(2)));
        assert_eq!(
            harvest.note(CLIENT, Duration::from_secs(60)),
            Duration::ZERO
        );
    }

    #[test]
    fn q32_what_is_remembered_is_bounded() {
        let harvest = Harvest::default();
        for number in 0..u32::try_from(REMEMBERED_MAX).unwrap() + 100 {
            harvest.note(IpAddr::from(number.to_be_bytes()), Duration::ZERO);
        }
        assert!(harvest.clients().len() <= REMEMBERED_MAX);
    }
}
