use super::*;
use proptest::prelude::*;
use storage::model::{BodyKind, DsnNotify, DsnReturn, ForwardPath, Recipient, ReversePath};

mod xforward;

const BODY: &[u8] = b"Subject: hi\r\n\r\n.dot\r\nend\r\n";
const STUFFED: &str = "Subject: hi\r\n\r\n..dot\r\nend\r\n.\r\n";
const EHLO_ALL: &str = "250-mx.example\r\n250-PIPELINING\r\n250-SIZE 1000000\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 DSN\r\n";

fn options() -> Options {
    Options {
        helo_name: "relay.example".to_owned(),
        starttls: StartTls::Never,
        chunking: true,
        pipelining: true,
        login: None,
        eight_bit_only_where_offered: false,
    }
}

fn to(recipients: &[&str]) -> Transaction {
    Transaction {
        reverse_path: "alice@sender.example".parse().unwrap(),
        recipients: recipients
            .iter()
            .map(|text| Recipient::new(text.parse().unwrap()))
            .collect(),
        size_bytes: BODY.len() as u64,
        body: BodyKind::SevenBit,
        smtputf8: false,
        dsn_return: None,
        envelope_id: None,
        origin: None,
    }
}

/// Carries out a dialogue the way a shell does: feeds replies, sends the body when it is wanted.
struct Dialogue {
    client: Client,
    outcomes: Vec<Outcome>,
    ending: Option<Ending>,
    enquired: Vec<Option<u16>>,
    ready: u32,
    tls_wanted: bool,
}

impl Dialogue {
    fn new(options: Options) -> Self {
        Self {
            client: Client::new(options),
            outcomes: Vec::new(),
            ending: None,
            enquired: Vec::new(),
            ready: 0,
            tls_wanted: false,
        }
    }

    fn open(ehlo: &str) -> Self {
        let mut dialogue = Self::new(options());
        dialogue.hears("220 mx.example ESMTP\r\n", "EHLO relay.example\r\n");
        dialogue.hears(ehlo, "");
        assert_eq!(dialogue.ready, 1);
        dialogue
    }

    /// The peer says this; then the client is expected to say that.
    fn hears(&mut self, reply: &str, then: &str) {
        self.client.receive(reply.as_bytes());
        assert_eq!(self.said(), then, "after {reply:?}");
    }

    fn begins(&mut self, transaction: Transaction, then: &str) {
        self.client.begin(transaction);
        assert_eq!(self.said(), then);
    }

    fn said(&mut self) -> String {
        while let Some(event) = self.client.next_event() {
            match event {
                Event::Ready => self.ready += 1,
                Event::StartTls => self.tls_wanted = true,
                Event::BodyWanted => {
                    self.client.body(Bytes::from_static(BODY)).unwrap();
                    self.client.end_body().unwrap();
                }
                Event::Finished(outcome) => self.outcomes.push(outcome),
                Event::Ended(ending) => self.ending = Some(ending),
                Event::Enquired(reply) => self.enquired.push(reply.map(|reply| reply.code)),
            }
        }
        let mut said = Vec::new();
        while let Some(bytes) = self.client.take_output() {
            said.extend_from_slice(&bytes);
        }
        String::from_utf8(said).unwrap()
    }

    fn last(&self) -> &Outcome {
        self.outcomes.last().unwrap()
    }

    fn refusals(&self) -> Vec<Option<(Phase, u16)>> {
        let refusal = |result: &RecipientResult| match result {
            RecipientResult::Refused { phase, reply } => Some((*phase, reply.code)),
            _ => None,
        };
        self.last().recipients.iter().map(refusal).collect()
    }

    fn delivered(&self) -> Vec<bool> {
        let delivered = |result: &RecipientResult| matches!(result, RecipientResult::Delivered(_));
        self.last().recipients.iter().map(delivered).collect()
    }
}

