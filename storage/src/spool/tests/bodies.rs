//! Bodies: what stays in memory, what is streamed, what is given up, what is damaged.

use bytes::Bytes;

use crate::engine::{Durability, Engine, KeyspaceId, MemoryEngine, Write};
use crate::keyspace::{everything, transit};
use crate::limits::{BODY_CHUNK_BYTES, BODY_INLINE_MAX};
use crate::model::{DomainId, QueueEntry};
use crate::spool::testing::{accepted, audit, clock, destination, message};
use crate::spool::{AsideKind, NewDomain, Settled, Spool, SpoolError, SpoolOptions};

const X: DomainId = DomainId(1);

/// A spool whose engine the test can reach.
async fn on_engine() -> (Spool, MemoryEngine) {
    let engine = MemoryEngine::new();
    let spool = open(&engine).await;
    let new = NewDomain::new("x.example".parse().unwrap(), vec![destination()]);
    spool.add_domain(new, audit()).await.unwrap();
    (spool, engine)
}

async fn open(engine: &MemoryEngine) -> Spool {
    let engine = std::sync::Arc::new(engine.clone());
    Spool::on_engine(engine, SpoolOptions::default(), clock())
        .await
        .unwrap()
}

async fn rows(engine: &MemoryEngine, keyspace: KeyspaceId) -> usize {
    let direction = crate::engine::Direction::Ascending;
    let page = engine.scan(keyspace, everything(), direction, 10_000);
    page.await.unwrap().rows.len()
}

async fn only_entry(spool: &Spool) -> QueueEntry {
    spool.queue_page(X, None, 10).await.unwrap().pop().unwrap()
}

async fn read(spool: &Spool, entry: &QueueEntry) -> Result<Vec<u8>, SpoolError> {
    let mut body = spool.body(entry);
    let mut all = Vec::new();
    while let Some(piece) = body.next().await? {
        assert!(piece.len() <= BODY_CHUNK_BYTES);
        all.extend_from_slice(&piece);
    }
    Ok(all)
}

fn pattern(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|at| (at % 251) as u8).collect()
}

/// A head that is known last stands first, whatever the size of the rest.
#[tokio::test(start_paused = true)]
async fn a_head_that_comes_last_stands_first() {
    let head = pattern(3_000);
    let sizes = [
        (0, 1),
        (1, 1),
        (BODY_INLINE_MAX - 3_000, 1),
        (BODY_INLINE_MAX - 2_999, 2),
        (BODY_CHUNK_BYTES, 2),
        (BODY_CHUNK_BYTES + 1, 3),
        (2 * BODY_CHUNK_BYTES + 5, 4),
    ];
    for (size, chunks) in sizes {
        let (spool, engine) = on_engine().await;
        let body = pattern(size);
        let mut new = message(&spool, b"", &[(1, &["a@x.example"])]).await;
        let mut writer = spool.begin_body(new.id).behind_head();
        for piece in body.chunks(70_001) {
            writer.write(Bytes::copy_from_slice(piece)).await.unwrap();
        }
        new.body = writer.finish_with_head(&head).await.unwrap();
        spool.accept(new).await.unwrap();
        let entry = only_entry(&spool).await;
        assert_eq!(entry.size_bytes, (size + head.len()) as u64);
        assert_eq!(entry.chunks, chunks, "{size}");
        let stored = read(&spool, &entry).await.unwrap();
        assert!(stored == [head.as_slice(), &body].concat(), "{size}");
        assert_eq!(rows(&engine, KeyspaceId::Transit).await, chunks as usize);
    }
}

