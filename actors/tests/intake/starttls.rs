//! STARTTLS with a real handshake over an in-memory stream.

use std::sync::Arc;

use super::dialogue::{HOST, World};
use actors::tls::{ClientTls, ServerTls};
use storage::model::TlsPolicy;

async fn world() -> World {
    let dir = tempfile::tempdir().unwrap();
    let tls = ServerTls::self_signed(dir.path(), "smtp", HOST, &["smtp"]).unwrap();
    World::with_tls(Some(Arc::new(tls))).await
}

#[tokio::test(start_paused = true)]
async fn in20_mail_over_tls() {
    let world = world().await;
    let mut peer = world.introduced().await;
    peer.play("> STARTTLS\n< 220 2.0.0").await;
    let client = ClientTls::new().unwrap();
    let handshake = |stream| async move {
        let connected = client.connect(&TlsPolicy::Required, HOST, stream).await;
        connected.unwrap()
    };
    let mut peer = peer.over(handshake).await;
    peer.play(
        "> MAIL FROM:<>\n< 503 5.5.1
         > EHLO sender.example\n< 250
         > STARTTLS\n< 503 5.5.1
         > MAIL FROM:<>\n< 250\n> RCPT TO:<alice@x.example>\n< 250
         > DATA\n< 354\n> secret\n> .\n< 250 2.0.0\n> QUIT\n< 221",
    )
    .await;
    let entries = world.queue(world.checked).await;
    assert_eq!(entries[0].client.tls_version.as_deref(), Some("TLSv1.3"));
    let body = String::from_utf8(world.body(&entries[0]).await).unwrap();
    assert!(body.contains("with ESMTPS id") && body.contains("(using TLSv1.3 with cipher"));
    assert_eq!(world.content().await, b"secret\r\n");
}

#[tokio::test(start_paused = true)]
async fn q29_plaintext_behind_starttls_is_never_read_as_commands() {
    let world = world().await;
    let mut peer = world.introduced().await;
    peer.say(b"STARTTLS\r\nMAIL FROM:<evil@sender.example>\r\n")
        .await;
    peer.play("< 554 5.5.0\n# end").await;
    // Sent a moment later it is no TLS record either.
    let mut peer = world.introduced().await;
    peer.play("> STARTTLS\n< 220 2.0.0").await;
    peer.say(b"MAIL FROM:<evil@sender.example>\r\nRCPT TO:<alice@x.example>\r\n")
        .await;
    drop(peer);
    world.all_over().await;
}

#[tokio::test(start_paused = true)]
async fn q22_a_handshake_that_never_comes_ends_the_session() {
    let world = world().await;
    let mut peer = world.introduced().await;
    let before = world.spool.clock().monotonic();
    peer.play("> STARTTLS\n< 220 2.0.0\n# end").await;
    assert_eq!((world.spool.clock().monotonic() - before).as_secs(), 30);
}

#[tokio::test(start_paused = true)]
async fn starttls_is_not_offered_without_a_certificate() {
    let world = World::new().await;
    let mut peer = world.introduced().await;
    peer.play("> STARTTLS\n< 502 5.5.1").await;
}
