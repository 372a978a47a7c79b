//! Allow and block rules in memory: what the filter asks for each recipient.
//!
//! Which rule wins, first to last: those of the mailbox before those of its domain; within each, a
//! rule about the exact address before one about a domain (the longer name first) before one about
//! a network (the smaller one first). When two rules are equally exact, because envelope and `From`
//! name different senders, the block wins: otherwise an allowed name in the envelope would open the
//! door for any `From`.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::model::{DomainId, DomainName, Mailbox, RuleAction, RuleSubject, SenderRule};

/// Rules of one domain, its mailboxes' included, at most.
pub(crate) const RULES_PER_DOMAIN_MAX: usize = 10_000;

/// What is known about who sent a message.
#[derive(Debug, Clone, Copy)]
pub struct SenderFacts<'a> {
    /// The reverse path and the addresses of `From`.
    pub addresses: &'a [Mailbox],
    /// The client.
    pub client: IpAddr,
}

/// The rule that decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleMatch {
    /// What it does.
    pub action: RuleAction,
    /// Whom it is about.
    pub subject: RuleSubject,
    /// Whether it is the mailbox's own rule.
    pub of_mailbox: bool,
}

/// All rules; a cheap clone.
#[derive(Debug, Clone, Default)]
pub struct SenderRules {
    domains: Arc<RwLock<HashMap<DomainId, DomainRules>>>,
}

#[derive(Debug, Default)]
pub(crate) struct DomainRules {
    /// Key of the mailbox, empty for the domain's own → its rules.
    scopes: HashMap<Box<str>, ScopeRules>,
    count: usize,
}

#[derive(Debug, Default)]
struct ScopeRules {
    rules: HashMap<RuleSubject, RuleAction>,
    /// How many of them are about networks, which have to be looked through.
    networks: usize,
}

impl SenderRules {
    pub(crate) fn read(&self) -> RwLockReadGuard<'_, HashMap<DomainId, DomainRules>> {
        self.domains.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn write(&self) -> RwLockWriteGuard<'_, HashMap<DomainId, DomainRules>> {
        self.domains.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The rule that decides about a sender for a recipient, when there is one.
    #[must_use]
    pub fn decide(
        &self,
        domain: DomainId,
        mailbox_key: Option<&str>,
        sender: SenderFacts<'_>,
    ) -> Option<RuleMatch> {
        let domains = self.read();
        let rules = domains.get(&domain)?;
        let of = |key: &str, of_mailbox| {
            let scope = rules.scopes.get(key)?;
            let (subject, action) = scope.decide(sender)?;
            Some(RuleMatch {
                action,
                subject,
                of_mailbox,
            })
        };
        mailbox_key
            .filter(|key| !key.is_empty())
            .and_then(|key| of(key, true))
            .or_else(|| of("", false))
    }

    /// Whether a domain has any rule.
    #[must_use]
    pub fn has_any(&self, domain: DomainId) -> bool {
        self.read().contains_key(&domain)
    }
}

impl DomainRules {
    pub(crate) const fn count(&self) -> usize {
        self.count
    }

    pub(crate) fn get(&self, scope: &str, subject: &RuleSubject) -> Option<RuleAction> {
        self.scopes.get(scope)?.rules.get(subject).copied()
    }
}

/// Adds a rule, or changes what the one of the same subject does.
pub(crate) fn put(domains: &mut HashMap<DomainId, DomainRules>, rule: &SenderRule) {
    let domain = domains.entry(rule.domain).or_default();
    let scope = domain.scopes.entry(scope_of(rule).into()).or_default();
    if scope
        .rules
        .insert(rule.subject.clone(), rule.action)
        .is_none()
    {
        domain.count += 1;
        scope.networks += usize::from(matches!(rule.subject, RuleSubject::Network(_)));
    }
}

/// Takes a rule away.
pub(crate) fn remove(
    domains: &mut HashMap<DomainId, DomainRules>,
    domain: DomainId,
    scope: &str,
    subject: &RuleSubject,
) {
    let Some(rules) = domains.get_mut(&domain) else {
        return;
    };
    let Some(of_scope) = rules.scopes.get_mut(scope) else {
        return;
    };
    if of_scope.rules.remove(subject).is_some() {
        rules.count -= 1;
        of_scope.networks -= usize::from(matches!(subject, RuleSubject::Network(_)));
    }
    if of_scope.rules.is_empty() {
        rules.scopes.remove(scope);
    }
    if rules.scopes.is_empty() {
        domains.remove(&domain);
    }
}

/// The key of the mailbox whose rule it is; empty for the domain's own.
pub(crate) fn scope_of(rule: &SenderRule) -> String {
    rule.mailbox.as_ref().map(Mailbox::key).unwrap_or_default()
}

impl ScopeRules {
    fn decide(&self, sender: SenderFacts<'_>) -> Option<(RuleSubject, RuleAction)> {
        let exact = sender.addresses.iter().filter_map(|address| {
            let address = Mailbox::new(&address.key(), address.domain().clone()).ok()?;
            self.look_up(RuleSubject::Address(address))
        });
        if let Some(found) = strictest(exact) {
            return Some(found);
        }
        let domains = sender
            .addresses
            .iter()
            .filter_map(|address| self.by_domain(address.domain()));
        let longest = domains.clone().map(|(labels, _)| labels).max();
        if let Some(longest) = longest {
            let nearest = domains.filter(|(labels, _)| *labels == longest);
            return strictest(nearest.map(|(_, found)| found));
        }
        if self.networks == 0 {
            return None;
        }
        let mut nearest: Option<(u8, &RuleSubject, RuleAction)> = None;
        for (subject, action) in &self.rules {
            if let RuleSubject::Network(network) = subject
                && network.contains(sender.client)
                && nearest.is_none_or(|(prefix, _, _)| network.prefix() > prefix)
            {
                nearest = Some((network.prefix(), subject, *action));
            }
        }
        nearest.map(|(_, subject, action)| (subject.clone(), action))
    }

