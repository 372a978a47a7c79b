//! DATA and BDAT: what is content, what is refused, what is committed.

use super::*;

#[test]
fn in5_q28_smuggled_commands_are_content_of_a_refused_message() {
    for sequence in [
        "\n.\n",
        "\n.\r\n",
        "\r.\r",
        "\r\n.\n",
        "\r\n.\r",
        "\r\r\n.\r\r\n",
        "\0\r\n.\n",
    ] {
        let mut session = Session::in_transaction();
        let smuggled = format!(
            "DATA\r\nSubject: a\r\n\r\nx{sequence}MAIL FROM:<evil@x.example>\r\nRCPT TO:<a@x.example>\r\nDATA\r\ny\r\n.\r\n"
        );
        assert_eq!(session.say(&smuggled), "354|550 5.6.0", "{sequence:?}");
        assert!(session.taken.is_empty() && session.body.is_none());
        assert_eq!(session.say("NOOP\r\n"), "250 2.0.0");
    }
}

#[test]
fn in5_bdat_content_is_checked_the_same_way() {
    for content in ["a\nb\r\n", "a\rb\r\n", "a\0b\r\n", "a\r\n.\nb", "a\r"] {
        let mut session = Session::in_transaction();
        let chunk = format!("BDAT {} LAST\r\n{content}", content.len());
        assert_eq!(session.say(&chunk), "550 5.6.0", "{content:?}");
        assert!(session.taken.is_empty() && session.body.is_none());
        assert_eq!(session.say("NOOP\r\n"), "250 2.0.0");
    }
}

#[test]
fn in5_a_command_behind_a_bare_line_feed_does_not_run() {
    let mut session = Session::open();
    assert_eq!(session.say("NOOP\nQUIT\r\n"), "500 5.5.2");
    assert_eq!(session.say("NO\rOP\r\nNOOP\r\n"), "500 5.5.2|250 2.0.0");
    assert_eq!(session.say("NOOP\0\r\n"), "500 5.5.2");
    assert_eq!(
        session.say(&format!("NOOP {}\r\n", "x".repeat(3000))),
        "500 5.5.2"
    );
    assert!(!session.is_closed);
}

#[test]
fn in6_the_message_arrives_octet_for_octet() {
    let mut session = Session::in_transaction();
    session.say("DATA\r\n");
    session.say("..a\r\nSubject: x\r\n\r\n.\u{e9}\r\n..\r\n\r\nend\r\n.\r\n");
    assert_eq!(
        session.content(),
        ".a\r\nSubject: x\r\n\r\n\u{e9}\r\n.\r\n\r\nend\r\n".as_bytes()
    );
    assert_eq!(session.taken[0].0.envelope.body, BodyKind::EightBitMime);
    let mut session = Session::in_transaction();
    assert_eq!(session.say("DATA\r\n.\r\n"), "354|250 2.0.0");
    assert_eq!(session.content(), b"");
}

#[test]
fn in7_one_trace_field_stands_in_front() {
    let mut session = Session::in_transaction();
    session.say("DATA\r\nSubject: x\r\n\r\ny\r\n.\r\n");
    let (submission, body) = &session.taken[0];
    let text = String::from_utf8(body.clone()).unwrap();
    assert!(text.starts_with(
        "Received: from sender.example ([192.0.2.7])\r\n\tby mx.example.net with ESMTP id "
    ));
    assert!(text.contains(&submission.id.to_string()) && text.contains("for <a@x.example>;"));
    assert_eq!(&submission.header[..], b"Subject: x\r\n");
    assert!(!text.contains("Return-Path"));
}

#[test]
fn in8_loops_end() {
    let mut session = Session::in_transaction();
    let hops = "Received: a\r\n".repeat(101);
    assert_eq!(
        session.say(&format!("DATA\r\n{hops}\r\n.\r\n")),
        "354|554 5.4.6"
    );
    let stamp = "Received: from a\r\n\tby MX.example.net with SMTP; x\r\n";
    let mut session = Session::in_transaction();
    assert_eq!(
        session.say(&format!("DATA\r\n{}\r\n.\r\n", stamp.repeat(3))),
        "354|554 5.4.6"
    );
    assert!(session.taken.is_empty() && session.body.is_none());
    let mut session = Session::in_transaction();
    assert_eq!(
        session.say(&format!("DATA\r\n{}\r\n.\r\n", stamp.repeat(2))),
        "354|250 2.0.0"
    );
}

#[test]
fn in10_no_250_without_a_commit() {
    for (commit, codes) in [
        (Commit::Failed, "354|451 4.3.0"),
        (Commit::Full, "354|452 4.3.1"),
        (
            Commit::Refused(Reply::new(550, (7, 1), "no")),
            "354|550 5.7.1",
        ),
    ] {
        let mut session = Session::in_transaction();
        session.commit = commit;
        assert_eq!(session.say("DATA\r\nx\r\n.\r\n"), codes);
        assert!(!session.server.is_in_transaction());
    }
}

