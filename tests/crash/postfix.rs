//! SIGKILL while a real Postfix behind goes away and comes back, twenty times over.

use actors::delivery::ramp::WINDOW_MAX;
use mailhold::demo::destination::{Destination, DestinationOptions};
use mailhold::demo::sender::{Plan, Sender};

use crate::binary;
use crate::kill::kills;
use crate::support::node::Node;
use crate::support::postfix::Postfix;
use crate::support::world::{DOMAIN, MAILBOXES, clock, postfix_before, within};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn q1_nothing_is_lost_when_mailhold_is_killed_while_a_postfix_is_away() {
    if !Postfix::is_available() {
        eprintln!("NOT TESTED: Postfix is not installed or this is not root (see tests/run)");
        return;
    }
    let kills = kills();
    let clock = clock();
    let behind = Destination::start(DestinationOptions::default(), clock.clone()).unwrap();
    let mut postfix = postfix_before(&behind);
    let mut node = Node::start(binary()).unwrap();
    node.add_domain(DOMAIN, postfix.address(), &MAILBOXES)
        .unwrap();

    let mut plan = Plan::new(node.smtp(), MAILBOXES[0], u64::MAX);
    plan.recipients = MAILBOXES.map(str::to_owned).to_vec();
    plan.sessions = 4;
    plan.per_second = Some(100.0);
    let sender = Sender::start(plan, clock);
    let mut progress = sender.progress();
    let ledger = behind.ledger();
    for kill in 1..=kills {
        let arrived = ledger.totals().distinct;
        let mail = ledger.wait_for(|totals| totals.distinct > arrived);
        within(&format!("mail comes through before kill {kill}"), mail).await;
        postfix.stop().unwrap();
        let seen = progress.borrow().accepted;
        let taken = progress.wait_for(|progress| progress.accepted >= seen + 50);
        within(&format!("mail is taken in outage {kill}"), taken)
            .await
            .unwrap();
        node.kill().unwrap();
        postfix.resume().unwrap();
        node.resume().unwrap();
    }
    sender.stop();
    let report = within("senders end", sender.finish()).await;
    // What was cut off after the final dot may have arrived, so it waits for five minutes; a person
    // who knows better does not.
    node.cli(&["queue", "retry", "--domain", DOMAIN]).unwrap();

    let accepted = report.accepted_count();
    let arrived = |id: &str, recipient: &str| ledger.copies(id, recipient) > 0;
    let missing = || {
        let mut missing = report.accepted();
        missing.find(|record| !record.recipients.iter().all(|to| arrived(&record.id, to)))
    };
    let all = ledger.wait_for(|totals| totals.distinct >= accepted && missing().is_none());
    let all = tokio::time::timeout(crate::support::world::DEADLINE, all).await;
    assert!(all.is_ok(), "lost: {:?} of {accepted}", missing());
    let second = ledger.second_copies();
    let extra: usize = second.iter().map(|(_, _, copies)| copies - 1).sum();
    println!("{kills} kills, {accepted} accepted, 0 lost, {extra} second copies");
    assert!(extra <= kills * WINDOW_MAX as usize, "{second:?}");
}
