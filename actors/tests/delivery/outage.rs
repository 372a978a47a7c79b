//! The main story: in, held while the destination is down, probed, canary, ramp, delivered, gone.

use std::time::Duration;

use actors::status::DestinationState;

use crate::support::destination::{Destination, Door};
use crate::support::node::{Node, hours};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test(start_paused = true)]
async fn s2_s11_s12_s13_mail_is_held_probed_for_and_fed_back_gently() {
    let destination = Destination::default();
    let node = Node::with(&destination).await;
    let domain = node.domain("example.org", &["mail.example.org"]).await;
    node.accept_many(&domain, 3).await;
    node.until_empty(&domain, MINUTE).await;
    destination.crash(Door::Refused);
    node.accept_many(&domain, 200).await;
    let noticed = node
        .until_state(&domain, DestinationState::Down, MINUTE)
        .await;
    assert!(
        noticed <= 25 * SECOND,
        "{noticed:?}: an idle connection has to end first"
    );
    let transactions = destination.ledger().transactions;
    tokio::time::sleep(HOUR).await;
    {
        let ledger = destination.ledger();
        assert_eq!(
            ledger.transactions, transactions,
            "S11: no dialogue while it is down"
        );
        assert!(
            ledger.dials <= 1_300,
            "S11: {} SYN in an hour",
            ledger.dials
        );
        assert!(
            ledger.dials >= 800,
            "it is probed every few seconds: {}",
            ledger.dials
        );
    }
    let counters = node.counters(&domain);
    assert_eq!((counters.queued, counters.delivered), (200, 3));
    destination.script(|script| {
        script.door = Door::Open;
        script.latency = Duration::from_millis(100);
    });
    let begun = destination.ledger().taken.len();
    let first = node
        .until(&domain, 10 * SECOND, |node| {
            node.counters(&domain).delivered > 3
        })
        .await;
    assert!(first <= 6 * SECOND, "S12: first delivery after {first:?}");
    node.until_empty(&domain, 5 * MINUTE).await;
    let taken = destination.ledger().taken.clone();
    assert_eq!(taken.len(), begun + 200, "each exactly once");
    let canaries = &taken[begun..begun + 3];
    let first = canaries[0].connection;
    assert!(
        canaries.iter().all(|one| one.connection == first),
        "S13: one connection first"
    );
    assert!(node.spool.domains_with_mail().is_empty());
    node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_black_hole_is_noticed_within_seconds_and_a_dead_host_costs_no_attempt() {
    let destination = Destination::default();
    destination.script(|script| script.door = Door::BlackHole);
    let node = Node::with(&destination).await;
    let domain = node.domain("example.org", &["mail.example.org"]).await;
    node.accept_many(&domain, 10).await;
    let noticed = node
        .until_state(&domain, DestinationState::Down, MINUTE)
        .await;
    assert!(noticed <= 6 * SECOND, "{noticed:?}");
    tokio::time::sleep(HOUR).await;
    let page = node.spool.queue_page(domain.id, None, 100).await.unwrap();
    assert_eq!(
        page.len(),
        10,
        "S15: all in the ready lane, none has a timer of its own"
    );
    assert!(page.iter().all(|entry| entry.recipients[0].attempts == 0));
    node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn s9_a_host_that_refuses_everybody_bounces_nothing() {
    for banner in ["554 5.7.1 go away", "421 4.3.2 not now"] {
        let destination = Destination::default();
        destination.script(|script| script.banner = banner.to_owned());
        let node = Node::with(&destination).await;
        let domain = node.domain("example.org", &["mail.example.org"]).await;
        node.accept_many(&domain, 20).await;
        tokio::time::sleep(6 * HOUR).await;
        let counters = node.counters(&domain);
        assert_eq!(counters.queued, 20, "{banner}");
        assert!(
            destination.ledger().connections < 700,
            "each costs it a process"
        );
        destination.script(|script| script.banner = "220 back".to_owned());
        node.until_empty(&domain, 5 * MINUTE).await;
        assert_eq!(node.counters(&domain).delivered, 20, "{banner}");
        node.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn s4_s5_held_at_14_days_23_59_and_expired_after_15_without_a_word_to_the_sender() {
    let destination = Destination::default();
    destination.script(|script| script.door = Door::Refused);
    let node = Node::with(&destination).await;
    let domain = node.domain("example.org", &["mail.example.org"]).await;
    node.accept_many(&domain, 100).await;
    hours(15 * 24 - 1).await;
    tokio::time::sleep(59 * MINUTE).await;
    assert_eq!(node.counters(&domain).queued, 100, "S4: held at 14 d 23:59");
    node.accept_many(&domain, 1).await;
    tokio::time::sleep(2 * MINUTE).await;
    let counters = node.counters(&domain);
    assert_eq!((counters.queued, counters.expired), (1, 100));
    assert_eq!(counters.accepted, 101, "S5: no notice was made");
    let aside = node.spool.aside_page(domain.id, None, 200).await.unwrap();
    assert_eq!(aside.len(), 100, "kept where an administrator sees it");
    hours(15 * 24 - 1).await;
    assert_eq!(node.counters(&domain).queued, 1);
    hours(1).await;
    assert_eq!(
        node.counters(&domain).expired,
        101,
        "thirty days have passed"
    );
    node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn s4_a_longer_period_reaches_mail_that_is_held_already() {
    let destination = Destination::default();
    destination.script(|script| script.door = Door::Refused);
    let node = Node::with(&destination).await;
    let domain = node.domain("example.org", &["mail.example.org"]).await;
    node.accept_many(&domain, 5).await;
    node.update(&domain, |domain| domain.hold_days = 2).await;
    hours(24).await;
    node.update(&domain, |domain| domain.hold_days = 4).await;
    hours(2 * 24 + 1).await;
    assert_eq!(node.counters(&domain).queued, 5);
    node.update(&domain, |domain| domain.hold_days = 3).await;
    node.until(&domain, MINUTE, |node| node.counters(&domain).expired == 5)
        .await;
    node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_restart_of_delivery_finds_what_is_held_and_delivers_it_when_the_host_is_back() {
    let destination = Destination::default();
    destination.script(|script| script.door = Door::Refused);
    let node = Node::with(&destination).await;
    let domain = node.domain("example.org", &["mail.example.org"]).await;
    node.accept_many(&domain, 30).await;
    node.until_state(&domain, DestinationState::Down, MINUTE)
        .await;
    let (spool, net) = (node.spool.clone(), node.net.clone());
    node.stop().await;
    destination.script(|script| script.door = Door::Open);
    let node = Node::on(spool, net).await;
    node.until_empty(&domain, 5 * MINUTE).await;
    assert_eq!(destination.ledger().taken.len(), 30);
    node.stop().await;
}
