//! Greeting, order, limits and the end of a session.

use super::*;

#[test]
fn in1_one_greeting_with_our_name() {
    let mut session = Session::new();
    session.server.greet(false);
    session.run();
    assert_eq!(session.said, b"220 mx.example.net ESMTP\r\n");
}

#[test]
fn in1_a_peer_that_speaks_first_or_does_not_wait_for_ehlo_is_sent_away() {
    let mut session = Session::new();
    session.server.greet(true);
    session.run();
    assert_eq!(session.codes(), "554 5.5.0");
    assert!(session.is_closed);
    let mut session = Session::new();
    session.server.greet(false);
    session.run();
    assert_eq!(session.say("EHLO a\r\nMAIL FROM:<>\r\n"), "554 5.5.0");
    assert!(session.is_closed);
}

#[test]
fn in2_ehlo_lists_what_we_can_and_resets_the_transaction() {
    let mut session = Session::in_transaction();
    session.say("EHLO sender.example\r\n");
    let text = String::from_utf8(session.said.clone()).unwrap();
    for extension in [
        "PIPELINING",
        "SIZE 2000",
        "8BITMIME",
        "SMTPUTF8",
        "CHUNKING",
        "DSN",
        "ENHANCEDSTATUSCODES",
        "STARTTLS",
    ] {
        assert!(
            text.contains(&format!("250-{extension}\r\n"))
                || text.contains(&format!("250 {extension}\r\n")),
            "{extension}"
        );
    }
    assert!(!text.contains("AUTH") && !text.contains("BINARYMIME"));
    assert_eq!(session.say("RCPT TO:<a@x.example>\r\n"), "503 5.5.1");
    assert_eq!(session.say("HELO [192.0.2.9]\r\n"), "250");
    assert_eq!(session.say("MAIL FROM:<>\r\n"), "250 2.1.0");
}

#[test]
fn in4_silence_ends_the_session_and_drops_what_was_begun() {
    let mut session = Session::in_transaction();
    session.say("DATA\r\nhalf a message\r\n");
    session.said.clear();
    session.server.idle_timeout();
    session.run();
    assert_eq!(session.codes(), "421 4.4.2");
    assert!(session.is_closed && session.body.is_none() && session.taken.is_empty());
}

#[test]
fn in14_a_burst_is_answered_in_order() {
    let mut session = Session::open();
    let burst = "MAIL FROM:<s@sender.example>\r\nRCPT TO:<a@x.example>\r\nRCPT TO:<unknown@x.example>\r\n\
        DATA\r\n";
    assert_eq!(session.say(burst), "250 2.1.0|250 2.1.5|550 5.1.1|354");
    // What follows the end of the data is commands again.
    assert_eq!(
        session.say("x\r\n.\r\nRSET\r\nNOOP\r\nQUIT\r\nNOOP\r\n"),
        "250 2.0.0|250 2.0.0|250 2.0.0|221 2.0.0"
    );
    assert!(session.is_closed);
}

#[test]
fn in14_q29_plaintext_behind_starttls_ends_the_session() {
    let mut session = Session::open();
    assert_eq!(session.say("STARTTLS\r\nMAIL FROM:<>\r\n"), "554 5.5.0");
    assert!(session.is_closed && !session.tls_wanted);
}

#[test]
fn in19_every_reply_but_greeting_ehlo_and_354_has_an_enhanced_code() {
    let mut session = Session::open();
    for line in [
        "NOOP",
        "RSET",
        "HELP",
        "VRFY x",
        "EXPN x",
        "FOO",
        "MAIL FROM:<>",
        "MAIL FROM:<>",
        "RCPT TO:<a@x.example>",
        "RCPT TO:<a@y.example>",
        "RSET x",
        "MAIL",
        "BDAT x",
        "DATA x",
        "MAIL FROM:<> FOO=1",
        "RCPT TO:<@a:b@c>",
        "QUIT",
    ] {
        let codes = session.say(&format!("{line}\r\n"));
        assert_eq!(codes.split(' ').count(), 2, "{line}: {codes}");
    }
}

#[test]
fn in20_starttls_forgets_the_session() {
    let mut session = Session::in_transaction();
    assert_eq!(session.say("STARTTLS\r\n"), "220 2.0.0");
    assert!(session.tls_wanted);
    session.server.tls_established(TlsFacts {
        version: "TLSv1.3".to_owned(),
        cipher: "TLS13_AES_256_GCM_SHA384".to_owned(),
    });
    assert_eq!(session.say("MAIL FROM:<>\r\n"), "503 5.5.1");
    session.say("EHLO sender.example\r\n");
    assert!(!String::from_utf8_lossy(&session.said).contains("STARTTLS"));
    assert_eq!(session.say("STARTTLS\r\n"), "503 5.5.1");
    session.say("MAIL FROM:<>\r\nRCPT TO:<a@x.example>\r\nDATA\r\nx\r\n.\r\n");
    assert!(String::from_utf8_lossy(&session.taken[0].1).contains("with ESMTPS id"));
}

#[test]
fn in24_auth_is_not_offered() {
    let mut session = Session::open();
    assert_eq!(session.say("AUTH PLAIN AGEAYg==\r\n"), "502 5.5.1");
}

#[test]
fn q31_twenty_errors_end_the_session() {
    let mut session = Session::open();
    for _ in 0..19 {
        assert_eq!(session.say("FOO\r\n"), "500 5.5.1");
    }
    assert_eq!(session.say("FOO\r\nNOOP\r\n"), "500 5.5.1|421 4.7.0");
    assert!(session.is_closed);
}

#[test]
fn a_web_browser_is_sent_away() {
    let mut session = Session::new();
    session.server.greet(false);
    session.run();
    assert_eq!(
        session.say("POST / HTTP/1.1\r\nHost: x\r\n\r\nMAIL FROM:<>\r\n"),
        "221 2.7.0"
    );
    assert!(session.is_closed);
}

#[test]
fn commands_out_of_order_are_refused() {
    let mut session = Session::new();
    session.server.greet(false);
    session.run();
    assert_eq!(session.say("MAIL FROM:<>\r\n"), "503 5.5.1");
    assert_eq!(session.say("STARTTLS\r\n"), "503 5.5.1");
    let mut session = Session::open();
    assert_eq!(
        session.say("DATA\r\nRCPT TO:<a@x.example>\r\n"),
        "503 5.5.1|503 5.5.1"
    );
    assert_eq!(
        session.say("MAIL FROM:<>\r\nMAIL FROM:<>\r\n"),
        "250 2.1.0|503 5.5.1"
    );
    assert_eq!(session.say("DATA\r\n"), "503 5.5.1");
}
