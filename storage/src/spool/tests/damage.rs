//! "Corrupt record: set aside, reported, the rest goes on."

use bytes::Bytes;

use crate::codec;
use crate::engine::{
    BackupReport, CheckReport, DayKind, Direction, Durability, Engine, EngineError, EngineFuture,
    EngineStats, Inspector, KeyRange, KeyspaceId, MemoryEngine, Page, Precondition, ReclaimReport,
    Write,
};
use crate::keyspace::{heads, queue};
use crate::model::{DomainId, Sequence};
use crate::spool::testing::{accepted, audit, clock, destination};
use crate::spool::{AsideKind, NewDomain, Spool, SpoolError, SpoolOptions};

const X: DomainId = DomainId(1);

async fn open(engine: &MemoryEngine) -> Spool {
    let engine = std::sync::Arc::new(engine.clone());
    Spool::on_engine(engine, SpoolOptions::default(), clock())
        .await
        .unwrap()
}

async fn with_mail(count: usize) -> (Spool, MemoryEngine) {
    let engine = MemoryEngine::new();
    let spool = open(&engine).await;
    let new = NewDomain::new("x.example".parse().unwrap(), vec![destination()]);
    spool.add_domain(new, audit()).await.unwrap();
    for _ in 0..count {
        accepted(&spool, b"body", &[(1, &["a@x.example", "b@x.example"])]).await;
    }
    (spool, engine)
}

