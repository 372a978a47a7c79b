//! SIGKILL at random moments of intake and delivery.
//!
//! Two ledgers are compared at the end: the senders' (what was answered 250) and the destination's
//! (what arrived). Accepted and not arrived is a loss; arrived and never sent to the end is a
//! ghost; a second copy may only be of a message that was on its way when the process died.

use std::collections::HashMap;

use mailhold::demo::sender::{Fate, Sender};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::binary;
use crate::support::world::{World, within};

/// Kills in an ordinary run.
const KILLS: usize = 20;
const SEED: u64 = 7;

pub(crate) fn kills() -> usize {
    let asked_for = std::env::var("MAILHOLD_KILLS").ok();
    asked_for.map_or(KILLS, |kills| kills.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn q1_every_250_survives_kill_9_and_q2_only_what_was_on_its_way_comes_twice() {
    let kills = kills();
    let mut random = ChaCha8Rng::seed_from_u64(SEED);
    let mut world = World::new(binary());
    let mut plan = world.plan("crash", u64::MAX);
    plan.sessions = 8;
    plan.per_second = Some(400.0);
    let sender = Sender::start(plan, world.clock.clone());
    let mut progress = sender.progress();
    let mut on_their_way = 0;
    for kill in 1..=kills {
        // Some of the outages overlap a kill, so that it strikes a held queue, a canary, a ramp.
        match random.random_range(0..4) {
            0 => world.destination.shut_down().await,
            _ => world.destination.resume().unwrap(),
        }
        let seen = progress.borrow().accepted;
        let more = seen + random.random_range(1..150);
        let taken = progress.wait_for(|progress| progress.accepted >= more);
        let what = format!("mail is taken before kill {kill} (seed {SEED})");
        within(&what, taken).await.unwrap();
        on_their_way += world.destination.connections();
        world.node.kill().unwrap();
        world.node.resume().unwrap();
    }
    world.destination.resume().unwrap();
    sender.stop();
    let report = within("senders end", sender.finish()).await;

    let accepted = report.accepted_count();
    let unknown = report
        .records
        .iter()
        .filter(|record| record.fate == Fate::Unknown);
    let unknown = unknown.count();
    let ledger = world.destination.ledger();
    let arrived = |id: &str, recipient: &str| ledger.copies(id, recipient) > 0;
    let missing = || {
        let mut missing = report.accepted();
        missing.find(|record| !record.recipients.iter().all(|to| arrived(&record.id, to)))
    };
    let all = ledger.wait_for(|totals| totals.distinct >= accepted && missing().is_none());
    if tokio::time::timeout(crate::support::world::DEADLINE, all)
        .await
        .is_err()
    {
        panic!("lost: {:?} of {accepted}; {:?}", missing(), ledger.totals());
    }

    let fates: HashMap<_, _> = report
        .records
        .iter()
        .map(|record| (record.id.as_str(), &record.fate))
        .collect();
    for (_, id) in ledger.arrivals() {
        let fate = fates.get(id.as_str());
        let explained = matches!(fate, Some(Fate::Accepted | Fate::Unknown));
        assert!(explained, "ghost: {id} was {fate:?}");
    }
    let second = ledger.second_copies();
    let extra: usize = second.iter().map(|(_, _, copies)| copies - 1).sum();
    println!(
        "{kills} kills: {accepted} accepted, 0 lost, {unknown} of unknown fate, \
         {extra} second copies ({:.2} per kill), {on_their_way} connections at the kills",
        extra as f64 / kills as f64
    );
    assert!(extra <= on_their_way, "{extra} second copies: {second:?}");
    assert_eq!(ledger.violations(), Vec::<String>::new());
}
