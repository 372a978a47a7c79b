//! Mailboxes and aliases as administrators change and list them.

use bytes::Bytes;

use super::Spool;
use crate::codec;
use crate::directory::DomainTable;
use crate::engine::KeyspaceId;
use crate::error::{ChangeError, SpoolError};
use crate::feed::Hint;
use crate::keyspace::directory as keys;
use crate::metrics;
use crate::model::{AccountId, Alias, AuditRow, DomainId, DomainName, Mailbox, MailboxAccount};

impl Spool {
    /// Adds mailboxes, or replaces those that exist: all of them in one commit, or none.
    ///
    /// # Errors
    /// [`ChangeError::Rejected`] names every row that cannot be stored; [`ChangeError::BadValue`]
    /// for more than 100,000 rows; [`ChangeError::Spool`].
    pub async fn put_mailboxes(
        &self,
        accounts: Vec<MailboxAccount>,
        audit: AuditRow,
    ) -> Result<(), ChangeError> {
        self.import(accounts, Vec::new(), Vec::new(), audit).await
    }

    /// Removes a mailbox. Mail that is queued for it is delivered all the same.
    ///
    /// # Errors
    /// [`ChangeError::Unknown`], [`ChangeError::HasAliases`], [`ChangeError::Spool`].
    pub async fn remove_mailbox(
        &self,
        mailbox: &Mailbox,
        audit: AuditRow,
    ) -> Result<(), ChangeError> {
        let local = mailbox.key();
        let domain = self
            .change(audit, |_, batch, directory| {
                let mut tables = directory.write();
                let domain = domain_of(tables.table_of(mailbox.domain()), mailbox.domain())?;
                let table = tables
                    .table_mut(domain)
                    .filter(|table| table.has_mailbox(&local))
                    .ok_or_else(|| ChangeError::Unknown(mailbox.to_string()))?;
                let aliases = table.aliases_of(&local);
                if aliases > 0 {
                    return Err(ChangeError::HasAliases {
                        mailbox: mailbox.to_string(),
                        aliases,
                    });
                }
                table.remove_mailbox(&local);
                batch.delete(KeyspaceId::Mailboxes, &keys::local_key(domain, &local));
                self.drop_user(batch, &AccountId::user(domain, mailbox));
                Ok(domain)
            })
            .await?;
        self.inner.feed.tell(Hint::DomainChanged(domain));
        Ok(())
    }

    /// One mailbox with all that is stored about it.
    ///
    /// # Errors
    /// [`SpoolError`].
    pub async fn mailbox(&self, mailbox: &Mailbox) -> Result<Option<MailboxAccount>, SpoolError> {
        let Some(domain) = self.inner.directory.domain_by_name(mailbox.domain()) else {
            return Ok(None);
        };
        let key = keys::local_key(domain.id, &mailbox.key());
        let row = self
            .engine()
            .get(KeyspaceId::Mailboxes, Bytes::from(key))
            .await?;
        Ok(row.map(|row| keys::decode_mailbox(&row)).transpose()?)
    }