#[test]
fn out6_envelope_and_data_are_one_flight_where_offered() {
    let mut dialogue = Dialogue::open(EHLO_ALL);
    dialogue.begins(
        to(&["a@x.example", "b@x.example"]),
        "MAIL FROM:<alice@sender.example> SIZE=26\r\nRCPT TO:<a@x.example>\r\nRCPT TO:<b@x.example>\r\nDATA\r\n",
    );
    dialogue.hears("250 ok\r\n250 ok\r\n550 5.1.1 who\r\n", "");
    assert_eq!(dialogue.client.phase(), Phase::Data);
    dialogue.hears("354 go\r\n", STUFFED);
    assert_eq!(dialogue.client.phase(), Phase::FinalReply);
    dialogue.hears("250 2.0.0 taken\r\n", "");
    assert_eq!(dialogue.delivered(), [true, false]);
    assert_eq!(dialogue.refusals(), [None, Some((Phase::Rcpt, 550))]);
    assert_eq!(dialogue.ready, 2);
    // OUT20: the transaction ended well, so the next one needs no RSET.
    dialogue.begins(
        to(&["a@x.example"]),
        "MAIL FROM:<alice@sender.example> SIZE=26\r\nRCPT TO:<a@x.example>\r\nDATA\r\n",
    );
}

#[test]
fn out6_a_lone_dot_when_nobody_was_accepted_and_354_came() {
    let mut dialogue = Dialogue::open(EHLO_ALL);
    dialogue.client.begin(to(&["a@x.example"]));
    dialogue.said();
    dialogue.hears("250 ok\r\n550 5.1.1 who\r\n354 go\r\n", ".\r\n");
    dialogue.hears("554 5.5.1 nobody\r\n", "");
    assert_eq!(dialogue.refusals(), [Some((Phase::Rcpt, 550))]);
    assert!(!dialogue.last().body_begun);
    assert_eq!(dialogue.ready, 2);
}

#[test]
fn without_pipelining_one_command_at_a_time() {
    let mut dialogue = Dialogue::open("250 mx.example\r\n");
    dialogue.begins(
        to(&["a@x.example", "b@x.example"]),
        "MAIL FROM:<alice@sender.example>\r\n",
    );
    dialogue.hears("250 ok\r\n", "RCPT TO:<a@x.example>\r\n");
    dialogue.hears("452 4.5.3 later\r\n", "RCPT TO:<b@x.example>\r\n");
    dialogue.hears("250 ok\r\n", "DATA\r\n");
    dialogue.hears("354 go\r\n", STUFFED);
    dialogue.hears("250 taken\r\n", "");
    assert_eq!(dialogue.delivered(), [false, true]);
}

#[test]
fn out20_reset_only_after_an_aborted_transaction() {
    let mut dialogue = Dialogue::open("250 mx.example\r\n");
    dialogue.begins(to(&["a@x.example"]), "MAIL FROM:<alice@sender.example>\r\n");
    dialogue.hears("250 ok\r\n", "RCPT TO:<a@x.example>\r\n");
    dialogue.hears("550 no\r\n", "");
    dialogue.begins(
        to(&["b@x.example"]),
        "RSET\r\nMAIL FROM:<alice@sender.example>\r\n",
    );
    dialogue.hears("250 ok\r\n", "");
    dialogue.hears("450 4.7.1 greylisted\r\n", "");
    assert_eq!(dialogue.refusals(), [Some((Phase::Mail, 450))]);
    dialogue.begins(to(&["b@x.example"]), "MAIL FROM:<alice@sender.example>\r\n");
}

#[test]
fn out7_small_bodies_travel_with_the_envelope_by_bdat() {
    let mut dialogue = Dialogue::open("250-mx\r\n250-PIPELINING\r\n250 CHUNKING\r\n");
    let body = String::from_utf8(BODY.to_vec()).unwrap();
    dialogue.begins(
        to(&["a@x.example"]),
        &format!(
            "MAIL FROM:<alice@sender.example>\r\nRCPT TO:<a@x.example>\r\nBDAT 26 LAST\r\n{body}"
        ),
    );
    dialogue.hears("250 ok\r\n250 ok\r\n", "");
    dialogue.hears("250 taken\r\n", "");
    assert_eq!(dialogue.delivered(), [true]);
}

