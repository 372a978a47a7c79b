//! IN30: a stop tells idle peers at once and lets transactions finish.

use super::dialogue::World;

#[tokio::test(start_paused = true)]
async fn in30_idle_sessions_are_told_at_once() {
    let world = World::new().await;
    let mut peer = world.introduced().await;
    let before = world.spool.clock().monotonic();
    world.stop.send_replace(true);
    peer.play("< 421 4.3.2\n# end").await;
    assert_eq!(world.spool.clock().monotonic(), before);
    drop(peer);
    world.all_over().await;
}

#[tokio::test(start_paused = true)]
async fn in30_a_transaction_under_way_finishes_and_the_session_ends_then() {
    let world = World::new().await;
    let mut peer = world.introduced().await;
    peer.play("> MAIL FROM:<>\n< 250\n> RCPT TO:<alice@x.example>\n< 250")
        .await;
    world.stop.send_replace(true);
    peer.play("> DATA\n< 354\n> x\n> .\n< 250 2.0.0\n< 421 4.3.2\n# end")
        .await;
    assert_eq!(world.queue(world.checked).await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn in30_a_transaction_that_does_not_finish_is_ended_after_the_grace() {
    let world = World::new().await;
    let mut peer = world.introduced().await;
    peer.play("> MAIL FROM:<>\n< 250\n> RCPT TO:<alice@x.example>\n< 250\n> DATA\n< 354\n> half")
        .await;
    let before = world.spool.clock().monotonic();
    world.stop.send_replace(true);
    peer.play("< 421 4.3.2\n# end").await;
    assert_eq!((world.spool.clock().monotonic() - before).as_secs(), 30);
    drop(peer);
    let checked = world.checked;
    let spool = world.all_over().await;
    assert!(
        spool
            .queue_page(checked, None, 10)
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test(start_paused = true)]
async fn a_connection_accepted_during_a_stop_is_told_so() {
    let world = World::new().await;
    world.stop.send_replace(true);
    let mut peer = world.connect().await;
    peer.play("< 220\n< 421 4.3.2\n# end").await;
}
