//! Replies about recipients and messages: each recipient ends where it should, nothing twice.

use std::time::Duration;

use storage::model::Disposition;

use crate::support::destination::Destination;
use crate::support::node::Node;

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
        script.door = crate::support::destination::Door::Refused;
        script.accept = "250 2.0.0 ok".to_owned();
    });
    let before = destination.ledger().transactions;
    tokio::time::sleep(12 * HOUR).await;
    assert_eq!(destination.ledger().transactions, before);
    destination.script(|script| script.door = crate::support::destination::Door::Open);
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
    destination.script(|script| script.door = crate::support::destination::Door::Refused);
    let node = Node::with(&destination).await;
    let domain = node.domain("example.org", &["mail.example.org"]).await;
    node.accept_many(&domain, 100).await;
    tokio::time::sleep(HOUR).await;
    destination.script(|script| {
        script.door = crate::support::destination::Door::Open;
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
