//! A real Postfix as the customer's server, stopped and started under load.
//!
//! It relays to a destination of ours, whose ledger says what came through it.

use mailhold::demo::destination::{Destination, DestinationOptions};
use mailhold::demo::sender::{Plan, Sender};

use crate::binary;
use crate::support::node::Node;
use crate::support::postfix::Postfix;
use crate::support::world::{DOMAIN, MAILBOXES, clock, postfix_before, within};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_reaches_a_postfix_that_is_stopped_and_started() {
    if !Postfix::is_available() {
        eprintln!("NOT TESTED: Postfix is not installed or this is not root (see tests/run)");
        return;
    }
    let clock = clock();
    let behind = Destination::start(DestinationOptions::default(), clock.clone()).unwrap();
    let mut postfix = postfix_before(&behind);
    let node = Node::start(binary()).unwrap();
    node.add_domain(DOMAIN, postfix.address(), &MAILBOXES)
        .unwrap();

    let mut plan = Plan::new(node.smtp(), MAILBOXES[0], u64::MAX);
    plan.recipients = MAILBOXES.map(str::to_owned).to_vec();
    plan.sessions = 4;
    plan.per_second = Some(100.0);
    let sender = Sender::start(plan, clock.clone());
    let mut progress = sender.progress();
    let ledger = behind.ledger();
    within(
        "first mail",
        ledger.wait_for(|totals| totals.distinct >= 50),
    )
    .await;
    postfix.stop().unwrap();
    let seen = progress.borrow().accepted;
    let taken = progress.wait_for(|progress| progress.accepted >= seen + 300);
    within("mail is taken during the outage", taken)
        .await
        .unwrap();
    postfix.resume().unwrap();
    sender.stop();
    let report = sender.finish().await;
    let accepted = report.accepted_count();
    assert_eq!(
        accepted,
        report.records.len() as u64,
        "{:?}",
        report.refusals()
    );
    within(
        "all mail",
        ledger.wait_for(|totals| totals.distinct >= accepted),
    )
    .await;
    for record in report.accepted() {
        let copies = ledger.copies(&record.id, &record.recipients[0]);
        assert_eq!(copies, 1, "{}\n{}", record.id, postfix.log());
    }
}
