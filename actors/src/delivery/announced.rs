//! What hosts announced when they were connected to last: whether a message can go there at all is
//! known at RCPT then (IN13, IN17), while the host is down as well.
//!
//! Learnt by every connection that is opened; a host that was not asked yet is not known to refuse
//! anything. A restart forgets it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use storage::model::{Destination, Domain};

use super::route::host_port;
use super::signs_of_life::SignsOfLife;
use crate::smtp::client::Capabilities;

/// The announcements of all hosts. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Announced {
    hosts: Arc<Mutex<BTreeMap<String, Abilities>>>,
    signs_of_life: SignsOfLife,
}

/// What a host, or a domain by all its hosts, is known to take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Abilities {
    /// Octets of a message, when there is a limit (RFC 1870).
    pub size_max: Option<u64>,
    /// Internationalised addresses (RFC 6531).
    pub smtputf8: bool,
}

impl Abilities {
    /// Nothing is known to be refused.
    pub const UNLIMITED: Self = Self {
        size_max: None,
        smtputf8: true,
    };

    fn of(announced: &Capabilities) -> Self {
        Self {
            size_max: announced.size_max.filter(|limit| *limit > 0),
            smtputf8: announced.smtputf8,
        }
    }

    /// What at least one of two takes.
    fn either(self, other: Self) -> Self {
        Self {
            size_max: self.size_max.zip(other.size_max).map(|(a, b)| a.max(b)),
            smtputf8: self.smtputf8 || other.smtputf8,
        }
    }
}

impl Announced {
    /// Notes what a host announced.
    pub fn learn(&self, host: &Destination, announced: &Capabilities) {
        let abilities = Abilities::of(announced);
        self.hosts().insert(host_port(host), abilities);
    }

    /// Where it is said that a host was seen alive.
    #[must_use]
    pub const fn signs_of_life(&self) -> &SignsOfLife {
        &self.signs_of_life
    }

    /// What at least one of a domain's hosts takes, as far as it is known.
    #[must_use]
    pub fn of_domain(&self, domain: &Domain) -> Abilities {
        let hosts = self.hosts();
        let known = |host: &Destination| hosts.get(&host_port(host)).copied();
        domain
            .destinations
            .iter()
            .map(|host| known(host).unwrap_or(Abilities::UNLIMITED))
            .reduce(Abilities::either)
            .unwrap_or(Abilities::UNLIMITED)
    }

    fn hosts(&self) -> MutexGuard<'_, BTreeMap<String, Abilities>> {
        self.hosts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use storage::model::{DomainId, Timestamp, TlsPolicy};

    fn host(name: &str) -> Destination {
        Destination {
            host: name.to_owned(),
            tls: TlsPolicy::None,
            ..Destination::default()
        }
    }

    fn domain(hosts: &[&str]) -> Domain {
        Domain {
            id: DomainId(1),
            name: "x.example".parse().unwrap(),
            destinations: hosts.iter().map(|name| host(name)).collect(),
            verify: None,
            catch_all: false,
            hold_days: 15,
            hold: None,
            continuity: None,
            created_at: Timestamp::default(),
        }
    }

    #[test]
    fn in13_in17_a_domain_takes_what_one_of_its_hosts_takes() {
        let announced = Announced::default();
        let both = domain(&["a.example", "b.example"]);
        assert_eq!(announced.of_domain(&both), Abilities::UNLIMITED);
        let small = Capabilities {
            size_max: Some(1_000),
            ..Capabilities::default()
        };
        announced.learn(&host("a.example"), &small);
        assert_eq!(announced.of_domain(&both), Abilities::UNLIMITED);
        let large = Capabilities {
            size_max: Some(2_000),
            ..Capabilities::default()
        };
        announced.learn(&host("b.example"), &large);
        let expected = Abilities {
            size_max: Some(2_000),
            smtputf8: false,
        };
        assert_eq!(announced.of_domain(&both), expected);
        let zero = Capabilities {
            size_max: Some(0),
            smtputf8: true,
            ..Capabilities::default()
        };
        announced.learn(&host("b.example"), &zero);
        assert_eq!(announced.of_domain(&both), Abilities::UNLIMITED);
    }
}
