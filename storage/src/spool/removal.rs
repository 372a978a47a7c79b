//! Removing a domain: first nothing more is taken for it, then its mail goes, then its addresses,
//! last its row. A removal that is interrupted leaves a domain that can be removed again.

use super::Spool;
use super::aside::Departure;
use super::outcome::RecipientOutcome;
use super::settle::Settlement;
use crate::commit::Batch;
use crate::directory::DomainTable;
use crate::engine::{Durability, KeyspaceId};
use crate::error::{ChangeError, SpoolError};
use crate::feed::Hint;
use crate::keyspace::{directory as keys, heads};
use crate::model::{AuditRow, DomainId, DomainName, QueueEntry};

/// Rows in one turn.
const TURN_ROWS: usize = 256;

/// A domain that is being removed; it comes back when the removal does not end well.
struct Removal {
    spool: Spool,
    domain: DomainId,
    table: Option<DomainTable>,
}

impl Removal {
    fn done(mut self) {
        if let Some(table) = self.table.take() {
            let mut tables = self.spool.inner.directory.write();
            tables.has_left(&table.domain().name);
        }
    }
}

impl Drop for Removal {
    fn drop(&mut self) {
        if let Some(table) = self.table.take() {
            let mut order = self.spool.inner.committer.order();
            if let Some(state) = order.domain_mut(self.domain) {
                state.closed = false;
            }
            self.spool.inner.directory.write().restore(table);
        }
    }
}

impl Spool {
    /// Removes a domain with its mailboxes, aliases, rules and further names. While mail of the domain is here, queued or
    /// set aside, it is refused; with `force` that mail is discarded.
    ///
    /// # Errors
    /// [`ChangeError::Unknown`], [`ChangeError::MailQueued`], [`ChangeError::Spool`].
    pub async fn remove_domain(
        &self,
        name: &DomainName,
        force: bool,
        audit: AuditRow,
    ) -> Result<(), ChangeError> {
        let removal = self.begin_removal(name, force)?;
        let domain = removal.domain;
        self.discard_mail(domain).await?;
        self.discard_addresses(domain).await?;
        self.discard_accounts(domain).await?;
        self.change(audit, |order, batch, directory| {
            batch.delete(KeyspaceId::Domains, &keys::domain_key(domain));
            batch.delete(KeyspaceId::Heads, &heads::key(domain));
            for alias in directory.domain_aliases(Some(domain)) {
                let key = alias.name.as_str().as_bytes();
                batch.delete(KeyspaceId::DomainAliases, key);
                directory.write().remove_domain_alias(&alias.name);
            }
            order.remove_domain(domain);
            Ok(())
        })
        .await?;
        removal.done();
        self.inner.sender_rules.write().remove(&domain);
        // Last: a removal that does not end well leaves mail that can be read.
        self.destroy_key(domain).await?;
        for intent in self.intents(domain) {
            self.finish_intent(intent.id).await?;
        }
        self.inner.feed.tell(Hint::DomainChanged(domain));
        Ok(())
    }

    /// Takes the domain out of the directory and closes its queue.
    fn begin_removal(&self, name: &DomainName, force: bool) -> Result<Removal, ChangeError> {
        let unknown = || ChangeError::Unknown(name.to_string());
        let mut order = self.inner.committer.order();
        let mut tables = self.inner.directory.write();
        let domain = tables.table_of(name).ok_or_else(unknown)?.domain().id;
        if let Some(state) = order.domain_mut(domain) {
            let counters = state.counters;
            let recipients = counters.queued + counters.parked + counters.quarantined;
            if recipients > 0 && !force {
                return Err(ChangeError::MailQueued {
                    name: name.to_string(),
                    recipients,
                });
            }
            state.closed = true;
        }
        Ok(Removal {
            spool: self.clone(),
            domain,
            table: Some(tables.take_domain(name).ok_or_else(unknown)?),
        })
    }

    /// Discards everything that is queued or set aside; expired entries are there even when nobody
    /// waits for them.
    async fn discard_mail(&self, domain: DomainId) -> Result<(), SpoolError> {
        loop {
            let mut entries = self.queue_page(domain, None, TURN_ROWS).await?;
            if entries.is_empty() {
                entries = self.deferred_page(domain, None, TURN_ROWS).await?;
            }
            if entries.is_empty() {
                break;
            }
            self.settle_all(entries.into_iter().map(discarded).collect())
                .await?;
        }
        loop {
            let entries = self.aside_page(domain, None, TURN_ROWS).await?;
            if entries.is_empty() {
                return Ok(());
            }
            for entry in entries {
                self.depart(domain, entry.sequence, Departure::Deleted, None)
                    .await?;
            }
        }
    }

    async fn discard_addresses(&self, domain: DomainId) -> Result<(), SpoolError> {
        for keyspace in [
            KeyspaceId::Mailboxes,
            KeyspaceId::Aliases,
            KeyspaceId::SenderRules,
        ] {
            let mut more = true;
            while more {
                let range = keys::local_range(domain, "");
                let page = self.scan(keyspace, range, TURN_ROWS).await?;
                let mut batch = Batch::new();
                for (key, _) in &page.rows {
                    batch.delete(keyspace, key);
                }
                self.inner
                    .committer
                    .commit(batch, Durability::Buffer, |_, _| Ok::<_, SpoolError>(()))
                    .await?;
                more = page.more;
            }
        }
        Ok(())
    }
}

fn discarded(entry: QueueEntry) -> Settlement {
    let outcomes = entry
        .open_recipients()
        .map(|(index, _)| (index, RecipientOutcome::Removed))
        .collect();
    Settlement {
        entry,
        outcomes,
        notices: Vec::new(),
    }
}