#[test]
fn out7_large_bodies_wait_for_a_recipient() {
    let mut dialogue = Dialogue::open("250-mx\r\n250-PIPELINING\r\n250 CHUNKING\r\n");
    let mut large = to(&["a@x.example"]);
    large.size_bytes = 1_000_000;
    dialogue.begins(
        large.clone(),
        "MAIL FROM:<alice@sender.example>\r\nRCPT TO:<a@x.example>\r\n",
    );
    dialogue.hears("250 ok\r\n550 no\r\n", "");
    assert_eq!(dialogue.refusals(), [Some((Phase::Rcpt, 550))]);
    dialogue.client.begin(large);
    dialogue.said();
    dialogue
        .client
        .receive(b"250 reset\r\n250 ok\r\n250 ok\r\n");
    assert_eq!(dialogue.client.next_event(), Some(Event::BodyWanted));
    assert_eq!(dialogue.client.phase(), Phase::Body);
    assert_eq!(dialogue.said(), "BDAT 1000000 LAST\r\n");
}

#[test]
fn out7_a_refused_bdat_is_followed_by_reset() {
    let mut dialogue = Dialogue::open("250-mx\r\n250-PIPELINING\r\n250 CHUNKING\r\n");
    dialogue.client.begin(to(&["a@x.example"]));
    dialogue.said();
    dialogue.hears("250 ok\r\n550 5.1.1 who\r\n503 5.5.1 nobody\r\n", "");
    assert_eq!(dialogue.refusals(), [Some((Phase::Rcpt, 550))]);
    dialogue.client.begin(to(&["a@x.example"]));
    assert!(dialogue.said().starts_with("RSET\r\nMAIL"));
}

#[test]
fn out5_helo_after_a_5yz_to_ehlo_but_not_after_421() {
    let mut dialogue = Dialogue::new(options());
    dialogue.hears("220 old.example\r\n", "EHLO relay.example\r\n");
    dialogue.hears("502 what\r\n", "HELO relay.example\r\n");
    dialogue.hears("250 old.example\r\n", "");
    assert_eq!(dialogue.ready, 1);
    let mut dialogue = Dialogue::new(options());
    dialogue.hears("220 mx\r\n", "EHLO relay.example\r\n");
    dialogue.hears("421 4.3.2 busy\r\n", "");
    let ending = dialogue.ending.unwrap();
    assert_eq!(ending.phase, Phase::Ehlo);
    assert!(matches!(ending.cause, Cause::Refused(reply) if reply.code == 421));
}

#[test]
fn out14_starttls_forgets_what_was_learnt_in_clear() {
    let mut dialogue = Dialogue::new(Options {
        starttls: StartTls::WhenOffered,
        ..options()
    });
    dialogue.hears("220 mx\r\n", "EHLO relay.example\r\n");
    dialogue.hears(
        "250-mx\r\n250-PIPELINING\r\n250 STARTTLS\r\n",
        "STARTTLS\r\n",
    );
    dialogue.hears("220 go\r\n", "");
    assert!(dialogue.tls_wanted);
    assert_eq!(dialogue.client.phase(), Phase::TlsHandshake);
    dialogue.client.tls_established();
    assert_eq!(dialogue.said(), "EHLO relay.example\r\n");
    dialogue.hears("250 mx\r\n", "");
    assert_eq!(dialogue.ready, 1);
    assert!(!dialogue.client.capabilities().pipelining);
    assert!(dialogue.client.is_encrypted());
}

#[test]
fn q29_plaintext_behind_the_answer_to_starttls_ends_the_connection() {
    for injected in ["220 go\r\n250 x\r\n", "220 go\r\n2"] {
        let mut dialogue = Dialogue::new(Options {
            starttls: StartTls::Always,
            ..options()
        });
        dialogue.hears("220 mx\r\n", "EHLO relay.example\r\n");
        dialogue.hears("250-mx\r\n250 STARTTLS\r\n", "STARTTLS\r\n");
        dialogue.hears(injected, "");
        assert_eq!(dialogue.ending.unwrap().cause, Cause::PlaintextInjected);
    }
}

