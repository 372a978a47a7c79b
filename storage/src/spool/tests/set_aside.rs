//! Parked, expired, quarantined: kept, released, deleted, dropped after their time.

use std::time::Duration;

use crate::model::{AsideKind, DomainId, QueueEntry, Sequence};
use crate::spool::testing::{accepted, audit, message, reply, spool};
use crate::spool::{NewDisposition, RecipientOutcome, Settled, Settlement, Spool, SpoolError};

const X: DomainId = DomainId(1);

async fn settle(spool: &Spool, entry: &QueueEntry, outcomes: Vec<RecipientOutcome>) -> Settled {
    let settlement = Settlement {
        entry: entry.clone(),
        outcomes: outcomes.into_iter().enumerate().collect(),
        notices: Vec::new(),
    };
    spool.settle(settlement).await.unwrap()
}

fn parked() -> RecipientOutcome {
    RecipientOutcome::Parked { reply: reply(550) }
}

async fn one_entry(spool: &Spool, to: &[&str]) -> QueueEntry {
    accepted(spool, b"body", &[(1, to)]).await;
    spool.queue_page(X, None, 10).await.unwrap().pop().unwrap()
}

async fn kinds(spool: &Spool) -> Vec<(AsideKind, u16)> {
    let page = spool.aside_page(X, None, 10).await.unwrap();
    page.iter()
        .map(|entry| (entry.kind, entry.recipients))
        .collect()
}

fn after_days(spool: &Spool, days: u64) -> crate::model::Timestamp {
    let now = spool.clock().now();
    now.saturating_add(Duration::from_secs(days * 86_400))
}

/// D2: what nobody may be told about is kept where an administrator sees it.
#[tokio::test(start_paused = true)]
async fn the_parked_keep_their_body_while_others_are_delivered() {
    let spool = spool().await;
    let entry = one_entry(&spool, &["a@x.example", "b@x.example", "c@x.example"]).await;
    let outcomes = vec![
        RecipientOutcome::Delivered { reply: reply(250) },
        parked(),
        RecipientOutcome::Deferred {
            due_at: after_days(&spool, 1),
            reply: reply(451),
            charged: true,
        },
    ];
    let Settled::Open(kept) = settle(&spool, &entry, outcomes).await else {
        panic!("one is still open");
    };
    assert!(kept.shared);
    assert_eq!(kinds(&spool).await, [(AsideKind::Parked, 1)]);
    let aside = spool.aside_page(X, None, 10).await.unwrap().remove(0);
    assert_eq!(aside.reason, "550 said the destination");
    assert_eq!(spool.check().await.unwrap().problems, []);

    let last = Settlement {
        entry: *kept,
        outcomes: vec![(2, RecipientOutcome::Delivered { reply: reply(250) })],
        notices: Vec::new(),
    };
    assert_eq!(spool.settle(last).await.unwrap(), Settled::Closed);
    let parked = aside.entry.unwrap();
    assert_eq!(spool.body(&parked).next().await.unwrap().unwrap(), "body");
    let counters = spool.counters(X);
    let terms = (counters.delivered, counters.parked, counters.queued);
    assert_eq!(terms, (2, 1, 0));
    assert_eq!(spool.check().await.unwrap().problems, []);

    spool
        .delete_aside(X, aside.sequence, audit())
        .await
        .unwrap();
    assert_eq!(spool.counters(X).removed, 1);
    assert!(spool.message(parked.message).await.unwrap().is_none());
    assert_eq!(spool.check().await.unwrap().problems, []);
}

