use super::*;
use proptest::prelude::*;
use storage::model::BodyKind;

const HOST: &str = "mx.example.net";
const LIMIT: u64 = 2000;

/// Drives a server as a shell does and keeps what came out of it.
struct Session {
    server: Server,
    input: BytesMut,
    said: Vec<u8>,
    body: Option<Vec<u8>>,
    taken: Vec<(Submission, Vec<u8>)>,
    ids: u32,
    admission: Admission,
    commit: Commit,
    is_closed: bool,
    tls_wanted: bool,
}

impl Session {
    fn new() -> Self {
        let config = ServerConfig {
            hostname: HOST.to_owned(),
            message_size_max: LIMIT,
            starttls: true,
        };
        let client = ClientFacts {
            ip: "192.0.2.7".parse().unwrap(),
            helo: String::new(),
            reverse_name: None,
            tls_version: None,
            tls_cipher: None,
            authenticated_sender: false,
        };
        Self {
            server: Server::new(Arc::new(config), client),
            input: BytesMut::new(),
            said: Vec::new(),
            body: None,
            taken: Vec::new(),
            ids: 0,
            admission: Admission::Open,
            commit: Commit::Stored,
            is_closed: false,
            tls_wanted: false,
        }
    }

    /// Greeted and introduced.
    fn open() -> Self {
        let mut session = Self::new();
        session.server.greet(false);
        session.run();
        session.say("EHLO sender.example\r\n");
        session.said.clear();
        session
    }

    /// With a sender and a recipient.
    fn in_transaction() -> Self {
        let mut session = Self::open();
        let codes = session.say("MAIL FROM:<s@sender.example>\r\nRCPT TO:<a@x.example>\r\n");
        assert_eq!(codes, "250 2.1.0|250 2.1.5");
        session
    }

    /// Hands bytes over and returns the codes of the replies, joined by `|`.
    fn say(&mut self, text: &str) -> String {
        self.say_bytes(text.as_bytes())
    }

    fn say_bytes(&mut self, bytes: &[u8]) -> String {
        self.said.clear();
        self.input.extend_from_slice(bytes);
        self.run();
        self.codes()
    }

    fn codes(&self) -> String {
        let text = String::from_utf8(self.said.clone()).unwrap();
        let lines = text.split_terminator("\r\n");
        let last_lines = lines.filter(|line| line.as_bytes().get(3) == Some(&b' '));
        let code = |line: &str| {
            let mut words = line.splitn(3, ' ');
            let code = words.next().unwrap().to_owned();
            match words
                .next()
                .filter(|word| word.split('.').count() == 3 && !word.contains("example"))
            {
                Some(enhanced) => format!("{code} {enhanced}"),
                None => code,
            }
        };
        last_lines.map(code).collect::<Vec<_>>().join("|")
    }

    fn run(&mut self) {
        while let Some(effect) = self.server.step(&mut self.input) {
            assert!(!self.is_closed, "{effect:?} after the end");
            match effect {
                Effect::Send(reply) => reply.write_to(&mut self.said),
                Effect::CheckSender { .. } => self.server.sender_checked(self.admission),
                Effect::CheckRecipient(path) => {
                    self.server.recipient_checked(&verdict(&path));
                }
                Effect::OpenBody => {
                    assert!(self.body.is_none(), "two bodies at once");
                    self.body = Some(Vec::new());
                    self.ids += 1;
                    let at = Timestamp::from_millis(1_795_325_696_007);
                    self.server
                        .body_opened(MessageId::from_parts(at, 0, self.ids), at);
                }
                Effect::Body(bytes) => self.body.as_mut().unwrap().extend_from_slice(&bytes),
                Effect::DropBody => assert!(self.body.take().is_some()),
                Effect::Commit(submission) => {
                    let body = self.body.take().unwrap();
                    if self.commit == Commit::Stored {
                        self.taken.push((*submission, body));
                    }
                    self.server.committed(self.commit.clone());
                }
                Effect::StartTls => self.tls_wanted = true,
                Effect::Close => self.is_closed = true,
            }
        }
    }

    /// The content of the only message taken, without our trace field.
    fn content(&self) -> &[u8] {
        let [(_, body)] = &self.taken[..] else {
            panic!("{} messages", self.taken.len());
        };
        without_trace(body)
    }
}

fn without_trace(body: &[u8]) -> &[u8] {
    assert!(body.starts_with(b"Received: from "));
    let date_end = memchr::memmem::find(body, b" +0000\r\n").unwrap();
    &body[date_end + 8..]
}

