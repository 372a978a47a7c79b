//! What arrives at the destination: octet for octet what was sent, behind one exact trace field.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use actors::session::{Connection, Gate, Intake, ListenerOptions, Policy, SmtpSession};
use ractor::Actor;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::sync::{mpsc, watch};

use crate::support::destination::Destination;
use crate::support::node::{HOST as DESTINATION, Node};

const BODY: &str = "Return-Path: <forged@sender.example>\r\n\
    Received: from elsewhere by another.example; Mon, 1 Jan 2024 00:00:00 +0000\r\n\
    Bcc: hidden@example.org\r\n\
    Subject: =?utf-8?q?caf=C3=A9?=\r\n\
    \u{20}folded\r\n\
    X-Odd:\t  spaces kept  \r\n\
    \r\n\
    .a dot at the start\r\n\
    ..two\r\n\
    .\r\n\
    caf\u{e9}\u{20ac} eight bit\r\n\
    trailing space \r\n\
    \r\n\
    \r\n";

/// Hands a message in by a real session and answers what the destination got.
async fn relayed(said: &[u8]) -> Vec<u8> {
    let destination = Destination::default();
    let node = Node::with(&destination).await;
    let domain = node.domain("example.org", &[DESTINATION]).await;
    let policy = Policy::new("mx.example.net");
    let intake = Intake::new(node.spool.clone(), None, policy.clone());
    let (mut near, far) = tokio::io::duplex(1 << 20);
    let stop = watch::Sender::new(false);
    let (alive, _over) = mpsc::channel(1);
    let peer = IpAddr::from([192, 0, 2, 7]);
    let gate = Arc::new(Gate::default());
    let connection = Connection {
        stream: far,
        peer,
        options: ListenerOptions::default(),
        permit: gate.admit(peer, &policy, Duration::ZERO).unwrap(),
        stopping: stop.subscribe(),
        alive,
        intake,
    };
    SmtpSession::spawn(None, SmtpSession::<DuplexStream>::default(), connection)
        .await
        .unwrap();
    let mut heard = vec![0; 4096];
    let _ = near.read(&mut heard).await.unwrap();
    near.write_all(b"EHLO sender.example\r\n").await.unwrap();
    let _ = near.read(&mut heard).await.unwrap();
    near.write_all(said).await.unwrap();
    node.until(&domain, Duration::from_secs(120), |node| {
        node.counters(&domain).delivered == 1
    })
    .await;
    let taken = destination.ledger().taken[0].message.clone();
    node.stop().await;
    taken
}

fn stuffed(body: &str) -> String {
    body.split_inclusive("\r\n")
        .map(|line| {
            let dot = if line.starts_with('.') { "." } else { "" };
            format!("{dot}{line}")
        })
        .collect()
}

fn is_exact(taken: &[u8], body: &[u8]) {
    let text = String::from_utf8_lossy(taken);
    let mut lines = text.split("\r\n");
    assert_eq!(
        lines.next(),
        Some("Received: from sender.example ([192.0.2.7])")
    );
    let by = lines.next().unwrap();
    let id = by
        .strip_prefix("\tby mx.example.net with ESMTP id ")
        .unwrap();
    assert_eq!(id.len(), 20, "{by}");
    assert_eq!(lines.next(), Some("\tfor <alice@example.org>;"));
    assert!(lines.next().unwrap().ends_with(" +0000"));
    let trace: usize = text.split("\r\n").take(4).map(|line| line.len() + 2).sum();
    assert_eq!(&taken[trace..], body, "{text}");
}

#[tokio::test(start_paused = true)]
async fn q10_in7_a_message_by_data_arrives_octet_for_octet() {
    let said = format!(
        "MAIL FROM:<s@sender.example> BODY=8BITMIME\r\nRCPT TO:<alice@example.org>\r\nDATA\r\n{}.\r\n",
        stuffed(BODY)
    );
    is_exact(&relayed(said.as_bytes()).await, BODY.as_bytes());
}

#[tokio::test(start_paused = true)]
async fn q10_in15_a_message_by_bdat_arrives_octet_for_octet() {
    let (first, second) = BODY.split_at(60);
    let said = format!(
        "MAIL FROM:<s@sender.example> BODY=8BITMIME\r\nRCPT TO:<alice@example.org>\r\n\
         BDAT {}\r\n{first}BDAT {} LAST\r\n{second}",
        first.len(),
        second.len()
    );
    is_exact(&relayed(said.as_bytes()).await, BODY.as_bytes());
}

/// Nothing is added in front of nothing but the trace field.
#[tokio::test(start_paused = true)]
async fn in6_an_empty_message_arrives_empty() {
    let said = b"MAIL FROM:<>\r\nRCPT TO:<alice@example.org>\r\nDATA\r\n.\r\n";
    is_exact(&relayed(said).await, b"");
}