#[test]
fn out14_demanded_tls_that_is_missing_or_refused_ends_the_connection() {
    let always = Options {
        starttls: StartTls::Always,
        ..options()
    };
    let mut dialogue = Dialogue::new(always.clone());
    dialogue.hears("220 mx\r\n", "EHLO relay.example\r\n");
    dialogue.hears("250 mx\r\n", "");
    assert_eq!(dialogue.ending.unwrap().cause, Cause::TlsNotOffered);
    let mut dialogue = Dialogue::new(always);
    dialogue.hears("220 mx\r\n", "EHLO relay.example\r\n");
    dialogue.hears("250-mx\r\n250 STARTTLS\r\n", "STARTTLS\r\n");
    dialogue.hears("454 4.7.0 later\r\n", "");
    assert_eq!(dialogue.ending.unwrap().phase, Phase::StartTls);
}

#[test]
fn refused_starttls_goes_on_in_clear_when_encryption_is_only_welcome() {
    let mut dialogue = Dialogue::new(Options {
        starttls: StartTls::WhenOffered,
        ..options()
    });
    dialogue.hears("220 mx\r\n", "EHLO relay.example\r\n");
    dialogue.hears("250-mx\r\n250 STARTTLS\r\n", "STARTTLS\r\n");
    dialogue.hears("454 4.7.0 later\r\n", "");
    assert_eq!(dialogue.ready, 1);
}

#[test]
fn parameters_go_only_to_peers_that_understand_them() {
    let mut transaction = to(&["a@x.example"]);
    transaction.body = BodyKind::EightBitMime;
    transaction.dsn_return = Some(DsnReturn::Headers);
    transaction.envelope_id = Some("a b".to_owned());
    transaction.recipients[0].notify = Some(DsnNotify {
        never: false,
        success: true,
        failure: false,
        delay: true,
    });
    transaction.recipients[0].original = Some("rfc822;o+x@x.example".to_owned());
    let mut dialogue = Dialogue::open(EHLO_ALL);
    dialogue.begins(
        transaction.clone(),
        "MAIL FROM:<alice@sender.example> SIZE=26 BODY=8BITMIME RET=HDRS ENVID=a+20b\r\n\
         RCPT TO:<a@x.example> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;o+2Bx@x.example\r\nDATA\r\n",
    );
    let mut dialogue = Dialogue::open("250 mx\r\n");
    dialogue.begins(transaction, "MAIL FROM:<alice@sender.example>\r\n");
}

#[test]
fn null_paths_quoted_local_parts_and_postmaster_are_written_as_they_are() {
    let mut transaction = to(&["\"a> SIZE=1\"@x.example", "postmaster"]);
    transaction.reverse_path = ReversePath::Null;
    let mut dialogue = Dialogue::open("250-mx\r\n250 PIPELINING\r\n");
    dialogue.begins(
        transaction,
        "MAIL FROM:<>\r\nRCPT TO:<\"a> SIZE=1\"@x.example>\r\nRCPT TO:<postmaster>\r\nDATA\r\n",
    );
}

#[test]
fn out9_out11_what_the_peer_cannot_take_is_not_tried() {
    let mut dialogue = Dialogue::open("250-mx\r\n250 SIZE 10\r\n");
    dialogue.begins(to(&["a@x.example"]), "");
    let too_large = RecipientResult::Unsendable(Unsendable::TooLarge { limit: 10 });
    assert_eq!(dialogue.last().recipients, [too_large]);
    let mut dialogue = Dialogue::open("250 mx\r\n");
    let mut transaction = to(&["a@x.example"]);
    transaction.smtputf8 = true;
    dialogue.begins(transaction, "");
    let utf8 = RecipientResult::Unsendable(Unsendable::NeedsSmtpUtf8);
    assert_eq!(dialogue.last().recipients, [utf8]);
    assert_eq!(dialogue.ready, 2);
}

#[test]
fn out20_a_421_on_reuse_is_stale_and_not_overload() {
    let mut dialogue = Dialogue::open(EHLO_ALL);
    dialogue.client.begin(to(&["a@x.example"]));
    dialogue.said();
    dialogue.hears("250 ok\r\n250 ok\r\n354 go\r\n", STUFFED);
    dialogue.hears("250 taken\r\n", "");
    dialogue.client.begin(to(&["b@x.example"]));
    dialogue.said();
    dialogue.hears("421 4.4.2 idle too long\r\n", "");
    assert!(dialogue.last().is_stale());
    let mut dialogue = Dialogue::open(EHLO_ALL);
    dialogue.client.begin(to(&["b@x.example"]));
    dialogue.said();
    dialogue.hears("421 4.3.2 too busy\r\n", "");
    assert!(!dialogue.last().is_stale());
}

