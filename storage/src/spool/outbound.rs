//! Other people's domains, as far as our own mail goes there: notifications, and what is written in
//! the portal.
//!
//! Such a domain has a queue and a ledger like a protected one, so that delivery needs to know no
//! difference; nothing is ever taken in for it from outside. Its route is looked up when mail is sent
//! (OUT25), so its row holds nothing but the name.

use super::Spool;
use super::directory::put_domain;
use crate::commit::Batch;
use crate::engine::{Durability, KeyspaceId};
use crate::error::SpoolError;
use crate::keyspace::{directory as keys, heads};
use crate::model::domain::OUTBOUND_HOLD_DAYS;
use crate::model::{Domain, DomainId, DomainName, VerifyMode};

impl Spool {
    /// The domain that mail of ours to `name` is queued for: the protected one of this name, or one
    /// that exists for this purpose, which is made when it does not exist yet. It may be forgotten
    /// while nothing waits for it, and then [`Spool::accept`] and [`Spool::settle`] answer
    /// [`SpoolError::UnknownDomain`]: ask again.
    ///
    /// # Errors
    /// [`SpoolError::Engine`].
    pub async fn domain_for_outbound(&self, name: &DomainName) -> Result<DomainId, SpoolError> {
        let directory = &self.inner.directory;
        if let Some(domain) = directory.domain_by_name(name) {
            return Ok(domain.id);
        }
        if let Some(domain) = directory.outbound(name) {
            return Ok(domain);
        }
        let created_at = self.clock().now();
        self.inner
            .committer
            .commit(Batch::new(), Durability::Synced, |order, batch| {
                if let Some(domain) = directory.outbound(name) {
                    return Ok(domain);
                }
                let domain = Domain {
                    id: order.take_outbound(),
                    name: name.clone(),
                    destinations: Vec::new(),
                    verify: Some(VerifyMode::Accept),
                    catch_all: false,
                    hold_days: OUTBOUND_HOLD_DAYS,
                    hold: None,
                    continuity: None,
                    created_at,
                };
                put_domain(batch, &domain, &self.inner.keyring)?;
                order.add_domain(domain.id);
                batch.touch(domain.id);
                let id = domain.id;
                directory.write().put_domain(domain);
                Ok(id)
            })
            .await
    }

    /// Forgets such a domain while nothing waits for it; answers whether it did. Its ledger goes
    /// with it.
    ///
    /// # Errors
    /// [`SpoolError::Engine`].
    pub async fn forget_outbound(&self, domain: DomainId) -> Result<bool, SpoolError> {
        let directory = &self.inner.directory;
        self.inner
            .committer
            .commit(Batch::new(), Durability::Buffer, |order, batch| {
                let idle = order.domain(domain).is_some_and(|state| {
                    let counters = state.counters;
                    counters.queued + counters.parked + counters.quarantined == 0
                });
                if !domain.is_outbound() || !idle {
                    return Ok::<_, SpoolError>(false);
                }
                batch.delete(KeyspaceId::Domains, &keys::domain_key(domain));
                batch.delete(KeyspaceId::Heads, &heads::key(domain));
                order.remove_domain(domain);
                directory.write().forget_outbound(domain);
                Ok(true)
            })
            .await
    }
}
