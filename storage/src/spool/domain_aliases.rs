//! Further names of domains as administrators change them: `user@further` is `user@domain`.

use super::Spool;
use crate::codec;
use crate::engine::KeyspaceId;
use crate::error::ChangeError;
use crate::feed::Hint;
use crate::model::{AuditRow, DomainAlias, DomainName};

/// Further names of one domain, at most.
const DOMAIN_ALIASES_MAX: usize = 1_000;

impl Spool {
    /// Gives a domain a further name and answers it, once it is in force.
    ///
    /// # Errors
    /// [`ChangeError::Exists`] when a domain has that name or uses it already,
    /// [`ChangeError::Unknown`] for the domain, [`ChangeError::BadValue`], [`ChangeError::Spool`].
    pub async fn add_domain_alias(
        &self,
        name: DomainName,
        domain: &DomainName,
        audit: AuditRow,
    ) -> Result<DomainAlias, ChangeError> {
        let created_at = self.clock().now();
        let alias = self
            .change(audit, |_, batch, directory| {
                let mut tables = directory.write();
                let table = tables.table_of(domain);
                let table = table.ok_or_else(|| ChangeError::Unknown(domain.to_string()))?;
                let of = table.domain().id;
                if name.is_literal() {
                    return Err(bad("a domain name is expected, not an address literal"));
                }
                if tables.is_taken(&name) {
                    return Err(ChangeError::Exists(name.to_string()));
                }
                let has = tables.domain_aliases().filter(|alias| alias.domain == of);
                if has.count() >= DOMAIN_ALIASES_MAX {
                    return Err(bad("a domain has at most 1,000 further names"));
                }
                let alias = DomainAlias {
                    name,
                    domain: of,
                    created_at,
                };
                let key = alias.name.as_str().as_bytes();
                batch.encode(KeyspaceId::DomainAliases, key, |out| {
                    codec::encode(out, &alias)
                })?;
                tables.put_domain_alias(alias.clone());
                Ok(alias)
            })
            .await?;
        self.inner.feed.tell(Hint::DomainChanged(alias.domain));
        Ok(alias)
    }

    /// Takes a further name back. Mail that is queued under it is delivered all the same.
    ///
    /// # Errors
    /// [`ChangeError::Unknown`], [`ChangeError::Spool`].
    pub async fn remove_domain_alias(
        &self,
        name: &DomainName,
        audit: AuditRow,
    ) -> Result<(), ChangeError> {
        let alias = self
            .change(audit, |_, batch, directory| {
                let removed = directory.write().remove_domain_alias(name);
                let alias = removed.ok_or_else(|| ChangeError::Unknown(name.to_string()))?;
                batch.delete(KeyspaceId::DomainAliases, name.as_str().as_bytes());
                Ok(alias)
            })
            .await?;
        self.inner.feed.tell(Hint::DomainChanged(alias.domain));
        Ok(())
    }
}

fn bad(reason: &str) -> ChangeError {
    ChangeError::BadValue {
        field: "name",
        reason: reason.to_owned(),
    }
}
