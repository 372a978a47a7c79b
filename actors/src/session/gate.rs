//! Who may connect: a total, a number per client and a pace per client (B11, Q17).
//!
//! A client is an IPv4 address or an IPv6 /64. What is over a limit is answered 421 and closed, so
//! that nobody hangs; a [`Permit`] counts its connection until it is dropped.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use super::intake::Policy;
use crate::smtp::Reply;

/// Idle clients are forgotten when more than this many are remembered.
const REMEMBERED_MAX: usize = 16_384;
/// The share of the total, in percent, from which on the node is short of connections.
const STRESS_PERCENT: usize = 90;
/// The share below which it is no longer.
const RELIEF_PERCENT: usize = 80;

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
    /// A listener for proxies was called by somebody else (IN28).
    NotAProxy,
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
            Self::NotAProxy => "not_a_proxy",
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
            Self::NotAProxy => Reply::new(421, (7, 1), "only proxies are expected here"),
        }
    }
}

/// Counts connections.
#[derive(Debug, Default)]
pub struct Gate {
    counts: Mutex<Counts>,
    stress: watch::Sender<bool>,
}

#[derive(Debug, Default)]
struct Counts {
    total: usize,
    /// The total that was the limit last.
    total_max: usize,
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
    /// None while the connection counts for nobody: its client is exempt, or not known yet.
    client: Option<IpAddr>,
}

impl Permit {
    /// Counts the connection for its client, whom a proxy has named (IN28).
    ///
    /// # Errors
    /// The limit per client that it would exceed.
    pub fn identify(
        &mut self,
        address: IpAddr,
        policy: &Policy,
        now: Duration,
    ) -> Result<(), Refusal> {
        if self.client.is_none() {
            self.client = self.gate.counts().admit_client(address, policy, now)?;
        }
        Ok(())
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut counts = self.gate.counts();
        counts.total = counts.total.saturating_sub(1);
        let client = self
            .client
            .and_then(|client| counts.clients.get_mut(&client));
        if let Some(client) = client {
            client.open = client.open.saturating_sub(1);
        }
        self.gate.weigh(&counts);
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
        let mut counts = self.counts();
        counts.has_room(policy)?;
        let client = counts.admit_client(address, policy, now)?;
        Ok(self.permit(&mut counts, client))
    }

    /// Lets a connection in whose client will be named later, see [`Permit::identify`].
    ///
    /// # Errors
    /// When the total is reached.
    pub fn admit_unnamed(self: &Arc<Self>, policy: &Policy) -> Result<Permit, Refusal> {
        let mut counts = self.counts();
        counts.has_room(policy)?;
        Ok(self.permit(&mut counts, None))
    }

    fn permit(self: &Arc<Self>, counts: &mut Counts, client: Option<IpAddr>) -> Permit {
        counts.total += 1;
        self.weigh(counts);
        Permit {
            gate: Arc::clone(self),
            client,
        }
    }

    /// Whether the node is short of connections: silence is tolerated for a shorter time then (IN4).
    #[must_use]
    pub fn stress(&self) -> watch::Receiver<bool> {
        self.stress.subscribe()
    }

    fn weigh(&self, counts: &Counts) {
        let (total, total_max) = (counts.total * 100, counts.total_max);
        self.stress.send_if_modified(|is_under_stress| {
            let percent = if *is_under_stress {
                RELIEF_PERCENT
            } else {
                STRESS_PERCENT
            };
            let is_now = total >= total_max * percent;
            std::mem::replace(is_under_stress, is_now) != is_now
        });
    }

    /// Connections now.
    #[must_use]
    pub fn total(&self) -> usize {
        self.counts().total
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counts {
    const fn has_room(&mut self, policy: &Policy) -> Result<(), Refusal> {
        self.total_max = policy.connections;
        if self.total >= policy.connections {
            return Err(Refusal::TooMany);
        }
        Ok(())
    }

    /// Counts a connection for its client; none when the client is exempt.
    fn admit_client(
        &mut self,
        address: IpAddr,
        policy: &Policy,
        now: Duration,
    ) -> Result<Option<IpAddr>, Refusal> {
        if (policy.exempt)(address) {
            return Ok(None);
        }
        self.forget_idle(policy, now);
        let client = client_of(address);
        let known = self.clients.entry(client).or_insert_with(|| Client {
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
        Ok(Some(client))
    }

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
pub(super) fn client_of(address: IpAddr) -> IpAddr {
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
        assert!(*gate.stress().borrow());
        let refused = gate.admit(ip("127.0.0.1"), &policy(), at(0)).unwrap_err();
        assert_eq!(refused, Refusal::TooMany);
        drop(all);
        assert_eq!(gate.total(), 0);
        assert!(!*gate.stress().borrow());
    }

    #[test]
    fn in28_a_connection_counts_for_the_client_that_its_proxy_names() {
        let gate = Arc::new(Gate::default());
        let mut first = gate.admit_unnamed(&policy()).unwrap();
        let mut second = gate.admit_unnamed(&policy()).unwrap();
        let mut third = gate.admit_unnamed(&policy()).unwrap();
        first.identify(ip("192.0.2.1"), &policy(), at(0)).unwrap();
        second.identify(ip("192.0.2.1"), &policy(), at(0)).unwrap();
        let refused = third.identify(ip("192.0.2.1"), &policy(), at(0));
        assert_eq!(refused, Err(Refusal::TooManyFromClient));
        drop(first);
        assert_eq!(third.identify(ip("192.0.2.1"), &policy(), at(0)), Ok(()));
        drop((second, third));
        assert_eq!(gate.total(), 0);
    }

    #[test]
    fn in4_stress_begins_at_nine_tenths_and_ends_below_eight() {
        let gate = Arc::new(Gate::default());
        let policy = Policy {
            connections: 10,
            ..policy()
        };
        let admit = || gate.admit(ip("127.0.0.1"), &policy, at(0)).unwrap();
        let stress = || *gate.stress().borrow();
        let mut all: Vec<Permit> = (0..8).map(|_| admit()).collect();
        assert!(!stress());
        all.push(admit());
        assert!(stress());
        all.pop();
        assert!(stress());
        all.pop();
        assert!(!stress());
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
