//! Writing down outcomes: rows, bodies, the ledger, copies that are not current.

use std::time::Duration;

use crate::model::{Disposition, DomainId, QueueEntry, Sequence};
use crate::spool::testing::{accepted, message, reply, spool};
use crate::spool::{Hint, RecipientOutcome, Settled, Settlement, Spool, SpoolError};

const X: DomainId = DomainId(1);
const Y: DomainId = DomainId(2);

pub(super) fn delivered(entry: &QueueEntry) -> Settlement {
    settlement(entry, |_| RecipientOutcome::Delivered { reply: reply(250) })
}

fn settlement(entry: &QueueEntry, outcome: impl Fn(usize) -> RecipientOutcome) -> Settlement {
    Settlement {
        entry: entry.clone(),
        outcomes: entry
            .open_recipients()
            .map(|(index, _)| (index, outcome(index)))
            .collect(),
        notices: Vec::new(),
    }
}

fn deferred(spool: &Spool, secs: u64) -> RecipientOutcome {
    RecipientOutcome::Deferred {
        due_at: spool
            .clock()
            .now()
            .saturating_add(Duration::from_secs(secs)),
        reply: reply(451),
        charged: true,
    }
}

async fn ready(spool: &Spool, domain: DomainId) -> Vec<QueueEntry> {
    spool.queue_page(domain, None, 100).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn what_is_delivered_is_gone_with_its_body() {
    let spool = spool().await;
    let id = accepted(&spool, b"x", &[(1, &["a@x.example", "b@x.example"])]).await;
    let entry = ready(&spool, X).await.pop().unwrap();
    let settled = spool.settle(delivered(&entry)).await.unwrap();
    assert_eq!(settled, Settled::Closed);
    assert_eq!(ready(&spool, X).await, []);
    assert_eq!(spool.message(id).await.unwrap(), None);
    assert!(spool.body(&entry).next().await.is_err());
    let counters = spool.counters(X);
    assert_eq!((counters.delivered, counters.queued), (2, 0));
    assert_eq!((counters.queued_bytes, counters.difference()), (0, 0));
    assert_eq!(spool.domains_with_mail(), []);
    let check = spool.check().await.unwrap();
    assert_eq!(check.problems, []);
}

/// A message to two domains keeps its body until the last of them is done.
#[tokio::test(start_paused = true)]
async fn the_body_goes_with_the_last_open_entry() {
    let spool = spool().await;
    let to: &[(u32, &[&str])] = &[(1, &["a@x.example"]), (2, &["b@y.example"])];
    let id = accepted(&spool, b"x", to).await;
    let (x, y) = (
        ready(&spool, X).await.remove(0),
        ready(&spool, Y).await.remove(0),
    );
    let (first, second) = tokio::join!(spool.settle(delivered(&x)), async {
        let row = spool.message(id).await.unwrap();
        (row, spool.body(&y).next().await.unwrap())
    });
    first.unwrap();
    assert!(second.1.is_some());
    assert_eq!(
        spool.message(id).await.unwrap().unwrap().open,
        [(Y, Sequence(0))]
    );
    spool.settle(delivered(&y)).await.unwrap();
    assert_eq!(spool.message(id).await.unwrap(), None);
    assert_eq!(spool.check().await.unwrap().problems, []);
}

/// The rows of both were read before either was changed; neither change may be lost.
#[tokio::test(start_paused = true)]
async fn two_domains_that_finish_together_delete_the_body() {
    let spool = spool().await;
    let to: &[(u32, &[&str])] = &[(1, &["a@x.example"]), (2, &["b@y.example"])];
    let id = accepted(&spool, b"x", to).await;
    let (x, y) = (
        ready(&spool, X).await.remove(0),
        ready(&spool, Y).await.remove(0),
    );
    let settled = spool
        .settle_all(vec![delivered(&x), delivered(&y)])
        .await
        .unwrap();
    assert_eq!(settled, [Settled::Closed, Settled::Closed]);
    assert_eq!(spool.message(id).await.unwrap(), None);
    assert_eq!(spool.check().await.unwrap().problems, []);
}

#[tokio::test(start_paused = true)]
async fn a_partial_success_keeps_the_rest_and_only_the_rest_open() {
    let spool = spool().await;
    accepted(&spool, b"x", &[(1, &["a@x.example", "b@x.example"])]).await;
    let entry = ready(&spool, X).await.remove(0);
    let mixed = settlement(&entry, |index| match index {
        0 => RecipientOutcome::Delivered { reply: reply(250) },
        _ => deferred(&spool, 60),
    });
    let Settled::Open(kept) = spool.settle(mixed).await.unwrap() else {
        panic!("it is still open");
    };
    assert_eq!(ready(&spool, X).await, []);
    let stored = spool.entry(X, entry.sequence).await.unwrap().unwrap();
    assert_eq!(stored, *kept);
    assert_eq!(stored.recipients[0].settled, Some(Disposition::Delivered));
    let counters = spool.counters(X);
    assert_eq!((counters.delivered, counters.queued), (1, 1));
    assert_eq!(
        spool.settle(delivered(&kept)).await.unwrap(),
        Settled::Closed
    );
    assert_eq!(spool.next_due(X).await.unwrap(), None);
    assert_eq!(spool.check().await.unwrap().problems, []);
}

/// A destination that is down charges nobody and moves nothing: the entry keeps its place.
#[tokio::test(start_paused = true)]
async fn a_deferral_without_a_time_leaves_the_entry_where_it_is() {
    let spool = spool().await;
    accepted(&spool, b"1", &[(1, &["a@x.example"])]).await;
    accepted(&spool, b"2", &[(1, &["a@x.example"])]).await;
    let entry = ready(&spool, X).await.remove(0);
    let down = settlement(&entry, |_| RecipientOutcome::Deferred {
        due_at: Default::default(),
        reply: reply(0),
        charged: false,
    });
    spool.settle(down).await.unwrap();
    let page = ready(&spool, X).await;
    assert_eq!(page[0].message, entry.message);
    assert_eq!(page[0].recipients[0].attempts, 0);
    assert_eq!(page.len(), 2);
}

/// A restarted actor may hold a copy from before; it must count nothing twice.
#[tokio::test(start_paused = true)]
async fn an_old_copy_settles_nothing() {
    let spool = spool().await;
    accepted(&spool, b"x", &[(1, &["a@x.example"])]).await;
    let old = ready(&spool, X).await.remove(0);
    let Settled::Open(kept) = spool
        .settle(settlement(&old, |_| deferred(&spool, 60)))
        .await
        .unwrap()
    else {
        panic!("it is still open");
    };
    assert_eq!(spool.settle(delivered(&old)).await.unwrap(), Settled::Stale);
    assert_eq!(
        spool.settle(delivered(&kept)).await.unwrap(),
        Settled::Closed
    );
    assert_eq!(
        spool.settle(delivered(&kept)).await.unwrap(),
        Settled::Stale
    );
    let twice = vec![delivered(&old), delivered(&old)];
    let settled = spool.settle_all(twice).await.unwrap();
    assert_eq!(settled, [Settled::Stale, Settled::Stale]);
    let counters = spool.counters(X);
    assert_eq!((counters.delivered, counters.queued), (1, 0));
    assert_eq!(spool.recount(X).await.unwrap(), counters);
}

#[tokio::test(start_paused = true)]
async fn an_entry_twice_in_a_batch_counts_once() {
    let spool = spool().await;
    accepted(&spool, b"x", &[(1, &["a@x.example"])]).await;
    let entry = ready(&spool, X).await.remove(0);
    let settled = spool
        .settle_all(vec![delivered(&entry), delivered(&entry)])
        .await
        .unwrap();
    assert_eq!(settled, [Settled::Closed, Settled::Stale]);
    assert_eq!(spool.counters(X).delivered, 1);
}

#[tokio::test(start_paused = true)]
async fn outcomes_that_do_not_fit_change_nothing() {
    let spool = spool().await;
    accepted(&spool, b"x", &[(1, &["a@x.example"])]).await;
    let entry = ready(&spool, X).await.remove(0);
    for outcomes in [
        Vec::new(),
        vec![(1, RecipientOutcome::Removed)],
        vec![
            (0, RecipientOutcome::Removed),
            (0, RecipientOutcome::Removed),
        ],
    ] {
        let settlement = Settlement {
            entry: entry.clone(),
            outcomes,
            notices: Vec::new(),
        };
        let refused = spool.settle(settlement).await;
        assert!(matches!(refused, Err(SpoolError::Invalid(_))));
    }
    assert_eq!(ready(&spool, X).await, [entry]);
}

/// D2: the notification is accepted by the commit that fails the recipient.
#[tokio::test(start_paused = true)]
async fn a_notice_enters_with_the_outcome_that_it_tells_of() {
    let spool = spool().await;
    accepted(&spool, b"x", &[(1, &["a@x.example"])]).await;
    let entry = ready(&spool, X).await.remove(0);
    let mut hints = spool.feed();
    let notice = message(&spool, b"notice", &[(2, &["sender@y.example"])]).await;
    let failed = Settlement {
        notices: vec![notice],
        ..settlement(&entry, |_| RecipientOutcome::Failed { reply: reply(550) })
    };
    spool.settle(failed).await.unwrap();
    assert_eq!(hints.recv().await.unwrap(), Hint::Queued(Y));
    assert_eq!(ready(&spool, Y).await.len(), 1);
    assert_eq!(spool.counters(X).failed, 1);
    assert_eq!(spool.counters(Y).accepted, 1);

    let notice = message(&spool, b"again", &[(2, &["sender@y.example"])]).await;
    let again = Settlement {
        notices: vec![notice],
        ..settlement(&entry, |_| RecipientOutcome::Failed { reply: reply(550) })
    };
    assert_eq!(spool.settle(again).await.unwrap(), Settled::Stale);
    assert_eq!(
        spool.counters(Y).accepted,
        1,
        "no notice of what did not happen"
    );
    assert_eq!(spool.check().await.unwrap().problems, []);
}

/// The ready lane is read from its watermark, also after a long day of deliveries.
#[tokio::test(start_paused = true)]
async fn the_watermark_follows_the_oldest_entry() {
    let spool = spool().await;
    for _ in 0..300 {
        accepted(&spool, b"x", &[(1, &["a@x.example"])]).await;
    }
    let page = spool.queue_page(X, None, 400).await.unwrap();
    for entry in page.iter().skip(1) {
        spool.settle(delivered(entry)).await.unwrap();
    }
    assert_eq!(ready(&spool, X).await, [page[0].clone()]);
    spool.settle(delivered(&page[0])).await.unwrap();
    assert_eq!(ready(&spool, X).await, []);
    let head = spool.inner.committer.order().domain(X).unwrap().head();
    assert_eq!(head.head, Sequence(300));
}
