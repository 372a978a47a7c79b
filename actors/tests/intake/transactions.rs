//! What arrives, arrives whole, once per destination domain, and only for who is ours.

use super::dialogue::{World, audit};

const ENVELOPE: &str =
    "> MAIL FROM:<s@sender.example>\n< 250 2.1.0\n> RCPT TO:<alice@x.example>\n< 250 2.1.5";

#[tokio::test(start_paused = true)]
async fn in10_what_was_sent_is_in_the_spool_octet_for_octet_before_the_250() {
    let world = World::new().await;
    let mut peer = world.introduced().await;
    peer.play(ENVELOPE).await;
    peer.play("> DATA\n< 354").await;
    peer.say(b"Subject: x\r\n\r\n..one dot\r\n\r\n\xe4\xf6\r\n.\r\n")
        .await;
    let reply = peer.reply().await;
    let id = reply.strip_prefix("250 2.0.0 ").unwrap().to_owned();
    let entries = world.queue(world.checked).await;
    assert_eq!(entries[0].message.to_string(), id);
    assert_eq!(entries[0].reverse_path.to_string(), "s@sender.example");
    assert_eq!(
        world.content().await,
        b"Subject: x\r\n\r\n.one dot\r\n\r\n\xe4\xf6\r\n"
    );
    peer.play("> QUIT\n< 221\n# end").await;
    drop(peer);
    world.all_over().await;
}

#[tokio::test(start_paused = true)]
async fn one_body_and_one_entry_per_destination_domain() {
    let world = World::new().await;
    let mut peer = world.introduced().await;
    peer.play(
        "> MAIL FROM:<>\n< 250
         > RCPT TO:<alice@x.example>\n< 250
         > RCPT TO:<anybody@open.example>\n< 250
         > RCPT TO:<bob@x.example>\n< 250
         > DATA\n< 354\n> List-Id: <l.sender.example>\n>\n> text\n> .\n< 250 2.0.0",
    )
    .await;
    let checked = world.queue(world.checked).await;
    let open = world.queue(world.open).await;
    assert_eq!((checked.len(), open.len()), (1, 1));
    assert_eq!(checked[0].message, open[0].message);
    let paths: Vec<String> = checked[0]
        .recipients
        .iter()
        .map(|state| state.recipient.path.to_string())
        .collect();
    assert_eq!(paths, ["alice@x.example", "bob@x.example"]);
    assert!(checked[0].bulk);
    assert_eq!(world.spool.counters(world.checked).accepted, 2);
}

