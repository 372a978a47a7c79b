//! MAIL and RCPT: who may send what to whom.

use super::*;

#[test]
fn in3_a_thousand_recipients_and_then_452() {
    let mut session = Session::open();
    session.say("MAIL FROM:<s@sender.example>\r\n");
    for number in 0..1000 {
        assert_eq!(
            session.say(&format!("RCPT TO:<u{number}@x.example>\r\n")),
            "250 2.1.5"
        );
    }
    assert_eq!(session.say("RCPT TO:<one-more@x.example>\r\n"), "452 4.5.3");
    assert_eq!(session.say("DATA\r\n"), "354");
    assert_eq!(session.say("x: y\r\n.\r\n").len(), "250 2.0.0".len());
    assert_eq!(session.taken[0].0.envelope.recipients.len(), 1000);
}

#[test]
fn in9_q30_nobody_is_relayed() {
    for path in [
        "a@elsewhere.example",
        "a%elsewhere.example@x.example",
        "elsewhere.example!a@x.example",
        "\"a@elsewhere.example\"@x.example",
        "@x.example:a@elsewhere.example",
        "@elsewhere.example:a@x.example",
        "a@sub.x.example",
        "a@[192.0.2.1]",
        "a@x.example.evil.example",
        "\"a%elsewhere.example\"@x.example",
        "a%elsewhere.example%x.example@x.example",
    ] {
        let mut session = Session::open();
        for sender in ["<>", "<a@x.example>", "<s@sender.example>"] {
            session.say(&format!("RSET\r\nMAIL FROM:{sender}\r\n"));
            assert_eq!(
                session.say(&format!("RCPT TO:<{path}>\r\n")),
                "550 5.7.1",
                "{path}"
            );
        }
    }
    let mut session = Session::open();
    session.say("MAIL FROM:<>\r\n");
    assert!(
        session
            .say("RCPT TO:<a@b@x.example>\r\n")
            .starts_with("501 5.1.3")
    );
    assert_eq!(session.say("RCPT TO:<Postmaster>\r\n"), "250 2.1.5");
    let ours = "RCPT TO:<postmaster@MX.example.net>\r\n";
    assert_eq!(session.say(ours), "250 2.1.5");
    assert_eq!(session.say("RCPT TO:<a@mx.example.net>\r\n"), "550 5.7.1");
    assert_eq!(session.say("RCPT TO:<unknown@x.example>\r\n"), "550 5.1.1");
    assert_eq!(session.say("RCPT TO:<later@x.example>\r\n"), "451 4.3.0");
    assert_eq!(session.say("RCPT TO:<off@x.example>\r\n"), "550 5.2.1");
}

#[test]
fn in12_vrfy_and_expn_tell_nothing() {
    let mut session = Session::open();
    assert_eq!(session.say("VRFY a@x.example\r\n"), "252 2.5.0");
    assert_eq!(session.say("VRFY unknown@x.example\r\n"), "252 2.5.0");
    assert_eq!(session.say("EXPN list\r\n"), "502 5.5.1");
    assert_eq!(session.say("VRFY\r\n"), "501 5.5.4");
}

#[test]
fn in13_sizes_are_checked_when_declared_and_when_they_were_a_lie() {
    let mut session = Session::open();
    assert_eq!(session.say("MAIL FROM:<> SIZE=2001\r\n"), "552 5.3.4");
    assert_eq!(session.say("MAIL FROM:<> SIZE=2000\r\n"), "250 2.1.0");
    session.say("RCPT TO:<a@x.example>\r\nDATA\r\n");
    let exact = "x".repeat(1998);
    assert_eq!(session.say(&format!("{exact}\r\n.\r\n")), "250 2.0.0");
    session.say("MAIL FROM:<> SIZE=1\r\nRCPT TO:<a@x.example>\r\nDATA\r\n");
    assert_eq!(session.say(&format!("{exact}x\r\n.\r\n")), "552 5.3.4");
    assert_eq!(session.taken.len(), 1);
    assert_eq!(session.say("NOOP\r\n"), "250 2.0.0");
}

#[test]
fn q14_admission_is_answered_at_mail() {
    for (admission, codes) in [
        (Admission::Full, "452 4.3.1"),
        (Admission::Broken, "451 4.3.0"),
        (Admission::Critical, "421 4.3.2"),
    ] {
        let mut session = Session::open();
        session.admission = admission;
        assert_eq!(session.say("MAIL FROM:<>\r\n"), codes);
        assert_eq!(session.is_closed, admission == Admission::Critical);
    }
}

