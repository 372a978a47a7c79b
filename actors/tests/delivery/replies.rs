//! Replies about recipients and messages: each recipient ends where it should, nothing twice.

use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

use storage::engine::{Direction, Durability, Engine, KeyspaceId, MemoryEngine, Write};
use storage::model::{AsideKind, Disposition, TokioClock};
use storage::spool::{Spool, SpoolOptions};

use crate::support::destination::{Destination, Door, Net};
use crate::support::node::{EPOCH, HOST, Node};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test(start_paused = true)]
async fn q11_s10_each_recipient_has_a_fate_of_its_own_and_no_success_is_repeated() {
    let destination = Destination::default();
    destination.script(|script| {
        let full = "452 4.2.2 mailbox full".to_owned();
        let unknown = "550 5.1.1 no such user".to_owned();
        script.rcpt.insert("full@example.org".to_owned(), full);
        script.rcpt.insert("gone@example.org".to_owned(), unknown);
    });
    let node = Node::with(&destination).await;
    let domain = node.domain("example.org", &["mail.example.org"]).await;
    // The destination proves itself first: nothing permanent is believed before.
    for _ in 0..30 {
        node.accept_many(&domain, 1).await;
        node.until_empty(&domain, MINUTE).await;
    }
    tokio::time::sleep(5 * MINUTE).await;
    let all = ["ok@example.org", "full@example.org", "gone@example.org"];
    node.accept(domain.id, &all).await;
    node.until(&domain, MINUTE, |node| node.counters(&domain).queued == 1)
        .await;
    let counters = node.counters(&domain);
    assert_eq!((counters.delivered, counters.parked), (31, 1));
    let page = node.spool.deferred_page(domain.id, None, 10).await.unwrap();
    assert_eq!(page[0].recipients[0].settled, Some(Disposition::Delivered));
    assert_eq!(page[0].recipients[2].settled, Some(Disposition::Parked));
    tokio::time::sleep(2 * HOUR).await;
    assert_eq!(destination.ledger().copies("ok@example.org"), 1);
    destination.script(|script| script.rcpt.clear());
    node.until_empty(&domain, 6 * HOUR).await;
    assert_eq!(destination.ledger().copies("ok@example.org"), 1);
    assert_eq!(destination.ledger().copies("full@example.org"), 1);
    assert_eq!(destination.ledger().copies("gone@example.org"), 0);
    node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn s18_a_server_with_few_or_many_extensions_gets_the_same_octets() {
    let all = [
        "PIPELINING",
        "8BITMIME",
        "SMTPUTF8",
        "DSN",
        "SIZE 52428800",
        "ENHANCEDSTATUSCODES",
    ];
    let mut sets: Vec<Vec<&'static str>> = all.iter().map(|one| vec![*one]).collect();
    sets.extend([Vec::new(), all.to_vec()]);
    let content = b"Subject: dots\r\n\r\n.one\r\n..two\r\n\r\nlast\r\n";
    for (ehlo, extensions) in sets
        .into_iter()
        .map(|set| (true, set))
        .chain([(false, Vec::new())])
    {
        let destination = Destination::default();
        destination.script(|script| {
            script.ehlo = ehlo;
            script.extensions.clone_from(&extensions);
        });
        let node = Node::with(&destination).await;
        let domain = node.domain("example.org", &["mail.example.org"]).await;
        let recipients = ["a@example.org", "b@example.org"];
        node.accept_body(domain.id, &recipients, content).await;
        node.until_empty(&domain, MINUTE).await;
        node.stop().await;
        let ledger = destination.ledger();
        let [taken] = &ledger.taken[..] else {
            panic!("{ehlo} {extensions:?}: {:?}", ledger.taken);
        };
        assert_eq!(taken.recipients, recipients, "{ehlo} {extensions:?}");
        assert!(taken.message.ends_with(content), "{ehlo} {extensions:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn q8_the_backlog_of_one_tenant_does_not_delay_the_mail_of_another_on_the_same_server() {
    let destination = Destination::default();
    destination.script(|script| script.latency = Duration::from_millis(200));
    let node = Node::with(&destination).await;
    let flood = node.domain("flood.example", &["mail.example.org"]).await;
    let quiet = node.domain("quiet.example", &["mail.example.org"]).await;
    // The window opens, and what a message costs without the other one is measured.
    node.accept_many(&flood, 300).await;
    node.until_empty(&flood, 10 * MINUTE).await;
    let mut alone = Duration::ZERO;
    for _ in 0..20 {
        node.accept(quiet.id, &["a@quiet.example"]).await;
        alone = alone.max(node.until_empty(&quiet, MINUTE).await);
    }
    node.accept_many(&flood, 3_000).await;
    let mut beside = Duration::ZERO;
    for _ in 0..20 {
        node.accept(quiet.id, &["a@quiet.example"]).await;
        beside = beside.max(node.until_empty(&quiet, MINUTE).await);
        assert!(node.counters(&flood).queued > 0, "the flood lasts");
    }
    assert!(beside <= 2 * alone, "{beside:?}, alone {alone:?}");
    node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn greylisting_is_met_again_soon_and_costs_the_others_nothing() {
    let destination = Destination::default();
    destination.script(|script| {
        let later = "451 4.7.1 greylisted, come back".to_owned();
        script.rcpt.insert("grey@example.org".to_owned(), later);
    });
    let node = Node::with(&destination).await;
    let domain = node.domain("example.org", &["mail.example.org"]).await;
    node.accept(domain.id, &["grey@example.org"]).await;
    node.accept_many(&domain, 10).await;
    node.until(&domain, MINUTE, |node| {
        node.counters(&domain).delivered == 10
    })
    .await;
    destination.script(|script| script.rcpt.clear());
    let waited = node.until_empty(&domain, 10 * MINUTE).await;
    assert!(waited <= 2 * MINUTE, "{waited:?}");
    node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_deferred_message_is_not_tried_while_the_destination_is_down() {
    let destination = Destination::default();
    destination.script(|script| script.accept = "451 4.3.0 try later".to_owned());
    let node = Node::with(&destination).await;
    let domain = node.domain("example.org", &["mail.example.org"]).await;
    node.accept(domain.id, &["one@example.org"]).await;
    node.until(&domain, MINUTE, |node| {
        node.status(&domain).next_due_at.is_some()
    })
    .await;
    destination.script(|script| {
        script.door = Door::Refused;
        script.accept = "250 2.0.0 ok".to_owned();
    });
    let before = destination.ledger().transactions;
    tokio::time::sleep(12 * HOUR).await;
    assert_eq!(destination.ledger().transactions, before);
    destination.script(|script| script.door = Door::Open);
    let waited = node.until_empty(&domain, 10 * MINUTE).await;
    assert!(
        waited <= Duration::from_secs(10),
        "S15: {waited:?} after its return"
    );
    node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn rfc1047_a_lost_final_reply_is_tried_again_but_not_within_five_minutes() {
    let destination = Destination::default();
    let node = Node::with(&destination).await;
    let domain = node.domain("example.org", &["mail.example.org"]).await;
    node.accept_many(&domain, 3).await;
    node.until_empty(&domain, MINUTE).await;
    destination.script(|script| script.cut_before_final_reply = true);
    node.accept(domain.id, &["lost@example.org"]).await;
    node.until(&domain, MINUTE, |_| {
        destination.ledger().copies("lost@example.org") == 1
    })
    .await;
    destination.script(|script| script.cut_before_final_reply = false);
    tokio::time::sleep(4 * MINUTE).await;
    assert_eq!(destination.ledger().copies("lost@example.org"), 1);
    node.until_empty(&domain, 10 * MINUTE).await;
    assert_eq!(
        destination.ledger().copies("lost@example.org"),
        2,
        "at most one second copy"
    );
    node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn d1_a_destination_that_comes_back_and_refuses_everything_parks_nothing() {
    let destination = Destination::default();
    destination.script(|script| script.door = Door::Refused);
    let node = Node::with(&destination).await;
    let domain = node.domain("example.org", &["mail.example.org"]).await;
    node.accept_many(&domain, 100).await;
    tokio::time::sleep(HOUR).await;
    destination.script(|script| {
        script.door = Door::Open;
        script.mail = "550 5.7.1 relaying denied".to_owned();
    });
    tokio::time::sleep(HOUR).await;
    let counters = node.counters(&domain);
    assert_eq!(
        (counters.queued, counters.parked, counters.failed),
        (100, 0, 0)
    );
    destination.script(|script| script.mail = "250 2.1.0 ok".to_owned());
    node.until_empty(&domain, 3 * HOUR).await;
    assert_eq!(node.counters(&domain).delivered, 100);
    node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn out14_opportunistic_tls_that_fails_means_clear_text_and_is_remembered() {
    let destination = Destination::default();
    destination.script(|script| script.extensions = vec!["PIPELINING", "STARTTLS"]);
    let node = Node::with(&destination).await;
    let domain = node.domain("example.org", &["mail.example.org"]).await;
    node.accept_many(&domain, 10).await;
    node.until_empty(&domain, MINUTE).await;
    let dials = destination.ledger().dials;
    assert_eq!(destination.ledger().taken.len(), 10);
    destination.crash(Door::Open);
    tokio::time::sleep(MINUTE).await;
    node.accept_many(&domain, 1).await;
    node.until_empty(&domain, MINUTE).await;
    assert_eq!(
        destination.ledger().dials,
        dials + 1,
        "no second handshake within the hour"
    );
    node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn d4_fresh_mail_does_not_wait_for_the_backlog() {
    let destination = Destination::default();
    destination.script(|script| script.door = Door::Refused);
    let node = Node::with(&destination).await;
    let domain = node.domain("example.org", &["mail.example.org"]).await;
    node.accept_many(&domain, 2_000).await;
    tokio::time::sleep(HOUR).await;
    destination.script(|script| {
        script.door = Door::Open;
        script.latency = Duration::from_millis(500);
    });
    node.until(&domain, MINUTE, |node| {
        node.counters(&domain).delivered >= 20
    })
    .await;
    node.accept(domain.id, &["fresh@example.org"]).await;
    let fresh = |_: &Node| destination.ledger().copies("fresh@example.org") == 1;
    let waited = node.until(&domain, MINUTE, fresh).await;
    assert!(waited <= Duration::from_secs(5), "{waited:?}");
    assert!(
        node.counters(&domain).queued > 1_000,
        "the backlog is still there"
    );
    node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn q15_a_damaged_body_is_set_aside_and_never_sent() {
    let destination = Destination::default();
    let engine = Arc::new(MemoryEngine::new());
    let clock = Arc::new(TokioClock::new(EPOCH));
    let spool = Spool::on_engine(engine.clone(), SpoolOptions::default(), clock).await;
    let node = Node::on(spool.unwrap(), Net::with(HOST, &destination)).await;
    let domain = node.domain("example.org", &[HOST]).await;
    node.hold(&domain).await;
    node.accept(domain.id, &["damaged@example.org"]).await;
    let all = (Bound::Unbounded, Bound::Unbounded);
    let bodies = engine
        .scan(KeyspaceId::Transit, all, Direction::Ascending, 10)
        .await
        .unwrap();
    let (key, body) = bodies.rows[0].clone();
    let mut damaged = body.to_vec();
    *damaged.last_mut().unwrap() ^= 1;
    let write = Write {
        keyspace: KeyspaceId::Transit,
        key,
        value: Some(damaged.into()),
    };
    engine
        .commit(vec![write], Durability::Synced, Vec::new())
        .await
        .unwrap();
    node.accept(domain.id, &["sound@example.org"]).await;
    node.update(&domain, |domain| domain.hold = None).await;
    node.until_empty(&domain, MINUTE).await;
    let aside = node.spool.aside_page(domain.id, None, 10).await.unwrap();
    assert_eq!(aside[0].kind, AsideKind::Corrupt);
    assert_eq!(destination.ledger().copies("sound@example.org"), 1);
    assert_eq!(destination.ledger().copies("damaged@example.org"), 0);
    node.stop().await;
}