    fn look_up(&self, subject: RuleSubject) -> Option<(RuleSubject, RuleAction)> {
        let action = *self.rules.get(&subject)?;
        Some((subject, action))
    }

    /// The rule about the name or the nearest of its parents, and how many labels that has.
    fn by_domain(&self, name: &DomainName) -> Option<(usize, (RuleSubject, RuleAction))> {
        let mut rest = name.as_str();
        loop {
            if let Ok(domain) = rest.parse()
                && let Some(found) = self.look_up(RuleSubject::Domain(domain))
            {
                return Some((rest.split('.').count(), found));
            }
            rest = rest.split_once('.')?.1;
        }
    }
}

/// Of rules that are equally exact, the one that blocks.
fn strictest(
    found: impl Iterator<Item = (RuleSubject, RuleAction)>,
) -> Option<(RuleSubject, RuleAction)> {
    let mut decided = None;
    for one in found {
        if one.1 == RuleAction::Block {
            return Some(one);
        }
        decided.get_or_insert(one);
    }
    decided
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Timestamp;

    fn rules(list: &[(&str, RuleAction, &str)]) -> SenderRules {
        let rules = SenderRules::default();
        for (mailbox, action, subject) in list {
            let mailbox = (!mailbox.is_empty()).then(|| mailbox.parse().unwrap());
            let rule = SenderRule {
                domain: DomainId(1),
                mailbox,
                subject: subject.parse().unwrap(),
                action: *action,
                comment: None,
                created_at: Timestamp::default(),
            };
            put(&mut rules.write(), &rule);
        }
        rules
    }

    fn decided(rules: &SenderRules, to: &str, from: &[&str], client: &str) -> Option<RuleAction> {
        let addresses: Vec<Mailbox> = from.iter().map(|text| text.parse().unwrap()).collect();
        let sender = SenderFacts {
            addresses: &addresses,
            client: client.parse().unwrap(),
        };
        let found = rules.decide(DomainId(1), Some(to), sender);
        found.map(|found| found.action)
    }

    /// Who wins, row by row.
    #[test]
    fn s22_the_nearest_rule_decides() {
        use RuleAction::{Allow, Block};
        let rules = rules(&[
            ("", Block, "bad.example"),
            ("", Allow, "good.bad.example"),
            ("", Allow, "boss@bad.example"),
            ("", Block, "192.0.2.0/24"),
            ("", Allow, "192.0.2.128/25"),
            ("alice@x.example", Allow, "bad.example"),
            ("alice@x.example", Block, "boss@bad.example"),
            ("bob@x.example", Block, "2001:db8::/32"),
        ]);
        let far = "198.51.100.1";
        let table: [(&str, &[&str], &str, Option<RuleAction>); 16] = [
            ("carol", &["spam@bad.example"], far, Some(Block)),
            ("carol", &["spam@sub.bad.example"], far, Some(Block)),
            ("carol", &["spam@BAD.example"], far, Some(Block)),
            ("carol", &["news@good.bad.example"], far, Some(Allow)),
            ("carol", &["Boss@bad.example"], far, Some(Allow)),
            ("carol", &["x@notbad.example"], far, None),
            ("carol", &["x@far.example"], "192.0.2.1", Some(Block)),
            ("carol", &["x@far.example"], "192.0.2.200", Some(Allow)),
            ("carol", &["spam@bad.example"], "192.0.2.200", Some(Block)),
            ("carol", &[], "192.0.2.1", Some(Block)),
            ("alice", &["spam@bad.example"], far, Some(Allow)),
            ("alice", &["boss@bad.example"], far, Some(Block)),
            ("alice", &["x@far.example"], "192.0.2.1", Some(Block)),
            ("bob", &["x@far.example"], "2001:db8::1", Some(Block)),
            (
                "carol",
                &["boss@bad.example", "spam@bad.example"],
                far,
                Some(Allow),
            ),
            (
                "carol",
                &["n@good.bad.example", "x@bad.example"],
                far,
                Some(Allow),
            ),
        ];
        for (to, from, client, expected) in table {
            let found = decided(&rules, to, from, client);
            assert_eq!(found, expected, "{from:?} {client} to {to}");
        }
        assert_eq!(rules.decide(DomainId(2), None, facts()), None);
    }

    fn facts() -> SenderFacts<'static> {
        SenderFacts {
            addresses: &[],
            client: IpAddr::V4(std::net::Ipv4Addr::LOCALHOST),
        }
    }

    #[test]
    fn an_allowed_envelope_does_not_open_the_door_for_a_blocked_from() {
        use RuleAction::{Allow, Block};
        let rules = rules(&[("", Allow, "a@one.example"), ("", Block, "b@two.example")]);
        let both = ["a@one.example", "b@two.example"];
        assert_eq!(decided(&rules, "x", &both, "192.0.2.1"), Some(Block));
    }

    #[test]
    fn what_is_taken_away_is_gone_and_counted() {
        let rules = rules(&[
            ("", RuleAction::Block, "192.0.2.0/24"),
            ("alice@x.example", RuleAction::Block, "a@b.example"),
        ]);
        assert_eq!(rules.read()[&DomainId(1)].count(), 2);
        let network = "192.0.2.0/24".parse().unwrap();
        remove(&mut rules.write(), DomainId(1), "", &network);
        assert_eq!(decided(&rules, "alice", &[], "192.0.2.1"), None);
        let address = "a@b.example".parse().unwrap();
        remove(&mut rules.write(), DomainId(1), "alice", &address);
        assert!(!rules.has_any(DomainId(1)));
    }
}
