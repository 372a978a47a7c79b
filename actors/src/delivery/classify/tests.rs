use super::*;
use crate::smtp::client::Cause;

fn reply(text: &str) -> Reply {
    let (code, rest) = text.split_once(' ').unwrap();
    let (enhanced, words) = match rest.split_once(' ') {
        Some((first, words)) if first.matches('.').count() == 2 => {
            let parts: Vec<u16> = first.split('.').map(|n| n.parse().unwrap()).collect();
            let status = EnhancedStatus::new(u8::try_from(parts[0]).unwrap(), parts[1], parts[2]);
            (Some(status), words)
        }
        _ => (None, rest),
    };
    Reply {
        code: code.parse().unwrap(),
        enhanced,
        lines: vec![words.to_owned()],
    }
}

fn refused(phase: Phase, text: &str) -> RecipientResult {
    RecipientResult::Refused {
        phase,
        reply: reply(text),
    }
}

fn outcome(recipients: Vec<RecipientResult>) -> Outcome {
    Outcome {
        recipients,
        earlier_transactions: 0,
        was_answered: true,
        chunking_fault: None,
        body_begun: true,
    }
}

fn ending(phase: Phase, cause: Cause) -> Ending {
    Ending {
        phase,
        cause,
        transactions: 0,
    }
}

#[test]
fn every_refusal_of_the_table_has_its_class() {
    use Class::{
        Greylisted, HostPolicy, MailboxFull, MessagePermanent, Overload as Load,
        RecipientPermanent, RecipientTransient, Split,
    };
    use Overload::{Concurrency, Rate, Resource, Unspecified};
    let table = [
        // overload (S9 c, d)
        (Phase::Banner, "421 4.3.2 too busy", Load(Concurrency)),
        (Phase::Banner, "450 later", Load(Concurrency)),
        (Phase::Ehlo, "421 shutting down", Load(Concurrency)),
        (
            Phase::Mail,
            "421 4.7.0 Too many connections",
            Load(Concurrency),
        ),
        (Phase::Mail, "421 closing", Load(Unspecified)),
        (Phase::Mail, "451 4.7.1 message rate exceeded", Load(Rate)),
        (Phase::Rcpt, "450 4.7.1 too many messages", Load(Rate)),
        (Phase::Rcpt, "451 4.7.500 Server busy", Load(Unspecified)),
        (Phase::Mail, "452 4.3.1 no space", Load(Resource)),
        (Phase::Rcpt, "452 4.3.1 no space", Load(Resource)),
        (Phase::Mail, "452 insufficient storage", Load(Resource)),
        (Phase::FinalReply, "451 4.3.2 not now", Load(Unspecified)),
        (Phase::FinalReply, "421 4.3.0 going down", Load(Unspecified)),
        // host policy (S9 b): hold, never bounce
        (Phase::Banner, "554 no SMTP here", HostPolicy),
        (Phase::Ehlo, "550 who are you", HostPolicy),
        (Phase::StartTls, "502 not implemented", HostPolicy),
        (Phase::Mail, "530 5.7.0 authentication required", HostPolicy),
        (Phase::Rcpt, "530 5.7.0 Must issue a STARTTLS", HostPolicy),
        // recipients
        (Phase::Rcpt, "450 4.2.0 greylisted", Greylisted),
        (Phase::Rcpt, "450 4.2.0 try again", Greylisted),
        (Phase::Rcpt, "450 4.7.1 try again later", Greylisted),
        (Phase::Rcpt, "451 Greylisted, see http://x", Greylisted),
        (
            Phase::FinalReply,
            "451 4.7.1 Greylisting in action",
            Greylisted,
        ),
        (Phase::Rcpt, "452 4.5.3 too many recipients", Split),
        (Phase::Rcpt, "552 too many recipients", Split),
        (Phase::Rcpt, "552 5.2.2 over quota", RecipientPermanent),
        (Phase::Rcpt, "552 5.3.4 too big", RecipientPermanent),
        (Phase::Rcpt, "452 4.2.2 mailbox full", MailboxFull),
        (
            Phase::Rcpt,
            "450 4.2.1 receiving too quickly",
            RecipientTransient,
        ),
        (
            Phase::Rcpt,
            "450 4.1.1 unverified address",
            RecipientTransient,
        ),
        (Phase::Rcpt, "550 5.1.1 no such user", RecipientPermanent),
        (Phase::Rcpt, "554 relay access denied", RecipientPermanent),
        // the message
        (Phase::Mail, "550 5.1.8 bad sender", MessagePermanent),
        (Phase::Data, "554 no", MessagePermanent),
        (Phase::FinalReply, "550 5.7.1 spam", MessagePermanent),
    ];
    for (phase, text, class) in table {
        assert_eq!(
            Class::of_refusal(phase, &reply(text)),
            class,
            "{phase:?} {text}"
        );
    }
    for (phase, text) in [
        (Phase::Mail, "451 4.1.8 domain not found"),
        (Phase::Data, "451 4.3.0 queue file write error"),
        (Phase::FinalReply, "451 4.6.0 content filter failed"),
    ] {
        let class = Class::of_refusal(phase, &reply(text));
        assert!(
            matches!(class, Class::MessageTransient(_)),
            "{text}: {class:?}"
        );
    }
}

