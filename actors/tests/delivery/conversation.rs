//! One connection: transactions, deadlines, refusals in the middle of a body.

use std::sync::Arc;
use std::time::Duration;

use actors::delivery::conversation::{BodySource, Sent};
use actors::delivery::{Avoid, Connection, Conversation, Dialer, Manners};
use actors::smtp::client::{Cause, Phase, RecipientResult, Timeouts, Transaction};
use actors::tls::ClientTls;
use bytes::Bytes;
use storage::model::{
    BodyKind, Destination as Host, ForwardPath, Recipient, ReversePath, Timestamp, TlsPolicy,
    TokioClock,
};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufStream};

use crate::support::destination::{Destination, Door, Net};

struct Chunks(Vec<&'static [u8]>);

impl BodySource for Chunks {
    type Error = String;

    async fn next(&mut self) -> Result<Option<Bytes>, String> {
        if self.0.is_empty() {
            return Ok(None);
        }
        match self.0.remove(0) {
            b"!" => Err("a chunk is corrupt".to_owned()),
            chunk => Ok(Some(Bytes::from_static(chunk))),
        }
    }
}

fn host() -> Host {
    Host {
        host: "mail.example.org".to_owned(),
        port: 25,
        priority: 0,
        weight: 1,
        tls: TlsPolicy::Opportunistic,
        ..Host::default()
    }
}

fn manners() -> Manners {
    Manners {
        hostname: "mx.example.net".into(),
        helo_name: "mx.example.net".into(),
        timeouts: Timeouts::default(),
        listeners: Arc::new([]),
        tls: ClientTls::new().unwrap(),
        clock: Arc::new(TokioClock::new(Timestamp::from_secs(1_790_000_000))),
    }
}

fn transaction(recipients: &[&str], size_bytes: u64) -> Transaction {
    Transaction {
        reverse_path: ReversePath::Mailbox("sender@example.com".parse().unwrap()),
        recipients: recipients
            .iter()
            .map(|text| Recipient::new(ForwardPath::Mailbox(text.parse().unwrap())))
            .collect(),
        size_bytes,
        body: BodyKind::SevenBit,
        smtputf8: false,
        dsn_return: None,
        envelope_id: None,
        origin: None,
    }
}

async fn open(destination: &Destination) -> Result<Conversation, actors::smtp::client::Ending> {
    let net = Net::with("mail.example.org", destination);
    let connection = net.dial("mail.example.org", 25).await.unwrap();
    let banner = Duration::from_secs(10);
    Conversation::open(connection, &host(), &manners(), Avoid::default(), banner).await
}

fn delivered<E>(sent: &Sent<E>) -> Vec<bool> {
    let results = sent.outcome.recipients.iter();
    results
        .map(|result| matches!(result, RecipientResult::Delivered(_)))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn one_connection_carries_several_messages_and_ends_with_quit() {
    let destination = Destination::default();
    let mut conversation = open(&destination).await.unwrap();
    for body in [&b"one\r\n"[..], b".two\r\n"] {
        let size = body.len() as u64;
        let sent = conversation
            .send(transaction(&["a@example.org"], size), Chunks(vec![body]))
            .await;
        assert_eq!(delivered(&sent), [true]);
        assert_eq!(sent.ending, None);
        assert_eq!(sent.latency, Duration::from_millis(20));
    }
    conversation.quit().await;
    let ledger = destination.ledger();
    assert_eq!(ledger.taken[1].message, b".two\r\n");
    assert_eq!((ledger.connections, ledger.transactions), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn q11_each_recipient_has_a_result_of_its_own() {
    let destination = Destination::default();
    destination.script(|script| {
        let mailbox_full = "452 4.2.2 mailbox full".to_owned();
        script.rcpt.insert("b@example.org".to_owned(), mailbox_full);
    });
    let mut conversation = open(&destination).await.unwrap();
    let transaction = transaction(&["a@example.org", "b@example.org"], 3);
    let sent = conversation.send(transaction, Chunks(vec![b"x\r\n"])).await;
    assert_eq!(delivered(&sent), [true, false]);
    assert_eq!(destination.ledger().copies("b@example.org"), 0);
}

#[tokio::test(start_paused = true)]
async fn q22_a_host_that_says_nothing_costs_the_banner_time_and_no_more() {
    let destination = Destination::default();
    destination.script(|script| script.door = Door::Silent);
    let ending = open(&destination).await.unwrap_err();
    assert_eq!(
        (ending.phase, ending.cause),
        (Phase::Banner, Cause::TimedOut)
    );
}

#[tokio::test(start_paused = true)]
async fn a_body_that_cannot_be_read_never_ends_at_the_peer() {
    let destination = Destination::default();
    let mut conversation = open(&destination).await.unwrap();
    let chunks = Chunks(vec![b"half\r\n", b"!"]);
    let sent = conversation
        .send(transaction(&["a@example.org"], 12), chunks)
        .await;
    assert_eq!(sent.body_error.as_deref(), Some("a chunk is corrupt"));
    assert!(sent.ending.is_some());
    drop(conversation);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(destination.ledger().taken.is_empty());
}

#[tokio::test(start_paused = true)]
async fn rfc1047_a_lost_final_reply_is_told_apart_from_a_lost_body() {
    let destination = Destination::default();
    destination.script(|script| script.cut_before_final_reply = true);
    let mut conversation = open(&destination).await.unwrap();
    let sent = conversation
        .send(transaction(&["a@example.org"], 3), Chunks(vec![b"x\r\n"]))
        .await;
    let phase = Phase::FinalReply;
    assert_eq!(
        sent.outcome.recipients,
        [RecipientResult::Unanswered { phase }]
    );
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_notices_its_end() {
    let destination = Destination::default();
    let mut conversation = open(&destination).await.unwrap();
    let idle = tokio::time::timeout(Duration::from_secs(60), conversation.idle()).await;
    assert!(idle.is_err(), "nothing happens on an idle connection");
    conversation.quit().await;
    assert_eq!(destination.ledger().open, 0);
}

#[tokio::test(start_paused = true)]
async fn q22_a_refusal_in_the_middle_of_a_body_is_heard_although_nobody_reads() {
    let (ours, theirs) = tokio::io::duplex(4096);
    let peer = async move {
        let mut peer = BufStream::new(theirs);
        peer.write_all(b"220 mx ESMTP\r\n").await.unwrap();
        for answer in ["250 mx\r\n", "250 ok\r\n", "250 ok\r\n", "354 go ahead\r\n"] {
            peer.flush().await.unwrap();
            peer.read_line(&mut String::new()).await.unwrap();
            peer.write_all(answer.as_bytes()).await.unwrap();
        }
        peer.flush().await.unwrap();
        peer.read_line(&mut String::new()).await.unwrap();
        peer.write_all(b"552 5.3.4 too large\r\n").await.unwrap();
        peer.flush().await.unwrap();
        // Nothing more is read, and the connection stays open.
        std::future::pending::<()>().await;
    };
    let deliver = async move {
        let connection = Connection {
            stream: Box::new(ours),
            peer: None,
            local: None,
        };
        let banner = Duration::from_secs(10);
        let opened =
            Conversation::open(connection, &host(), &manners(), Avoid::default(), banner).await;
        let line: &'static [u8] = &[b'x'; 200_000];
        let size = 2 * (line.len() as u64 + 2);
        opened
            .unwrap()
            .send(
                transaction(&["a@example.org"], size),
                Chunks(vec![b"first\r\n", line, b"\r\n"]),
            )
            .await
    };
    let sent = tokio::select! {
        () = peer => unreachable!(),
        sent = deliver => sent,
    };
    let results = &sent.outcome.recipients;
    assert!(
        matches!(&results[0], RecipientResult::Refused { reply, .. } if reply.code == 552),
        "{results:?}"
    );
    assert!(sent.ending.is_some());
}
