//! S2, S10, S12, S15, S16, S17: the server goes away, mail is held, the server returns.

use mailhold::demo::destination::{Action, Destination, DestinationOptions, Fault, Phase};
use mailhold::demo::sender::Sender;

use crate::binary;
use crate::support::world::{World, within};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn held_while_the_server_is_away_and_delivered_once_after_its_return() {
    let mut world = World::new(binary());
    let before = world.send("before", 50).await;
    world.delivered(50).await;
    world.destination.shut_down().await;
    // S16: senders get their 250 as always.
    let during = world.send("during", 300).await;
    assert_eq!(world.destination.ledger().totals().distinct, 50);
    world.destination.resume().unwrap();
    world.delivered(350).await;
    world.assert_delivered_once(before.accepted().chain(during.accepted()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s2_a_server_that_is_shut_down_under_load_costs_nothing() {
    let mut world = World::new(binary());
    let mut plan = world.plan("load", u64::MAX);
    plan.per_second = Some(100.0);
    let sender = Sender::start(plan, world.clock.clone());
    let mut progress = sender.progress();
    for reached in [50, 150] {
        world.delivered(reached).await;
        world.destination.shut_down().await;
        let seen = progress.borrow().accepted;
        let more = progress.wait_for(|progress| progress.accepted >= seen + 60);
        within("mail is taken while the server is away", more)
            .await
            .unwrap();
        world.destination.resume().unwrap();
    }
    sender.stop();
    let report = sender.finish().await;
    let accepted = report.accepted_count();
    assert_eq!(
        accepted,
        report.records.len() as u64,
        "{:?}",
        report.refusals()
    );
    world.delivered(accepted).await;
    world.assert_delivered_once(report.accepted());
}

/// S6, S9, S12: an open port is not a server that takes mail.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s9_a_server_that_answers_but_takes_nothing_is_away_too() {
    let world = World::new(binary());
    let reasons = [
        (Phase::Greeting, "421 4.3.2 starting up"),
        (Phase::Greeting, "554 5.3.2 upgrade in progress"),
        (Phase::Mail, "452 4.3.1 disk full"),
        (Phase::Recipient, "550 5.7.1 relaying denied"),
        (Phase::EndOfData, "451 4.3.0 out of memory"),
    ];
    for (number, (phase, reply)) in reasons.into_iter().enumerate() {
        let fault = Fault::always(phase, Action::Reply(reply.to_owned()));
        world.destination.set_script(vec![fault]);
        let faults = world.destination.ledger().totals().faults;
        let report = world.send(&format!("reason{number}"), 3).await;
        // It was tried, and the answer changed nothing about the mail.
        let ledger = world.destination.ledger();
        let tried = ledger.wait_for(|totals| totals.faults > faults);
        within("an attempt that met the fault", tried).await;
        world.destination.set_script(Vec::new());
        drop(report);
    }
    assert_eq!(world.destination.ledger().totals().distinct, 0);
    world
        .node
        .cli(&["queue", "retry", "--domain", "example.test"])
        .unwrap();
    let totals = world.delivered(15).await;
    assert_eq!(totals.deliveries, 15);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s9_a_server_that_was_never_there_gets_everything_when_it_first_appears() {
    let mut world = World::new(binary());
    let options = DestinationOptions::default();
    let late = Destination::stopped(options, world.clock.clone()).unwrap();
    let address = late.address().to_string();
    world
        .node
        .cli(&["domain", "set", "example.test", "--destination", &address])
        .unwrap();
    world.destination.shut_down().await;
    world.destination = late;
    let report = world.send("early", 40).await;
    world.destination.resume().unwrap();
    world.delivered(40).await;
    world.assert_delivered_once(report.accepted());
}
