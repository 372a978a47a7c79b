//! The filter without I/O: checks run in a fixed order over what is known about a message; each
//! says what it found, and the greatest verdict counts for each recipient.
//!
//! What always holds: the same input gives the same judgement; a recipient's rule changes nothing
//! for another recipient; every verdict above accept has a reason. Engines that look at content
//! (spam, viruses) are further [`Check`]s, behind those that are here.

use storage::model::{AuthResult, Authentication, Envelope};
use storage::spool::RuleMatch;

use super::checks::CHECKS;
use super::header_summary::HeaderSummary;
use super::parts::PartSummary;
use super::policy::FilterPolicy;
use super::verdict::{Finding, Verdict};

/// What is known about a complete message.
#[derive(Debug)]
pub struct FilterInput<'a> {
    /// Who sent it to whom, and from where.
    pub envelope: &'a Envelope,
    /// What its header section says.
    pub header: &'a HeaderSummary,
    /// How its body is built.
    pub parts: PartSummary,
    /// Octets.
    pub size_bytes: u64,
    /// What sender authentication found out; none when it was not asked.
    pub authentication: Option<&'a Authentication>,
    /// For each recipient of the envelope the rule that decides about the sender.
    pub rules: &'a [Option<RuleMatch>],
    /// What we are told to do.
    pub policy: &'a FilterPolicy,
}

/// One thing that is looked at.
pub trait Check: Sync {
    /// Its name, as in `docs/filter.md`.
    fn name(&self) -> &'static str;
    /// What it finds.
    fn examine(&self, input: &FilterInput<'_>, found: &mut Vec<Finding>);
}

/// What the filter decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// For each recipient.
    pub verdicts: Vec<Verdict>,
    /// What each check found, in the order of the checks.
    pub trace: Vec<Finding>,
}

impl Judgement {
    /// The reasons for a recipient's verdict, in words.
    #[must_use]
    pub fn reasons(&self, recipient: usize) -> String {
        let verdict = self.verdicts.get(recipient).copied().unwrap_or_default();
        let decisive = self
            .trace
            .iter()
            .filter(|finding| finding.is_about(recipient) && finding.verdict == verdict);
        let reasons: Vec<String> = decisive.map(ToString::to_string).collect();
        reasons.join("; ")
    }

    /// Whether everybody is refused: only then the message can be.
    #[must_use]
    pub fn refuses_all(&self) -> bool {
        !self.verdicts.is_empty() && self.verdicts.iter().all(|one| *one == Verdict::Reject)
    }
}

/// Judges a message.
#[must_use]
pub fn judge(input: &FilterInput<'_>) -> Judgement {
    let mut trace = Vec::new();
    for check in CHECKS {
        check.examine(input, &mut trace);
    }
    let verdict_of = |recipient| {
        let findings = trace.iter().filter(|found| found.is_about(recipient));
        findings
            .map(|found| found.verdict)
            .max()
            .unwrap_or_default()
    };
    let recipients = input.envelope.recipients.len();
    let verdicts = (0..recipients).map(verdict_of).collect();
    Judgement { verdicts, trace }
}

/// Whether a notification may be sent to the reverse path (D2): SPF passed for its domain, or a
/// signature passed whose domain is the reverse path's or a parent of it. The `From` domain is of
/// no help here: whoever signs for his own `From` may name anybody in the envelope.
#[must_use]
pub fn is_authenticated_sender(envelope: &Envelope, found: &Authentication) -> bool {
    let storage::model::ReversePath::Mailbox(sender) = &envelope.reverse_path else {
        return false;
    };
    let domain = sender.domain().as_str();
    let by_spf = !found.spf.helo && found.spf.result == AuthResult::Pass;
    let vouches = |signer: &str| {
        signer.eq_ignore_ascii_case(domain)
            || (signer.contains('.') && is_below(domain, &signer.to_ascii_lowercase()))
    };
    let mut signed = found.dkim.iter();
    by_spf || signed.any(|one| one.result == AuthResult::Pass && vouches(&one.domain))
}

/// Whether `name` is a subdomain of `parent`; both in lower case.
pub(super) fn is_below(name: &str, parent: &str) -> bool {
    name.strip_suffix(parent)
        .is_some_and(|rest| rest.ends_with('.'))
}
