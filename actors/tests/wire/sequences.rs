//! What several messages in a row mean, and what only shows on a connection that is used again.

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