async fn overwrite(engine: &MemoryEngine, keyspace: KeyspaceId, key: &[u8], row: Vec<u8>) {
    let write = Write::put(keyspace, Bytes::copy_from_slice(key), row);
    engine
        .commit(vec![write], Durability::Synced, Vec::new())
        .await
        .unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_damaged_row_is_set_aside_and_the_rest_goes_on() {
    let (spool, engine) = with_mail(3).await;
    let key = queue::key(X, Sequence(1));
    let row = engine
        .get(KeyspaceId::Queue, Bytes::copy_from_slice(&key))
        .await
        .unwrap()
        .unwrap();
    let damaged = row[..row.len() - 20].to_vec();
    overwrite(&engine, KeyspaceId::Queue, &key, damaged.clone()).await;

    let page = spool.queue_page(X, None, 10).await.unwrap();
    let positions: Vec<_> = page.iter().map(|entry| entry.sequence.0).collect();
    assert_eq!(positions, [0, 2]);
    let aside = spool.aside_page(X, None, 10).await.unwrap().remove(0);
    assert_eq!((aside.kind, aside.recipients), (AsideKind::Corrupt, 2));
    assert_eq!(aside.raw, damaged, "kept as it was found");
    let counters = spool.counters(X);
    assert_eq!((counters.queued, counters.parked), (4, 2));
    assert_eq!(counters.difference(), 0);
    assert_eq!(spool.recount(X).await.unwrap(), counters);

    let released = spool.release_aside(X, aside.sequence, audit()).await;
    assert!(matches!(released, Err(SpoolError::NotReleasable)));
    spool
        .delete_aside(X, aside.sequence, audit())
        .await
        .unwrap();
    assert_eq!(
        spool.check().await.unwrap().problems,
        [],
        "its body is gone too"
    );
}

#[tokio::test(start_paused = true)]
async fn a_row_without_even_a_header_counts_as_one_recipient() {
    let (spool, engine) = with_mail(1).await;
    let key = queue::key(X, Sequence(0));
    overwrite(&engine, KeyspaceId::Queue, &key, vec![1, 0]).await;
    assert_eq!(spool.queue_page(X, None, 10).await.unwrap(), []);
    assert_eq!(spool.counters(X).difference(), 0);
    assert_eq!(
        spool.aside_page(X, None, 10).await.unwrap()[0].recipients,
        1
    );
}

#[tokio::test(start_paused = true)]
async fn a_damaged_ledger_row_is_counted_again_at_start() {
    let (spool, engine) = with_mail(3).await;
    let before = spool.counters(X);
    overwrite(&engine, KeyspaceId::Heads, &heads::key(X), vec![1]).await;
    let spool = open(&engine).await;
    assert_eq!(spool.counters(X), before);
    assert_eq!(spool.queue_page(X, None, 10).await.unwrap().len(), 3);
    accepted(&spool, b"next", &[(1, &["a@x.example"])]).await;
    let page = spool.queue_page(X, None, 10).await.unwrap();
    assert_eq!(page[3].sequence, Sequence(3), "no position is given twice");
}

#[tokio::test(start_paused = true)]
async fn d7_a_ledger_that_lost_a_recipient_shows_the_difference_and_the_check_names_the_domain() {
    let (_, engine) = with_mail(3).await;
    let key = heads::key(X);
    let row = engine
        .get(KeyspaceId::Heads, Bytes::copy_from_slice(&key))
        .await
        .unwrap()
        .unwrap();
    let head: heads::DomainHead = codec::decode(&row).unwrap();
    // Whole and readable, and wrong: what a disk or a bug may leave behind.
    for (change, difference) in [(1_i64, -1_i128), (-1, 1)] {
        let mut wrong = head;
        wrong.counters.queued = head.counters.queued.saturating_add_signed(change);
        let mut row = bytes::BytesMut::new();
        codec::encode(&mut row, &wrong).unwrap();
        overwrite(&engine, KeyspaceId::Heads, &key, row.to_vec()).await;
        let spool = open(&engine).await;
        let counters = spool.counters(X);
        assert_eq!(counters.difference(), difference);
        let counted = spool.recount(X).await.unwrap();
        assert_eq!(counted.queued, head.counters.queued, "rows tell the truth");
        let problems = spool.check().await.unwrap().problems;
        assert!(
            problems.iter().any(|one| one.keyspace == KeyspaceId::Heads),
            "{problems:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn damaged_rows_of_the_directory_do_not_stop_the_start() {
    let (_, engine) = with_mail(1).await;
    overwrite(&engine, KeyspaceId::Domains, &9_u32.to_be_bytes(), vec![7]).await;
    overwrite(&engine, KeyspaceId::Mailboxes, b"xx", vec![]).await;
    overwrite(&engine, KeyspaceId::Intents, &1_u64.to_be_bytes(), vec![1]).await;
    let spool = open(&engine).await;
    assert_eq!(spool.directory().domains().len(), 1);
    assert_eq!(spool.check().await.unwrap().problems_total, 3);
}

#[tokio::test(start_paused = true)]
async fn a_check_names_what_does_not_belong_together() {
    let (spool, engine) = with_mail(2).await;
    let entry = spool.queue_page(X, None, 1).await.unwrap().remove(0);
    let delete = |keyspace, key: &[u8]| Write::delete(keyspace, Bytes::copy_from_slice(key));
    let gone = [delete(KeyspaceId::Message, entry.message.as_bytes())];
    engine
        .commit(gone.to_vec(), Durability::Synced, Vec::new())
        .await
        .unwrap();
    let check = spool.check().await.unwrap();
    assert_eq!(check.problems_total, 1);
    assert_eq!(check.problems[0].keyspace, KeyspaceId::Message);

    let gone = [delete(KeyspaceId::Queue, &queue::key(X, Sequence(0)))];
    engine
        .commit(gone.to_vec(), Durability::Synced, Vec::new())
        .await
        .unwrap();
    let check = spool.check().await.unwrap();
    let where_: Vec<_> = check
        .problems
        .iter()
        .map(|problem| problem.keyspace)
        .collect();
    assert!(where_.contains(&KeyspaceId::Transit), "a body nobody wants");
    assert!(where_.contains(&KeyspaceId::Heads), "the ledger differs");
}

/// A failed write is the end of writing: 451, and the process starts anew.
#[tokio::test(start_paused = true)]
async fn a_failed_engine_breaks_intake_and_says_why() {
    use crate::spool::IntakeState;
    let (spool, engine) = with_mail(1).await;
    let failed = spool.failed();
    assert_eq!(spool.intake(), IntakeState::Open);
    engine.fail("No space left on device");
    assert_eq!(spool.intake(), IntakeState::Broken);
    assert!(failed.borrow().clone().unwrap().contains("No space"));
    let new = crate::spool::testing::message(&spool, b"x", &[(1, &["a@x.example"])]).await;
    assert!(matches!(
        spool.accept(new).await,
        Err(SpoolError::Engine(_))
    ));
    let page = spool.queue_page(X, None, 10).await.unwrap();
    assert_eq!(page.len(), 1, "what was acknowledged is there");
}

/// An engine on a disk with a bad block: one row of the queue cannot be read, and no scan gets past
/// it.
#[derive(Debug)]
struct BadBlock {
    rows: MemoryEngine,
    bad: Sequence,
}

impl BadBlock {
    fn damage(&self) -> EngineError {
        EngineError::Corrupt {
            keyspace: KeyspaceId::Queue,
            key: Bytes::copy_from_slice(&queue::key(X, self.bad)),
            reason: "checksum".to_owned(),
        }
    }
}

impl Engine for BadBlock {
    fn commit(
        &self,
        writes: Vec<Write>,
        durability: Durability,
        preconditions: Vec<Precondition>,
    ) -> EngineFuture<'_, ()> {
        self.rows.commit(writes, durability, preconditions)
    }

    fn get(&self, keyspace: KeyspaceId, key: Bytes) -> EngineFuture<'_, Option<Bytes>> {
        if keyspace == KeyspaceId::Queue && key == queue::key(X, self.bad)[..] {
            let gone = self.rows.get(keyspace, key);
            return Box::pin(async move { gone.await?.map(|_| Err(self.damage())).transpose() });
        }
        self.rows.get(keyspace, key)
    }

    fn scan(
        &self,
        keyspace: KeyspaceId,
        range: KeyRange,
        direction: Direction,
        limit: usize,
    ) -> EngineFuture<'_, Page> {
        if keyspace == KeyspaceId::Queue {
            return Box::pin(std::future::ready(Err(self.damage())));
        }
        self.rows.scan(keyspace, range, direction, limit)
    }

    fn drop_day(&self, kind: DayKind, day: u32) -> EngineFuture<'_, bool> {
        self.rows.drop_day(kind, day)
    }

    fn days(&self, kind: DayKind) -> EngineFuture<'_, Vec<u32>> {
        self.rows.days(kind)
    }

    fn watch(&self) -> tokio::sync::watch::Receiver<u64> {
        self.rows.watch()
    }

    fn failed(&self) -> tokio::sync::watch::Receiver<Option<String>> {
        self.rows.failed()
    }

    fn stats(&self) -> EngineFuture<'_, EngineStats> {
        self.rows.stats()
    }

    fn backup(&self, directory: std::path::PathBuf) -> EngineFuture<'_, BackupReport> {
        self.rows.backup(directory)
    }

    fn reclaim(&self) -> EngineFuture<'_, ReclaimReport> {
        self.rows.reclaim()
    }

    fn check(&self, inspect: Inspector) -> EngineFuture<'_, CheckReport> {
        self.rows.check(inspect)
    }

    fn shutdown(&self) -> EngineFuture<'_, ()> {
        self.rows.shutdown()
    }
}

#[tokio::test(start_paused = true)]
async fn mail_around_a_bad_block_is_still_found() {
    let (spool, rows) = with_mail(5).await;
    drop(spool);
    let bad = Sequence(2);
    let engine = std::sync::Arc::new(BadBlock { rows, bad });
    let spool = Spool::on_engine(engine, SpoolOptions::default(), clock())
        .await
        .unwrap();
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let page = spool.queue_page(X, after, 2).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.sequence);
        found.extend(page.iter().map(|entry| entry.sequence.0));
    }
    assert_eq!(found, [0, 1, 3, 4]);
    let aside = spool.aside_page(X, None, 10).await.unwrap();
    assert_eq!((aside.len(), aside[0].sequence), (1, bad));
    assert_eq!(spool.counters(X).difference(), 0);
}
