//! `rules`: what the recipient's domain or the recipient said about the sender.

use storage::model::RuleAction;

use super::super::engine::{Check, FilterInput};
use super::super::verdict::{Concerns, Finding, Verdict};

pub(super) struct SenderRules;

impl Check for SenderRules {
    fn name(&self) -> &'static str {
        "rules"
    }

    fn examine(&self, input: &FilterInput<'_>, found: &mut Vec<Finding>) {
        for (index, rule) in input.rules.iter().enumerate() {
            let Some(rule) = rule else { continue };
            let whose = if rule.of_mailbox {
                "the recipient"
            } else {
                "the recipient's domain"
            };
            let (verdict, word) = match rule.action {
                RuleAction::Allow => (Verdict::Accept, "allows"),
                RuleAction::Block => (input.policy.blocked, "blocks"),
            };
            found.push(Finding {
                check: self.name(),
                verdict,
                concerns: Concerns::One(index),
                reason: format!("{whose} {word} {}", rule.subject),
            });
        }
    }
}
