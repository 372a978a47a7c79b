//! What must come to an end: relays that point at each other, and mail of senders who are not who
//! they say (Q12, Q13, OUT24).

use storage::model::{Counters, Domain, MailboxAccount, QueueEntry, Recipient};
use storage::spool::IntentAction;

use super::peer::Peer;
use super::relay::{Client, Relay};
use super::script::Script;
use super::stage::{HOUR, MINUTE};
use super::still::Still;
use super::support::node::{EPOCH, audit, envelope};

const DOMAIN: &str = "example.org";

fn counters(relay: &Relay, domain: &Domain) -> Counters {
    relay.node.counters(domain)
}

fn waiting(relay: &Relay, domain: &Domain) -> Vec<QueueEntry> {
    use futures_util::FutureExt;
    let spool = &relay.node.spool;
    let ready = spool.queue_page(domain.id, None, 2000).now_or_never();
    let deferred = spool.deferred_page(domain.id, None, 2000).now_or_never();
    let mut all = ready.unwrap().unwrap();
    all.extend(deferred.unwrap().unwrap());
    all
}

/// A thousand messages from a thousand senders, each answered with `reply` at the end.
async fn forge_a_thousand(relay: &Relay, reply: &str) {
    for batch in 0..100 {
        let mut client = Client::at(relay.address).await;
        for n in 0..10 {
            let sender = format!("forged{n}@victim{batch}.example");
            let recipient = format!("nobody{n}@example.org");
            let said = client.send(&sender, &recipient).await;
            assert!(said.starts_with(reply), "{said}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn q12_two_relays_that_point_at_each_other_stop_and_at_most_one_notification_goes_out() {
    for authenticated in [false, true] {
        let still = Still::new().await;
        let world = Peer::new(still.activity()).await;
        let one = Relay::new("one.example.net", world.address).await;
        let two = Relay::new("two.example.net", world.address).await;
        let at_one = one.domain(DOMAIN, two.address).await;
        let at_two = two.domain(DOMAIN, one.address).await;
        let recipients = vec![Recipient::new("user@example.org".parse().unwrap())];
        let mut envelope = envelope(recipients);
        envelope.client.authenticated_sender = authenticated;
        let content = b"Subject: round\r\n\r\nand round\r\n";
        one.node.accept_envelope(at_one.id, envelope, content).await;
        let open = || {
            let (one, two) = (counters(&one, &at_one), counters(&two, &at_two));
            one.queued + two.queued
        };
        let explain = || {
            let (one, two) = (counters(&one, &at_one), counters(&two, &at_two));
            format!("{one:?} {two:?}")
        };
        still.until(12 * HOUR, || open() == 0, explain).await;
        still.pass(HOUR).await;
        let (first, second) = (counters(&one, &at_one), counters(&two, &at_two));
        let hops = first.accepted + second.accepted;
        assert!((3..=10).contains(&hops), "{}", explain());
        assert_eq!(open(), 0, "{}", explain());
        let last = first.parked + second.parked + first.failed + second.failed;
        assert_eq!(last, 1, "it is kept or told once: {}", explain());
        assert!(world.ledger().taken.len() <= 1);
        one.kill();
        two.kill();
    }
}

#[tokio::test(start_paused = true)]
async fn q13_d6_a_thousand_forged_senders_to_unknown_users_are_refused_while_they_listen() {
    let still = Still::new().await;
    let (peer, world) = (
        Peer::new(still.activity()).await,
        Peer::new(still.activity()).await,
    );
    let relay = Relay::new("mx.example.net", world.address).await;
    let domain = relay.domain(DOMAIN, peer.address).await;
    let account = MailboxAccount {
        domain: domain.id,
        address: "known@example.org".parse().unwrap(),
        name: None,
        recovery: None,
        language: None,
        enabled: true,
        created_at: EPOCH,
    };
    let spool = &relay.node.spool;
    spool.put_mailboxes(vec![account], audit()).await.unwrap();
    forge_a_thousand(&relay, "550 5.1.1").await;
    still.pass(HOUR).await;
    assert_eq!(counters(&relay, &domain).accepted, 0);
    assert_eq!(
        (peer.ledger().heard.len(), world.ledger().heard.len()),
        (0, 0)
    );
    relay.kill();
}

#[tokio::test(start_paused = true)]
async fn q13_d2_a_thousand_forged_senders_to_users_the_destination_does_not_know_are_told_nothing()
{
    let still = Still::new().await;
    let (peer, world) = (
        Peer::new(still.activity()).await,
        Peer::new(still.activity()).await,
    );
    let relay = Relay::new("mx.example.net", world.address).await;
    let domain = relay.domain(DOMAIN, peer.address).await;
    peer.behave(Script::read(&["rcpt nobody: 550 5.1.1 no such user"]));
    forge_a_thousand(&relay, "250 ").await;
    still.pass(HOUR).await;
    let all = counters(&relay, &domain);
    assert_eq!((all.accepted, all.queued + all.parked), (1000, 1000));
    // A person gives them up: still nobody is told.
    let wanted: Vec<_> = waiting(&relay, &domain)
        .iter()
        .map(|entry| (entry.sequence, IntentAction::Bounce))
        .collect();
    let spool = &relay.node.spool;
    spool.add_intents(domain.id, wanted, audit()).await.unwrap();
    let gone = || counters(&relay, &domain).queued == 0;
    let explain = || format!("{:?}", counters(&relay, &domain));
    still.until(5 * MINUTE, gone, explain).await;
    still.pass(MINUTE).await;
    assert_eq!(world.ledger().heard.len(), 0, "no outbound message");
    assert_eq!(spool.domains_with_mail(), []);
    relay.kill();
}
