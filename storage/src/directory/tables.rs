//! What the directory holds: domains by name and number, and in each its mailboxes and aliases.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::model::{Domain, DomainAlias, DomainId, DomainName, VerifyMode};

#[derive(Debug, Default)]
pub(crate) struct Tables {
    by_name: HashMap<DomainName, DomainId>,
    /// Domains to which only our own mail goes: never looked at for what comes in.
    outbound: HashMap<DomainName, DomainId>,
    /// Further names of domains.
    further: HashMap<DomainName, DomainAlias>,
    pub(super) domains: HashMap<DomainId, DomainTable>,
    /// Names of domains that are being removed: not to be given again before that has ended.
    leaving: HashSet<DomainName>,
}

#[derive(Debug)]
pub(crate) struct DomainTable {
    pub(super) domain: Arc<Domain>,
    /// Key of the local part → whether it is enabled.
    pub(super) mailboxes: HashMap<Box<str>, bool>,
    /// Key of the alias → key of its mailbox.
    pub(super) aliases: HashMap<Box<str>, Box<str>>,
}

impl Tables {
    pub(super) fn of_name(&self, name: &DomainName) -> Option<&DomainTable> {
        self.domains.get(self.by_name.get(name)?)
    }

    /// The domain that mail for a name belongs to, be it by one of its further names.
    pub(super) fn serving(&self, name: &DomainName) -> Option<&DomainTable> {
        let further = || self.domains.get(&self.further.get(name)?.domain);
        self.of_name(name).or_else(further)
    }

    /// Adds a further name of a domain.
    pub(crate) fn put_domain_alias(&mut self, alias: DomainAlias) {
        self.further.insert(alias.name.clone(), alias);
    }

    /// Takes a further name back.
    pub(crate) fn remove_domain_alias(&mut self, name: &DomainName) -> Option<DomainAlias> {
        self.further.remove(name)
    }

    /// All further names.
    pub(crate) fn domain_aliases(&self) -> impl Iterator<Item = &DomainAlias> {
        self.further.values()
    }

    /// Adds a domain, or changes what is known about it.
    pub(crate) fn put_domain(&mut self, domain: Domain) {
        let names = if domain.id.is_outbound() {
            &mut self.outbound
        } else {
            &mut self.by_name
        };
        names.insert(domain.name.clone(), domain.id);
        let domain = Arc::new(domain);
        match self.domains.get_mut(&domain.id) {
            Some(table) => table.domain = domain,
            None => {
                let table = DomainTable {
                    domain: Arc::clone(&domain),
                    mailboxes: HashMap::new(),
                    aliases: HashMap::new(),
                };
                self.domains.insert(domain.id, table);
            }
        }
    }

    /// The number of a domain that only our own mail goes to.
    pub(crate) fn outbound(&self, name: &DomainName) -> Option<DomainId> {
        self.outbound.get(name).copied()
    }

    /// Forgets a domain that only our own mail went to.
    pub(crate) fn forget_outbound(&mut self, domain: DomainId) {
        if let Some(table) = self.domains.remove(&domain) {
            self.outbound.remove(&table.domain.name);
        }
    }

    /// Takes a domain out with everything in it; its name stays taken until it has left.
    pub(crate) fn take_domain(&mut self, name: &DomainName) -> Option<DomainTable> {
        let id = self.by_name.remove(name)?;
        self.leaving.insert(name.clone());
        self.domains.remove(&id)
    }

    /// A domain that was taken out does not come back.
    pub(crate) fn has_left(&mut self, name: &DomainName) {
        self.leaving.remove(name);
    }

    /// Whether a name belongs to a domain, be it one that is being removed.
    pub(crate) fn is_taken(&self, name: &DomainName) -> bool {
        self.by_name.contains_key(name)
            || self.further.contains_key(name)
            || self.leaving.contains(name)
    }

    /// Puts a domain back that was taken out.
    pub(crate) fn restore(&mut self, table: DomainTable) {
        self.leaving.remove(&table.domain.name);
        self.by_name
            .insert(table.domain.name.clone(), table.domain.id);
        self.domains.insert(table.domain.id, table);
    }

    pub(crate) fn table(&self, domain: DomainId) -> Option<&DomainTable> {
        self.domains.get(&domain)
    }

    pub(crate) fn table_mut(&mut self, domain: DomainId) -> Option<&mut DomainTable> {
        self.domains.get_mut(&domain)
    }

    pub(crate) fn table_of(&self, name: &DomainName) -> Option<&DomainTable> {
        self.of_name(name)
    }
}

impl DomainTable {
    pub(crate) const fn domain(&self) -> &Arc<Domain> {
        &self.domain
    }

    pub(crate) fn has_mailbox(&self, key: &str) -> bool {
        self.mailboxes.contains_key(key)
    }

    pub(crate) fn has_alias(&self, key: &str) -> bool {
        self.aliases.contains_key(key)
    }

    /// How many aliases lead to a mailbox.
    pub(crate) fn aliases_of(&self, mailbox: &str) -> usize {
        let targets = self.aliases.values();
        targets.filter(|target| target.as_ref() == mailbox).count()
    }

    /// The keys of the aliases that lead to a mailbox, in no order.
    pub(crate) fn alias_keys<'t>(&'t self, mailbox: &'t str) -> impl Iterator<Item = &'t str> {
        let aliases = self.aliases.iter();
        let of_mailbox = aliases.filter(move |(_, target)| target.as_ref() == mailbox);
        of_mailbox.map(|(alias, _)| alias.as_ref())
    }

    pub(crate) fn put_mailbox(&mut self, key: &str, enabled: bool) {
        self.mailboxes.insert(key.into(), enabled);
    }

    pub(crate) fn remove_mailbox(&mut self, key: &str) {
        self.mailboxes.remove(key);
    }

    pub(crate) fn put_alias(&mut self, key: &str, mailbox: &str) {
        self.aliases.insert(key.into(), mailbox.into());
    }

    pub(crate) fn remove_alias(&mut self, key: &str) {
        self.aliases.remove(key);
    }

    pub(super) fn verify(&self) -> VerifyMode {
        let by_size = if self.mailboxes.is_empty() {
            VerifyMode::Accept
        } else {
            VerifyMode::Directory
        };
        self.domain.verify.unwrap_or(by_size)
    }

    /// The mailbox behind a local part and whether it is enabled.
    pub(super) fn find<'a>(&'a self, key: &'a str) -> Option<(&'a str, bool)> {
        self.find_exact(key).or_else(|| {
            let (user, _tag) = key.split_once('+').filter(|(user, _)| !user.is_empty())?;
            self.find_exact(user)
        })
    }

    fn find_exact<'a>(&'a self, key: &'a str) -> Option<(&'a str, bool)> {
        if let Some(enabled) = self.mailboxes.get(key) {
            return Some((key, *enabled));
        }
        let target = self.aliases.get(key)?;
        let enabled = self.mailboxes.get(target).copied().unwrap_or(true);
        Some((target, enabled))
    }
}
