//! The destination against the sender, over real sockets.

use super::*;
use crate::demo::sender::{Content, Fate, Plan, Sender};
use bytes::Bytes;
use storage::model::{SystemClock, Timestamp};

fn clock() -> Arc<dyn Clock> {
    Arc::new(SystemClock::new(Timestamp::default()))
}

fn start(options: DestinationOptions) -> Destination {
    Destination::start(options, clock()).unwrap()
}

#[tokio::test]
async fn every_message_arrives_once_octet_for_octet() {
    let destination = start(DestinationOptions {
        keep_content: true,
        ..DestinationOptions::default()
    });
    let mut plan = Plan::new(destination.address(), "a@x.example", 60);
    plan.recipients.push("b@x.example".to_owned());
    plan.recipients_per_message = 2;
    plan.sessions = 3;
    plan.messages_per_connection = 7;
    plan.content = Content::Given(vec![Bytes::from_static(
        b"Subject: x\r\n\r\n.\r\n..\r\nend",
    )]);
    for pipelining in [true, false] {
        plan.pipelining = pipelining;
        plan.id_prefix = format!("p{pipelining}");
        let report = Sender::run(plan.clone(), clock()).await;
        assert_eq!(report.accepted_count(), 60);
        let id = &report.records[0].id;
        let content = destination.ledger().content(id).unwrap();
        let expected = format!("X-Load-Id: {id}\r\nSubject: x\r\n\r\n.\r\n..\r\nend\r\n");
        assert_eq!(content, expected);
    }
    let totals = destination.ledger().totals();
    assert_eq!((totals.messages, totals.distinct), (120, 240));
    assert_eq!(destination.ledger().violations(), Vec::<String>::new());
    assert!(destination.ledger().second_copies().is_empty());
}

#[tokio::test]
async fn above_its_capacity_it_refuses_and_says_so_in_the_ledger() {
    let destination = start(DestinationOptions {
        capacity: Capacity {
            rate: Some(Rate {
                per_second: 0.001,
                burst: 4.0,
            }),
            ..Capacity::default()
        },
        ..DestinationOptions::default()
    });
    let plan = Plan::new(destination.address(), "a@x.example", 10);
    let report = Sender::run(plan, clock()).await;
    assert_eq!(report.accepted_count(), 4);
    let expected = vec![("451 4.7.1 too many messages, slow down".to_owned(), 6)];
    assert_eq!(report.refusals(), expected);
    assert_eq!(destination.ledger().totals().overload_refusals, 6);
}

#[tokio::test]
async fn a_script_strikes_at_its_phase() {
    let destination = start(DestinationOptions::default());
    destination.set_script(vec![
        Fault::times(Phase::EndOfData, Action::LoseReply, 1),
        Fault::recipient("no@x.example", "550 5.1.1 unknown"),
        Fault::times(Phase::Data, Action::Reset, 1),
    ]);
    let mut plan = Plan::new(destination.address(), "no@x.example", 3);
    plan.recipients.push("yes@x.example".to_owned());
    plan.recipients_per_message = 2;
    let report = Sender::run(plan, clock()).await;
    let fates: Vec<_> = report.records.iter().map(|record| &record.fate).collect();
    assert_eq!(fates, [&Fate::NotSent, &Fate::Unknown, &Fate::Accepted]);
    assert_eq!(report.records[2].recipients, ["yes@x.example"]);
    assert_eq!(destination.ledger().totals().messages, 2);
    assert_eq!(destination.ledger().copies("m-1", "yes@x.example"), 1);
}

#[tokio::test]
async fn it_comes_back_on_the_same_address_with_its_ledger() {
    let mut destination = start(DestinationOptions::default());
    let mut plan = Plan::new(destination.address(), "a@x.example", 5);
    Sender::run(plan.clone(), clock()).await;
    destination.stop().await;
    assert!(!destination.is_up());
    assert_eq!(destination.connections(), 0);
    plan.patience = Duration::ZERO;
    let report = Sender::run(plan.clone(), clock()).await;
    assert_eq!(report.records.len(), 0);
    destination.resume().unwrap();
    plan.id_prefix = "again".to_owned();
    let report = Sender::run(plan, clock()).await;
    assert_eq!(report.accepted_count(), 5);
    assert_eq!(destination.ledger().totals().messages, 10);
}

#[tokio::test]
async fn a_shutdown_lets_transactions_finish() {
    let capacity = Capacity {
        service_time: Duration::from_millis(5),
        ..Capacity::default()
    };
    let mut destination = start(DestinationOptions {
        capacity,
        ..DestinationOptions::default()
    });
    let mut plan = Plan::new(destination.address(), "a@x.example", u64::MAX);
    plan.sessions = 4;
    plan.patience = Duration::ZERO;
    let sender = Sender::start(plan, clock());
    destination
        .ledger()
        .wait_for(|totals| totals.messages > 20)
        .await;
    destination.shut_down().await;
    sender.stop();
    let report = sender.finish().await;
    assert!(
        report
            .records
            .iter()
            .all(|record| record.fate != Fate::Unknown)
    );
    assert_eq!(
        report.accepted_count(),
        destination.ledger().totals().messages
    );
    assert_eq!((destination.is_up(), destination.connections()), (false, 0));
    destination.resume().unwrap();
    let plan = Plan::new(destination.address(), "a@x.example", 1);
    assert_eq!(Sender::run(plan, clock()).await.accepted_count(), 1);
}
