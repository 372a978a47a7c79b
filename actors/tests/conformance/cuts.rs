//! The peer goes away at each octet of each phase: nothing is queued, nothing is left behind (Q3).

use std::sync::Arc;

use actors::session::ListenerOptions;
use actors::tls::ServerTls;
use storage::engine::{Engine, KeyspaceId};

use crate::dialogue::{HOST, World};
use crate::run::{Peer, alive, queued, world};

const DATA: &str = "MAIL FROM:<s@sender.example> SIZE=100\r\n\
    RCPT TO:<alice@x.example> NOTIFY=NEVER\r\n\
    DATA\r\n\
    Subject: a\r\n\r\n..text\r\n.\r";
const BDAT: &str = "MAIL FROM:<>\r\nRCPT TO:<alice@x.example>\r\n\
    BDAT 14\r\nSubject: a\r\n\r\nBDAT 6\r\ntext\r\nBDAT 6 LAST\r\nmore\r";

async fn rows(world: &World) -> usize {
    let mut rows = 0;
    for keyspace in [KeyspaceId::Message, KeyspaceId::Transit, KeyspaceId::Queue] {
        let range = (std::ops::Bound::Unbounded, std::ops::Bound::Unbounded);
        let direction = storage::engine::Direction::Ascending;
        let page = world.engine.scan(keyspace, range, direction, 1_000).await;
        rows += page.unwrap().rows.len();
    }
    rows
}

async fn cut_everywhere(dialogue: &str) {
    let directory = tempfile::tempdir().unwrap();
    let tls = ServerTls::self_signed(directory.path(), "smtp", HOST, &["smtp"]).unwrap();
    let world = world(&Arc::new(tls), ListenerOptions::default()).await;
    for cut in 0..=dialogue.len() {
        let mut peer = Peer::connect(&world).await;
        peer.introduce().await.unwrap();
        peer.say(&dialogue.as_bytes()[..cut]).await.unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        drop(peer);
    }
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    assert_eq!(queued(&world).await.len(), 0);
    assert_eq!(rows(&world).await, 0, "the store is as it was");
    alive(&world).await.unwrap();
    let spool = world.all_over().await;
    assert_eq!(spool.counters_total().accepted, 1);
}

#[tokio::test(start_paused = true)]
async fn q3_a_cut_at_each_octet_of_data_queues_nothing() {
    cut_everywhere(DATA).await;
}

#[tokio::test(start_paused = true)]
async fn q3_a_cut_at_each_octet_of_bdat_queues_nothing() {
    cut_everywhere(BDAT).await;
}

/// Before the greeting, and while EHLO is said.
#[tokio::test(start_paused = true)]
async fn q3_a_cut_before_the_greeting_and_in_ehlo_leaves_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let tls = ServerTls::self_signed(directory.path(), "smtp", HOST, &["smtp"]).unwrap();
    let world = world(&Arc::new(tls), ListenerOptions::default()).await;
    drop(Peer::connect(&world).await);
    let ehlo = b"EHLO sender.example\r\nSTARTTLS\r\n";
    for cut in 0..=ehlo.len() {
        let mut peer = Peer::connect(&world).await;
        peer.expect("220").await.unwrap();
        peer.say(&ehlo[..cut]).await.unwrap();
    }
    tokio::time::sleep(std::time::Duration::from_secs(60)).await;
    alive(&world).await.unwrap();
    world.all_over().await;
}

/// A large body is in the store in chunks before its end: a cut takes them out again.
#[tokio::test(start_paused = true)]
async fn q3_a_cut_in_a_large_body_gives_its_space_back() {
    let directory = tempfile::tempdir().unwrap();
    let tls = ServerTls::self_signed(directory.path(), "smtp", HOST, &["smtp"]).unwrap();
    let world = world(&Arc::new(tls), ListenerOptions::default()).await;
    for _ in 0..5 {
        let mut peer = Peer::connect(&world).await;
        peer.introduce().await.unwrap();
        peer.say(b"MAIL FROM:<>\r\nRCPT TO:<alice@x.example>\r\nDATA\r\n")
            .await
            .unwrap();
        for code in ["250", "250", "354"] {
            peer.expect(code).await.unwrap();
        }
        peer.say(&b"a line of text\r\n".repeat(200_000))
            .await
            .unwrap();
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    }
    tokio::time::sleep(std::time::Duration::from_secs(60)).await;
    assert_eq!(queued(&world).await.len(), 0);
    // What a node does every second.
    world.spool.sample_space().await.unwrap();
    assert_eq!(rows(&world).await, 0, "the chunks are gone");
    alive(&world).await.unwrap();
    world.all_over().await;
}