#[test]
fn s10_nothing_that_an_outage_says_is_charged_or_returned() {
    for (phase, cause) in [
        (Phase::Banner, Cause::Refused(reply("554 upgrading"))),
        (Phase::Ehlo, Cause::Refused(reply("421 4.3.2 later"))),
        (Phase::StartTls, Cause::Refused(reply("502 5.5.1 no"))),
        (Phase::TlsHandshake, Cause::TlsFailed("expired".to_owned())),
        (Phase::Ehlo, Cause::TlsNotOffered),
        (Phase::Banner, Cause::TimedOut),
        (Phase::Mail, Cause::Lost("reset".to_owned())),
        (Phase::Body, Cause::TimedOut),
    ] {
        let class = Class::of_ending(&ending(phase, cause.clone()));
        assert_eq!(
            class.treatment(),
            Treatment::Untouched,
            "{phase:?} {cause:?}"
        );
    }
}

#[test]
fn an_end_after_the_final_dot_is_uncertain_and_waits() {
    let end = ending(Phase::FinalReply, Cause::TimedOut);
    let unanswered = RecipientResult::Unanswered {
        phase: Phase::FinalReply,
    };
    let verdict = attempt(&outcome(vec![unanswered]), Some(&end));
    assert_eq!(verdict.recipients, [Class::Uncertain]);
    assert_eq!(
        verdict.recipients[0].treatment(),
        Treatment::Retry(RetryTable::Uncertain)
    );
    assert_eq!(verdict.signal, Signal::Connection);
}

#[test]
fn out20_a_421_on_a_reused_idle_connection_is_stale_and_no_overload() {
    let first = Outcome {
        recipients: vec![refused(Phase::Mail, "421 4.4.2 idle too long")],
        earlier_transactions: 3,
        was_answered: false,
        chunking_fault: None,
        body_begun: false,
    };
    let verdict = attempt(&first, None);
    assert_eq!(verdict.signal, Signal::Stale);
    assert_eq!(verdict.recipients[0].treatment(), Treatment::Again);
    let fresh = Outcome {
        earlier_transactions: 0,
        ..first
    };
    let verdict = attempt(&fresh, None);
    assert_eq!(verdict.signal, Signal::Overloaded(Overload::Unspecified));
}

#[test]
fn out19_each_recipient_has_its_own_class_and_a_delivery_outweighs_refused_recipients() {
    let verdict = attempt(
        &outcome(vec![
            RecipientResult::Delivered(reply("250 2.0.0 ok")),
            refused(Phase::Rcpt, "550 5.1.1 no such user"),
            refused(Phase::Rcpt, "452 4.5.3 too many recipients"),
        ]),
        None,
    );
    assert_eq!(
        verdict.recipients,
        [Class::Delivered, Class::RecipientPermanent, Class::Split]
    );
    assert_eq!(verdict.signal, Signal::Delivered);
}

#[test]
fn a_recipient_limit_that_leaves_nobody_is_a_deferral_and_not_an_endless_loop() {
    let verdict = attempt(
        &outcome(vec![refused(Phase::Rcpt, "452 4.5.3 too many recipients")]),
        None,
    );
    assert_eq!(verdict.recipients, [Class::RecipientTransient]);
}

#[test]
fn an_unknown_user_never_counts_against_the_host() {
    let verdict = attempt(
        &outcome(vec![refused(Phase::Rcpt, "550 5.1.1 no such user")]),
        None,
    );
    assert_eq!(verdict.signal, Signal::Answered);
}

#[test]
fn a_probe_that_is_answered_is_told_from_one_that_is_not() {
    for (phase, cause, expected) in [
        (Phase::Banner, Cause::TimedOut, ProbeOutcome::Unreachable),
        (
            Phase::Banner,
            Cause::Lost("eof".to_owned()),
            ProbeOutcome::Unreachable,
        ),
        (
            Phase::Banner,
            Cause::Refused(reply("421 4.3.2 later")),
            ProbeOutcome::Refused(ReplyKey {
                code: 421,
                enhanced: Some((4, 3, 2)),
            }),
        ),
        (
            Phase::Ehlo,
            Cause::Refused(reply("554 no")),
            ProbeOutcome::Policy(ReplyKey {
                code: 554,
                enhanced: None,
            }),
        ),
        (Phase::Ehlo, Cause::TlsNotOffered, ProbeOutcome::Tls),
    ] {
        assert_eq!(probe(&ending(phase, cause)), expected);
    }
}
