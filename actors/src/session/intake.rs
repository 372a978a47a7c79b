//! What all listeners and sessions share: the store, the certificate, the policy in force.

use std::fmt;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use storage::model::Clock;
use storage::spool::Spool;

use super::acquaintances::Acquaintances;
use super::gate::Gate;
use super::harvest::Harvest;
use super::listener::ListenerOptions;
use crate::callout::{CalloutOptions, Callouts};
use crate::delivery::Announced;
use crate::filter::FilterPolicy;
use crate::smtp::limits;
use crate::smtp::server::ServerConfig;
use crate::smtp::sloppy::Newlines;
use crate::tls::ServerTls;

/// Settings of intake. All of them may change while sessions run; a session keeps what was in force
/// when it began.
#[derive(Clone)]
pub struct Policy {
    /// Our name.
    pub hostname: String,
    /// Octets of a message.
    pub message_size_max: u64,
    /// Connections at one time, all clients together.
    pub connections: usize,
    /// Connections at one time from one client.
    pub connections_per_client: u32,
    /// New connections a minute from one client.
    pub connections_per_minute: u32,
    /// Whether the limits per client do not apply to an address.
    pub exempt: Arc<dyn Fn(IpAddr) -> bool + Send + Sync>,
    /// Whether an address is a proxy whose word about its clients is believed (IN28).
    pub proxies: Arc<dyn Fn(IpAddr) -> bool + Send + Sync>,
    /// How recipients are asked for at their destinations.
    pub callouts: CalloutOptions,
    /// How long a peer may betray itself by speaking before the greeting (IN1).
    pub greeting_pause: Duration,
    /// What the filter does.
    pub filter: FilterPolicy,
}

impl Policy {
    /// The defaults.
    #[must_use]
    pub fn new(hostname: impl Into<String>) -> Self {
        Self {
            hostname: hostname.into(),
            message_size_max: limits::MESSAGE_SIZE_MAX,
            connections: 10_000,
            connections_per_client: 20,
            connections_per_minute: 100,
            exempt: Arc::new(|_| false),
            proxies: Arc::new(|_| false),
            callouts: CalloutOptions::default(),
            greeting_pause: limits::GREETING_PAUSE,
            filter: FilterPolicy::default(),
        }
    }
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Policy")
            .field("hostname", &self.hostname)
            .field("message_size_max", &self.message_size_max)
            .field("connections", &self.connections)
            .field("connections_per_client", &self.connections_per_client)
            .field("connections_per_minute", &self.connections_per_minute)
            .finish_non_exhaustive()
    }
}

/// A policy with what is made of it once.
#[derive(Debug)]
pub(super) struct InForce {
    pub(super) policy: Policy,
    /// One for each combination of a listener's options, in the order of [`InForce::server`].
    servers: [Arc<ServerConfig>; 4],
}

impl InForce {
    /// What sessions of a listener with these options follow.
    pub(super) fn server(&self, options: ListenerOptions) -> Arc<ServerConfig> {
        let [plain, single, sloppy, both] = &self.servers;
        Arc::clone(match (options.newlines, options.null_sender_is_single) {
            (Newlines::Reject, false) => plain,
            (Newlines::Reject, true) => single,
            (Newlines::Normalise, false) => sloppy,
            (Newlines::Normalise, true) => both,
        })
    }
}

/// What intake knows about destinations.
#[derive(Debug, Clone)]
pub struct Destinations {
    /// What they announced.
    pub announced: Announced,
    /// The way to ask them.
    pub callouts: Callouts,
}

impl Destinations {
    /// Nothing yet.
    #[must_use]
    pub fn new(spool: Spool) -> Self {
        Self {
            announced: Announced::default(),
            callouts: Callouts::new(spool),
        }
    }
}

/// Shared by all listeners of a node.
#[derive(Debug)]
pub struct Intake {
    spool: Spool,
    tls: Option<Arc<ServerTls>>,
    gate: Arc<Gate>,
    acquaintances: Acquaintances,
    harvest: Harvest,
    destinations: Destinations,
    in_force: RwLock<Arc<InForce>>,
    sessions: AtomicU64,
}

