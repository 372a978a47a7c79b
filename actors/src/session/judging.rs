//! From a received message to its judgement: what the filter asks the DNS, the directory and the
//! rules before its engine decides.

use storage::model::{Authentication, Envelope, ForwardPath, Mailbox, ReversePath};
use storage::spool::{NewDisposition, Resolution, RuleMatch, SenderFacts};

use super::intake::{Intake, Policy};
use crate::filter::results_field::{results_field, tag_field, without_forged};
use crate::filter::{
    AuthenticationInput, FilterInput, HeaderSummary, Judgement, ReceivedMessage, Verdict,
};
use crate::smtp::Reply;

/// Reasons in a reply, in characters.
const REASON_MAX: usize = 300;

/// A judgement and what it rests on.
#[derive(Debug)]
pub(super) struct Judged {
    pub(super) judgement: Judgement,
    /// What sender authentication found out; none when it was not asked.
    pub(super) authentication: Option<Authentication>,
}

/// Judges a message.
pub(super) async fn judge(
    intake: &Intake,
    policy: &Policy,
    envelope: &Envelope,
    message: &ReceivedMessage,
) -> Judged {
    let header = HeaderSummary::read(message.section());
    let authenticator = policy.filter.authenticator_for(envelope.client.ip);
    let authentication = match (authenticator, &message.hashes) {
        (Some(authenticator), Some(hashes)) => {
            let input = AuthenticationInput {
                envelope,
                section: message.section(),
                header: &header,
                hashes,
                host: &policy.hostname,
                now: intake.clock().now(),
            };
            // Boxed: it is large, and most sessions never hold one.
            Some(Box::pin(authenticator.evaluate(input)).await)
        }
        _ => None,
    };
    let rules = rules(intake, envelope, &header);
    let judgement = crate::filter::judge(&FilterInput {
        envelope,
        header: &header,
        parts: message.parts,
        size_bytes: message.size_bytes(),
        authentication: authentication.as_ref(),
        rules: &rules,
        policy: &policy.filter,
    });
    Judged {
        judgement,
        authentication,
    }
}

/// For each recipient the rule that decides about the sender.
fn rules(intake: &Intake, envelope: &Envelope, header: &HeaderSummary) -> Vec<Option<RuleMatch>> {
    let rules = intake.spool().sender_rules();
    let directory = intake.spool().directory();
    let mut addresses: Vec<Mailbox> = Vec::new();
    if let ReversePath::Mailbox(mailbox) = &envelope.reverse_path {
        addresses.push(mailbox.clone());
    }
    addresses.extend(header.authors.iter().cloned());
    let sender = SenderFacts {
        addresses: &addresses,
        client: envelope.client.ip,
    };
    let of_recipient = |path: &ForwardPath| {
        let ForwardPath::Mailbox(mailbox) = path else {
            // Mail to a postmaster without a domain is our own affair.
            return None;
        };
        match directory.resolve(mailbox) {
            Resolution::Known {
                domain,
                mailbox_key,
            } => rules.decide(domain, Some(&mailbox_key), sender),
            Resolution::Disabled { domain } | Resolution::Unknown { domain, .. } => {
                rules.decide(domain, None, sender)
            }
            Resolution::ForeignDomain => None,
        }
    };
    let recipients = envelope.recipients.iter();
    recipients.map(|one| of_recipient(&one.path)).collect()
}

/// The header section without what claims to come from us; none when nothing does.
pub(super) fn clean_section(message: &ReceivedMessage, host: &str) -> Option<Vec<u8>> {
    without_forged(message.section(), host)
}

impl Judged {
    /// The reply that refuses the message, when nobody is to have it. Otherwise those who refuse it
    /// find it in quarantine: one recipient's rule does not take another one's mail.
    pub(super) fn refusal(&self) -> Option<Reply> {
        if !self.judgement.refuses_all() {
            return None;
        }
        let reasons: String = self.judgement.reasons(0).chars().take(REASON_MAX).collect();
        Some(Reply::new(550, (7, 1), format!("refused: {reasons}")))
    }

    /// Where the message goes first for a recipient.
    pub(super) fn disposition(&self, recipient: usize) -> NewDisposition {
        match self.judgement.verdicts.get(recipient) {
            Some(Verdict::Quarantine | Verdict::Reject) => NewDisposition::Quarantine {
                reason: self.judgement.reasons(recipient),
            },
            _ => NewDisposition::Queue,
        }
    }

    /// The fields that stand behind our trace field.
    pub(super) fn fields(&self, host: &str) -> String {
        let mut fields = String::new();
        if let Some(found) = &self.authentication {
            fields.push_str(&results_field(found, host));
        }
        let verdicts = self.judgement.verdicts.iter();
        let tagged = verdicts.enumerate().find(|(_, one)| **one == Verdict::Tag);
        if let Some((recipient, _)) = tagged {
            fields.push_str(&tag_field(&self.judgement.reasons(recipient)));
        }
        fields
    }

    /// Whether a notification may go to the envelope's sender (D2).
    pub(super) fn is_authenticated_sender(&self, envelope: &Envelope) -> bool {
        let found = self.authentication.as_ref();
        found.is_some_and(|found| crate::filter::is_authenticated_sender(envelope, found))
    }
}