#[test]
fn a_lost_connection_leaves_what_was_answered_and_names_the_phase() {
    let mut dialogue = Dialogue::open(EHLO_ALL);
    dialogue.client.begin(to(&["a@x.example", "b@x.example"]));
    dialogue.said();
    dialogue.hears("250 ok\r\n550 no\r\n250 ok\r\n354 go\r\n", STUFFED);
    dialogue.client.interrupt(Cause::TimedOut);
    dialogue.said();
    assert_eq!(
        dialogue.last().recipients[1],
        RecipientResult::Unanswered {
            phase: Phase::FinalReply
        }
    );
    assert_eq!(dialogue.refusals()[0], Some((Phase::Rcpt, 550)));
    assert_eq!(dialogue.ending.unwrap().cause, Cause::TimedOut);
}

#[test]
fn a_refusal_in_the_middle_of_the_body_ends_the_connection() {
    let mut dialogue = Dialogue::open(EHLO_ALL);
    dialogue.client.begin(to(&["a@x.example"]));
    dialogue.said();
    dialogue.client.receive(b"250 ok\r\n250 ok\r\n354 go\r\n");
    assert_eq!(dialogue.client.next_event(), Some(Event::BodyWanted));
    dialogue.client.body(Bytes::from_static(b"x\r\n")).unwrap();
    dialogue.client.receive(b"452 4.3.1 full\r\n");
    assert!(!dialogue.client.is_sending_body());
    dialogue.said();
    assert_eq!(dialogue.refusals(), [Some((Phase::Body, 452))]);
    assert!(dialogue.ending.is_some());
}

#[test]
fn out8_a_body_with_a_bare_line_feed_never_ends() {
    let mut dialogue = Dialogue::open(EHLO_ALL);
    dialogue.client.begin(to(&["a@x.example"]));
    dialogue.said();
    dialogue.client.receive(b"250 ok\r\n250 ok\r\n354 go\r\n");
    assert_eq!(dialogue.client.next_event(), Some(Event::BodyWanted));
    assert!(dialogue.client.body(Bytes::from_static(b"\n.\n")).is_err());
    assert_eq!(dialogue.said(), "");
    assert!(matches!(dialogue.ending.unwrap().cause, Cause::Body(_)));
}

#[test]
fn out21_quit_is_said_between_transactions() {
    let mut dialogue = Dialogue::open("250 mx\r\n");
    dialogue.client.quit();
    assert_eq!(dialogue.said(), "QUIT\r\n");
    assert_eq!(dialogue.client.phase(), Phase::Quit);
    dialogue.hears("221 bye\r\n", "");
    assert_eq!(dialogue.ending.unwrap().cause, Cause::Quit);
}

#[test]
fn replies_nobody_asked_for_end_the_connection() {
    let mut dialogue = Dialogue::open("250 mx\r\n");
    dialogue.hears("250 again\r\n", "");
    assert!(matches!(
        dialogue.ending.unwrap().cause,
        Cause::Unexpected(_)
    ));
}

fn any_reply() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        6 => prop::sample::select(vec![
            "220 mx\r\n", "250 ok\r\n", "354 go\r\n", "550 5.1.1 no\r\n", "451 4.3.0 x\r\n",
            "250-mx\r\n250-PIPELINING\r\n250 CHUNKING\r\n", "250-mx\r\n250-PIPELINING\r\n250 DSN\r\n",
            "250-mx\r\n250 STARTTLS\r\n", "503 5.5.1 x\r\n",
        ]).prop_map(|text| text.as_bytes().to_vec()),
        1 => prop::sample::select(vec!["421 4.3.2 bye\r\n", "2", "999 x\r\n", "250-half"])
            .prop_map(|text| text.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..20),
    ]
}

