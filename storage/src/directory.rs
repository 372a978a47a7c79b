//! Who is protected and who exists, in memory: what a session asks at RCPT.
//!
//! A [`Directory`] is a handle on the current state; its answers change with every commit of an
//! administrator. A mailbox costs its local part and a few dozen bytes. Look-ups take a read lock
//! for the time of one hash look-up and are never held across an await.

pub(crate) mod sender_rules;
mod tables;

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::model::{Domain, DomainAlias, DomainId, DomainName, ForwardPath, Mailbox, VerifyMode};
pub use sender_rules::{RuleMatch, SenderFacts, SenderRules};
pub(crate) use tables::{DomainTable, Tables};

/// The local part that every domain has (RFC 5321 §4.5.1).
const POSTMASTER: &str = "postmaster";

/// The state of domains, mailboxes and aliases; a cheap clone.
#[derive(Debug, Clone, Default)]
pub struct Directory {
    tables: Arc<RwLock<Tables>>,
}

/// What the directory says about a recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolution {
    /// No protected domain: relaying is refused.
    ForeignDomain,
    /// A mailbox, reached directly, by an alias, by a plus-address or as catch-all.
    Known {
        /// The domain.
        domain: DomainId,
        /// The key of the mailbox that the mail belongs to, see `Mailbox::key`.
        mailbox_key: String,
    },
    /// The mailbox exists and is disabled.
    Disabled {
        /// The domain.
        domain: DomainId,
    },
    /// The directory knows no such recipient.
    Unknown {
        /// The domain.
        domain: DomainId,
        /// What is to be done about that.
        verify: VerifyMode,
    },
}

/// How many of what the directory holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DirectoryCounts {
    /// Domains.
    pub domains: usize,
    /// Mailboxes, disabled ones included.
    pub mailboxes: usize,
    /// Aliases.
    pub aliases: usize,
}

impl Directory {
    /// For those who look at many entries at once.
    pub(crate) fn read(&self) -> RwLockReadGuard<'_, Tables> {
        self.tables.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// For those who commit changes.
    pub(crate) fn write(&self) -> RwLockWriteGuard<'_, Tables> {
        self.tables.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The domain of a name.
    #[must_use]
    pub fn domain_by_name(&self, name: &DomainName) -> Option<Arc<Domain>> {
        let tables = self.read();
        tables.of_name(name).map(|table| Arc::clone(&table.domain))
    }

    /// The domain that mail for a name belongs to: the one of that name, or the one of which it is
    /// a further name.
    #[must_use]
    pub fn domain_serving(&self, name: &DomainName) -> Option<Arc<Domain>> {
        let tables = self.read();
        tables.serving(name).map(|table| Arc::clone(&table.domain))
    }

    /// Further names of domains, by name; those of one domain when it is given.
    #[must_use]
    pub fn domain_aliases(&self, of: Option<DomainId>) -> Vec<DomainAlias> {
        let wanted = |alias: &&DomainAlias| of.is_none_or(|domain| alias.domain == domain);
        let mut aliases: Vec<DomainAlias> = {
            let tables = self.read();
            tables.domain_aliases().filter(wanted).cloned().collect()
        };
        aliases.sort_unstable_by(|one, other| one.name.cmp(&other.name));
        aliases
    }

    /// The domain of a number.
    #[must_use]
    pub fn domain(&self, domain: DomainId) -> Option<Arc<Domain>> {
        let tables = self.read();
        tables
            .domains
            .get(&domain)
            .map(|table| Arc::clone(&table.domain))
    }

    /// Whether copies are made of a domain's mail.
    #[must_use]
    pub fn has_continuity(&self, domain: DomainId) -> bool {
        let tables = self.read();
        let table = tables.domains.get(&domain);
        table.is_some_and(|table| table.domain.continuity.is_some())
    }

    /// Whether a mailbox with this key exists, see `Mailbox::key`.
    #[must_use]
    pub fn has_mailbox(&self, domain: DomainId, mailbox_key: &str) -> bool {
        let tables = self.read();
        let table = tables.domains.get(&domain);
        table.is_some_and(|table| table.has_mailbox(mailbox_key))
    }

