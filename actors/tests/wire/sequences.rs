//! What several messages in a row mean, and what only shows on a connection that is used again.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use actors::status::DestinationState::{Degraded, Down, Healthy, Held};
use storage::model::TlsPolicy;

use super::script::Script;
use super::stage::{HOUR, MINUTE, SECOND, Stage, Standing};

async fn proven() -> Stage {
    let stage = Stage::new(TlsPolicy::Opportunistic).await;
    stage.prove().await;
    stage
}

#[tokio::test(start_paused = true)]
async fn b7_out20_an_idle_connection_that_has_gone_costs_nothing_but_another_one() {
    const GONE: [&[&str]; 4] = [
        &["mail again: 421 4.4.2 idle for too long"],
        &["mail again: <close>"],
        &["mail again: <reset>"],
        &["idle: <close>"],
    ];
    for script in GONE {
        let stage = proven().await;
        stage.peer.behave(Script::read(script));
        let before = stage.peer.ledger().heard.len();
        stage
            .node
            .accept(stage.domain.id, &["one@example.org"])
            .await;
        stage.until_empty(SECOND).await;
        stage
            .node
            .accept(stage.domain.id, &["two@example.org"])
            .await;
        let waited = stage.until(MINUTE, || {
            stage.peer.ledger().copies("two@example.org") == 1
        });
        assert!(
            waited.await < SECOND,
            "{script:?}: at once on a new connection"
        );
        assert_eq!(
            stage.state(),
            Healthy,
            "{script:?}: nothing is known from it"
        );
        stage.until_empty(MINUTE).await;
        assert_eq!(stage.peer.ledger().heard.len() - before, 2, "{script:?}");
        stage.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn b7_too_many_recipients_at_once_are_split_and_nobody_is_charged() {
    const LIMITS: [&[&str]; 3] = [
        &[
            "rcpt c: 452 4.5.3 too many recipients",
            "rcpt d: 452 4.5.3 too many recipients",
        ],
        &[
            "rcpt c: 552 too many recipients",
            "rcpt d: 552 5.5.3 too many recipients",
        ],
        &["rcpt c: 452 4.5.3 too many recipients <close>"],
    ];
    for script in LIMITS {
        let stage = proven().await;
        stage.peer.behave(Script::read(script));
        let all = [
            "a@example.org",
            "b@example.org",
            "c@example.org",
            "d@example.org",
        ];
        stage.node.accept(stage.domain.id, &all).await;
        let first = || stage.peer.ledger().copies("a@example.org") == 1;
        if script.len() == 2 {
            stage.until(MINUTE, first).await;
            let rest = stage.standing("c@example.org");
            assert!(
                matches!(rest, Standing::Ready | Standing::Deferred { .. }),
                "{script:?}: {rest:?}"
            );
        }
        stage.peer.behave(Script::default());
        stage.until_empty(HOUR).await;
        for name in all {
            assert_eq!(stage.peer.ledger().copies(name), 1, "{script:?} {name}");
        }
        stage.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn b7_three_messages_deferred_alike_are_an_overload_and_two_are_not() {
    for (messages, state) in [(2, Healthy), (6, Degraded)] {
        let stage = proven().await;
        stage
            .peer
            .behave(Script::read(&["end: 451 4.3.5 configuration"]));
        stage.node.accept_many(&stage.domain, messages).await;
        let tried = || {
            stage
                .queue()
                .iter()
                .all(|entry| entry.recipients[0].attempts > 0)
        };
        stage.until(5 * MINUTE, tried).await;
        assert_eq!(stage.state(), state, "{messages}");
        stage.peer.behave(Script::default());
        stage.until_empty(HOUR).await;
        stage.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn b7_a_message_that_kills_connections_while_others_pass_waits_by_itself() {
    let stage = proven().await;
    stage.peer.behave(Script::read(&["rcpt poison: <reset>"]));
    stage
        .node
        .accept(stage.domain.id, &["poison@example.org"])
        .await;
    for n in 0..8 {
        let user = format!("user{n}@example.org");
        stage.node.accept(stage.domain.id, &[&user]).await;
        stage
            .until(5 * MINUTE, || stage.peer.ledger().copies(&user) > 0)
            .await;
    }
    let own = || {
        matches!(
            stage.standing("poison@example.org"),
            Standing::Deferred { .. }
        )
    };
    stage.until(5 * MINUTE, own).await;
    let tries = stage.peer.ledger().count("RCPT TO:<poison");
    stage.still.pass(HOUR).await;
    let more = stage.peer.ledger().count("RCPT TO:<poison") - tries;
    assert!(more <= 12, "{more} more tries in an hour");
    stage.peer.behave(Script::default());
    stage.until_empty(2 * HOUR).await;
    stage.stop().await;
}

#[tokio::test(start_paused = true)]
async fn b7_s9e_a_lone_message_that_breaks_every_connection_is_tried_once_a_minute() {
    let stage = proven().await;
    stage.peer.behave(Script::read(&["mail: <reset>"]));
    stage
        .node
        .accept(stage.domain.id, &["one@example.org"])
        .await;
    stage.until(MINUTE, || stage.state() == Down).await;
    stage.still.pass(10 * MINUTE).await;
    let before = stage.peer.ledger().heard.len();
    stage.still.pass(HOUR).await;
    let tries = stage.peer.ledger().heard.len() - before;
    assert!((50..=75).contains(&tries), "{tries} connections in an hour");
    assert_eq!(stage.standing("one@example.org"), Standing::Ready);
    stage.peer.behave(Script::default());
    let back = || stage.peer.ledger().copies("one@example.org") == 1;
    stage.until(MINUTE + SECOND, back).await;
    stage.stop().await;
}

#[tokio::test(start_paused = true)]
async fn b7_d1_many_permanent_failures_alike_are_not_believed() {
    const ILL: [&[&str]; 4] = [
        &["mail: 550 5.7.1 relaying denied"],
        &["rcpt: 550 5.1.1 no such user"],
        &["data: 554 5.3.5 configuration"],
        &["end: 554 5.6.0 not this"],
    ];
    for script in ILL {
        let stage = proven().await;
        stage.peer.behave(Script::read(script));
        stage.node.accept_many(&stage.domain, 40).await;
        stage.until(5 * MINUTE, || stage.state() == Held).await;
        let before = stage.peer.ledger().count("MAIL");
        stage.still.pass(HOUR).await;
        let tests = stage.peer.ledger().count("MAIL") - before;
        assert!(
            (6..=13).contains(&tests),
            "{script:?}: one in five minutes, {tests}"
        );
        let counters = stage.node.counters(&stage.domain);
        assert!(counters.parked <= 4, "{script:?}: {counters:?}");
        assert_eq!(counters.queued + counters.parked, 40);
        stage.peer.behave(Script::default());
        stage.until_empty(2 * HOUR).await;
        stage.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn d4_fresh_mail_does_not_wait_for_the_pause_that_a_lone_poison_message_has_earned() {
    let stage = proven().await;
    stage.peer.behave(Script::read(&["rcpt poison: <reset>"]));
    stage
        .node
        .accept(stage.domain.id, &["poison@example.org"])
        .await;
    stage.still.pass(20 * MINUTE).await;
    let mut waits = Vec::new();
    for n in 0..20 {
        let user = format!("user{n}@example.org");
        stage.node.accept(stage.domain.id, &[&user]).await;
        let delivered = || stage.peer.ledger().copies(&user) > 0;
        waits.push(stage.until(2 * MINUTE, delivered).await);
        // A night without other mail would be the worst case; a few minutes are enough for it to
        // have the host to itself again.
        stage.still.pass(7 * MINUTE).await;
    }
    waits.sort_unstable();
    assert!(waits[18] <= 5 * SECOND, "p95: {waits:?}");
    stage.peer.behave(Script::default());
    stage.until_empty(2 * HOUR).await;
    stage.stop().await;
}

#[tokio::test(start_paused = true)]
async fn s11_mail_that_trickles_in_does_not_make_a_host_that_breaks_everything_busy() {
    let stage = proven().await;
    stage.peer.behave(Script::read(&["mail: <reset>"]));
    for n in 0..60 {
        let user = format!("user{n}@example.org");
        stage.node.accept(stage.domain.id, &[&user]).await;
        stage.still.pass(10 * SECOND).await;
    }
    let before = stage.peer.ledger().heard.len();
    for n in 60..360 {
        let user = format!("user{n}@example.org");
        stage.node.accept(stage.domain.id, &[&user]).await;
        stage.still.pass(10 * SECOND).await;
    }
    let tries = stage.peer.ledger().heard.len() - before;
    assert!(tries <= 130, "{tries} connections in fifty minutes");
    stage.peer.behave(Script::default());
    stage.until_empty(HOUR).await;
    stage.stop().await;
}

/// A host that refuses is asked once a minute at last; what shows that it is back shortens that.
#[tokio::test(start_paused = true)]
async fn b3_a_host_that_is_down_is_asked_when_its_address_was_seen_alive() {
    let stage = Stage::new(TlsPolicy::Opportunistic).await;
    stage
        .peer
        .behave(Script::read(&["banner: 421 4.3.2 not now"]));
    stage.node.accept_many(&stage.domain, 3).await;
    stage.until(HOUR, || stage.state() == Down).await;
    stage.still.pass(10 * MINUTE).await;
    let signs = stage.announced.signs_of_life().clone();
    let address = stage.peer.address.ip();
    let heard = || stage.peer.ledger().heard.len();
    // It refuses still: one question for each sign, and not for each of many.
    let mut early = 0;
    for _ in 0..20 {
        stage.still.pass(11 * SECOND).await;
        let before = heard();
        signs.seen(address);
        signs.seen(address);
        stage.still.settle().await;
        early += heard() - before;
        signs.seen(address);
        stage.still.settle().await;
        assert!(heard() - before <= 1);
    }
    assert!(early >= 15, "{early} of 20 signs were heeded");
    stage.still.pass(MINUTE).await;
    stage.peer.behave(Script::default());
    signs.seen(address);
    let waited = stage
        .until(MINUTE, || {
            stage.peer.ledger().copies("user0@example.org") > 0
        })
        .await;
    assert!(waited <= SECOND, "{waited:?}");
    stage.until_empty(HOUR).await;
    stage.stop().await;
}

#[tokio::test(start_paused = true)]
async fn b3_a_connection_that_another_route_opens_is_a_sign_of_life() {
    let stage = proven().await;
    let seen = Arc::new(AtomicU32::new(0));
    let counter = Arc::clone(&seen);
    let signs = stage.announced.signs_of_life();
    let mut lookout = signs.look_out(Arc::new(move || {
        counter.fetch_add(1, Ordering::Relaxed);
    }));
    lookout.watch([stage.peer.address.ip()]);
    stage.still.pass(MINUTE).await;
    stage.node.accept_many(&stage.domain, 1).await;
    stage.until_empty(MINUTE).await;
    assert_eq!(seen.load(Ordering::Relaxed), 1, "one connection");
    stage.stop().await;
}