proptest! {
    /// Whatever a peer answers, nothing panics, nothing bare leaves, nothing is said after the end,
    /// and every transaction is finished exactly once with one result per recipient.
    #[test]
    fn q22_no_peer_confuses_the_client(replies in prop::collection::vec(any_reply(), 0..40)) {
        let mut client = Client::new(Options { starttls: StartTls::WhenOffered, ..options() });
        let (mut begun, mut finished, mut ended) = (0, 0, 0);
        let mut sent = Vec::new();
        for reply in replies {
            client.receive(&reply);
            while let Some(event) = client.next_event() {
                match event {
                    Event::Ready => {
                        begun += 1;
                        client.begin(to(&["a@x.example", "b@x.example"]));
                    }
                    Event::StartTls => client.tls_established(),
                    Event::BodyWanted => {
                        client.body(Bytes::from_static(BODY)).unwrap();
                        client.end_body().unwrap();
                    }
                    Event::Finished(outcome) => {
                        finished += 1;
                        prop_assert_eq!(outcome.recipients.len(), 2);
                    }
                    Event::Ended(_) => ended += 1,
                    Event::Enquired(_) => prop_assert!(false, "nobody asked"),
                }
                while let Some(bytes) = client.take_output() {
                    prop_assert_eq!(ended, 0);
                    sent.extend_from_slice(&bytes);
                }
            }
            while let Some(bytes) = client.take_output() {
                prop_assert_eq!(ended, 0);
                sent.extend_from_slice(&bytes);
            }
        }
        client.interrupt(Cause::TimedOut);
        while let Some(event) = client.next_event() {
            match event {
                Event::Finished(_) => finished += 1,
                Event::Ended(_) => ended += 1,
                _ => {}
            }
        }
        prop_assert!(ended == 1 && begun == finished);
        let mut guard = super::super::crlf::CrlfGuard::default();
        prop_assert!(guard.check(&sent).is_ok());
        prop_assert!(guard.is_at_line_start());
    }

    /// Every address goes out as it came in and adds no line.
    #[test]
    fn q28_no_address_becomes_a_command(text in "\\PC{0,40}@[a-z.]{1,20}") {
        if let Ok(path) = text.parse::<ForwardPath>() {
            let mut dialogue = Dialogue::open("250-mx\r\n250 PIPELINING\r\n");
            let mut transaction = to(&[]);
            transaction.recipients = vec![Recipient::new(path.clone())];
            dialogue.client.begin(transaction);
            let expected = format!("MAIL FROM:<alice@sender.example>\r\nRCPT TO:<{path}>\r\nDATA\r\n");
            prop_assert_eq!(dialogue.said(), expected);
        }
    }
}

#[test]
fn d6_an_enquiry_asks_for_one_recipient_and_sends_nothing() {
    let mut dialogue = Dialogue::open(EHLO_ALL);
    let path: ForwardPath = "a@x.example".parse().unwrap();
    dialogue.client.enquire(&path);
    assert_eq!(dialogue.said(), "MAIL FROM:<>\r\n");
    dialogue.hears("250 ok\r\n", "RCPT TO:<a@x.example>\r\n");
    dialogue.hears("550 5.1.1 who\r\n", "");
    assert_eq!(
        (dialogue.enquired.as_slice(), dialogue.ready),
        (&[Some(550)][..], 2)
    );
    // The next one resets the transaction that was left open.
    dialogue.client.enquire(&path);
    assert_eq!(dialogue.said(), "RSET\r\nMAIL FROM:<>\r\n");
    dialogue.hears("250 ok\r\n501 no null senders\r\n", "");
    assert_eq!(dialogue.enquired, [Some(550), None]);
    // An address that needs SMTPUTF8 is not asked for where there is none.
    let mut dialogue = Dialogue::open("250 mx.example\r\n");
    dialogue
        .client
        .enquire(&"\u{e4}@x.example".parse().unwrap());
    assert_eq!(dialogue.said(), "");
    assert_eq!(
        (dialogue.enquired.as_slice(), dialogue.ready),
        (&[None][..], 2)
    );
    // A peer that says good-bye in the middle ends the connection.
    dialogue.client.enquire(&path);
    dialogue.said();
    dialogue.hears("421 4.3.2 closing\r\n", "");
    assert!(dialogue.ending.is_some());
}