#[tokio::test(start_paused = true)]
async fn d6_recipients_are_checked_against_the_directory() {
    let world = World::new().await;
    let mut peer = world.introduced().await;
    peer.play(
        "> MAIL FROM:<s@sender.example>\n< 250
         > RCPT TO:<Alice@X.Example>\n< 250 2.1.5
         > RCPT TO:<alice+tag@x.example>\n< 250 2.1.5
         > RCPT TO:<nobody@x.example>\n< 550 5.1.1
         > RCPT TO:<gone@x.example>\n< 550 5.2.1
         > RCPT TO:<postmaster@x.example>\n< 250 2.1.5
         > RCPT TO:<Postmaster>\n< 250 2.1.5
         > RCPT TO:<anybody@open.example>\n< 250 2.1.5
         > RCPT TO:<a@elsewhere.example>\n< 550 5.7.1
         > RCPT TO:<a%elsewhere.example@open.example>\n< 550 5.7.1",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn in9_mail_to_postmaster_without_a_domain_reaches_the_oldest_domain() {
    let world = World::new().await;
    let mut peer = world.introduced().await;
    peer.play(
        "> MAIL FROM:<>\n< 250\n> RCPT TO:<Postmaster>\n< 250\n> DATA\n< 354\n> x\n> .\n< 250",
    )
    .await;
    let entries = world.queue(world.checked).await;
    assert_eq!(
        entries[0].recipients[0].recipient.path.to_string(),
        "postmaster"
    );
}

#[tokio::test(start_paused = true)]
async fn a_change_of_the_directory_is_seen_by_open_sessions() {
    let world = World::new().await;
    let mut peer = world.introduced().await;
    peer.play(ENVELOPE).await;
    let alice = "alice@x.example".parse().unwrap();
    world.spool.remove_mailbox(&alice, audit()).await.unwrap();
    peer.play("> RSET\n< 250\n> MAIL FROM:<>\n< 250\n> RCPT TO:<alice@x.example>\n< 550 5.1.1")
        .await;
}

#[tokio::test(start_paused = true)]
async fn large_messages_arrive_in_chunks_by_data_and_by_bdat() {
    let line = b"0123456789 abcdefghijklmnopqrstuvwxyz .dots. \xe4\r\n";
    let body = line.repeat(3 * 1024 * 1024 / line.len());
    for chunking in [false, true] {
        let world = World::new().await;
        let mut peer = world.introduced().await;
        peer.play(ENVELOPE).await;
        if chunking {
            peer.say(format!("BDAT {} LAST\r\n", body.len()).as_bytes())
                .await;
            peer.say(&body).await;
        } else {
            peer.play("> DATA\n< 354").await;
            peer.say(&body).await;
            peer.say(b".\r\n").await;
        }
        peer.play("< 250 2.0.0").await;
        assert!(world.queue(world.checked).await[0].chunks > 1);
        assert!(world.content().await == body, "the body differs");
    }
}

#[tokio::test(start_paused = true)]
async fn in14_a_burst_is_answered_in_one_write() {
    use tokio::io::AsyncReadExt;
    let world = World::new().await;
    let mut peer = world.introduced().await;
    peer.say(b"MAIL FROM:<s@sender.example>\r\nRCPT TO:<alice@x.example>\r\nRCPT TO:<nobody@x.example>\r\nDATA\r\n").await;
    let mut flight = vec![0; 4096];
    let count = peer.stream.read(&mut flight).await.unwrap();
    let text = String::from_utf8_lossy(&flight[..count]);
    let codes: Vec<&str> = text.lines().map(|line| &line[..3]).collect();
    assert_eq!(codes, ["250", "250", "550", "354"]);
}

#[tokio::test(start_paused = true)]
async fn q28_nothing_of_a_smuggled_message_is_queued() {
    let world = World::new().await;
    for sequence in [
        "\n.\n",
        "\n.\r\n",
        "\r.\r",
        "\r\n.\n",
        "\r\n.\r",
        "\r\r\n.\r\r\n",
        "\0\r\n.\n",
    ] {
        let mut peer = world.introduced().await;
        peer.play(ENVELOPE).await;
        peer.play("> DATA\n< 354").await;
        let rest =
            "MAIL FROM:<evil@x.example>\r\nRCPT TO:<alice@x.example>\r\nDATA\r\nevil\r\n.\r\n";
        peer.say(format!("x{sequence}{rest}").as_bytes()).await;
        peer.play("< 550 5.6.0\n> NOOP\n< 250\n> QUIT\n< 221\n# end")
            .await;
    }
    assert!(world.queue(world.checked).await.is_empty());
    assert_eq!(world.spool.counters(world.checked).accepted, 0);
    world.all_over().await;
}

#[tokio::test(start_paused = true)]
async fn in1_a_peer_that_does_not_wait_for_the_greeting_is_sent_away() {
    let world = World::new().await;
    let mut peer = world.connect().await;
    peer.play("> EHLO sender.example\n< 554 5.5.0\n# end").await;
}

/// The paused clock shows whether there was a pause: who has behaved is not kept waiting.
#[tokio::test(start_paused = true)]
async fn in1_a_client_that_has_had_a_message_accepted_is_greeted_at_once() {
    let world = World::new().await;
    for is_known in [false, true] {
        let begun = world.spool.clock().monotonic();
        let mut peer = world.connect().await;
        peer.play("< 220\n> EHLO sender.example\n< 250").await;
        assert_eq!(world.spool.clock().monotonic() == begun, is_known);
        peer.play(ENVELOPE).await;
        peer.play("> DATA\n< 354\n> Subject: x\n>\n> .\n< 250 2.0.0\n> QUIT\n< 221\n# end")
            .await;
    }
}
