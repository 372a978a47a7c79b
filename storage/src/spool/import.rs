//! Many mailboxes with their aliases and passwords in one commit.

use std::collections::HashSet;

use super::{ChangeError, RejectedRow, Spool};
use crate::codec;
use crate::directory::{Directory, DomainTable};
use crate::engine::KeyspaceId;
use crate::feed::Hint;
use crate::keyspace::directory as keys;
use crate::limits::IMPORT_ROWS_MAX;
use crate::model::{AccountId, Alias, AuditRow, DomainId, DomainName, MailboxAccount, Password};

/// Local parts as they stand in keys, with their domain.
type Locals = HashSet<(DomainId, String)>;

impl Spool {
    /// Adds mailboxes, or replaces those that exist, adds aliases and sets passwords: all of them in
    /// one commit, or none. An alias may lead to a mailbox of the same import. A password ends its
    /// user's sessions and makes open tokens worthless (C23).
    ///
    /// # Errors
    /// [`ChangeError::Rejected`] names every row that cannot be stored, mailboxes first;
    /// [`ChangeError::BadValue`] for more than 100,000 rows; [`ChangeError::Spool`].
    pub async fn import(
        &self,
        accounts: Vec<MailboxAccount>,
        aliases: Vec<Alias>,
        passwords: Vec<(AccountId, Password)>,
        audit: AuditRow,
    ) -> Result<(), ChangeError> {
        if accounts.len() + aliases.len() > IMPORT_ROWS_MAX {
            return Err(ChangeError::BadValue {
                field: "mailboxes",
                reason: format!("at most {IMPORT_ROWS_MAX} in one import are expected"),
            });
        }
        let domains: HashSet<_> = accounts.iter().map(|account| account.domain).collect();
        let domains = aliases.iter().map(|alias| alias.domain).chain(domains);
        let domains: HashSet<_> = domains.collect();
        let users = passwords.iter().map(|(user, _)| user);
        let _lanes = self.inner.lanes.enter_all(users).await;
        let credentials = self.with_passwords(passwords).await?;
        self.change(audit, |_, batch, directory| {
            let rejected = rejected(directory, &accounts, &aliases);
            if !rejected.is_empty() {
                return Err(ChangeError::Rejected(rejected));
            }
            let mut tables = directory.write();
            for account in &accounts {
                let local = account.address.key();
                let key = keys::local_key(account.domain, &local);
                batch.encode(KeyspaceId::Mailboxes, &key, |out| {
                    keys::encode_mailbox(out, account)
                })?;
                if !account.enabled {
                    let user = AccountId::user(account.domain, &account.address);
                    self.end_sessions_of(batch, &user);
                }
                if let Some(table) = tables.table_mut(account.domain) {
                    table.put_mailbox(&local, account.enabled);
                }
            }
            for (user, credentials) in &credentials {
                self.put_new_password(batch, user, credentials)?;
            }
            for alias in &aliases {
                let local = alias.address.key();
                let key = keys::local_key(alias.domain, &local);
                batch.encode(KeyspaceId::Aliases, &key, |out| codec::encode(out, alias))?;
                if let Some(table) = tables.table_mut(alias.domain) {
                    table.put_alias(&local, &alias.target.mailbox.key());
                }
            }
            Ok(())
        })
        .await?;
        for domain in domains {
            self.inner.feed.tell(Hint::DomainChanged(domain));
        }
        Ok(())
    }
}

