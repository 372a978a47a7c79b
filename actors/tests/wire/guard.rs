//! The recovery guard (D1): a destination that comes back and refuses everything for good.

use actors::status::DestinationState::{Held, Policy};
use storage::model::TlsPolicy;

use super::script::Script;
use super::stage::{HOUR, MINUTE, SECOND, Stage};

/// Messages that wait when the host comes back.
const BACKLOG: usize = 60;

/// Half-configured hosts, each at another moment of the dialogue.
const ILL: [&[&str]; 7] = [
    &["banner: 554 5.7.1 in maintenance <close>"],
    &["ehlo: 554 5.7.1 not you", "helo: 554 5.7.1 not you"],
    &["mail: 550 5.7.1 relaying denied"],
    &["rcpt: 550 5.1.1 no such user"],
    &["data: 554 5.3.5 configuration error"],
    &["end: 554 5.6.0 not acceptable"],
    // Two codes in turn look less like one cause.
    &[
        "rcpt user1: 550 5.1.1 no such user",
        "rcpt: 554 5.7.1 relaying denied",
    ],
];

async fn held_by_the_backlog(stage: &Stage) {
    stage.prove().await;
    stage.peer.refuse().await;
    for n in 0..BACKLOG {
        let sender = format!("s{n}@sender{n}.example");
        let recipient = format!("user{n}@example.org");
        stage.accept_from(&sender, &[&recipient]).await;
    }
    stage.still.pass(10 * MINUTE).await;
}

/// For an hour nobody is told anything, nothing is lost, and a person sees why.
async fn one_hour(stage: &Stage, script: &[&str], waiting: u64) {
    stage.still.step_by(2 * SECOND);
    stage
        .until(15 * MINUTE, || matches!(stage.state(), Held | Policy))
        .await;
    stage.still.pass(HOUR).await;
    let status = stage.node.status(&stage.domain);
    assert!(
        matches!(status.state, Held | Policy),
        "{script:?}: {}",
        stage.explain()
    );
    assert!(status.reason.is_some(), "{script:?}: {}", stage.explain());
    let counters = stage.node.counters(&stage.domain);
    let lost = counters.failed + counters.parked + counters.expired + counters.removed;
    assert_eq!((counters.queued, lost), (waiting, 0), "{script:?}");
    assert_eq!(
        stage.world.ledger().heard.len(),
        0,
        "{script:?}: a DSN went out"
    );
}

/// It is well again: everything leaves by itself, once.
async fn drained(stage: &Stage, script: &[&str]) {
    stage.peer.behave(Script::default());
    stage.until_empty(3 * HOUR).await;
    for n in 0..BACKLOG {
        let copies = stage.peer.ledger().copies(&format!("user{n}@example.org"));
        assert_eq!(copies, if n < 4 { 2 } else { 1 }, "{script:?} user{n}");
    }
    assert_eq!(
        stage.world.ledger().heard.len(),
        0,
        "{script:?}: a DSN went out"
    );
    assert_eq!(stage.node.spool.domains_with_mail(), [], "{script:?}");
}

#[tokio::test(start_paused = true)]
async fn d1_q13_a_host_that_comes_back_refusing_everything_for_an_hour_bounces_nothing() {
    for script in ILL {
        let stage = Stage::new(TlsPolicy::Opportunistic).await;
        held_by_the_backlog(&stage).await;
        stage.peer.behave(Script::read(script));
        stage.peer.open().await;
        one_hour(&stage, script, BACKLOG as u64).await;
        drained(&stage, script).await;
        stage.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn d1_a_host_that_falls_ill_in_the_middle_of_the_ramp_bounces_nothing() {
    for script in &ILL[2..6] {
        let stage = Stage::new(TlsPolicy::Opportunistic).await;
        held_by_the_backlog(&stage).await;
        let before = stage.node.counters(&stage.domain).delivered;
        // Slow enough for something to be left.
        stage.peer.behave(Script::read(&["end: <drip> 250"]));
        stage.peer.open().await;
        let some = || stage.node.counters(&stage.domain).delivered >= before + 5;
        stage.until(2 * MINUTE, some).await;
        stage.peer.behave(Script::read(script));
        stage.until(5 * MINUTE, || stage.state() == Held).await;
        let waiting = stage.node.counters(&stage.domain).queued;
        assert!(waiting > 0, "{script:?}: too late");
        one_hour(&stage, script, waiting).await;
        drained(&stage, script).await;
        stage.stop().await;
    }
}
