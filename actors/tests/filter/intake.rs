//! What intake makes of the filter: replies, what is stored, for whom, and with which fields.

use std::sync::Arc;

use actors::filter::{Authenticator, FilterPolicy, Verdict};
use actors::session::Policy;
use storage::model::{AuthResult, Mailbox, RuleAction, SenderRule, Timestamp};
use storage::spool::{AsideEntry, AsideKind};

use crate::dialogue::{HOST, World, audit, without_trace};
use crate::dns::zone::Zone;
use crate::signed::{SignAs, Signer};

async fn world(zone: &Zone, change: impl FnOnce(&mut FilterPolicy)) -> World {
    let world = World::new().await;
    let authenticator = Authenticator::new(Arc::new(zone.clone())).unwrap();
    let mut filter = FilterPolicy {
        authenticator: Some(Arc::new(authenticator)),
        ..FilterPolicy::default()
    };
    change(&mut filter);
    world.intake.set_policy(Policy {
        message_size_max: 8 << 20,
        filter,
        ..Policy::new(HOST)
    });
    world
}

async fn rule(world: &World, owner: &str, action: RuleAction, subject: &str) {
    let mailbox: Option<Mailbox> = owner.parse().ok();
    let rule = SenderRule {
        domain: world.checked,
        mailbox,
        subject: subject.parse().unwrap(),
        action,
        comment: None,
        created_at: Timestamp::default(),
    };
    world.spool.put_sender_rule(rule, audit()).await.unwrap();
}

/// Sends a message and answers the reply to its end.
async fn send(world: &World, sender: &str, to: &[&str], message: &str) -> String {
    let mut peer = world.introduced().await;
    peer.play(&format!("> MAIL FROM:<{sender}>\n< 250")).await;
    for to in to {
        peer.play(&format!("> RCPT TO:<{to}>\n< 250")).await;
    }
    peer.play("> DATA\n< 354").await;
    peer.say(message.as_bytes()).await;
    peer.say(b".\r\n").await;
    peer.reply().await
}

async fn aside(world: &World) -> Vec<AsideEntry> {
    world
        .spool
        .aside_page(world.checked, None, 100)
        .await
        .unwrap()
}

const MESSAGE: &str = "From: ann@far.example\r\nSubject: x\r\n\r\nbody\r\n";

#[tokio::test(start_paused = true)]
async fn in26_forged_results_go_and_ours_stand_behind_our_trace_field() {
    let zone = Zone::parse(
        "far.example TXT v=spf1 ip4:192.0.2.0/24 -all\n_dmarc.far.example TXT v=DMARC1; p=reject",
    );
    let world = world(&zone, |_| {}).await;
    let forged = format!(
        "Authentication-Results: {HOST}; dmarc=pass\r\nAuthentication-Results: mx.far.example; spf=pass\r\n{MESSAGE}"
    );
    let reply = send(&world, "ann@far.example", &["alice@x.example"], &forged).await;
    assert!(reply.starts_with("250 "), "{reply}");
    let expected = format!(
        "Authentication-Results: {HOST};\r\n\tspf=pass smtp.mailfrom=far.example;\r\n\tdkim=none;\r\n\
         \tdmarc=pass policy.dmarc=reject header.from=far.example\r\n\
         Authentication-Results: mx.far.example; spf=pass\r\n{MESSAGE}"
    );
    assert_eq!(String::from_utf8(world.content().await).unwrap(), expected);
    let entry = &world.queue(world.checked).await[0];
    let found = entry.authentication.as_ref().unwrap();
    assert_eq!(found.spf.result, AuthResult::Pass);
    assert!(found.dmarc.spf_aligned);
    assert!(entry.client.authenticated_sender, "D2");
}

#[tokio::test(start_paused = true)]
async fn without_authentication_every_octet_but_forgeries_stays() {
    let world = World::new().await;
    let forged = format!("authentication-results: {HOST}; dmarc=pass\r\n{MESSAGE}");
    send(&world, "ann@far.example", &["alice@x.example"], &forged).await;
    assert_eq!(world.content().await, MESSAGE.as_bytes());
    let entry = &world.queue(world.checked).await[0];
    assert_eq!(entry.authentication, None);
    assert!(!entry.client.authenticated_sender);
}

#[tokio::test(start_paused = true)]
async fn clients_of_our_own_are_not_authenticated() {
    let zone = Zone::default();
    let world = world(&zone, |filter| filter.unchecked = Arc::new(|_| true)).await;
    send(&world, "ann@far.example", &["alice@x.example"], MESSAGE).await;
    assert_eq!(world.content().await, MESSAGE.as_bytes());
    assert!(zone.asked().is_empty());
}

