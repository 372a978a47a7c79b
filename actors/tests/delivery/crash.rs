//! The rows of the crash table: what a crash costs, what the world sees, how it comes back.

use std::time::Duration;

use actors::status::DestinationState;

use crate::support::destination::{Destination, Door};
use crate::support::node::Node;

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test(start_paused = true)]
async fn q23_a_panic_in_an_attempt_is_a_deferral_and_the_message_is_set_aside_after_three() {
    let destination = Destination::default();
    destination.script(|script| script.panic_at = Some("poison".to_owned()));
    let node = Node::with(&destination).await;
    let domain = node.domain("example.org", &["mail.example.org"]).await;
    node.accept(domain.id, &["poison@example.org"]).await;
    node.until(&domain, MINUTE, |node| {
        node.status(&domain).next_due_at.is_some()
    })
    .await;
    let entry = node.spool.deferred_page(domain.id, None, 10).await.unwrap();
    let reply = entry[0].recipients[0].last_reply.clone().unwrap();
    assert!(reply.text.contains("crashed"), "{reply:?}");
    assert_eq!(entry[0].recipients[0].attempts, 1);
    // Others pass meanwhile.
    node.accept_many(&domain, 5).await;
    node.until(&domain, MINUTE, |node| {
        node.counters(&domain).delivered == 5
    })
    .await;
    node.until(&domain, 60 * MINUTE, |node| {
        node.counters(&domain).parked == 1
    })
    .await;
    assert_eq!(node.delivery_actors().len(), 1);
    node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_delivery_actor_that_crashes_starts_again_from_the_store() {
    let destination = Destination::default();
    destination.script(|script| script.latency = Duration::from_secs(5));
    let node = Node::with(&destination).await;
    let domain = node.domain("example.org", &["mail.example.org"]).await;
    node.accept_many(&domain, 50).await;
    node.until(&domain, MINUTE, |node| {
        node.counters(&domain).delivered >= 5
    })
    .await;
    let victim = node.delivery_actors().remove(0);
    let in_flight = destination.ledger().in_flight();
    victim.kill();
    node.until_empty(&domain, 30 * MINUTE).await;
    assert_eq!(node.counters(&domain).delivered, 50);
    let taken = destination.ledger().taken.len();
    assert!(
        (50..=50 + in_flight).contains(&taken),
        "{taken} copies, {in_flight} in flight"
    );
    assert_ne!(node.delivery_actors()[0].get_id(), victim.get_id());
    node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_host_governor_that_crashes_pauses_its_destination_and_the_ramp_starts_over() {
    let destination = Destination::default();
    destination.script(|script| script.latency = Duration::from_secs(1));
    let node = Node::with(&destination).await;
    let domain = node.domain("example.org", &["mail.example.org"]).await;
    node.accept_many(&domain, 60).await;
    node.until(&domain, MINUTE, |node| {
        node.counters(&domain).delivered >= 10
    })
    .await;
    let in_flight = destination.ledger().in_flight();
    node.governors().remove(0).kill();
    node.until_empty(&domain, 30 * MINUTE).await;
    let taken = destination.ledger().taken.len();
    assert!(
        (60..=60 + in_flight).contains(&taken),
        "{taken} copies, {in_flight} in flight"
    );
    assert_eq!(node.governors().len(), 1);
    node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_delivery_actor_that_dies_five_times_in_ten_minutes_is_parked_until_its_domain_changes() {
    let destination = Destination::default();
    destination.script(|script| script.door = Door::Refused);
    let node = Node::with(&destination).await;
    let domain = node.domain("example.org", &["mail.example.org"]).await;
    let other = node.domain("example.net", &["mail.example.org"]).await;
    node.accept_many(&domain, 3).await;
    node.accept_many(&other, 1).await;
    for _ in 0..5 {
        // Wait until it runs, and end the one of this domain: the one that was started last.
        node.until(&domain, 2 * MINUTE, |node| {
            node.delivery_actors().len() == 2
        })
        .await;
        let newest = node
            .delivery_actors()
            .into_iter()
            .max_by_key(ractor::ActorCell::get_id);
        let victim = newest.unwrap();
        victim.kill();
        victim.wait(None).await.unwrap();
    }
    let faulty =
        |node: &Node| [&domain, &other].map(|one| node.state(one) == DestinationState::Faulty);
    tokio::time::sleep(2 * MINUTE).await;
    assert_eq!(
        faulty(&node).into_iter().filter(|faulty| *faulty).count(),
        1
    );
    assert_eq!(node.delivery_actors().len(), 1, "no more restarts");
    destination.script(|script| script.door = Door::Open);
    let parked = if faulty(&node)[0] { &domain } else { &other };
    node.update(parked, |domain| domain.hold_days = 20).await;
    node.until_empty(&domain, 5 * MINUTE).await;
    node.until_empty(&other, 5 * MINUTE).await;
    node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_stop_answers_what_is_on_its_way_and_a_start_sends_the_rest_once() {
    let destination = Destination::default();
    destination.script(|script| script.latency = Duration::from_secs(2));
    let node = Node::with(&destination).await;
    let domain = node.domain("example.org", &["mail.example.org"]).await;
    node.accept_many(&domain, 40).await;
    node.until(&domain, MINUTE, |node| {
        node.counters(&domain).delivered >= 5
    })
    .await;
    let (spool, net) = (node.spool.clone(), node.net.clone());
    node.stop().await;
    let taken = destination.ledger().taken.len();
    assert_eq!(
        spool.counters(domain.id).delivered,
        taken as u64,
        "Q2: all on record"
    );
    let node = Node::on(spool, net).await;
    node.until_empty(&domain, 10 * MINUTE).await;
    assert_eq!(
        destination.ledger().taken.len(),
        40,
        "nothing is sent twice"
    );
    node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn q23_a_panic_while_probing_is_a_failed_probe() {
    let destination = Destination::default();
    destination.script(|script| script.door = Door::Panic);
    let node = Node::with(&destination).await;
    let domain = node.domain("example.org", &["mail.example.org"]).await;
    node.accept_many(&domain, 5).await;
    tokio::time::sleep(10 * MINUTE).await;
    assert_eq!(node.counters(&domain).queued, 5);
    destination.script(|script| script.door = Door::Open);
    node.until_empty(&domain, 5 * MINUTE).await;
    assert_eq!(destination.ledger().taken.len(), 5);
    node.stop().await;
}
