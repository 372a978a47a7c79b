//! A route: the hosts that share one health, one window and one probe timer.

use std::fmt;
use std::sync::Arc;

use storage::model::{Destination, Domain, HostRole};

/// The hosts a domain's mail goes to, sorted, so that domains with the same hosts (and the same
/// encryption, priorities and weights) have the same key and share one governor.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RouteKey(Arc<[Destination]>);

impl RouteKey {
    /// The route of these hosts.
    #[must_use]
    pub fn new(mut destinations: Vec<Destination>) -> Self {
        for destination in &mut destinations {
            destination.host.make_ascii_lowercase();
        }
        destinations
            .sort_by(|a, b| (a.priority, &a.host, a.port).cmp(&(b.priority, &b.host, b.port)));
        destinations.dedup();
        Self(destinations.into())
    }

    /// The route of a domain as configured now. It is never frozen in the queue (OUT25).
    #[must_use]
    pub fn of(domain: &Domain) -> Self {
        Self::new(domain.destinations.clone())
    }

    /// Whether every host of it can be connected to: no MX records have to be looked up first.
    #[must_use]
    pub fn is_resolved(&self) -> bool {
        let mail_domain = |host: &Destination| host.role == HostRole::MailDomain;
        !self.0.is_empty() && !self.0.iter().any(mail_domain)
    }

    /// The hosts, by priority, then by name.
    #[must_use]
    pub fn endpoints(&self) -> &[Destination] {
        &self.0
    }

    /// One host by its place in [`RouteKey::endpoints`].
    #[must_use]
    pub fn endpoint(&self, index: usize) -> Option<&Destination> {
        self.0.get(index)
    }
}

impl fmt::Display for RouteKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, destination) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "," };
            write!(f, "{separator}{}", Host(destination))?;
        }
        Ok(())
    }
}

/// `host:port`, IPv6 addresses in brackets.
struct Host<'a>(&'a Destination);

impl fmt::Display for Host<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Destination { host, port, .. } = self.0;
        if self.0.role == HostRole::MailDomain {
            write!(f, "mx:{host}")
        } else if host.contains(':') {
            write!(f, "[{host}]:{port}")
        } else {
            write!(f, "{host}:{port}")
        }
    }
}

/// `host:port` of a destination for logs and stored replies.
#[must_use]
pub fn host_port(destination: &Destination) -> String {
    Host(destination).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use storage::model::TlsPolicy;

    fn host(name: &str, priority: u16) -> Destination {
        Destination {
            host: name.to_owned(),
            port: 25,
            priority,
            weight: 1,
            tls: TlsPolicy::Opportunistic,
            ..Destination::default()
        }
    }

    #[test]
    fn the_order_and_case_of_hosts_do_not_make_another_route() {
        let one = RouteKey::new(vec![host("B.example", 10), host("a.example", 20)]);
        let two = RouteKey::new(vec![host("a.example", 20), host("b.example", 10)]);
        assert_eq!(one, two);
        assert_eq!(one.to_string(), "b.example:25,a.example:25");
        assert_ne!(one, RouteKey::new(vec![host("a.example", 20)]));
        assert_eq!(host_port(&host("2001:db8::1", 0)), "[2001:db8::1]:25");
    }
}
