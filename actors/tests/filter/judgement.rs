//! The engine by table: what is found becomes a verdict for each recipient, with its reasons.

use actors::filter::parts::PartSummary;
use actors::filter::{FilterInput, FilterPolicy, HeaderSummary, Judgement, Verdict, judge};
use storage::model::{
    ArcRecord, AuthResult, Authentication, DmarcPolicy, DmarcRecord, Recipient, RuleAction,
};
use storage::spool::RuleMatch;

use crate::signed::envelope;

fn rule(action: RuleAction, subject: &str) -> Option<RuleMatch> {
    Some(RuleMatch {
        action,
        subject: subject.parse().unwrap(),
        of_mailbox: false,
    })
}

fn failing(policy: DmarcPolicy) -> Authentication {
    Authentication {
        dmarc: DmarcRecord {
            result: AuthResult::Fail,
            from_domain: "far.example".to_owned(),
            policy,
            ..DmarcRecord::default()
        },
        arc: ArcRecord {
            result: AuthResult::Pass,
            sealer: "lists.example".to_owned(),
            sets: 1,
            reason: None,
        },
        ..Authentication::default()
    }
}

fn judged(
    authentication: Option<&Authentication>,
    rules: &[Option<RuleMatch>],
    policy: &FilterPolicy,
    header: &str,
    parts: PartSummary,
) -> Judgement {
    let mut envelope = envelope("ann@far.example", "192.0.2.7");
    envelope.recipients = (0..rules.len())
        .map(|n| Recipient::new(format!("r{n}@x.example").parse().unwrap()))
        .collect();
    judge(&FilterInput {
        envelope: &envelope,
        header: &HeaderSummary::read(header.as_bytes()),
        parts,
        size_bytes: 100,
        authentication,
        rules,
        policy,
    })
}

const FROM: &str = "From: ann@far.example\r\n";

#[test]
fn s22_verdicts_follow_from_findings() {
    use RuleAction::{Allow, Block};
    use Verdict::{Accept, Quarantine, Reject, Tag};
    let default = FilterPolicy::default();
    let quarantining = FilterPolicy {
        blocked: Quarantine,
        dmarc_reject: Reject,
        dmarc_quarantine: Tag,
        ..FilterPolicy::default()
    };
    let trusting = FilterPolicy {
        trusted_sealers: vec!["lists.example".parse().unwrap()].into(),
        ..FilterPolicy::default()
    };
    let none = failing(DmarcPolicy::None);
    let quarantine = failing(DmarcPolicy::Quarantine);
    let reject = failing(DmarcPolicy::Reject);
    let table = [
        (None, None, &default, Accept),
        (None, rule(Block, "far.example"), &default, Reject),
        (None, rule(Block, "far.example"), &quarantining, Quarantine),
        (None, rule(Allow, "far.example"), &default, Accept),
        (Some(&none), None, &default, Accept),
        (Some(&quarantine), None, &default, Quarantine),
        (Some(&reject), None, &default, Quarantine),
        (Some(&quarantine), None, &quarantining, Tag),
        (Some(&reject), None, &quarantining, Reject),
        (Some(&reject), None, &trusting, Accept),
        (
            Some(&reject),
            rule(Allow, "far.example"),
            &default,
            Quarantine,
        ),
        (
            Some(&reject),
            rule(Allow, "ann@far.example"),
            &default,
            Quarantine,
        ),
        (Some(&reject), rule(Allow, "192.0.2.0/24"), &default, Accept),
        (
            Some(&quarantine),
            rule(Block, "far.example"),
            &default,
            Reject,
        ),
    ];
    for (number, (found, rule, policy, expected)) in table.into_iter().enumerate() {
        let judgement = judged(found, &[rule], policy, FROM, PartSummary::default());
        assert_eq!(
            judgement.verdicts,
            [expected],
            "row {number}: {judgement:?}"
        );
        let has_reason = !judgement.reasons(0).is_empty();
        assert!(has_reason || expected == Accept, "row {number}");
    }
}

/// One recipient's block does not reject another one's mail.
#[test]
fn a_message_is_refused_only_when_everybody_refuses_it() {
    let policy = FilterPolicy::default();
    let block = rule(RuleAction::Block, "far.example");
    let all = judged(
        None,
        &[block.clone(), block.clone()],
        &policy,
        FROM,
        PartSummary::default(),
    );
    assert!(all.refuses_all());
    let some = judged(None, &[block, None], &policy, FROM, PartSummary::default());
    assert!(!some.refuses_all());
    assert_eq!(some.verdicts, [Verdict::Reject, Verdict::Accept]);
    assert_eq!(
        some.reasons(0),
        "rules: the recipient's domain blocks far.example"
    );
    assert_eq!(some.reasons(1), "");
}

#[test]
fn q31_bombs_are_refused_by_their_structure() {
    let policy = FilterPolicy::default();
    for (parts, nesting, expected) in [
        (1_000, 50, Verdict::Accept),
        (1_001, 1, Verdict::Reject),
        (1, 51, Verdict::Reject),
    ] {
        let parts = PartSummary { parts, nesting };
        let judgement = judged(None, &[None], &policy, FROM, parts);
        assert_eq!(judgement.verdicts, [expected], "{parts:?}");
    }
}

#[test]
fn two_authors_in_two_domains_are_put_aside() {
    let policy = FilterPolicy::default();
    let found = Authentication::default();
    for (header, expected) in [
        (FROM, Verdict::Accept),
        ("From: a@far.example, b@far.example\r\n", Verdict::Accept),
        (
            "From: a@far.example, b@else.example\r\n",
            Verdict::Quarantine,
        ),
        (
            "From: a@far.example\r\nFrom: a@far.example\r\n",
            Verdict::Quarantine,
        ),
        ("", Verdict::Accept),
    ] {
        let judgement = judged(
            Some(&found),
            &[None],
            &policy,
            header,
            PartSummary::default(),
        );
        assert_eq!(judgement.verdicts, [expected], "{header}");
        let unchecked = judged(None, &[None], &policy, header, PartSummary::default());
        assert_eq!(unchecked.verdicts, [Verdict::Accept], "{header}");
    }
}

#[test]
fn the_same_input_gives_the_same_judgement_in_the_order_of_the_checks() {
    let policy = FilterPolicy::default();
    let found = failing(DmarcPolicy::Quarantine);
    let header = "From: a@far.example, b@else.example\r\n";
    let parts = PartSummary {
        parts: 1_001,
        nesting: 51,
    };
    let rules = [rule(RuleAction::Block, "far.example")];
    let one = judged(Some(&found), &rules, &policy, header, parts);
    let checks: Vec<_> = one.trace.iter().map(|finding| finding.check).collect();
    assert_eq!(checks, ["structure", "structure", "from", "rules", "dmarc"]);
    assert_eq!(one, judged(Some(&found), &rules, &policy, header, parts));
}
