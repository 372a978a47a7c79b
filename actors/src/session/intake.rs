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
use crate::filter::FilterPolicy;
use crate::smtp::limits;
use crate::smtp::server::ServerConfig;
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
    pub(super) server: Arc<ServerConfig>,
}

/// Shared by all listeners of a node.
#[derive(Debug)]
pub struct Intake {
    spool: Spool,
    tls: Option<Arc<ServerTls>>,
    gate: Arc<Gate>,
    acquaintances: Acquaintances,
    in_force: RwLock<Arc<InForce>>,
    sessions: AtomicU64,
}

impl Intake {
    /// Intake into `spool`. STARTTLS is offered when there is a certificate.
    #[must_use]
    pub fn new(spool: Spool, tls: Option<Arc<ServerTls>>, policy: Policy) -> Arc<Self> {
        let in_force = in_force(policy, tls.is_some());
        Arc::new(Self {
            spool,
            tls,
            gate: Arc::new(Gate::default()),
            acquaintances: Acquaintances::default(),
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

    pub(super) const fn gate(&self) -> &Arc<Gate> {
        &self.gate
    }

    pub(super) const fn acquaintances(&self) -> &Acquaintances {
        &self.acquaintances
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
    let server = ServerConfig {
        hostname: policy.hostname.clone(),
        message_size_max: policy.message_size_max,
        starttls,
    };
    Arc::new(InForce {
        policy,
        server: Arc::new(server),
    })
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
