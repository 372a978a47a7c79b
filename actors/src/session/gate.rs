//! Who may connect: a total, a number per client and a pace per client (B11, Q17).
//!
//! A client is an IPv4 address or an IPv6 /64. What is over a limit is answered 421 and closed, so
//! that nobody hangs; a [`Permit`] counts its connection until it is dropped.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::intake::Policy;
use crate::smtp::Reply;

/// Idle clients are forgotten when more than this many are remembered.
const REMEMBERED_MAX: usize = 16_384;
/// The share of the total, in percent, above which the node is short of connections.
const STRESS_PERCENT: usize = 90;

/// Why a connection was turned away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The total is reached.
    TooMany,
    /// The client has enough connections.
    TooManyFromClient,
    /// The client connects too often.
    TooFastFromClient,
    /// The disk is all but full.
    NoSpace,
}

impl Refusal {
    /// The value of the metric's label.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TooMany => "too_many",
            Self::TooManyFromClient => "too_many_from_client",
            Self::TooFastFromClient => "too_fast_from_client",
            Self::NoSpace => "no_space",
        }
    }

    /// What the client is told instead of a greeting.
    #[must_use]
    pub fn reply(self) -> Reply {
        match self {
            Self::TooMany => Reply::new(421, (3, 2), "too many connections, try again later"),
            Self::TooManyFromClient => {
                Reply::new(421, (7, 0), "too many connections from your address")
            }
            Self::TooFastFromClient => {
                Reply::new(421, (7, 0), "too many new connections from your address")
            }
            Self::NoSpace => Reply::new(421, (3, 2), "insufficient storage, try again later"),
        }
    }
}

/// Counts connections.
#[derive(Debug, Default)]
pub struct Gate {
    counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    total: usize,
    clients: HashMap<IpAddr, Client>,
}

/// One client's connections and its bucket of new ones.
#[derive(Debug)]
struct Client {
    open: u32,
    /// New connections it may still make, at most one minute's worth.
    tokens: f64,
    refilled_at: Duration,
}

/// A connection that counts until this is dropped.
#[derive(Debug)]
pub struct Permit {
    gate: Arc<Gate>,
    client: IpAddr,
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut counts = self.gate.counts();
        counts.total = counts.total.saturating_sub(1);
        if let Some(client) = counts.clients.get_mut(&self.client) {
            client.open = client.open.saturating_sub(1);
        }
    }
}

impl Gate {
    /// Lets a connection in, or says why not. `now` is monotonic.
    ///
    /// # Errors
    /// The limit that it would exceed.
    pub fn admit(
        self: &Arc<Self>,
        address: IpAddr,
        policy: &Policy,
        now: Duration,
    ) -> Result<Permit, Refusal> {
        let client = client_of(address);
        let mut counts = self.counts();
        if counts.total >= policy.connections {
            return Err(Refusal::TooMany);
        }
        if !(policy.exempt)(address) {
            counts.forget_idle(policy, now);
            let known = counts.clients.entry(client).or_insert_with(|| Client {
                open: 0,
                tokens: f64::from(policy.connections_per_minute),
                refilled_at: now,
            });
            known.refill(policy, now);
            if known.tokens < 1.0 {
                return Err(Refusal::TooFastFromClient);
            }
            known.tokens -= 1.0;
            if known.open >= policy.connections_per_client {
                return Err(Refusal::TooManyFromClient);
            }
            known.open += 1;
        }
        counts.total += 1;
        Ok(Permit {
            gate: Arc::clone(self),
            client,
        })
    }

    /// Connections now.
    #[must_use]
    pub fn total(&self) -> usize {
        self.counts().total
    }

