//! `dmarc`: mail that fails DMARC (RFC 9989) is treated as its domain wishes, within what our policy
//! makes of the wish. A DNS failure is no failure of the message.
//!
//! Two things speak for a message that fails: the seal of a forwarder that we trust (RFC 8617), and
//! a rule that allows the client's network. A rule that allows an address or a domain does not:
//! that is the very claim that could not be verified.

use storage::model::{AuthResult, Authentication, RuleAction, RuleSubject};
use storage::spool::RuleMatch;

use super::super::engine::{Check, FilterInput};
use super::super::policy::FilterPolicy;
use super::super::verdict::{Concerns, Finding, Verdict};

pub(super) struct Dmarc;

impl Check for Dmarc {
    fn name(&self) -> &'static str {
        "dmarc"
    }

    fn examine(&self, input: &FilterInput<'_>, found: &mut Vec<Finding>) {
        let Some(authentication) = input.authentication else {
            return;
        };
        let dmarc = &authentication.dmarc;
        let remark = |reason: String| Finding::of_message(self.name(), Verdict::Accept, reason);
        if dmarc.result == AuthResult::TempError {
            let reason = "the sender's policy could not be looked up; the message is taken";
            found.push(remark(reason.to_owned()));
        }
        if dmarc.result != AuthResult::Fail {
            return;
        }
        let (domain, wish) = (&dmarc.from_domain, dmarc.policy.as_str());
        if let Some(sealer) = trusted_sealer(authentication, input.policy) {
            let reason = format!("{domain} fails, but {sealer}, which is trusted, vouches for it");
            found.push(remark(reason));
            return;
        }
        let verdict = input.policy.on_dmarc(dmarc.policy);
        let reason = format!("neither SPF nor DKIM passes for {domain}, whose policy is {wish}");
        for (index, rule) in input.rules.iter().enumerate() {
            let verdict = if allows_network(rule.as_ref()) {
                Verdict::Accept
            } else {
                verdict
            };
            found.push(Finding {
                check: self.name(),
                verdict,
                concerns: Concerns::One(index),
                reason: reason.clone(),
            });
        }
    }
}

fn allows_network(rule: Option<&RuleMatch>) -> bool {
    rule.is_some_and(|rule| {
        rule.action == RuleAction::Allow && matches!(rule.subject, RuleSubject::Network(_))
    })
}

fn trusted_sealer<'a>(found: &'a Authentication, policy: &FilterPolicy) -> Option<&'a str> {
    let sealer = found.arc.sealer.as_str();
    let is_trusted = |name: &storage::model::DomainName| name.as_str().eq_ignore_ascii_case(sealer);
    (found.arc.result == AuthResult::Pass && policy.trusted_sealers.iter().any(is_trusted))
        .then_some(sealer)
}