#[test]
fn a_sender_that_never_stops_is_cut_off() {
    let mut session = Session::in_transaction();
    session.say("DATA\r\n");
    for _ in 0..3 {
        session.say(&"x".repeat(1500));
    }
    assert_eq!(session.codes(), "552 5.3.4");
    assert!(session.is_closed);
    let mut session = Session::in_transaction();
    assert_eq!(session.say("BDAT 18446744073709551615\r\nx"), "");
    assert_eq!(session.say(&"x".repeat(2500)), "552 5.3.4");
    assert!(session.is_closed);
}

#[test]
fn in15_chunks_make_one_message() {
    let mut session = Session::in_transaction();
    assert_eq!(session.say("BDAT 12\r\nSubject: x\r\n"), "250 2.0.0");
    assert_eq!(
        session.say("BDAT 3\r\n\r\n.BDAT 3 LAST\r\n\r\nx"),
        "250 2.0.0|250 2.0.0"
    );
    assert_eq!(session.content(), b"Subject: x\r\n\r\n.\r\nx\r\n");
    assert_eq!(
        session.say("MAIL FROM:<>\r\nRCPT TO:<a@x.example>\r\nBDAT 0 LAST\r\n"),
        "250 2.1.0|250 2.1.5|250 2.0.0"
    );
}

#[test]
fn in15_order_of_chunks_and_other_commands() {
    let mut session = Session::open();
    assert_eq!(
        session.say("BDAT 4 LAST\r\nQUITNOOP\r\n"),
        "503 5.5.1|250 2.0.0"
    );
    let mut session = Session::in_transaction();
    assert_eq!(
        session.say("BDAT 3\r\na\r\nDATA\r\n"),
        "250 2.0.0|503 5.5.1"
    );
    assert_eq!(
        session.say("RCPT TO:<b@x.example>\r\nMAIL FROM:<>\r\n"),
        "503 5.5.1|503 5.5.1"
    );
    assert_eq!(
        session.say("RSET\r\nBDAT 3 LAST\r\na\r\n"),
        "250 2.0.0|503 5.5.1"
    );
    assert!(session.taken.is_empty() && session.body.is_none());
    // After a refused chunk the next ones are swallowed until RSET.
    let mut session = Session::in_transaction();
    assert_eq!(
        session.say("BDAT 3\r\na\nbBDAT 3 LAST\r\nc\r\nRSET\r\n"),
        "550 5.6.0|503 5.5.1|250 2.0.0"
    );
    assert!(session.taken.is_empty());
}

#[test]
fn out11_smtputf8_is_kept_only_when_needed() {
    for (line, text, kept) in [
        (
            "MAIL FROM:<s@sender.example> SMTPUTF8\r\n",
            "Subject: x",
            false,
        ),
        (
            "MAIL FROM:<s@sender.example> SMTPUTF8\r\n",
            "Subject: \u{e4}",
            true,
        ),
        (
            "MAIL FROM:<\u{e4}@sender.example> SMTPUTF8\r\n",
            "Subject: x",
            true,
        ),
        ("MAIL FROM:<s@sender.example>\r\n", "Subject: \u{e4}", false),
    ] {
        let mut session = Session::open();
        session.say(line);
        session.say(&format!(
            "RCPT TO:<a@x.example>\r\nDATA\r\n{text}\r\n\r\ny\r\n.\r\n"
        ));
        assert_eq!(session.taken[0].0.envelope.smtputf8, kept, "{line} {text}");
    }
}

#[test]
fn in18_dsn_parameters_are_kept() {
    let mut session = Session::open();
    session.say("MAIL FROM:<s@sender.example> RET=FULL ENVID=e1\r\nRCPT TO:<a@x.example> NOTIFY=NEVER ORCPT=rfc822;o@y.example\r\n");
    session.say("DATA\r\nx\r\n.\r\n");
    let envelope = &session.taken[0].0.envelope;
    assert_eq!(envelope.dsn_return, Some(DsnReturn::Full));
    assert_eq!(envelope.envelope_id.as_deref(), Some("e1"));
    assert!(envelope.recipients[0].notify.unwrap().never);
    assert_eq!(
        envelope.recipients[0].original.as_deref(),
        Some("rfc822;o@y.example")
    );
}

#[test]
fn q31_a_header_section_beyond_its_limit_is_refused() {
    let mut session = Session::in_transaction();
    let config = ServerConfig {
        message_size_max: 1 << 20,
        ..ServerConfig::clone(&session.server.config)
    };
    session.server.config = Arc::new(config);
    session.say("DATA\r\n");
    assert_eq!(
        session.say(&format!("{}\r\n.\r\n", "X: y\r\n".repeat(50_000))),
        "552 5.3.4"
    );
    assert!(session.body.is_none());
}
