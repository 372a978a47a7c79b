//! Where the mail of a domain goes, looked up when it is sent and never frozen (OUT25).

use std::sync::Arc;

use storage::model::{Destination, Domain, HostRole};

use super::dane::{self, Bound};
use super::exchange::{self, NoRoute};
use crate::dns::{Resolver, SecureLookup};
use crate::sts::StsKeeper;

/// What the way of a domain's mail hangs on besides its own settings. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Routing {
    /// For MX records; without one a domain that needs them is not reachable.
    pub resolver: Option<Arc<dyn Resolver>>,
    /// Hosts that our own mail to others goes through; none: the MX records of its domain.
    pub smart_host: Arc<[Destination]>,
    /// Names of this node, in lower case: an exchanger of this name is we ourselves.
    pub names: Arc<[String]>,
    /// For the MTA-STS policies of domains whose MX records are used (OUT15); none: not asked for.
    pub sts: Option<Arc<StsKeeper>>,
    /// For the TLSA records of hosts that MX records name (OUT15); none: not asked for.
    pub dane: Option<Arc<dyn SecureLookup>>,
}

impl Routing {
    /// The destinations of a domain as they are configured now.
    #[must_use]
    pub fn destinations(&self, domain: &Domain) -> Vec<Destination> {
        if !domain.id.is_outbound() {
            return domain.destinations.clone();
        }
        if self.smart_host.is_empty() {
            return vec![Destination::by_mx(domain.name.as_str())];
        }
        self.smart_host.to_vec()
    }

    /// The hosts behind destinations, MX records looked up. As long as one destination has hosts the
    /// others may fail.
    ///
    /// # Errors
    /// The failure that is not for ever, when there is one: it may be over soon.
    pub async fn resolve(&self, wanted: Vec<Destination>) -> Result<Vec<Destination>, NoRoute> {
        let mut groups = Vec::with_capacity(wanted.len());
        let mut failures = Vec::new();
        for destination in wanted {
            let priority = destination.priority;
            if destination.role != HostRole::MailDomain {
                groups.push((priority, vec![destination]));
                continue;
            }
            match self.exchangers(&destination).await {
                Ok(hosts) => groups.push((priority, hosts)),
                Err(failure) => failures.push(failure),
            }
        }
        if groups.is_empty() {
            failures.sort_by_key(NoRoute::is_permanent);
            if let Some(failure) = failures.into_iter().next() {
                return Err(failure);
            }
        }
        Ok(exchange::merged(groups))
    }

    async fn exchangers(&self, domain: &Destination) -> Result<Vec<Destination>, NoRoute> {
        let Some(resolver) = &self.resolver else {
            return Err(NoRoute::Unavailable {
                domain: domain.host.clone(),
                why: "there is no resolver".to_owned(),
            });
        };
        let answer = resolver.exchangers(&domain.host).await;
        let hosts = exchange::hosts(domain, answer, &self.names)?;
        let hosts = match &self.dane {
            Some(lookup) => dane::ask(lookup, domain, hosts).await?,
            None => hosts.into_iter().map(Bound::freely).collect(),
        };
        let policy = match &self.sts {
            Some(keeper) if !hosts.iter().all(|host| host.by_dane) => {
                keeper.policy(&domain.host).await
            }
            _ => None,
        };
        exchange::permitted(domain, hosts, policy.as_ref())
    }
}