    /// The number of a domain that only our own mail goes to, when there is or was some.
    #[must_use]
    pub fn outbound(&self, name: &DomainName) -> Option<DomainId> {
        self.read().outbound(name)
    }

    /// All protected domains, by name.
    #[must_use]
    pub fn domains(&self) -> Vec<Arc<Domain>> {
        let mut domains = self.every_domain();
        domains.retain(|domain| !domain.id.is_outbound());
        domains
    }

    /// All domains, by name, those included that only our own mail goes to.
    #[must_use]
    pub fn every_domain(&self) -> Vec<Arc<Domain>> {
        let mut domains: Vec<_> = {
            let tables = self.read();
            let all = tables.domains.values();
            all.map(|table| Arc::clone(&table.domain)).collect()
        };
        domains.sort_unstable_by(|one, other| one.name.cmp(&other.name));
        domains
    }

    /// What a recipient stands for, whichever name of its domain it has. Exact local parts come before plus-addresses, mailboxes before
    /// aliases, both before catch-all; postmaster is always known.
    #[must_use]
    pub fn resolve(&self, recipient: &Mailbox) -> Resolution {
        let key = recipient.key();
        let tables = self.read();
        let Some(table) = tables.serving(recipient.domain()) else {
            return Resolution::ForeignDomain;
        };
        let domain = table.domain.id;
        let known = |mailbox_key: &str| Resolution::Known {
            domain,
            mailbox_key: mailbox_key.to_owned(),
        };
        match table.find(&key) {
            Some((mailbox, true)) => known(mailbox),
            _ if key == POSTMASTER => known(&key),
            Some((_, false)) => Resolution::Disabled { domain },
            None if table.domain.catch_all => known(&key),
            None => Resolution::Unknown {
                domain,
                verify: table.verify(),
            },
        }
    }

    /// How recipients of a domain are checked: as chosen, or by the directory as soon as the domain
    /// has a mailbox, and not at all until then. None for a domain that does not exist.
    #[must_use]
    pub fn effective_verify(&self, domain: DomainId) -> Option<VerifyMode> {
        self.read().domains.get(&domain).map(DomainTable::verify)
    }

    /// Whether a mailbox exists (exactly, no alias) and is enabled; none when it does not exist.
    #[must_use]
    pub fn mailbox_enabled(&self, mailbox: &Mailbox) -> Option<bool> {
        let tables = self.read();
        let table = tables.of_name(mailbox.domain())?;
        table.mailboxes.get(mailbox.key().as_str()).copied()
    }

    /// The keys of the aliases that lead to a mailbox, sorted.
    #[must_use]
    pub fn aliases_of(&self, domain: DomainId, mailbox_key: &str) -> Vec<String> {
        let tables = self.read();
        let table = tables.table(domain);
        let aliases = table.map(|table| table.alias_keys(mailbox_key).map(str::to_owned));
        let mut aliases: Vec<String> = aliases.map_or_else(Vec::new, Iterator::collect);
        aliases.sort_unstable();
        aliases
    }

    /// Whether mail to an address arrives in a mailbox of its domain, by its name or as an alias.
    #[must_use]
    pub fn leads_to(&self, path: &ForwardPath, mailbox: &str) -> bool {
        let ForwardPath::Mailbox(address) = path else {
            return false;
        };
        matches!(self.resolve(address), Resolution::Known { mailbox_key, .. } if mailbox_key == mailbox)
    }

    /// Enabled mailboxes of one domain.
    #[must_use]
    pub fn enabled_mailboxes(&self, domain: DomainId) -> u64 {
        let tables = self.read();
        let table = tables.domains.get(&domain);
        let enabled = table.map(|table| table.mailboxes.values().filter(|it| **it).count());
        enabled.unwrap_or_default() as u64
    }