fn verdict(path: &ForwardPath) -> RecipientVerdict {
    match path {
        ForwardPath::Postmaster => RecipientVerdict::Accepted,
        ForwardPath::Mailbox(mailbox) if mailbox.domain().as_str() != "x.example" => {
            RecipientVerdict::ForeignDomain
        }
        ForwardPath::Mailbox(mailbox) if mailbox.key() == "unknown" => RecipientVerdict::Unknown,
        ForwardPath::Mailbox(mailbox) if mailbox.key() == "later" => RecipientVerdict::Unavailable,
        ForwardPath::Mailbox(_) => RecipientVerdict::Accepted,
    }
}

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
    assert_eq!(session.say("RCPT TO:<unknown@x.example>\r\n"), "550 5.1.1");
    assert_eq!(session.say("RCPT TO:<later@x.example>\r\n"), "451 4.3.0");
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
fn in14_q29_plaintext_behind_starttls_ends_the_session() {
    let mut session = Session::open();
    assert_eq!(session.say("STARTTLS\r\nMAIL FROM:<>\r\n"), "554 5.5.0");
    assert!(session.is_closed && !session.tls_wanted);
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
fn q31_twenty_errors_end_the_session() {
    let mut session = Session::open();
    for _ in 0..19 {
        assert_eq!(session.say("FOO\r\n"), "500 5.5.1");
    }
    assert_eq!(session.say("FOO\r\nNOOP\r\n"), "500 5.5.1|421 4.7.0");
    assert!(session.is_closed);
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

fn any_dialogue() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop::sample::select(vec![
        "EHLO a\r\n",
        "MAIL FROM:<s@y.example>\r\n",
        "RCPT TO:<a@x.example>\r\n",
        "DATA\r\n",
        "x\r\n.\r\n",
        "\r\n.\r\n",
        ".\r\n",
        "BDAT 5\r\n",
        "BDAT 2 LAST\r\n",
        "BDAT 0 LAST\r\n",
        "RSET\r\n",
        "NOOP\r\n",
        "QUIT\r\n",
        "\n",
        "\r",
        "\0",
        "..\r\n",
        "abc",
        "MAIL FROM:<>\r\nRCPT TO:<a@x.example>\r\n",
        "STARTTLS\r\n",
        "\r\n.\n",
        "\n.\r\n",
        "FOO\r\n",
    ]);
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat().into_bytes())
}

/// What an observer sees: replies and messages.
fn observe(pieces: &[&[u8]]) -> (Vec<u8>, Vec<Vec<u8>>) {
    let mut session = Session::open();
    let mut said = Vec::new();
    for piece in pieces {
        session.say_bytes(piece);
        said.extend_from_slice(&session.said);
    }
    let bodies = session.taken.into_iter().map(|(_, body)| body).collect();
    (said, bodies)
}

proptest! {
    /// Packets do not matter, apart from what must not be pipelined (EHLO, STARTTLS).
    #[test]
    fn q28_a_split_at_every_octet_changes_nothing(dialogue in any_dialogue()) {
        let text = String::from_utf8_lossy(&dialogue).into_owned();
        prop_assume!(!text.contains("EHLO") && !text.contains("STARTTLS"));
        let whole = observe(&[&dialogue]);
        let octets: Vec<&[u8]> = dialogue.chunks(1).collect();
        prop_assert_eq!(observe(&octets), whole.clone());
        for cut in 0..dialogue.len() {
            let (left, right) = dialogue.split_at(cut);
            prop_assert_eq!(observe(&[left, right]), whole.clone());
        }
    }

    /// Whatever arrives: no panic, no message with a bare CR, LF or NUL, one reply line at least
    /// 4 octets long and clean, and memory for unread input stays bounded.
    #[test]
    fn q28_no_input_breaks_a_session(pieces in prop::collection::vec(prop_oneof![
        any_dialogue(),
        prop::collection::vec(any::<u8>(), 0..400),
    ], 0..6)) {
        let pieces: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
        let (said, bodies) = observe(&pieces);
        let mut guard = super::super::crlf::CrlfGuard::default();
        prop_assert!(guard.check(&said).is_ok() && guard.is_at_line_start());
        for body in bodies {
            let mut guard = super::super::crlf::CrlfGuard::default();
            prop_assert!(guard.check(&body).is_ok() && guard.is_at_line_start());
        }
    }
}