impl Intake {
    /// Intake into `spool` that asks no destinations. STARTTLS is offered when there is a
    /// certificate.
    #[must_use]
    pub fn new(spool: Spool, tls: Option<Arc<ServerTls>>, policy: Policy) -> Arc<Self> {
        let destinations = Destinations::new(spool.clone());
        Self::asking(spool, tls, policy, destinations)
    }

    /// The same, asking `destinations`.
    #[must_use]
    pub fn asking(
        spool: Spool,
        tls: Option<Arc<ServerTls>>,
        policy: Policy,
        destinations: Destinations,
    ) -> Arc<Self> {
        let in_force = in_force(policy, tls.is_some());
        Arc::new(Self {
            spool,
            tls,
            gate: Arc::new(Gate::default()),
            acquaintances: Acquaintances::default(),
            harvest: Harvest::default(),
            destinations,
            in_force: RwLock::new(in_force),
            sessions: AtomicU64::new(0),
        })
    }

    /// Puts another policy in force for the connections to come.
    pub fn set_policy(&self, policy: Policy) {
        let next = in_force(policy, self.tls.is_some());
        *self
            .in_force
            .write()
            .unwrap_or_else(PoisonError::into_inner) = next;
    }

    /// Connections now.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.gate.total()
    }

    pub(super) const fn spool(&self) -> &Spool {
        &self.spool
    }

    pub(super) fn clock(&self) -> &Arc<dyn Clock> {
        self.spool.clock()
    }

    pub(super) const fn tls(&self) -> Option<&Arc<ServerTls>> {
        self.tls.as_ref()
    }

    /// Who counts the connections.
    #[must_use]
    pub const fn gate(&self) -> &Arc<Gate> {
        &self.gate
    }

    pub(super) const fn acquaintances(&self) -> &Acquaintances {
        &self.acquaintances
    }

    pub(super) const fn harvest(&self) -> &Harvest {
        &self.harvest
    }

    pub(super) const fn destinations(&self) -> &Destinations {
        &self.destinations
    }

    /// A client has called: if it is a destination that is down, it may be back.
    pub(super) fn saw(&self, client: IpAddr) {
        self.destinations.announced.signs_of_life().seen(client);
    }

    pub(super) fn in_force(&self) -> Arc<InForce> {
        let current = self.in_force.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&current)
    }

    /// A number for logs.
    pub(super) fn next_session(&self) -> u64 {
        self.sessions.fetch_add(1, Ordering::Relaxed)
    }
}

/// File descriptors that connections leave to the store, delivery and the web, at most (Q18).
const DESCRIPTORS_RESERVED_MAX: usize = 2_048;

/// Connections for which there are file descriptors, so that a crowd is answered 421 and the store
/// never fails for want of one. `limit` is that of the process, none when it has none.
fn connections_max(limit: Option<u64>) -> usize {
    let limit = limit.map_or(usize::MAX, |limit| {
        usize::try_from(limit).unwrap_or(usize::MAX)
    });
    limit - (limit / 2).min(DESCRIPTORS_RESERVED_MAX)
}

fn in_force(mut policy: Policy, starttls: bool) -> Arc<InForce> {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    let possible = connections_max(limit);
    if policy.connections > possible {
        tracing::warn!(
            limits.connections = policy.connections,
            limits.connections_possible = possible,
            "fewer connections are taken than configured: raise the limit of open files"
        );
        policy.connections = possible;
    }
    let server = |newlines, null_sender_is_single| {
        Arc::new(ServerConfig {
            message_size_max: policy.message_size_max,
            starttls,
            newlines,
            null_sender_is_single,
            ..ServerConfig::new(policy.hostname.as_str())
        })
    };
    let servers = [
        server(Newlines::Reject, false),
        server(Newlines::Reject, true),
        server(Newlines::Normalise, false),
        server(Newlines::Normalise, true),
    ];
    Arc::new(InForce { policy, servers })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn q18_connections_leave_file_descriptors_for_the_store() {
        assert_eq!(connections_max(Some(256)), 128);
        assert_eq!(connections_max(Some(4_096)), 2_048);
        assert_eq!(connections_max(Some(65_536)), 63_488);
        assert_eq!(connections_max(Some(0)), 0);
        assert!(connections_max(None) > 1_000_000);
    }
}