    /// Mailboxes and aliases of one domain.
    #[must_use]
    pub fn counts_of(&self, domain: DomainId) -> DirectoryCounts {
        let tables = self.read();
        tables
            .domains
            .get(&domain)
            .map_or_else(DirectoryCounts::default, |table| DirectoryCounts {
                domains: 1,
                mailboxes: table.mailboxes.len(),
                aliases: table.aliases.len(),
            })
    }

    /// Everything.
    #[must_use]
    pub fn counts(&self) -> DirectoryCounts {
        let tables = self.read();
        let mut counts = DirectoryCounts::default();
        for (domain, table) in &tables.domains {
            counts.domains += usize::from(!domain.is_outbound());
            counts.mailboxes += table.mailboxes.len();
            counts.aliases += table.aliases.len();
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spool::testing::domain;

    fn directory(verify: Option<VerifyMode>, catch_all: bool) -> Directory {
        let directory = Directory::default();
        let mut tables = directory.write();
        tables.put_domain(Domain {
            verify,
            catch_all,
            ..domain(1, "x.example")
        });
        let table = tables.table_mut(DomainId(1)).unwrap();
        table.put_mailbox("alice", true);
        table.put_mailbox("a+b", true);
        table.put_mailbox("left", false);
        table.put_alias("info", "alice");
        drop(tables);
        directory
    }

    fn resolved(directory: &Directory, text: &str) -> Resolution {
        directory.resolve(&text.parse().unwrap())
    }

    fn known(mailbox: &str) -> Resolution {
        Resolution::Known {
            domain: DomainId(1),
            mailbox_key: mailbox.to_owned(),
        }
    }

    /// D6: who exists is known without the destination.
    #[test]
    fn recipients_resolve_by_table() {
        let directory = directory(None, false);
        let unknown = Resolution::Unknown {
            domain: DomainId(1),
            verify: VerifyMode::Directory,
        };
        let disabled = Resolution::Disabled {
            domain: DomainId(1),
        };
        let table = [
            ("alice@x.example", known("alice")),
            ("ALICE@X.Example", known("alice")),
            ("\"alice\"@x.example", known("alice")),
            ("alice+news@x.example", known("alice")),
            ("a+b@x.example", known("a+b")),
            ("a+c@x.example", unknown.clone()),
            ("info@x.example", known("alice")),
            ("info+x@x.example", known("alice")),
            ("postmaster@x.example", known("postmaster")),
            ("PostMaster@x.example", known("postmaster")),
            ("left@x.example", disabled.clone()),
            ("left+tag@x.example", disabled),
            ("bob@x.example", unknown.clone()),
            ("+alice@x.example", unknown),
            ("alice@sub.x.example", Resolution::ForeignDomain),
            ("alice@[192.0.2.1]", Resolution::ForeignDomain),
        ];
        for (text, expected) in table {
            assert_eq!(resolved(&directory, text), expected, "{text}");
        }
    }

    #[test]
    fn catch_all_takes_everybody_but_the_disabled() {
        let directory = directory(None, true);
        assert_eq!(resolved(&directory, "bob@x.example"), known("bob"));
        assert_eq!(resolved(&directory, "alice@x.example"), known("alice"));
        assert!(matches!(
            resolved(&directory, "left@x.example"),
            Resolution::Disabled { .. }
        ));
    }

    /// Decision "verify of a domain": nobody is refused before there is a mailbox.
    #[test]
    fn the_check_begins_with_the_first_mailbox_unless_it_was_chosen() {
        let directory = Directory::default();
        directory.write().put_domain(domain(1, "x.example"));
        assert_eq!(
            directory.effective_verify(DomainId(1)),
            Some(VerifyMode::Accept)
        );
        let tables = &mut directory.write();
        tables
            .table_mut(DomainId(1))
            .unwrap()
            .put_mailbox("alice", true);
        let by_size = tables.table(DomainId(1)).unwrap().verify();
        assert_eq!(by_size, VerifyMode::Directory);
        tables.put_domain(Domain {
            verify: Some(VerifyMode::Callout),
            ..domain(1, "x.example")
        });
        let chosen = tables.table(DomainId(1)).unwrap().verify();
        assert_eq!(chosen, VerifyMode::Callout);
    }
}
