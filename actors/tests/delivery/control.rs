//! What people do: hold and release, retry, bounce, remove, moving a domain.

use std::time::Duration;

use actors::status::DestinationState;
use storage::model::{Domain, Hold, Timestamp};
use storage::spool::IntentAction;

use crate::support::destination::{Destination, Door};
use crate::support::node::{EPOCH, Node, audit, host};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

fn hold_until(until: Timestamp) -> impl FnOnce(&mut Domain) + Send {
    move |domain| {
        domain.hold = Some(Hold {
            reason: "maintenance".to_owned(),
            by: "operator".to_owned(),
            since: EPOCH,
            until: Some(until),
        });
    }
}

#[tokio::test(start_paused = true)]
async fn s3_a_hold_stops_one_domain_and_not_its_neighbour_on_the_same_server() {
    let destination = Destination::default();
    let node = Node::with(&destination).await;
    let held = node.domain("held.example", &["mail.example.org"]).await;
    let free = node.domain("free.example", &["mail.example.org"]).await;
    node.hold(&held).await;
    node.accept_many(&held, 20).await;
    node.accept_many(&free, 20).await;
    node.until_empty(&free, MINUTE).await;
    tokio::time::sleep(HOUR).await;
    assert_eq!(node.counters(&held).queued, 20);
    assert_eq!(node.state(&held), DestinationState::Held);
    assert_eq!(
        node.governors().len(),
        1,
        "two domains, one server, one governor"
    );
    node.update(&held, |domain| domain.hold = None).await;
    node.until_empty(&held, MINUTE).await;
    assert_eq!(destination.ledger().taken.len(), 40);
    node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn s3_a_hold_with_an_end_ends_by_itself() {
    let destination = Destination::default();
    let node = Node::with(&destination).await;
    let domain = node.domain("example.org", &["mail.example.org"]).await;
    let until = EPOCH.saturating_add(2 * HOUR);
    node.update(&domain, hold_until(until)).await;
    node.accept_many(&domain, 5).await;
    tokio::time::sleep(HOUR).await;
    assert_eq!(node.counters(&domain).queued, 5);
    let waited = node.until_empty(&domain, 2 * HOUR).await;
    assert!(
        waited >= HOUR - MINUTE && waited <= HOUR + MINUTE,
        "{waited:?}"
    );
    let domain = node.spool.directory().domain(domain.id).unwrap();
    assert_eq!(domain.hold, None);
    node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn intents_are_carried_out_also_while_the_destination_is_down() {
    let destination = Destination::default();
    destination.script(|script| script.door = Door::Refused);
    let node = Node::with(&destination).await;
    let domain = node.domain("example.org", &["mail.example.org"]).await;
    node.accept_many(&domain, 4).await;
    node.until_state(&domain, DestinationState::Down, MINUTE)
        .await;
    let page = node.spool.queue_page(domain.id, None, 10).await.unwrap();
    let wanted = vec![
        (page[0].sequence, IntentAction::Remove),
        (page[1].sequence, IntentAction::Bounce),
        (page[2].sequence, IntentAction::Retry),
    ];
    let ticket = node
        .spool
        .add_intents(domain.id, wanted, audit())
        .await
        .unwrap();
    ticket.done().await;
    let counters = node.counters(&domain);
    assert_eq!((counters.queued, counters.removed), (2, 2));
    destination.script(|script| script.door = Door::Open);
    node.until_empty(&domain, MINUTE).await;
    assert_eq!(destination.ledger().taken.len(), 2);
    node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_retry_does_not_wait_for_the_message_s_own_time() {
    let destination = Destination::default();
    let full = "452 4.2.2 mailbox full".to_owned();
    destination.script(|script| {
        script.rcpt.insert("full@example.org".to_owned(), full);
    });
    let node = Node::with(&destination).await;
    let domain = node.domain("example.org", &["mail.example.org"]).await;
    node.accept(domain.id, &["full@example.org"]).await;
    node.until(&domain, MINUTE, |node| {
        node.status(&domain).next_due_at.is_some()
    })
    .await;
    destination.script(|script| script.rcpt.clear());
    let page = node.spool.deferred_page(domain.id, None, 10).await.unwrap();
    let wanted = vec![(page[0].sequence, IntentAction::Retry)];
    let ticket = node
        .spool
        .add_intents(domain.id, wanted, audit())
        .await
        .unwrap();
    ticket.done().await;
    let waited = node.until_empty(&domain, 10 * MINUTE).await;
    assert!(waited < MINUTE, "{waited:?}");
    node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn s3_a_moved_message_takes_the_route_of_the_other_domain_and_keeps_its_recipient() {
    let old = Destination::default();
    old.script(|script| script.door = Door::Refused);
    let node = Node::with(&old).await;
    let new = Destination::default();
    node.net.add("new.example.org", &new);
    let domain = node.domain("example.org", &["mail.example.org"]).await;
    let other = node.domain("other.example", &["new.example.org"]).await;
    node.accept_many(&domain, 3).await;
    node.until_state(&domain, DestinationState::Down, MINUTE)
        .await;
    let page = node.spool.queue_page(domain.id, None, 10).await.unwrap();
    let wanted = vec![
        (page[0].sequence, IntentAction::Move(other.id)),
        (page[2].sequence, IntentAction::Move(other.id)),
    ];
    let ticket = node.spool.add_intents(domain.id, wanted, audit()).await;
    ticket.unwrap().done().await;
    node.until_empty(&other, MINUTE).await;
    let taken: Vec<_> = new.ledger().taken.clone();
    let recipients: Vec<_> = taken.iter().flat_map(|one| &one.recipients).collect();
    assert_eq!(recipients, ["user0@example.org", "user2@example.org"]);
    let counters = node.counters(&domain);
    assert_eq!((counters.queued, counters.removed), (1, 2));
    assert_eq!(node.counters(&other).delivered, 2);
    node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn out25_a_changed_destination_reaches_mail_that_is_queued() {
    let old = Destination::default();
    old.script(|script| script.door = Door::Refused);
    let node = Node::with(&old).await;
    let new = Destination::default();
    node.net.add("new.example.org", &new);
    let domain = node.domain("example.org", &["mail.example.org"]).await;
    node.accept_many(&domain, 10).await;
    node.until_state(&domain, DestinationState::Down, MINUTE)
        .await;
    let moved = vec![host("new.example.org")];
    node.update(&domain, |domain| domain.destinations = moved)
        .await;
    node.until_empty(&domain, MINUTE).await;
    assert_eq!(new.ledger().taken.len(), 10);
    node.until(&domain, MINUTE, |node| node.governors().len() == 1)
        .await;
    node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_domain_without_mail_needs_no_actor_after_a_while() {
    let destination = Destination::default();
    let node = Node::with(&destination).await;
    let domain = node.domain("example.org", &["mail.example.org"]).await;
    node.accept_many(&domain, 3).await;
    node.until_empty(&domain, MINUTE).await;
    assert_eq!(node.delivery_actors().len(), 1);
    tokio::time::sleep(10 * MINUTE).await;
    assert!(node.delivery_actors().is_empty());
    node.accept_many(&domain, 3).await;
    node.until_empty(&domain, MINUTE).await;
    assert_eq!(destination.ledger().taken.len(), 6);
    node.stop().await;
}