/// The name that leads back to the client, not the one that lies; asked for once a connection.
#[tokio::test(start_paused = true)]
async fn in7_a_name_of_the_client_that_leads_back_to_it_is_told() {
    let zone = Zone::parse(
        "192.0.2.7 PTR liar.example\n192.0.2.7 PTR Out.Far.Example.\nliar.example A 192.0.2.77\n\
         out.far.example A 192.0.2.7",
    );
    let world = world(&zone, |_| {}).await;
    let mut peer = world.introduced().await;
    for _ in 0..2 {
        peer.play("> MAIL FROM:<>\n< 250\n> RCPT TO:<alice@x.example>\n< 250\n> DATA\n< 354")
            .await;
        peer.say(format!("{MESSAGE}.\r\n").as_bytes()).await;
        assert!(peer.reply().await.starts_with("250 "));
    }
    for entry in world.queue(world.checked).await {
        let stored = String::from_utf8(world.body(&entry).await).unwrap();
        let origin = "(out.far.example [192.0.2.7])";
        assert!(stored.lines().next().unwrap().ends_with(origin), "{stored}");
    }
    let asked = zone.asked();
    let times = asked.iter().filter(|name| *name == "192.0.2.7").count();
    assert_eq!(times, 1, "{asked:?}");
}

/// Q21: no name, and a name server that is dead, cost nothing but the name.
#[tokio::test(start_paused = true)]
async fn in7_without_a_name_the_address_stands_alone() {
    for zone in ["", "192.0.2.7 DEAD", "192.0.2.7 PTR liar.example"] {
        let world = world(&Zone::parse(zone), |_| {}).await;
        send(&world, "", &["alice@x.example"], MESSAGE).await;
        let entry = &world.queue(world.checked).await[0];
        let stored = String::from_utf8(world.body(entry).await).unwrap();
        let first = stored.lines().next().unwrap();
        assert!(first.ends_with("([192.0.2.7])"), "{zone}: {stored}");
    }
}

/// Large messages are hashed as they go by, and their head is written last.
#[tokio::test(start_paused = true)]
async fn a_signature_over_a_large_body_is_verified() {
    let signer = Signer::new();
    let mut zone = Zone::default();
    zone.txt("s._domainkey.far.example", signer.record.clone());
    let world = world(&zone, |_| {}).await;
    let line = "0123456789 abcdef  \r\n";
    let plain = format!(
        "From: ann@far.example\r\nTo: alice@x.example\r\nSubject: x\r\n\r\n{}",
        line.repeat(150_000)
    );
    let signed = signer.sign(&plain, "far.example", &SignAs::default());
    for (message, result) in [
        (signed.clone(), AuthResult::Pass),
        (signed.replacen("abcdef", "abcdeg", 1), AuthResult::Fail),
    ] {
        let reply = send(&world, "ann@far.example", &["alice@x.example"], &message).await;
        assert!(reply.starts_with("250 "), "{reply}");
        let entries = world.queue(world.checked).await;
        let entry = entries.last().unwrap();
        let found = entry.authentication.as_ref().unwrap();
        assert_eq!(found.dkim[0].result, result);
        assert_eq!(
            entry.client.authenticated_sender,
            result == AuthResult::Pass,
            "D2"
        );
        let stored = without_trace(&world.body(entry).await);
        assert!(stored.ends_with(message.as_bytes()) && stored.len() < message.len() + 400);
        assert_eq!(entry.size_bytes, world.body(entry).await.len() as u64);
    }
}

/// S22, S24: what is blocked is refused, from the first message on.
#[tokio::test(start_paused = true)]
async fn s22_a_blocked_sender_is_refused_at_the_end_of_data() {
    let world = world(&Zone::default(), |_| {}).await;
    rule(&world, "x.example", RuleAction::Block, "far.example").await;
    rule(
        &world,
        "bob@x.example",
        RuleAction::Allow,
        "ann@far.example",
    )
    .await;
    let reply = send(&world, "ann@far.example", &["alice@x.example"], MESSAGE).await;
    assert!(
        reply.starts_with("550 5.7.1 refused: rules: the recipient's domain blocks far.example"),
        "{reply}"
    );
    assert!(world.queue(world.checked).await.is_empty() && aside(&world).await.is_empty());
    // By From alone, with another envelope.
    let reply = send(&world, "x@else.example", &["alice@x.example"], MESSAGE).await;
    assert!(reply.starts_with("550 5.7.1"), "{reply}");
    let reply = send(&world, "ann@far.example", &["bob@x.example"], MESSAGE).await;
    assert!(reply.starts_with("250"), "{reply}");
}

