//! S19, S25: from nothing to the first relayed message with two commands.

use mailhold::demo::destination::DestinationOptions;
use mailhold::demo::sample;
use mailhold::demo::sender::{Content, Sender};

use crate::binary;
use crate::support::world::{MAILBOXES, World};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s19_domain_and_mailbox_are_all_it_takes() {
    let world = World::new(binary());
    let report = world.send("first", 1).await;
    world.delivered(1).await;
    world.assert_delivered_once(report.accepted());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn q10_below_our_trace_every_octet_is_as_it_was_sent() {
    for chunking in [false, true] {
        let options = DestinationOptions {
            keep_content: true,
            chunking,
            ..DestinationOptions::default()
        };
        let world = World::with(binary(), "", options);
        let messages = sample::messages().unwrap();
        let count = messages.len() as u64;
        let mut plan = world.plan("sample", count);
        plan.content = Content::Given(messages.clone());
        plan.recipients_per_message = 2;
        let report = Sender::run(plan.clone(), world.clock.clone()).await;
        assert_eq!(report.accepted_count(), count, "{:?}", report.refusals());
        world.delivered(count * 2).await;
        world.assert_delivered_once(report.accepted());
        for (number, message) in (0..count).zip(&messages) {
            let id = plan.id(number);
            let arrived = world.destination.ledger().content(&id).unwrap();
            let sent = [format!("X-Load-Id: {id}\r\n").as_bytes(), &message[..]].concat();
            assert!(arrived.ends_with(&sent), "{id} changed on its way");
            let trace = String::from_utf8(arrived[..arrived.len() - sent.len()].to_vec()).unwrap();
            assert!(trace.starts_with("Received: from"), "{trace:?}");
            assert_eq!(trace.matches("Received:").count(), 1, "{trace:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d6_who_is_not_in_the_directory_is_refused_at_rcpt_also_during_the_outage() {
    let mut world = World::new(binary());
    world.destination.stop().await;
    let mut plan = world.plan("mixed", 2);
    plan.recipients = vec![MAILBOXES[0].to_owned(), "nobody@example.test".to_owned()];
    plan.recipients_per_message = 2;
    let report = Sender::run(plan, world.clock.clone()).await;
    assert_eq!(report.accepted_count(), 2);
    assert!(
        report
            .accepted()
            .all(|record| record.recipients == MAILBOXES[..1])
    );
    let mut plan = world.plan("foreign", 1);
    plan.recipients = vec!["someone@elsewhere.test".to_owned()];
    let report = Sender::run(plan, world.clock.clone()).await;
    let (reply, count) = &report.refusals()[0];
    assert!(reply.starts_with("550 5.7.1"), "{reply}");
    assert_eq!(*count, 1);
}