    /// Whether most connections are taken: silence is tolerated for a shorter time then (IN4).
    #[must_use]
    pub fn is_under_stress(&self, policy: &Policy) -> bool {
        self.total() * 100 >= policy.connections * STRESS_PERCENT
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counts {
    fn forget_idle(&mut self, policy: &Policy, now: Duration) {
        if self.clients.len() < REMEMBERED_MAX {
            return;
        }
        let full = f64::from(policy.connections_per_minute);
        self.clients.retain(|_, client| {
            client.refill(policy, now);
            client.open > 0 || client.tokens < full
        });
    }
}

impl Client {
    fn refill(&mut self, policy: &Policy, now: Duration) {
        let per_minute = f64::from(policy.connections_per_minute);
        let elapsed = now.saturating_sub(self.refilled_at);
        self.tokens = (self.tokens + elapsed.as_secs_f64() / 60.0 * per_minute).min(per_minute);
        self.refilled_at = now;
    }
}

/// The address, or the /64 that a single IPv6 customer has.
fn client_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.into(),
        IpAddr::V6(v6) => {
            let network = v6.to_bits() & !u128::from(u64::MAX);
            std::net::Ipv6Addr::from_bits(network).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy() -> Policy {
        Policy {
            connections: 5,
            connections_per_client: 2,
            connections_per_minute: 6,
            exempt: Arc::new(|address| address.is_loopback()),
            ..Policy::new("mx.example.net")
        }
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn at(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    #[test]
    fn q17_a_client_has_its_number_and_gets_it_back() {
        let gate = Arc::new(Gate::default());
        let first = gate.admit(ip("192.0.2.1"), &policy(), at(0)).unwrap();
        let _second = gate
            .admit(ip("::ffff:192.0.2.1"), &policy(), at(0))
            .unwrap();
        let refused = gate.admit(ip("192.0.2.1"), &policy(), at(0)).unwrap_err();
        assert_eq!(refused, Refusal::TooManyFromClient);
        let _other = gate.admit(ip("192.0.2.2"), &policy(), at(0)).unwrap();
        drop(first);
        assert!(gate.admit(ip("192.0.2.1"), &policy(), at(0)).is_ok());
    }

    #[test]
    fn q17_the_total_counts_everybody_exempt_clients_included() {
        let gate = Arc::new(Gate::default());
        let all: Vec<Permit> = (0..5)
            .map(|_| gate.admit(ip("127.0.0.1"), &policy(), at(0)).unwrap())
            .collect();
        assert!(gate.is_under_stress(&policy()));
        let refused = gate.admit(ip("127.0.0.1"), &policy(), at(0)).unwrap_err();
        assert_eq!(refused, Refusal::TooMany);
        drop(all);
        assert_eq!(gate.total(), 0);
        assert!(!gate.is_under_stress(&policy()));
    }

    #[test]
    fn a_client_that_connects_too_often_waits() {
        let gate = Arc::new(Gate::default());
        for _ in 0..6 {
            drop(gate.admit(ip("192.0.2.1"), &policy(), at(0)).unwrap());
        }
        let refused = gate.admit(ip("192.0.2.1"), &policy(), at(0)).unwrap_err();
        assert_eq!(refused, Refusal::TooFastFromClient);
        assert!(gate.admit(ip("192.0.2.1"), &policy(), at(11)).is_ok());
    }

    #[test]
    fn addresses_of_one_ipv6_network_are_one_client() {
        assert_eq!(
            client_of(ip("2001:db8::1")),
            client_of(ip("2001:db8::ffff:1"))
        );
        assert_ne!(
            client_of(ip("2001:db8::1")),
            client_of(ip("2001:db8:0:1::1"))
        );
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let gate = Arc::new(Gate::default());
        for number in 0..u32::try_from(REMEMBERED_MAX).unwrap() + 100 {
            let address = IpAddr::V4(std::net::Ipv4Addr::from_bits(number));
            let now = Duration::from_secs(u64::from(number));
            drop(gate.admit(address, &policy(), now).unwrap());
        }
        assert!(gate.counts().clients.len() <= REMEMBERED_MAX);
    }
}