#[tokio::test(start_paused = true)]
async fn a_released_entry_stands_at_the_end_of_the_queue_with_a_new_hold_period() {
    let spool = spool().await;
    let entry = one_entry(&spool, &["a@x.example"]).await;
    assert_eq!(
        settle(&spool, &entry, vec![parked()]).await,
        Settled::Closed
    );
    accepted(&spool, b"younger", &[(1, &["a@x.example"])]).await;
    tokio::time::advance(Duration::from_secs(86_400)).await;
    let position = spool
        .release_aside(X, entry.sequence, audit())
        .await
        .unwrap();
    assert_eq!(position, Sequence(2));
    let page = spool.queue_page(X, None, 10).await.unwrap();
    assert_eq!(page[1].message, entry.message);
    assert_eq!(page[1].accepted_at, spool.clock().now());
    assert_eq!(page[1].open_recipients().count(), 1);
    assert_eq!(spool.body(&page[1]).next().await.unwrap().unwrap(), "body");
    let counters = spool.counters(X);
    assert_eq!((counters.parked, counters.queued), (0, 2));
    assert_eq!(spool.recount(X).await.unwrap(), counters);
    assert_eq!(spool.check().await.unwrap().problems, []);
    let again = spool.release_aside(X, entry.sequence, audit()).await;
    assert!(matches!(again, Err(SpoolError::UnknownEntry { .. })));
}

#[tokio::test(start_paused = true)]
async fn two_administrators_cannot_release_the_same_entry_twice() {
    let spool = spool().await;
    let entry = one_entry(&spool, &["a@x.example"]).await;
    settle(&spool, &entry, vec![parked()]).await;
    let (one, other) = tokio::join!(
        spool.release_aside(X, entry.sequence, audit()),
        spool.delete_aside(X, entry.sequence, audit()),
    );
    assert!(one.is_ok() != other.is_ok());
    assert_eq!(spool.counters(X).difference(), 0);
    assert_eq!(spool.check().await.unwrap().problems, []);
}

/// What is set aside is kept for 30 days; then the parked counts as failed and the quarantined as
/// expired.
#[tokio::test(start_paused = true)]
async fn after_thirty_days_the_parked_have_failed_and_the_rest_has_expired() {
    let spool = spool().await;
    let entry = one_entry(&spool, &["a@x.example", "b@x.example"]).await;
    settle(&spool, &entry, vec![parked(), RecipientOutcome::Expired]).await;
    let mut bad = message(&spool, b"x", &[(1, &["c@x.example"])]).await;
    bad.entries[0].disposition = NewDisposition::Quarantine {
        reason: "unsafe".to_owned(),
    };
    spool.accept(bad).await.unwrap();
    assert_eq!(kinds(&spool).await.len(), 3);
    assert_eq!(spool.counters(X).expired, 1);

    let almost = after_days(&spool, 30).as_millis() - 1;
    let almost = crate::model::Timestamp::from_millis(almost);
    assert_eq!(spool.sweep_aside(almost, 100).await.unwrap(), 0);
    assert_eq!(
        spool.sweep_aside(after_days(&spool, 30), 1).await.unwrap(),
        1
    );
    assert_eq!(
        spool
            .sweep_aside(after_days(&spool, 30), 100)
            .await
            .unwrap(),
        2
    );
    assert_eq!(kinds(&spool).await, []);
    let counters = spool.counters(X);
    let terms = (counters.failed, counters.expired, counters.parked);
    assert_eq!(terms, (1, 2, 0));
    assert_eq!(counters.quarantined, 0);
    assert_eq!(counters.difference(), 0);
    assert!(spool.message(entry.message).await.unwrap().is_none());
    assert_eq!(spool.check().await.unwrap().problems, []);
}

#[tokio::test(start_paused = true)]
async fn expired_mail_can_be_released_and_is_queued_again() {
    let spool = spool().await;
    let entry = one_entry(&spool, &["a@x.example"]).await;
    settle(&spool, &entry, vec![RecipientOutcome::Expired]).await;
    let counters = spool.counters(X);
    assert_eq!((counters.expired, counters.queued), (1, 0));
    spool
        .release_aside(X, entry.sequence, audit())
        .await
        .unwrap();
    let counters = spool.counters(X);
    assert_eq!((counters.expired, counters.queued), (0, 1));
    assert_eq!(counters.difference(), 0);
}