#[test]
fn in14_data_behind_refused_recipients_is_refused_without_counting() {
    let mut session = Session::open();
    let burst = "MAIL FROM:<>\r\nRCPT TO:<unknown@x.example>\r\nDATA\r\n";
    assert_eq!(session.say(burst), "250 2.1.0|550 5.1.1|554 5.5.1");
    assert_eq!(
        session.say("RSET\r\nMAIL FROM:<>\r\nDATA\r\n"),
        "250 2.0.0|250 2.1.0|503 5.5.1"
    );
}

#[test]
fn in17_addresses_beyond_ascii_need_smtputf8() {
    let mut session = Session::open();
    assert_eq!(
        session.say("MAIL FROM:<j\u{f6}rg@sender.example>\r\n"),
        "553 5.6.7"
    );
    assert_eq!(
        session.say("MAIL FROM:<j\u{f6}rg@sender.example> SMTPUTF8\r\n"),
        "250 2.1.0"
    );
    assert_eq!(
        session.say("RSET\r\nMAIL FROM:<>\r\nRCPT TO:<\u{e4}@x.example>\r\n"),
        "250 2.0.0|250 2.1.0|553 5.6.7"
    );
}

#[test]
fn in30_draining_ends_idle_sessions_and_lets_transactions_finish() {
    let mut session = Session::open();
    session.server.drain();
    session.said.clear();
    session.run();
    assert_eq!(session.codes(), "421 4.3.2");
    assert!(session.is_closed);
    let mut session = Session::in_transaction();
    session.server.drain();
    assert_eq!(
        session.say("DATA\r\nx\r\n.\r\nNOOP\r\n"),
        "354|250 2.0.0|421 4.3.2"
    );
    assert!(session.is_closed);
    assert_eq!(session.taken.len(), 1);
}

#[test]
fn a_hundred_messages_per_connection() {
    let mut session = Session::open();
    for _ in 0..100 {
        session.say("MAIL FROM:<>\r\nRCPT TO:<a@x.example>\r\nDATA\r\nx\r\n.\r\n");
    }
    assert_eq!(session.taken.len(), 100);
    assert_eq!(session.say("MAIL FROM:<>\r\n"), "421 4.7.0");
}

#[test]
fn a_recipient_given_twice_is_kept_once() {
    let mut session = Session::in_transaction();
    assert_eq!(
        session.say("RCPT TO:<a@x.example>\r\nDATA\r\nx\r\n.\r\n"),
        "250 2.1.5|354|250 2.0.0"
    );
    assert_eq!(session.taken[0].0.envelope.recipients.len(), 1);
}

#[test]
fn in11_the_null_sender_is_taken_for_any_number_of_recipients() {
    let mut session = Session::open();
    let said = "MAIL FROM:<>\r\nRCPT TO:<a@x.example>\r\nRCPT TO:<b@x.example>\r\nDATA\r\n";
    assert_eq!(session.say(said), "250 2.1.0|250 2.1.5|250 2.1.5|354");
    assert_eq!(session.say("Subject: a\r\n\r\nx\r\n.\r\n"), "250 2.0.0");
    let (submission, _) = &session.taken[0];
    assert_eq!(submission.envelope.reverse_path, ReversePath::Null);
    assert_eq!(submission.envelope.recipients.len(), 2);
}

#[test]
fn in16_eight_bit_content_is_announced_and_taken_as_it_came() {
    let mut session = Session::open();
    session.say("MAIL FROM:<s@sender.example> BODY=8BITMIME\r\nRCPT TO:<a@x.example>\r\nDATA\r\n");
    let content = b"Subject: \xc3\xa4\r\n\r\n\x80\xff\xe4\r\n";
    assert_eq!(
        session.say_bytes(&[content, &b".\r\n"[..]].concat()),
        "250 2.0.0"
    );
    assert_eq!(session.content(), content);
    assert_eq!(session.taken[0].0.envelope.body, BodyKind::EightBitMime);
}

/// RFC 8689 §3: who does not announce it refuses the parameter, and never keeps half of the promise.
#[test]
fn in23_out17_requiretls_is_neither_offered_nor_taken_so_nothing_is_owed() {
    let mut session = Session::open();
    session.say("EHLO sender.example\r\n");
    assert!(!String::from_utf8_lossy(&session.said).contains("REQUIRETLS"));
    let said = "MAIL FROM:<s@sender.example> REQUIRETLS\r\n";
    assert_eq!(session.say(said), "555 5.5.4");
}

#[test]
fn in29_xclient_and_xforward_are_off() {
    let mut session = Session::open();
    let said = "XCLIENT ADDR=192.0.2.9\r\nXFORWARD ADDR=192.0.2.9\r\n";
    assert_eq!(session.say(said), "502 5.5.1|502 5.5.1");
    assert_eq!(session.server.client().ip.to_string(), "192.0.2.7");
}
