//! What a session does at its limits: guesses, stress, abilities of the destination.

use std::time::Duration;

use actors::callout::CalloutOptions;
use actors::session::Policy;
use actors::smtp::client::Capabilities;
use storage::model::VerifyMode;

use super::dialogue::{HOST, World, audit};

/// Guesses: the first ten at once, then slower and slower, in all connections of a client together.
#[tokio::test(start_paused = true)]
async fn q32_guessing_recipients_becomes_slow() {
    let world = World::new().await;
    let clock = std::sync::Arc::clone(world.spool.clock());
    let begun = clock.monotonic();
    let mut guesses = 0;
    while guesses < 30 {
        let mut peer = world.introduced().await;
        peer.play("> MAIL FROM:<>\n< 250").await;
        for _ in 0..10 {
            peer.play(&format!(
                "> RCPT TO:<guess{guesses}@x.example>\n< 550 5.1.1"
            ))
            .await;
            guesses += 1;
        }
        peer.play("< 421 4.7.0\n# end").await;
    }
    // 20 beyond the first ten, one a second.
    assert!(clock.monotonic() - begun >= Duration::from_secs(19));
    let mut peer = world.introduced().await;
    peer.play("> MAIL FROM:<>\n< 250\n> RCPT TO:<alice@x.example>\n< 250 2.1.5\n> QUIT\n< 221")
        .await;
    world.all_over().await;
}

/// Parallel guesses make a client owe more than is waited for: it is told nothing more for a while,
/// whoever it asks for.
#[tokio::test(start_paused = true)]
async fn q32_who_guesses_in_parallel_is_told_nothing_more() {
    let world = World::new().await;
    let mut peers = Vec::new();
    for number in 0..5 {
        let mut peer = world.introduced().await;
        let burst: String = (0..9)
            .map(|n| format!("RCPT TO:<g{number}-{n}@x.example>\r\n"))
            .collect();
        peer.say(format!("MAIL FROM:<>\r\n{burst}").as_bytes())
            .await;
        peers.push(peer);
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let mut codes = Vec::new();
    for peer in &mut peers {
        peer.play("< 250 2.1.0").await;
        let reply = peer.reply().await;
        codes.push(reply[..3].to_owned());
    }
    assert!(
        codes.iter().all(|code| code == "550" || code == "421"),
        "{codes:?}"
    );
    drop(peers);
    tokio::time::sleep(Duration::from_secs(120)).await;
    let mut peer = world.introduced().await;
    peer.play("> MAIL FROM:<>\n< 250\n> RCPT TO:<alice@x.example>\n< 250")
        .await;
}

/// When nine of ten connections are taken, who is silent for ten seconds goes, and one error ends a
/// session.
#[tokio::test(start_paused = true)]
async fn in4_under_stress_silence_and_errors_end_sessions_soon() {
    let world = World::new().await;
    let policy = Policy {
        connections_per_client: 10_000,
        connections_per_minute: 10_000,
        ..Policy::new(HOST)
    };
    let admit = || world.admit(&policy);
    let mut idle = world.introduced().await;
    let mut slow = world.introduced().await;
    slow.play("> MAIL FROM:<>\n< 250\n> RCPT TO:<alice@x.example>\n< 250\n> DATA\n< 354")
        .await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    let crowd: Vec<_> = (0..8_998).map(|_| admit()).collect();
    // Everybody hears of it: who has been silent for a minute goes at once.
    tokio::time::sleep(Duration::from_millis(10)).await;
    idle.play("< 421 4.4.2\n# end").await;
    slow.play("< 421 4.4.2\n# end").await;
    let mut clumsy = world.introduced().await;
    clumsy.play("> FOO\n< 500\n< 421 4.7.0\n# end").await;
    drop(crowd);
    tokio::time::sleep(Duration::from_secs(1)).await;
    let mut calm = world.introduced().await;
    calm.play("> FOO\n< 500\n> NOOP\n< 250").await;
    assert!(world.queue(world.checked).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn in13_a_size_that_the_destination_does_not_take_is_refused_at_rcpt() {
    let world = World::new().await;
    world.announce(&Capabilities {
        size_max: Some(1_000),
        smtputf8: true,
        ..Capabilities::default()
    });
    let mut peer = world.introduced().await;
    peer.play(
        "> MAIL FROM:<> SIZE=1001\n< 250\n> RCPT TO:<alice@x.example>\n< 552 5.3.4\n> RSET\n< 250
         > MAIL FROM:<> SIZE=1000\n< 250\n> RCPT TO:<alice@x.example>\n< 250\n> RSET\n< 250
         > MAIL FROM:<>\n< 250\n> RCPT TO:<alice@x.example>\n< 250",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn in17_an_address_that_the_destination_cannot_take_is_refused_at_rcpt() {
    let world = World::new().await;
    let dialogue = "> MAIL FROM:<\u{fc}@sender.example> SMTPUTF8\n< 250
         > RCPT TO:<alice@x.example>\n< 250 2.1.5\n> RSET\n< 250";
    let mut peer = world.introduced().await;
    peer.play(dialogue).await;
    world.announce(&Capabilities::default());
    // Declared and not needed: mail of ASCII goes anywhere.
    peer.play(
        "> MAIL FROM:<s@sender.example> SMTPUTF8\n< 250
         > RCPT TO:<alice@x.example>\n< 250 2.1.5\n> RSET\n< 250
         > MAIL FROM:<\u{fc}@sender.example> SMTPUTF8\n< 250
         > RCPT TO:<alice@x.example>\n< 550 5.6.7",
    )
    .await;
    world.announce(&Capabilities {
        smtputf8: true,
        ..Capabilities::default()
    });
    peer.play("> RSET\n< 250").await;
    peer.play(dialogue).await;
}

/// Nobody can be asked: as many unknown recipients as the configuration permits, then 451.
#[tokio::test(start_paused = true)]
async fn d6_callout_without_an_answer_takes_a_quota_and_defers_the_rest() {
    let world = World::new().await;
    let name = "x.example".parse().unwrap();
    world
        .spool
        .update_domain(
            &name,
            |domain| domain.verify = Some(VerifyMode::Callout),
            audit(),
        )
        .await
        .unwrap();
    world.intake.set_policy(Policy {
        callouts: CalloutOptions {
            unknown_per_hour: 1,
        },
        ..Policy::new(HOST)
    });
    let mut peer = world.introduced().await;
    peer.play(
        "> MAIL FROM:<>\n< 250\n> RCPT TO:<alice@x.example>\n< 250
         > RCPT TO:<one@x.example>\n< 250\n> RCPT TO:<two@x.example>\n< 451 4.3.0
         > RCPT TO:<gone@x.example>\n< 550 5.2.1",
    )
    .await;
}
