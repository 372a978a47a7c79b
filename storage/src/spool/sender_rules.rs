//! Allow and block rules as administrators change and list them.

use std::ops::Bound;

use bytes::Bytes;

use super::Spool;
use crate::codec;
use crate::directory::sender_rules::{self as table, RULES_PER_DOMAIN_MAX, SenderRules};
use crate::engine::KeyspaceId;
use crate::error::{ChangeError, SpoolError};
use crate::keyspace::{directory as keys, sender_rules};
use crate::metrics;
use crate::model::{AuditRow, DomainId, Mailbox, RuleSubject, SenderRule};

impl Spool {
    /// The rules in force; a cheap handle whose answers follow every change.
    #[must_use]
    pub fn sender_rules(&self) -> SenderRules {
        self.inner.sender_rules.clone()
    }

    /// Adds a rule, or replaces the one about the same sender.
    ///
    /// # Errors
    /// [`ChangeError::Unknown`] for its domain or mailbox, [`ChangeError::BadValue`] for more than
    /// 10,000 rules of a domain, [`ChangeError::Spool`].
    pub async fn put_sender_rule(
        &self,
        rule: SenderRule,
        audit: AuditRow,
    ) -> Result<(), ChangeError> {
        let rules = &self.inner.sender_rules;
        self.change(audit, |_, batch, directory| {
            let tables = directory.read();
            let of_domain = tables.table(rule.domain);
            let of_domain = of_domain.ok_or_else(|| unknown_domain(rule.domain))?;
            if let Some(mailbox) = &rule.mailbox
                && !of_domain.has_mailbox(&mailbox.key())
            {
                return Err(ChangeError::Unknown(mailbox.to_string()));
            }
            let scope = table::scope_of(&rule);
            let mut rules = rules.write();
            let present = rules.get(&rule.domain);
            let is_new = present.is_none_or(|rules| rules.get(&scope, &rule.subject).is_none());
            if is_new && present.is_some_and(|rules| rules.count() >= RULES_PER_DOMAIN_MAX) {
                return Err(ChangeError::BadValue {
                    field: "subject",
                    reason: format!("a domain has at most {RULES_PER_DOMAIN_MAX} rules"),
                });
            }
            let key = sender_rules::key(rule.domain, &scope, &rule.subject);
            batch.encode(KeyspaceId::SenderRules, &key, |out| {
                codec::encode(out, &rule)
            })?;
            table::put(&mut rules, &rule);
            Ok(())
        })
        .await
    }

    /// Takes a rule away.
    ///
    /// # Errors
    /// [`ChangeError::Unknown`], [`ChangeError::Spool`].
    pub async fn remove_sender_rule(
        &self,
        domain: DomainId,
        mailbox: Option<&Mailbox>,
        subject: &RuleSubject,
        audit: AuditRow,
    ) -> Result<(), ChangeError> {
        let scope = mailbox.map(Mailbox::key).unwrap_or_default();
        let rules = &self.inner.sender_rules;
        self.change(audit, |_, batch, _| {
            let mut rules = rules.write();
            let of_domain = rules.get(&domain);
            if of_domain.is_none_or(|rules| rules.get(&scope, subject).is_none()) {
                return Err(ChangeError::Unknown(subject.to_string()));
            }
            let key = sender_rules::key(domain, &scope, subject);
            batch.delete(KeyspaceId::SenderRules, &key);
            table::remove(&mut rules, domain, &scope, subject);
            Ok(())
        })
        .await
    }

    /// A domain's rules, its own before those of its mailboxes, behind `after` (a cursor of the
    /// page before). Each comes with its cursor.
    ///
    /// # Errors
    /// [`SpoolError::Engine`]. Damaged rows are reported and left out.
    pub async fn sender_rules_page(
        &self,
        domain: DomainId,
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<(Vec<u8>, SenderRule)>, SpoolError> {
        let (start, end) = keys::local_range(domain, "");
        let start = match after {
            Some(after) => {
                let mut key = domain.0.to_be_bytes().to_vec();
                key.extend_from_slice(after);
                Bound::Excluded(Bytes::from(key))
            }
            None => start,
        };
        let page = self
            .scan(KeyspaceId::SenderRules, (start, end), limit)
            .await?;
        let rules = page.rows.iter().filter_map(|(key, row)| {
            let rule = codec::decode(row).inspect_err(|error| {
                metrics::corrupt_record(KeyspaceId::SenderRules);
                tracing::error!(%error, "an allow or block rule is damaged");
            });
            Some((key.get(4..)?.to_vec(), rule.ok()?))
        });
        Ok(rules.collect())
    }
}

fn unknown_domain(domain: DomainId) -> ChangeError {
    ChangeError::Spool(SpoolError::UnknownDomain(domain))
}