/// Every row that cannot be stored, with the reason.
fn rejected(
    directory: &Directory,
    accounts: &[MailboxAccount],
    aliases: &[Alias],
) -> Vec<RejectedRow> {
    let tables = directory.write();
    let mut mailboxes = Locals::with_capacity(accounts.len());
    let mut rejected = Vec::new();
    for (index, account) in accounts.iter().enumerate() {
        let table = tables.table(account.domain);
        let local = account.address.key();
        let reason = foreign(table, account.address.domain()).or_else(|| {
            let taken = table.is_some_and(|table| table.has_alias(&local));
            taken.then_some("there is an alias of that name")
        });
        let repeated = !mailboxes.insert((account.domain, local));
        if let Some(reason) = reason.or_else(|| repeated.then_some("it occurs twice")) {
            rejected.push(RejectedRow {
                index,
                address: account.address.to_string(),
                reason: reason.to_owned(),
            });
        }
    }
    let mut seen = Locals::with_capacity(aliases.len());
    for (index, alias) in aliases.iter().enumerate() {
        let table = tables.table(alias.domain);
        let reason = foreign(table, alias.address.domain())
            .or_else(|| unfit_alias(table, alias, &mailboxes));
        let repeated = !seen.insert((alias.domain, alias.address.key()));
        if let Some(reason) = reason.or_else(|| repeated.then_some("it occurs twice")) {
            rejected.push(RejectedRow {
                index: accounts.len() + index,
                address: alias.address.to_string(),
                reason: reason.to_owned(),
            });
        }
    }
    rejected
}

fn foreign(table: Option<&DomainTable>, name: &DomainName) -> Option<&'static str> {
    match table {
        None => Some("its domain does not exist"),
        Some(table) if table.domain().name != *name => Some("it belongs to another domain"),
        Some(_) => None,
    }
}

fn unfit_alias(
    table: Option<&DomainTable>,
    alias: &Alias,
    mailboxes: &Locals,
) -> Option<&'static str> {
    let is_mailbox = |local: &str| {
        table.is_some_and(|table| table.has_mailbox(local))
            || mailboxes.contains(&(alias.domain, local.to_owned()))
    };
    let target = &alias.target.mailbox;
    if target.domain() != alias.address.domain() || !is_mailbox(&target.key()) {
        return Some("it leads to no mailbox of its own domain");
    }
    is_mailbox(&alias.address.key()).then_some("there is a mailbox of that name")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{AliasTarget, Mailbox, Timestamp};
    use crate::spool::testing;

    fn account(domain: DomainId, address: &str) -> MailboxAccount {
        MailboxAccount {
            domain,
            address: address.parse().unwrap(),
            name: None,
            recovery: None,
            language: None,
            enabled: true,
            created_at: Timestamp::default(),
        }
    }

    fn alias(domain: DomainId, address: &str, mailbox: &str) -> Alias {
        Alias {
            domain,
            address: address.parse().unwrap(),
            target: AliasTarget {
                mailbox: mailbox.parse().unwrap(),
            },
            created_at: Timestamp::default(),
        }
    }

    #[tokio::test]
    async fn mailboxes_and_their_aliases_come_together_or_not_at_all() {
        let spool = testing::spool().await;
        let domain = spool.directory().domains()[0].id;
        let accounts = vec![account(domain, "alice@x.example")];
        let faulty = vec![
            alias(domain, "a@x.example", "alice@x.example"),
            alias(domain, "alice@x.example", "alice@x.example"),
            alias(domain, "b@x.example", "nobody@x.example"),
        ];
        let refused = spool
            .import(accounts.clone(), faulty, Vec::new(), testing::audit())
            .await;
        let Err(ChangeError::Rejected(rows)) = refused else {
            panic!("{refused:?}")
        };
        let places: Vec<usize> = rows.iter().map(|row| row.index).collect();
        assert_eq!(places, [2, 3]);
        assert_eq!(spool.directory().counts_of(domain).mailboxes, 0);
        let sound = vec![alias(domain, "a@x.example", "alice@x.example")];
        spool
            .import(accounts, sound, Vec::new(), testing::audit())
            .await
            .unwrap();
        let counts = spool.directory().counts_of(domain);
        assert_eq!((counts.mailboxes, counts.aliases), (1, 1));
        let address: Mailbox = "A@x.example".parse().unwrap();
        let stored = spool.alias(&address).await.unwrap().unwrap();
        assert_eq!(stored.target.mailbox.to_string(), "alice@x.example");
    }
}