/// Bodies of every size around the thresholds come back byte for byte, written in odd pieces.
#[tokio::test(start_paused = true)]
async fn bodies_come_back_byte_for_byte() {
    let sizes = [
        (0, 1),
        (1, 1),
        (BODY_INLINE_MAX, 1),
        (BODY_INLINE_MAX + 1, 2),
        (2 * BODY_CHUNK_BYTES, 2),
        (3 * BODY_CHUNK_BYTES + 17, 4),
    ];
    for (size, chunks) in sizes {
        let (spool, engine) = on_engine().await;
        let body = pattern(size);
        let mut new = message(&spool, b"", &[(1, &["a@x.example"])]).await;
        let mut writer = spool.begin_body(new.id);
        for piece in body.chunks(70_001) {
            writer.write(Bytes::copy_from_slice(piece)).await.unwrap();
        }
        let ahead = rows(&engine, KeyspaceId::Transit).await;
        assert_eq!(
            ahead,
            size.saturating_sub(1) / BODY_CHUNK_BYTES,
            "full chunks do not wait in memory"
        );
        new.body = writer.finish().await.unwrap();
        spool.accept(new).await.unwrap();
        let entry = only_entry(&spool).await;
        assert_eq!((entry.size_bytes, entry.chunks), (size as u64, chunks));
        assert_eq!(read(&spool, &entry).await.unwrap(), body);
        assert_eq!(spool.check().await.unwrap().problems, []);
        assert_eq!(spool.sweep_orphans(10).await.unwrap(), 0);
        assert_eq!(rows(&engine, KeyspaceId::Transit).await, chunks as usize);
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_given_up_leaves_nothing_behind() {
    let (spool, engine) = on_engine().await;
    let mut writer = spool.begin_body(spool.next_id());
    writer
        .write(pattern(2 * BODY_CHUNK_BYTES + 1).into())
        .await
        .unwrap();
    assert_eq!(
        spool.sweep_orphans(10).await.unwrap(),
        0,
        "still being written"
    );
    assert_eq!(rows(&engine, KeyspaceId::Transit).await, 2);
    drop(writer);
    spool.sample_space().await.unwrap();
    assert_eq!(rows(&engine, KeyspaceId::Transit).await, 0);

    let mut writer = spool.begin_body(spool.next_id());
    writer
        .write(pattern(BODY_CHUNK_BYTES + 1).into())
        .await
        .unwrap();
    drop(writer.finish().await.unwrap());
    assert_eq!(spool.sweep_orphans(10).await.unwrap(), 1);
    assert_eq!(rows(&engine, KeyspaceId::Transit).await, 0);
    assert_eq!(spool.check().await.unwrap().problems, []);
}

#[tokio::test(start_paused = true)]
async fn what_a_crash_left_half_written_is_swept_at_start() {
    let (spool, engine) = on_engine().await;
    let kept = accepted(
        &spool,
        &pattern(BODY_CHUNK_BYTES + 5),
        &[(1, &["a@x.example"])],
    )
    .await;
    let mut writer = spool.begin_body(spool.next_id());
    writer
        .write(pattern(2 * BODY_CHUNK_BYTES + 1).into())
        .await
        .unwrap();
    std::mem::forget(writer);
    drop(spool);
    let spool = open(&engine).await;
    assert_eq!(
        spool.check().await.unwrap().problems,
        [],
        "an upload is no problem"
    );
    assert_eq!(spool.sweep_orphans(10).await.unwrap(), 1);
    assert_eq!(spool.sweep_orphans(10).await.unwrap(), 0);
    assert_eq!(rows(&engine, KeyspaceId::Transit).await, 2);
    assert_eq!(only_entry(&spool).await.message, kept);
}

/// "Corrupt record: set aside, reported, the rest goes on."
#[tokio::test(start_paused = true)]
async fn a_damaged_body_is_found_and_its_entry_set_aside() {
    let (spool, engine) = on_engine().await;
    let id = accepted(&spool, b"one\r\n", &[(1, &["a@x.example"])]).await;
    let key = Bytes::copy_from_slice(&transit::key(id, 0));
    let stored = engine.get(KeyspaceId::Transit, key.clone()).await.unwrap();
    let mut damaged = stored.unwrap().to_vec();
    *damaged.last_mut().unwrap() ^= 1;
    let write = Write::put(KeyspaceId::Transit, key, damaged);
    engine
        .commit(vec![write], Durability::Synced, Vec::new())
        .await
        .unwrap();

    let entry = only_entry(&spool).await;
    let error = read(&spool, &entry).await.unwrap_err();
    assert!(matches!(error, SpoolError::CorruptBody { chunk: 0, .. }));
    assert_eq!(spool.check().await.unwrap().problems_total, 1);
    let settled = spool
        .set_aside(entry, AsideKind::Corrupt, error.to_string())
        .await
        .unwrap();
    assert_eq!(settled, Settled::Closed);
    let aside = spool.aside_page(X, None, 10).await.unwrap();
    assert_eq!(aside[0].kind, AsideKind::Corrupt);
    let counters = spool.counters(X);
    assert_eq!((counters.queued, counters.parked), (0, 1));
    assert_eq!(counters.difference(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_missing_body_is_a_damaged_one() {
    let (spool, engine) = on_engine().await;
    let id = accepted(&spool, b"one\r\n", &[(1, &["a@x.example"])]).await;
    let key = Bytes::copy_from_slice(&transit::key(id, 0));
    engine
        .commit(
            vec![Write::delete(KeyspaceId::Transit, key)],
            Durability::Synced,
            Vec::new(),
        )
        .await
        .unwrap();
    let entry = only_entry(&spool).await;
    let error = read(&spool, &entry).await.unwrap_err();
    assert!(matches!(error, SpoolError::CorruptBody { .. }));
}

/// S23: a commit whose waiter went away has happened all the same, and nothing may take its body.
#[tokio::test(start_paused = true)]
async fn an_accept_nobody_waits_for_keeps_its_body() {
    use futures_util::FutureExt;
    let (spool, engine) = on_engine().await;
    let body = pattern(BODY_CHUNK_BYTES + 1);
    let new = message(&spool, &body, &[(1, &["a@x.example"])]).await;
    // Polled once: the engine has the commit. Then the session is gone.
    let _ = spool.accept(new).now_or_never();
    let entry = only_entry(&spool).await;
    spool.sweep_orphans(10).await.unwrap();
    assert_eq!(read(&spool, &entry).await.unwrap(), body);
    assert_eq!(rows(&engine, KeyspaceId::Message).await, 1);
}