#[tokio::test(start_paused = true)]
async fn s24_one_recipients_block_takes_nothing_from_the_others() {
    let world = world(&Zone::default(), |_| {}).await;
    rule(&world, "alice@x.example", RuleAction::Block, "192.0.2.0/24").await;
    let to = ["alice@x.example", "bob@x.example", "any@open.example"];
    let reply = send(&world, "ann@far.example", &to, MESSAGE).await;
    assert!(reply.starts_with("250"), "{reply}");
    let queued = world.queue(world.checked).await;
    assert_eq!(queued.len(), 1);
    assert_eq!(
        queued[0].recipients[0].recipient.path.to_string(),
        "bob@x.example"
    );
    assert_eq!(world.queue(world.open).await.len(), 1);
    let aside = aside(&world).await;
    assert_eq!((aside.len(), aside[0].kind), (1, AsideKind::Quarantined));
    assert_eq!(aside[0].reason, "rules: the recipient blocks 192.0.2.0/24");
    let counters = world.spool.counters(world.checked);
    assert_eq!(
        (counters.accepted, counters.queued, counters.quarantined),
        (2, 1, 1)
    );
    assert_eq!(counters.difference(), 0);
    world
        .spool
        .release_aside(world.checked, aside[0].sequence, audit())
        .await
        .unwrap();
    assert_eq!(world.queue(world.checked).await.len(), 2);
    assert_eq!(world.spool.check().await.unwrap().problems, []);
}

#[tokio::test(start_paused = true)]
async fn s24_mail_that_fails_dmarc_is_quarantined_and_not_queued() {
    let zone =
        Zone::parse("_dmarc.far.example TXT v=DMARC1; p=reject\nfar.example TXT v=spf1 -all");
    let world = world(&zone, |_| {}).await;
    let reply = send(&world, "ann@far.example", &["alice@x.example"], MESSAGE).await;
    assert!(reply.starts_with("250"), "{reply}");
    assert!(world.queue(world.checked).await.is_empty());
    let aside = aside(&world).await;
    assert!(
        aside[0]
            .reason
            .starts_with("dmarc: neither SPF nor DKIM passes for far.example")
    );
    let entry = aside[0].entry.as_ref().unwrap();
    assert_eq!(
        entry.authentication.as_ref().unwrap().dmarc.result,
        AuthResult::Fail
    );
}

#[tokio::test(start_paused = true)]
async fn a_tag_is_a_field_and_a_rejection_a_reply() {
    let zone = Zone::parse(
        "_dmarc.far.example TXT v=DMARC1; p=quarantine\n_dmarc.hard.example TXT v=DMARC1; p=reject",
    );
    let world = world(&zone, |filter| {
        filter.dmarc_quarantine = Verdict::Tag;
        filter.dmarc_reject = Verdict::Reject;
    })
    .await;
    let forged = format!("X-Mailhold-Filter: nothing found\r\n{MESSAGE}");
    send(&world, "ann@far.example", &["alice@x.example"], &forged).await;
    let content = String::from_utf8(world.content().await).unwrap();
    assert_eq!(content.matches("X-Mailhold-Filter").count(), 1);
    assert!(content.contains(
        "X-Mailhold-Filter: tag;\r\n\tdmarc: neither SPF nor DKIM passes for far.example"
    ));
    let hard = MESSAGE.replace("far.example", "hard.example");
    let reply = send(&world, "ann@hard.example", &["alice@x.example"], &hard).await;
    assert!(reply.starts_with("550 5.7.1 refused: dmarc:"), "{reply}");
}

/// Q21: whatever the DNS does, mail is taken, and what was not known is written down as such.
#[tokio::test(start_paused = true)]
async fn q21_a_dead_dns_neither_refuses_nor_loses_mail() {
    let zone =
        Zone::parse("far.example DEAD\n_dmarc.far.example DEAD\ns._domainkey.far.example DEAD");
    let world = world(&zone, |filter| filter.dmarc_reject = Verdict::Reject).await;
    let signed = Signer::new().sign(crate::signed::MESSAGE, "far.example", &SignAs::default());
    let reply = send(&world, "ann@far.example", &["alice@x.example"], &signed).await;
    assert!(reply.starts_with("250"), "{reply}");
    let entry = &world.queue(world.checked).await[0];
    let found = entry.authentication.as_ref().unwrap();
    let results = [found.spf.result, found.dkim[0].result, found.dmarc.result];
    assert_eq!(results, [AuthResult::TempError; 3]);
    assert!(!entry.client.authenticated_sender);
}

#[tokio::test(start_paused = true)]
async fn q31_a_bomb_of_parts_is_refused() {
    let world = World::new().await;
    let parts = "--b\r\n\r\n".repeat(1_001);
    let bomb = format!("Content-Type: multipart/mixed; boundary=b\r\n\r\n{parts}");
    let reply = send(&world, "ann@far.example", &["alice@x.example"], &bomb).await;
    assert!(
        reply.starts_with("550 5.7.1 refused: structure: "),
        "{reply}"
    );
    assert!(world.queue(world.checked).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn messages_without_body_or_header_are_stored_as_they_came() {
    for message in [
        "\r\n",
        "From: a@b.example\r\n",
        "From: a@b.example\r\n\r\n",
        "no header\r\nat all\r\n",
    ] {
        let world = world(&Zone::default(), |_| {}).await;
        let reply = send(&world, "ann@far.example", &["alice@x.example"], message).await;
        assert!(reply.starts_with("250"), "{reply}");
        let content = String::from_utf8(world.content().await).unwrap();
        assert!(content.ends_with(message), "{content:?}");
    }
}
