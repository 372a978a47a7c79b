//! Taking over and reading.

use std::time::Duration;

use crate::model::{DomainId, Sequence, Timestamp};
use crate::spool::testing::{accepted, audit, message, reply, spool};
use crate::spool::{
    Hint, NewDisposition, RecipientOutcome, Settled, Settlement, Spool, SpoolError,
};

const X: DomainId = DomainId(1);
const Y: DomainId = DomainId(2);

async fn defer(spool: &Spool, at: usize, due_at: Timestamp) {
    let page = spool.queue_page(X, None, 100).await.unwrap();
    let entry = page[at].clone();
    let outcome = RecipientOutcome::Deferred {
        due_at,
        reply: reply(451),
        charged: true,
    };
    let settled = spool
        .settle(Settlement {
            entry,
            outcomes: vec![(0, outcome)],
            notices: Vec::new(),
        })
        .await
        .unwrap();
    assert!(matches!(settled, Settled::Open(_)));
}

/// S23: what was accepted is in the queue, in the order of acceptance, with its body.
#[tokio::test(start_paused = true)]
async fn what_is_accepted_is_queued_in_order_with_one_body_for_all() {
    let spool = spool().await;
    let mut hints = spool.feed();
    let first = accepted(
        &spool,
        b"one\r\n",
        &[(1, &["a@x.example", "b@x.example"]), (2, &["c@y.example"])],
    )
    .await;
    let second = accepted(&spool, b"two\r\n", &[(1, &["a@x.example"])]).await;

    let page = spool.queue_page(X, None, 10).await.unwrap();
    let messages: Vec<_> = page.iter().map(|entry| entry.message).collect();
    assert_eq!(messages, [first, second]);
    assert_eq!(
        (page[0].sequence, page[1].sequence),
        (Sequence(0), Sequence(1))
    );
    assert!(page[0].shared && !page[1].shared);
    let row = spool.message(first).await.unwrap().unwrap();
    assert_eq!(row.open, [(X, Sequence(0)), (Y, Sequence(0))]);

    let mut body = spool.body(&page[0]);
    assert_eq!(body.next().await.unwrap().unwrap(), "one\r\n");
    assert_eq!(body.next().await.unwrap(), None);

    let counters = spool.counters(X);
    assert_eq!((counters.accepted, counters.queued), (3, 3));
    assert_eq!(counters.queued_bytes, 10);
    assert_eq!(spool.domains_with_mail(), [X, Y]);
    for expected in [Hint::Queued(X), Hint::Queued(Y), Hint::Queued(X)] {
        assert_eq!(hints.recv().await.unwrap(), expected);
    }
    assert_eq!(spool.check().await.unwrap().problems, []);
}

#[tokio::test(start_paused = true)]
async fn pages_go_on_where_the_last_one_ended() {
    let spool = spool().await;
    for _ in 0..5 {
        accepted(&spool, b"x", &[(1, &["a@x.example"])]).await;
    }
    let mut after = None;
    let mut seen = Vec::new();
    loop {
        let page = spool.queue_page(X, after, 2).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.sequence);
        seen.extend(page.iter().map(|entry| entry.sequence.0));
    }
    assert_eq!(seen, [0, 1, 2, 3, 4]);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_taken_for_a_domain_that_is_gone() {
    let spool = spool().await;
    let late = message(
        &spool,
        b"x",
        &[(1, &["a@x.example"]), (2, &["a@y.example"])],
    )
    .await;
    let name = "y.example".parse().unwrap();
    spool.remove_domain(&name, false, audit()).await.unwrap();
    let refused = spool.accept(late).await;
    assert!(matches!(refused, Err(SpoolError::UnknownDomain(Y))));
    assert_eq!(spool.counters(X).accepted, 0);
    assert_eq!(spool.queue_page(X, None, 10).await.unwrap(), []);
    assert_eq!(spool.check().await.unwrap().problems, []);
}

#[tokio::test(start_paused = true)]
async fn quarantined_mail_never_enters_the_queue() {
    let spool = spool().await;
    let mut bad = message(&spool, b"x", &[(1, &["a@x.example"])]).await;
    bad.entries[0].disposition = NewDisposition::Quarantine {
        reason: "a virus".to_owned(),
    };
    spool.accept(bad).await.unwrap();
    assert_eq!(spool.queue_page(X, None, 10).await.unwrap(), []);
    let counters = spool.counters(X);
    assert_eq!((counters.quarantined, counters.queued), (1, 0));
    assert_eq!(
        spool.aside_page(X, None, 10).await.unwrap()[0].reason,
        "a virus"
    );
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_its_time_is_found_by_time_and_by_position() {
    let spool = spool().await;
    for _ in 0..3 {
        accepted(&spool, b"x", &[(1, &["a@x.example"])]).await;
    }
    let now = spool.clock().now();
    let later = |secs| now.saturating_add(Duration::from_secs(secs));
    defer(&spool, 0, later(600)).await;
    defer(&spool, 0, later(60)).await;
    assert_eq!(spool.queue_page(X, None, 10).await.unwrap().len(), 1);
    assert_eq!(spool.next_due(X).await.unwrap(), Some(later(60)));
    assert_eq!(spool.deferred_due(X, later(59), 10).await.unwrap(), []);
    let due = spool.deferred_due(X, later(600), 10).await.unwrap();
    let positions: Vec<_> = due.iter().map(|entry| entry.sequence.0).collect();
    assert_eq!(positions, [1, 0], "earliest first");
    let page = spool.deferred_page(X, None, 10).await.unwrap();
    let positions: Vec<_> = page.iter().map(|entry| entry.sequence.0).collect();
    assert_eq!(positions, [0, 1], "in the order of acceptance");
    assert_eq!(
        spool
            .deferred_page(X, Some(Sequence(0)), 10)
            .await
            .unwrap()
            .len(),
        1
    );
    let found = spool.entry(X, Sequence(1)).await.unwrap().unwrap();
    assert_eq!(found.due_at(), later(60));
    assert_eq!(spool.next_due(Y).await.unwrap(), None);
    assert_eq!(spool.check().await.unwrap().problems, []);
}

#[tokio::test(start_paused = true)]
async fn learned_facts_are_kept_by_name() {
    let spool = spool().await;
    spool
        .save_learned("route/1", b"ehlo"[..].into())
        .await
        .unwrap();
    let kept = spool.load_learned("route/1").await.unwrap().unwrap();
    assert_eq!(kept, "ehlo");
    assert_eq!(spool.load_learned("route/2").await.unwrap(), None);
}
