//! Callouts: what is asked, what is remembered, and what is taken while nobody answers (D6).

use std::sync::Arc;
use std::time::Duration;

use actors::callout::{self, CalloutContext, CalloutOptions, Callouts, Verified};
use actors::delivery::{Announced, Opener};
use actors::supervision::{Intensity, Supervisor, SupervisorArguments};
use ractor::{Actor, ActorCell};
use storage::model::Domain;

use crate::support::destination::{Destination, Door};
use crate::support::node::{HOST, Node, manners};

const HOUR: Duration = Duration::from_secs(3_600);

struct Asking {
    node: Node,
    callouts: Callouts,
    domain: Arc<Domain>,
    _desk: ActorCell,
}

impl Asking {
    async fn of(destination: &Destination) -> Self {
        let node = Node::with(destination).await;
        let domain = node.domain("example.org", &[HOST]).await;
        let callouts = Callouts::new(node.spool.clone());
        let context = CalloutContext {
            spool: node.spool.clone(),
            board: node.board.clone(),
            opener: Opener {
                dialer: Arc::new(node.net.clone()),
                manners: manners(&node.spool),
                announced: Announced::default(),
            },
            callouts: callouts.clone(),
        };
        let arguments = SupervisorArguments {
            name: "test".into(),
            children: vec![callout::child_spec(context)],
            intensity: Intensity::new(3, Duration::from_secs(300)),
            clock: Arc::clone(node.spool.clock()),
            exit: None,
        };
        let (desk, _) = Supervisor::spawn(None, Supervisor, arguments)
            .await
            .unwrap();
        Self {
            node,
            callouts,
            domain: Arc::new(domain),
            _desk: desk.get_cell(),
        }
    }

    async fn verify(&self, address: &str) -> Verified {
        let options = CalloutOptions {
            unknown_per_hour: 2,
        };
        let mailbox = address.parse().unwrap();
        self.callouts.verify(&self.domain, &mailbox, options).await
    }
}

#[tokio::test(start_paused = true)]
async fn d6_a_yes_is_remembered_for_seven_days_and_refreshed_after_one() {
    let destination = Destination::default();
    let asking = Asking::of(&destination).await;
    let dials = || destination.ledger().dials;
    assert_eq!(asking.verify("alice@example.org").await, Verified::Exists);
    assert_eq!(dials(), 1);
    tokio::time::sleep(HOUR).await;
    assert_eq!(asking.verify("ALICE@example.org").await, Verified::Exists);
    assert_eq!(dials(), 1, "it was not asked again");
    tokio::time::sleep(24 * HOUR).await;
    assert_eq!(asking.verify("alice@example.org").await, Verified::Exists);
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(dials(), 2, "it was asked behind the answer");
    destination.script(|script| script.door = Door::Refused);
    tokio::time::sleep(6 * 24 * HOUR).await;
    let verified = asking.verify("alice@example.org").await;
    assert_eq!(verified, Verified::Exists, "known good while it is down");
}

#[tokio::test(start_paused = true)]
async fn d6_a_no_is_remembered_for_two_hours() {
    let destination = Destination::default();
    let refuse = |reply: &str| {
        let reply = reply.to_owned();
        destination.script(move |script| {
            script.rcpt.insert("bob@example.org".to_owned(), reply);
        });
    };
    refuse("550 5.1.1 no such user");
    let asking = Asking::of(&destination).await;
    assert_eq!(asking.verify("bob@example.org").await, Verified::Unknown);
    refuse("250 2.1.5 here now");
    tokio::time::sleep(HOUR).await;
    assert_eq!(asking.verify("bob@example.org").await, Verified::Unknown);
    tokio::time::sleep(HOUR + Duration::from_secs(1)).await;
    assert_eq!(asking.verify("bob@example.org").await, Verified::Exists);
}

#[tokio::test(start_paused = true)]
async fn d6_while_the_destination_is_down_unknown_recipients_have_a_quota() {
    let destination = Destination::default();
    let asking = Asking::of(&destination).await;
    assert_eq!(asking.verify("alice@example.org").await, Verified::Exists);
    destination.script(|script| script.door = Door::Refused);
    tokio::time::sleep(HOUR).await;
    for address in ["one@example.org", "two@example.org"] {
        assert_eq!(asking.verify(address).await, Verified::Exists);
    }
    let third = asking.verify("three@example.org").await;
    assert_eq!(third, Verified::Unanswered);
    assert_eq!(asking.verify("alice@example.org").await, Verified::Exists);
    // What was taken unseen was not learnt: it is asked for when the destination is back.
    destination.script(|script| {
        script.door = Door::Open;
        let reply = "550 5.1.1 no such user".to_owned();
        script.rcpt.insert("one@example.org".to_owned(), reply);
    });
    tokio::time::sleep(Duration::from_secs(120)).await;
    assert_eq!(asking.verify("one@example.org").await, Verified::Unknown);
}

/// A 4yz, or a refusal of us, is no word about the mailbox.
#[tokio::test(start_paused = true)]
async fn d6_no_answer_is_no_refusal() {
    let destination = Destination::default();
    destination.script(|script| {
        for (address, reply) in [
            ("grey@example.org", "451 4.7.1 greylisted"),
            ("denied@example.org", "550 5.7.1 relaying denied"),
        ] {
            script.rcpt.insert(address.to_owned(), reply.to_owned());
        }
    });
    let asking = Asking::of(&destination).await;
    for address in ["grey@example.org", "denied@example.org"] {
        assert_eq!(asking.verify(address).await, Verified::Exists, "unseen");
    }
    let third = asking.verify("grey@example.org").await;
    assert_eq!(third, Verified::Unanswered);
}

#[tokio::test(start_paused = true)]
async fn d6_a_host_is_asked_on_one_connection_and_five_times_a_second_at_most() {
    let destination = Destination::default();
    let asking = Asking::of(&destination).await;
    let clock = Arc::clone(asking.node.spool.clock());
    let begun = clock.monotonic();
    let addresses: Vec<String> = (0..21).map(|n| format!("u{n}@example.org")).collect();
    let all = addresses.iter().map(|address| asking.verify(address));
    let verified = futures_util::future::join_all(all).await;
    assert!(verified.iter().all(|one| *one == Verified::Exists));
    assert!(clock.monotonic() - begun >= Duration::from_secs(4));
    assert_eq!(destination.ledger().dials, 1);
}
