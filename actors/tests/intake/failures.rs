//! What goes wrong on either side leaves nothing behind and loses nothing that was acknowledged.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::dialogue::World;
use actors::session::SmtpSession;
use ractor::{Actor, ActorProcessingErr, ActorRef, SupervisionEvent};
use storage::model::BodyKind;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::mpsc;

const WHOLE: &[u8] = b"MAIL FROM:<s@sender.example>\r\nRCPT TO:<alice@x.example>\r\nDATA\r\nSubject: x\r\n\r\ntext\r\n.\r\n";

#[tokio::test(start_paused = true)]
async fn q3_a_connection_cut_at_any_octet_leaves_nothing_queued() {
    let world = World::new().await;
    for cut in 0..WHOLE.len() {
        let mut peer = world.introduced().await;
        peer.say(&WHOLE[..cut]).await;
    }
    let checked = world.checked;
    let spool = world.all_over().await;
    assert!(
        spool
            .queue_page(checked, None, 10)
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(spool.counters(checked).accepted, 0);
}

#[tokio::test(start_paused = true)]
async fn q3_a_connection_cut_in_a_large_body_leaves_no_chunks() {
    let world = World::new().await;
    let mut peer = world.introduced().await;
    peer.play("> MAIL FROM:<>\n< 250\n> RCPT TO:<alice@x.example>\n< 250\n> DATA\n< 354")
        .await;
    peer.say(&b"0123456789abcdef\r\n".repeat(200_000)).await;
    drop(peer);
    let spool = world.all_over().await;
    spool.sweep_orphans(1000).await.unwrap();
    assert!(spool.check().await.unwrap().problems.is_empty());
}

#[tokio::test(start_paused = true)]
async fn q15_no_250_when_the_store_fails() {
    let world = World::new().await;
    let mut peer = world.introduced().await;
    peer.play("> MAIL FROM:<>\n< 250\n> RCPT TO:<alice@x.example>\n< 250\n> DATA\n< 354")
        .await;
    world.engine.fail("no disk");
    peer.play("> x\n> .\n< 451 4.3.0").await;
    // From now on the sender is told at once.
    peer.play("> MAIL FROM:<>\n< 451 4.3.0\n> QUIT\n< 221\n# end")
        .await;
}

#[tokio::test(start_paused = true)]
async fn q15_a_large_body_that_cannot_be_written_is_read_to_its_end_and_answered_451() {
    let world = World::new().await;
    let mut peer = world.introduced().await;
    peer.play("> MAIL FROM:<>\n< 250\n> RCPT TO:<alice@x.example>\n< 250\n> DATA\n< 354")
        .await;
    world.engine.fail("no disk");
    peer.say(&b"0123456789abcdef\r\n".repeat(200_000)).await;
    peer.play("> .\n< 451 4.3.0\n> NOOP\n< 250").await;
}

#[tokio::test(start_paused = true)]
async fn a_domain_removed_before_the_end_of_the_data_is_answered_451() {
    let world = World::new().await;
    let mut peer = world.introduced().await;
    peer.play("> MAIL FROM:<>\n< 250\n> RCPT TO:<a@open.example>\n< 250\n> DATA\n< 354")
        .await;
    let name = "open.example".parse().unwrap();
    let audit = super::dialogue::audit();
    world
        .spool
        .remove_domain(&name, false, audit)
        .await
        .unwrap();
    peer.play("> x\n> .\n< 451 4.3.0").await;
}

#[tokio::test(start_paused = true)]
async fn in4_silence_ends_a_session_after_300_seconds() {
    let world = World::new().await;
    let mut peer = world.introduced().await;
    let before = world.spool.clock().monotonic();
    peer.play("< 421 4.4.2\n# end").await;
    let waited = world.spool.clock().monotonic() - before;
    assert_eq!(waited.as_secs(), 300);
    // In the middle of a message as well.
    let mut peer = world.introduced().await;
    peer.play("> MAIL FROM:<>\n< 250\n> RCPT TO:<alice@x.example>\n< 250\n> DATA\n< 354\n> half\n< 421 4.4.2\n# end").await;
    assert!(world.queue(world.checked).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn out10_the_kind_of_body_is_what_arrived() {
    let world = World::new().await;
    let mut peer = world.introduced().await;
    peer.play("> MAIL FROM:<> BODY=8BITMIME\n< 250\n> RCPT TO:<alice@x.example>\n< 250\n> DATA\n< 354\n> plain\n> .\n< 250").await;
    assert_eq!(world.queue(world.checked).await[0].body, BodyKind::SevenBit);
}

/// A stream whose first read panics.
struct Poisoned;

impl AsyncRead for Poisoned {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        _: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        panic!("a fault of ours");
    }
}

impl AsyncWrite for Poisoned {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// A parent that reports its children's failures.
struct Parent;

impl Actor for Parent {
    type Msg = ();
    type State = mpsc::UnboundedSender<String>;
    type Arguments = mpsc::UnboundedSender<String>;

    async fn pre_start(
        &self,
        _: ActorRef<()>,
        failures: Self::Arguments,
    ) -> Result<Self::State, ActorProcessingErr> {
        Ok(failures)
    }

    async fn handle_supervisor_evt(
        &self,
        _: ActorRef<()>,
        event: SupervisionEvent,
        failures: &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        if let SupervisionEvent::ActorFailed(_, error) = event {
            failures.send(error.to_string())?;
        }
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn q23_a_panic_ends_one_session_and_gives_its_permit_back() {
    let world = World::new().await;
    let (failures, mut seen) = mpsc::unbounded_channel();
    let (parent, _task) = Parent::spawn(None, Parent, failures).await.unwrap();
    let session = SmtpSession::<Poisoned>::default();
    let connection = world.connection(Poisoned);
    SmtpSession::spawn_linked(None, session, connection, parent.get_cell())
        .await
        .unwrap();
    assert!(seen.recv().await.unwrap().contains("a fault of ours"));
    let mut peer = world.introduced().await;
    peer.play("> NOOP\n< 250").await;
    drop(peer);
    world.all_over().await;
}
