//! Domains as administrators change them: each change is one synced commit with its audit row.
//!
//! A change is decided against the directory in memory, under the lock that orders commits, and is
//! visible there a moment before it is durable. Whatever depends on it is committed later, so
//! nothing can outlive a change that was lost.

use super::Spool;
use super::aside::put_audit;
use crate::codec;
use crate::commit::{Batch, Order};
use crate::directory::Directory;
use crate::engine::{Durability, KeyspaceId};
use crate::error::{ChangeError, SpoolError};
use crate::feed::Hint;
use crate::keyspace::{directory as keys, domains, meta};
use crate::model::domain::{HOLD_DAYS_DEFAULT, HOLD_DAYS_MAX, HOLD_DAYS_MIN};
use crate::model::{AuditRow, Destination, Domain, DomainId, DomainName, HostRole, VerifyMode};
use crate::seal::Keyring;

/// Hosts of one domain, at most.
const DESTINATIONS_MAX: usize = 16;

/// A domain to be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDomain {
    /// Its name.
    pub name: DomainName,
    /// The customer's hosts; at least one.
    pub destinations: Vec<Destination>,
    /// Explicit choice of the recipient check.
    pub verify: Option<VerifyMode>,
    /// Whether unknown recipients are taken.
    pub catch_all: bool,
    /// Days of hold, 1–60.
    pub hold_days: u16,
}

impl NewDomain {
    /// A domain with defaults.
    #[must_use]
    pub const fn new(name: DomainName, destinations: Vec<Destination>) -> Self {
        Self {
            name,
            destinations,
            verify: None,
            catch_all: false,
            hold_days: HOLD_DAYS_DEFAULT,
        }
    }
}

impl Spool {
    /// The directory; a cheap handle whose answers follow every change.
    #[must_use]
    pub fn directory(&self) -> Directory {
        self.inner.directory.clone()
    }

    /// Adds a domain and answers it, once it is in force.
    ///
    /// # Errors
    /// [`ChangeError::Exists`], [`ChangeError::BadValue`], [`ChangeError::Spool`].
    pub async fn add_domain(&self, new: NewDomain, audit: AuditRow) -> Result<Domain, ChangeError> {
        let created_at = self.clock().now();
        let domain = self
            .change(audit, |order, batch, directory| {
                if directory.read().is_taken(&new.name) {
                    return Err(ChangeError::Exists(new.name.to_string()));
                }
                let domain = Domain {
                    id: DomainId(order.next_domain),
                    name: new.name,
                    destinations: new.destinations,
                    verify: new.verify,
                    catch_all: new.catch_all,
                    hold_days: new.hold_days,
                    hold: None,
                    continuity: None,
                    created_at,
                };
                check(&domain)?;
                order.next_domain += 1;
                let next = order.next_domain;
                batch.encode(KeyspaceId::Meta, meta::NEXT_DOMAIN, |out| {
                    codec::encode(out, &next)
                })?;
                put_domain(batch, &domain, &self.inner.keyring)?;
                order.add_domain(domain.id);
                batch.touch(domain.id);
                directory.write().put_domain(domain.clone());
                Ok(domain)
            })
            .await?;
        self.add_key(domain.id).await?;
        self.inner.feed.tell(Hint::DomainChanged(domain.id));
        Ok(domain)
    }

    /// Changes a domain and answers it, once the change is in force. Number, name and date stay
    /// what they are.
    ///
    /// # Errors
    /// [`ChangeError::Unknown`], [`ChangeError::BadValue`], [`ChangeError::Spool`].
    pub async fn update_domain(
        &self,
        name: &DomainName,
        update: impl FnOnce(&mut Domain) + Send,
        audit: AuditRow,
    ) -> Result<Domain, ChangeError> {
        let domain = self
            .change(audit, |_, batch, directory| {
                let before = directory
                    .domain_by_name(name)
                    .ok_or_else(|| ChangeError::Unknown(name.to_string()))?;
                let mut domain = Domain::clone(&before);
                update(&mut domain);
                domain.id = before.id;
                domain.name = before.name.clone();
                domain.created_at = before.created_at;
                check(&domain)?;
                put_domain(batch, &domain, &self.inner.keyring)?;
                directory.write().put_domain(domain.clone());
                Ok(domain)
            })
            .await?;
        self.inner.feed.tell(Hint::DomainChanged(domain.id));
        Ok(domain)
    }

    /// One change of the directory: decided, audited and committed together.
    pub(super) async fn change<T>(
        &self,
        audit: AuditRow,
        decide: impl FnOnce(&mut Order, &mut Batch, &Directory) -> Result<T, ChangeError>,
    ) -> Result<T, ChangeError> {
        let directory = &self.inner.directory;
        self.inner
            .committer
            .commit(Batch::new(), Durability::Synced, |order, batch| {
                let decided = decide(order, batch, directory)?;
                put_audit(order, batch, &audit).map_err(SpoolError::from)?;
                Ok(decided)
            })
            .await
    }
}

/// Writes the row of a domain, its passwords sealed.
pub(super) fn put_domain(
    batch: &mut Batch,
    domain: &Domain,
    keyring: &Keyring,
) -> Result<(), SpoolError> {
    let row = domains::row(domain, keyring)?;
    batch.put(KeyspaceId::Domains, &keys::domain_key(domain.id), row);
    Ok(())
}

/// Whether the values of a domain are within their bounds.
fn check(domain: &Domain) -> Result<(), ChangeError> {
    let bad = |field, reason: &str| {
        Err(ChangeError::BadValue {
            field,
            reason: reason.to_owned(),
        })
    };
    if domain.name.is_literal() {
        return bad("name", "a domain name is expected, not an address literal");
    }
    if domain.destinations.is_empty() || domain.destinations.len() > DESTINATIONS_MAX {
        return bad("destinations", "1 to 16 hosts are expected");
    }
    for destination in &domain.destinations {
        let host = destination.host.as_str();
        let is_address = host.parse::<std::net::IpAddr>().is_ok();
        if !is_address && host.parse::<DomainName>().is_err() {
            return bad("destination", "a host name or an IP address is expected");
        }
        if destination.port == 0 || destination.weight == 0 {
            return bad("destination", "port and weight are at least 1");
        }
        if destination.role == HostRole::Exchanger
            || (destination.role == HostRole::MailDomain && is_address)
        {
            return bad("destination", "MX records are those of a domain name");
        }
        if let Some(login) = &destination.login
            && (login.user.is_empty() || login.password.expose().is_empty())
        {
            return bad("destination", "a user and a password are expected together");
        }
        if destination.login.is_some() && !destination.tls.is_strict() {
            return bad("destination", "a password goes only where TLS is demanded");
        }
    }
    if !(HOLD_DAYS_MIN..=HOLD_DAYS_MAX).contains(&domain.hold_days) {
        return bad("hold_days", "1 to 60 days are expected");
    }
    Ok(())
}
