//! Clients that have behaved lately (IN1).
//!
//! The pause before the greeting finds peers that talk before they are spoken to. Whoever has had a
//! message accepted lately has shown that it waits, and is greeted at once; a client that speaks
//! first is a stranger again. Bounded: when too many are remembered, newcomers stay strangers.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::smtp::limits::{ACQUAINTED_FOR, ACQUAINTED_MAX};

/// Clients by address, with the time of their last accepted message (monotonic).
#[derive(Debug, Default)]
pub(super) struct Acquaintances {
    met: Mutex<HashMap<IpAddr, Duration>>,
}

impl Acquaintances {
    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, Duration>> {
        self.met.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a client need not be tested.
    pub(super) fn knows(&self, client: IpAddr, now: Duration) -> bool {
        let met = self.lock();
        met.get(&client)
            .is_some_and(|at| now.saturating_sub(*at) < ACQUAINTED_FOR)
    }

    /// A client has had a message accepted.
    pub(super) fn meet(&self, client: IpAddr, now: Duration) {
        let mut met = self.lock();
        if met.len() >= ACQUAINTED_MAX && !met.contains_key(&client) {
            met.retain(|_, at| now.saturating_sub(*at) < ACQUAINTED_FOR);
            if met.len() >= ACQUAINTED_MAX {
                return;
            }
        }
        met.insert(client, now);
    }

    /// A client has misbehaved.
    pub(super) fn forget(&self, client: IpAddr) {
        self.lock().remove(&client);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    fn client(number: usize) -> IpAddr {
        Ipv4Addr::from_bits(u32::try_from(number).unwrap()).into()
    }

    #[test]
    fn in1_acquaintance_lasts_a_while_and_ends_with_the_first_fault() {
        let acquaintances = Acquaintances::default();
        let now = Duration::from_secs(5);
        assert!(!acquaintances.knows(client(1), now));
        acquaintances.meet(client(1), now);
        assert!(acquaintances.knows(client(1), now + ACQUAINTED_FOR / 2));
        assert!(!acquaintances.knows(client(1), now + ACQUAINTED_FOR));
        acquaintances.forget(client(1));
        assert!(!acquaintances.knows(client(1), now));
    }

    #[test]
    fn in1_what_is_remembered_is_bounded() {
        let acquaintances = Acquaintances::default();
        for number in 0..ACQUAINTED_MAX + 10 {
            acquaintances.meet(client(number), Duration::ZERO);
        }
        assert_eq!(acquaintances.lock().len(), ACQUAINTED_MAX);
        acquaintances.meet(client(0), Duration::from_secs(1));
        acquaintances.meet(client(ACQUAINTED_MAX), ACQUAINTED_FOR);
        assert_eq!(acquaintances.lock().len(), 2, "the old ones made room");
    }
}