    /// A domain's mailboxes in the order of their keys, behind `after` (see `Mailbox::key`).
    ///
    /// # Errors
    /// [`SpoolError::Engine`]. Damaged rows are reported and left out.
    pub async fn mailboxes_page(
        &self,
        domain: DomainId,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<MailboxAccount>, SpoolError> {
        let range = keys::local_range(domain, after.unwrap_or_default());
        let page = self.scan(KeyspaceId::Mailboxes, range, limit).await?;
        let rows = page.rows.iter();
        let accounts = rows.map(|(_, row)| keys::decode_mailbox(row));
        Ok(accounts
            .filter_map(|account| sound(KeyspaceId::Mailboxes, account))
            .collect())
    }

    /// The row of an alias.
    ///
    /// # Errors
    /// [`SpoolError`] when it cannot be read.
    pub async fn alias(&self, alias: &Mailbox) -> Result<Option<Alias>, SpoolError> {
        let Some(domain) = self.inner.directory.domain_by_name(alias.domain()) else {
            return Ok(None);
        };
        let key = keys::local_key(domain.id, &alias.key());
        let row = self
            .engine()
            .get(KeyspaceId::Aliases, Bytes::from(key))
            .await?;
        Ok(row.map(|row| codec::decode(&row)).transpose()?)
    }

    /// Adds an alias, or changes where it leads.
    ///
    /// # Errors
    /// [`ChangeError::Unknown`] for its domain or target, [`ChangeError::Exists`] when a mailbox
    /// has that address, [`ChangeError::BadValue`], [`ChangeError::Spool`].
    pub async fn put_alias(&self, alias: Alias, audit: AuditRow) -> Result<(), ChangeError> {
        let (local, target) = (alias.address.key(), alias.target.mailbox.key());
        let domain = self
            .change(audit, |_, batch, directory| {
                let mut tables = directory.write();
                let name = alias.address.domain();
                let domain = domain_of(tables.table_of(name), name)?;
                if alias.target.mailbox.domain() != name || alias.domain != domain {
                    return Err(ChangeError::BadValue {
                        field: "target",
                        reason: "a mailbox of the alias's own domain is expected".to_owned(),
                    });
                }
                let table = tables
                    .table_mut(domain)
                    .filter(|table| table.has_mailbox(&target))
                    .ok_or_else(|| ChangeError::Unknown(alias.target.mailbox.to_string()))?;
                if table.has_mailbox(&local) {
                    return Err(ChangeError::Exists(alias.address.to_string()));
                }
                batch.encode(
                    KeyspaceId::Aliases,
                    &keys::local_key(domain, &local),
                    |out| codec::encode(out, &alias),
                )?;
                table.put_alias(&local, &target);
                Ok(domain)
            })
            .await?;
        self.inner.feed.tell(Hint::DomainChanged(domain));
        Ok(())
    }

    /// Removes an alias.
    ///
    /// # Errors
    /// [`ChangeError::Unknown`], [`ChangeError::Spool`].
    pub async fn remove_alias(&self, alias: &Mailbox, audit: AuditRow) -> Result<(), ChangeError> {
        let local = alias.key();
        let domain = self
            .change(audit, |_, batch, directory| {
                let mut tables = directory.write();
                let domain = domain_of(tables.table_of(alias.domain()), alias.domain())?;
                tables
                    .table_mut(domain)
                    .filter(|table| table.has_alias(&local))
                    .ok_or_else(|| ChangeError::Unknown(alias.to_string()))?
                    .remove_alias(&local);
                batch.delete(KeyspaceId::Aliases, &keys::local_key(domain, &local));
                Ok(domain)
            })
            .await?;
        self.inner.feed.tell(Hint::DomainChanged(domain));
        Ok(())
    }

    /// A domain's aliases in the order of their keys, behind `after` (see `Mailbox::key`).
    ///
    /// # Errors
    /// [`SpoolError::Engine`]. Damaged rows are reported and left out.
    pub async fn aliases_page(
        &self,
        domain: DomainId,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Alias>, SpoolError> {
        let range = keys::local_range(domain, after.unwrap_or_default());
        let page = self.scan(KeyspaceId::Aliases, range, limit).await?;
        let rows = page.rows.iter();
        let aliases = rows.map(|(_, row)| codec::decode(row));
        Ok(aliases
            .filter_map(|alias| sound(KeyspaceId::Aliases, alias))
            .collect())
    }
}

fn domain_of(table: Option<&DomainTable>, name: &DomainName) -> Result<DomainId, ChangeError> {
    table
        .map(|table| table.domain().id)
        .ok_or_else(|| ChangeError::Unknown(name.to_string()))
}

/// A row that decodes; another one is reported and left out.
fn sound<T>(keyspace: KeyspaceId, row: Result<T, codec::RowError>) -> Option<T> {
    row.inspect_err(|error| {
        metrics::corrupt_record(keyspace);
        tracing::error!(%keyspace, %error, "a row of the directory is damaged");
    })
    .ok()
}
