//! The spool on the engine that is used in production.

use std::sync::Arc;

use futures_util::future::join_all;

use crate::model::{Clock, DomainId, SystemClock, Timestamp};
use crate::spool::testing::{accepted, audit, destination, message, reply};
use crate::spool::{
    IntakeState, NewDomain, OpenError, RecipientOutcome, Settlement, Space, SpaceProbe, Spool,
    SpoolOptions,
};

const X: DomainId = DomainId(1);

fn clock(not_before: Timestamp) -> Arc<dyn Clock> {
    Arc::new(SystemClock::new(not_before))
}

async fn open(directory: &std::path::Path) -> Spool {
    Spool::open_with(directory, SpoolOptions::default(), clock)
        .await
        .unwrap()
}

async fn with_domain(directory: &std::path::Path) -> Spool {
    let spool = open(directory).await;
    let new = NewDomain::new("x.example".parse().unwrap(), vec![destination()]);
    spool.add_domain(new, audit()).await.unwrap();
    spool
}

/// Positions follow the order of commits, and those who accept at once share syncs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_accepts_share_syncs_and_are_visible_in_the_order_of_their_positions() {
    let directory = tempfile::tempdir().unwrap();
    let spool = with_domain(directory.path()).await;
    let before = spool.stats().await.unwrap().engine;
    let accepting = join_all((0..50).map(|_| async {
        for _ in 0..4 {
            accepted(&spool, b"body", &[(1, &["a@x.example"])]).await;
        }
    }));
    // A reader that follows with a cursor meets every position exactly once, in order.
    let reading = async {
        let mut seen = Vec::new();
        while seen.len() < 200 {
            let page = spool.queue_page(X, seen.last().copied(), 7).await.unwrap();
            seen.extend(page.iter().map(|entry| entry.sequence));
            tokio::task::yield_now().await;
        }
        seen
    };
    let (_, seen) = tokio::join!(accepting, reading);
    assert!(
        seen.iter()
            .enumerate()
            .all(|(at, sequence)| sequence.0 == at as u64)
    );
    let after = spool.stats().await.unwrap().engine;
    assert_eq!(after.commits - before.commits, 200);
    assert!(after.syncs - before.syncs < 200, "nobody shared a sync");
    assert_eq!(spool.check().await.unwrap().problems, []);
}

/// S23: everything is there after a restart, the ledger included.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_finds_queue_ledger_and_bodies() {
    let directory = tempfile::tempdir().unwrap();
    let spool = with_domain(directory.path()).await;
    let large: Vec<u8> = (0..3_000_000_u32).map(|at| (at % 253) as u8).collect();
    accepted(&spool, b"small", &[(1, &["a@x.example"])]).await;
    accepted(&spool, &large, &[(1, &["b@x.example"])]).await;
    let entry = spool.queue_page(X, None, 1).await.unwrap().remove(0);
    let delivered = RecipientOutcome::Delivered { reply: reply(250) };
    let settlement = Settlement {
        entry,
        outcomes: vec![(0, delivered)],
        notices: Vec::new(),
    };
    spool.settle(settlement).await.unwrap();
    let counters = spool.counters(X);
    spool.shutdown().await.unwrap();
    drop(spool);

    let spool = open(directory.path()).await;
    assert_eq!(spool.counters(X), counters);
    assert_eq!(spool.recount(X).await.unwrap(), counters);
    let page = spool.queue_page(X, None, 10).await.unwrap();
    assert_eq!(page.len(), 1);
    let mut body = spool.body(&page[0]);
    let mut read = Vec::new();
    while let Some(piece) = body.next().await.unwrap() {
        read.extend_from_slice(&piece);
    }
    assert_eq!(read, large);
    assert_eq!(spool.check().await.unwrap().problems, []);

    let copy = directory.path().join("copy");
    spool.backup(copy.clone()).await.unwrap();
    let restored = open(&copy).await;
    assert_eq!(restored.counters(X), counters);
    assert_eq!(restored.check().await.unwrap().problems, []);
    assert!(restored.directory().domain(X).is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_process_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let _spool = open(directory.path()).await;
    let second = Spool::open_with(directory.path(), SpoolOptions::default(), clock).await;
    let Err(OpenError::Engine(error)) = second else {
        panic!("two have it open");
    };
    assert!(error.to_string().contains("in use by another process"));
}

/// A wall clock that was set back while the process was down does not take time back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn time_goes_on_where_the_store_has_seen_it() {
    let directory = tempfile::tempdir().unwrap();
    let future = Timestamp::from_secs(4_000_000_000);
    let ahead = |_| clock(future);
    let spool = Spool::open_with(directory.path(), SpoolOptions::default(), ahead)
        .await
        .unwrap();
    spool.sample_space().await.unwrap();
    drop(spool);
    let spool = open(directory.path()).await;
    assert!(spool.clock().now() >= future);
}

#[derive(Debug)]
struct AlmostFull;

impl SpaceProbe for AlmostFull {
    fn sample(&self) -> std::io::Result<Space> {
        Ok(Space {
            total_bytes: 1_000_000_000,
            free_bytes: 50_000_000,
        })
    }
}

/// Decision "disk": refused before the disk is full, from the first second on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_is_known_when_the_spool_opens() {
    let directory = tempfile::tempdir().unwrap();
    let options = SpoolOptions {
        space: Some(Arc::new(AlmostFull)),
        message_size_limit: 1_000_000,
        ..SpoolOptions::default()
    };
    let spool = Spool::open_with(directory.path(), options, clock)
        .await
        .unwrap();
    assert_eq!(spool.intake(), IntakeState::Full);
    let unused = message(&spool, b"x", &[(1, &["a@x.example"])]).await;
    assert_eq!(unused.body.size_bytes(), 1);
}
