//! Listeners behind a load balancer (IN28).

use std::time::Duration;

use actors::session::{ListenerOptions, Policy};

use super::dialogue::{HOST, World};
use super::listener::{first_line, listening_as};

const HEADER: &str = "PROXY TCP4 198.51.100.9 192.0.2.1 40000 25\r\n";

async fn world() -> World {
    let mut world = World::new().await;
    world.options.is_proxied = true;
    world
}

#[tokio::test(start_paused = true)]
async fn in28_the_client_that_the_header_names_stands_in_envelope_and_trace() {
    let world = world().await;
    let mut peer = world.connect().await;
    let (one, two) = HEADER.as_bytes().split_at(20);
    peer.say(one).await;
    tokio::time::sleep(Duration::from_secs(4)).await;
    peer.say(two).await;
    peer.play(
        "< 220\n> EHLO sender.example\n< 250\n> MAIL FROM:<>\n< 250
         > RCPT TO:<alice@x.example>\n< 250\n> DATA\n< 354\n> .\n< 250\n> QUIT\n< 221",
    )
    .await;
    let entries = world.queue(world.checked).await;
    assert_eq!(entries[0].client.ip.to_string(), "198.51.100.9");
    let body = String::from_utf8(world.body(&entries[0]).await).unwrap();
    assert!(body.starts_with("Received: from sender.example ([198.51.100.9])\r\n"));
    world.all_over().await;
}

#[tokio::test(start_paused = true)]
async fn in28_without_a_header_nothing_is_said() {
    let world = world().await;
    for said in [
        &b"EHLO sender.example\r\n"[..],
        b"PROXY TCP9\r\n",
        b"\r\n\r\n\0\r\nQUIT\n\x31\x11\0\0",
    ] {
        let mut peer = world.connect().await;
        peer.say(said).await;
        peer.play("# end").await;
    }
    // Silence is waited for, not longer than five seconds.
    let begun = world.spool.clock().monotonic();
    let mut silent = world.connect().await;
    silent.play("# end").await;
    let waited = world.spool.clock().monotonic() - begun;
    assert_eq!(waited.as_secs(), 5);
    world.all_over().await;
}

#[tokio::test(start_paused = true)]
async fn in28_who_speaks_behind_the_header_before_the_greeting_is_sent_away() {
    let world = world().await;
    let mut peer = world.connect().await;
    peer.say(format!("{HEADER}EHLO early\r\n").as_bytes()).await;
    peer.play("< 554 5.5.0\n# end").await;
}

#[tokio::test(start_paused = true)]
async fn in28_a_proxy_that_speaks_for_itself_is_the_client() {
    let world = world().await;
    let mut peer = world.connect().await;
    peer.say(b"PROXY UNKNOWN\r\n").await;
    peer.play("< 220\n> QUIT\n< 221\n# end").await;
}

/// On a listener of its own, from listed sources only.
#[tokio::test]
async fn in28_strangers_are_disconnected_without_a_word() {
    let options = ListenerOptions {
        is_proxied: true,
        ..ListenerOptions::default()
    };
    let listening = listening_as(options, Policy::new(HOST)).await;
    let (_stream, line) = first_line(listening.address).await;
    assert_eq!(line, "");
    listening.stop().await;
}
