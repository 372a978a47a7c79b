//! Behaviour that every engine has: one set of tests, run against each of them.
//!
//! Engines that live in a directory add what only they can show (durability after a reopen, locks,
//! damage) in their own modules.

use std::ops::Bound;
use std::sync::{Arc, Mutex};

use bytes::Bytes;

use super::*;

/// One test function per behaviour, for an engine that `$open` makes; what `$open` returns beside
/// the engine (a temporary directory) lives until the test is over.
macro_rules! engine_suite {
    ($name:ident, $open:expr) => {
        mod $name {
            engine_suite!(@each $open,
                commits_are_atomic_over_keyspaces,
                the_later_write_to_a_key_wins,
                commits_take_effect_in_order,
                a_commit_is_visible_once_answered,
                a_failed_precondition_writes_nothing,
                preconditions_see_every_commit_before_them,
                scans_are_ordered_by_bytes,
                scans_page_in_both_directions,
                scans_stay_within_their_bounds,
                keyspaces_do_not_mix,
                a_dropped_day_is_gone_and_can_begin_again,
                rows_that_no_engine_can_hold_are_refused,
                values_of_all_sizes_come_back_unchanged,
                commits_are_announced,
                a_check_sees_every_row_once,
                statistics_name_what_exists,
                reclaiming_changes_no_row,
                after_a_shutdown_reads_go_on_and_commits_are_refused,
            );
        }
    };
    (@each $open:expr, $($behaviour:ident,)*) => {
        $(
            #[tokio::test]
            async fn $behaviour() {
                let (engine, _kept) = $open;
                $crate::engine::suite::$behaviour(&engine).await;
            }
        )*
    };
}

engine_suite!(memory, (crate::engine::MemoryEngine::new(), ()));

const ROWS: KeyspaceId = KeyspaceId::Queue;
const OTHER: KeyspaceId = KeyspaceId::Message;
const BODIES: KeyspaceId = KeyspaceId::Transit;
const EVERYTHING: KeyRange = (Bound::Unbounded, Bound::Unbounded);

fn put(keyspace: KeyspaceId, key: &'static str, value: &'static str) -> Write {
    Write::put(keyspace, key, value)
}

async fn commit(engine: &impl Engine, writes: Vec<Write>) {
    engine
        .commit(writes, Durability::Buffer, Vec::new())
        .await
        .expect("commit");
}

async fn value(engine: &impl Engine, keyspace: KeyspaceId, key: &'static str) -> Option<Bytes> {
    engine.get(keyspace, key.into()).await.expect("get")
}

async fn keys(engine: &impl Engine, range: KeyRange, direction: Direction) -> Vec<Bytes> {
    let page = engine
        .scan(ROWS, range, direction, usize::MAX)
        .await
        .expect("scan");
    assert!(!page.more);
    page.rows.into_iter().map(|(key, _)| key).collect()
}

pub(super) async fn commits_are_atomic_over_keyspaces(engine: &impl Engine) {
    commit(engine, vec![put(ROWS, "a", "1"), put(OTHER, "a", "2")]).await;
    commit(
        engine,
        vec![
            Write::delete(ROWS, "a"),
            put(OTHER, "a", "3"),
            put(BODIES, "b", "4"),
        ],
    )
    .await;
    assert_eq!(value(engine, ROWS, "a").await, None);
    assert_eq!(value(engine, OTHER, "a").await, Some("3".into()));
    assert_eq!(value(engine, BODIES, "b").await, Some("4".into()));
}

pub(super) async fn the_later_write_to_a_key_wins(engine: &impl Engine) {
    commit(
        engine,
        vec![
            put(ROWS, "a", "1"),
            put(ROWS, "b", "1"),
            Write::delete(ROWS, "a"),
            Write::delete(ROWS, "c"),
            put(ROWS, "b", "2"),
            put(ROWS, "c", "3"),
        ],
    )
    .await;
    assert_eq!(value(engine, ROWS, "a").await, None);
    assert_eq!(value(engine, ROWS, "b").await, Some("2".into()));
    assert_eq!(value(engine, ROWS, "c").await, Some("3".into()));
}

pub(super) async fn commits_take_effect_in_order(engine: &impl Engine) {
    let waiting = (0..200_u32).map(|turn| {
        engine.commit(
            vec![Write::put(ROWS, "last", turn.to_be_bytes().to_vec())],
            if turn % 2 == 0 {
                Durability::Synced
            } else {
                Durability::Buffer
            },
            Vec::new(),
        )
    });
    for answer in futures_util::future::join_all(waiting).await {
        answer.expect("commit");
    }
    let last = value(engine, ROWS, "last").await;
    assert_eq!(last, Some(199_u32.to_be_bytes().to_vec().into()));
}

pub(super) async fn a_commit_is_visible_once_answered(engine: &impl Engine) {
    for turn in 0..20_u8 {
        let key = Bytes::from(vec![b'k', turn]);
        let write = Write::put(ROWS, key.clone(), vec![turn]);
        engine
            .commit(vec![write], Durability::Synced, Vec::new())
            .await
            .expect("commit");
        let found = engine.get(ROWS, key.clone()).await.expect("get");
        assert_eq!(found, Some(vec![turn].into()));
        let page = engine
            .scan(ROWS, EVERYTHING, Direction::Descending, 1)
            .await
            .expect("scan");
        assert_eq!(page.rows.first().map(|(key, _)| key.clone()), Some(key));
    }
}

pub(super) async fn a_failed_precondition_writes_nothing(engine: &impl Engine) {
    commit(engine, vec![put(ROWS, "lease", "mine")]).await;
    let attempt = |expected: Option<&'static str>| {
        engine.commit(
            vec![put(ROWS, "lease", "theirs"), put(OTHER, "x", "1")],
            Durability::Synced,
            vec![Precondition {
                keyspace: ROWS,
                key: "lease".into(),
                expected: expected.map(Bytes::from),
            }],
        )
    };
    for wrong in [None, Some("somebody's"), Some("")] {
        let refused = attempt(wrong).await;
        assert!(
            matches!(&refused, Err(EngineError::Precondition { keyspace: ROWS, key }) if key == "lease"),
            "{refused:?}"
        );
    }
    assert_eq!(value(engine, ROWS, "lease").await, Some("mine".into()));
    assert_eq!(value(engine, OTHER, "x").await, None);
    attempt(Some("mine")).await.expect("holds");
    assert_eq!(value(engine, ROWS, "lease").await, Some("theirs".into()));
}

pub(super) async fn preconditions_see_every_commit_before_them(engine: &impl Engine) {
    // All asked for at once: exactly one of those that want the row absent may win, and each later
    // one builds on the one before.
    let steps = (0..50_u8).map(|turn| {
        engine.commit(
            vec![Write::put(ROWS, "chain", vec![turn + 1])],
            Durability::Synced,
            vec![Precondition {
                keyspace: ROWS,
                key: "chain".into(),
                expected: (turn > 0).then(|| vec![turn].into()),
            }],
        )
    });
    for answer in futures_util::future::join_all(steps).await {
        answer.expect("each step finds the one before");
    }
    let rivals = (0..10_u8).map(|rival| {
        engine.commit(
            vec![Write::put(ROWS, "owner", vec![rival])],
            Durability::Synced,
            vec![Precondition {
                keyspace: ROWS,
                key: "owner".into(),
                expected: None,
            }],
        )
    });
    let answers = futures_util::future::join_all(rivals).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
}

pub(super) async fn scans_are_ordered_by_bytes(engine: &impl Engine) {
    let wanted: Vec<Bytes> = [
        &b"\x00"[..],
        b"\x00\x00",
        b"\x01",
        b"a",
        b"aa",
        b"b",
        b"\xff",
        b"\xff\xff",
    ]
    .into_iter()
    .map(Bytes::from_static)
    .collect();
    let writes = wanted
        .iter()
        .rev()
        .map(|key| Write::put(ROWS, key.clone(), "v"));
    commit(engine, writes.collect()).await;
    assert_eq!(keys(engine, EVERYTHING, Direction::Ascending).await, wanted);
    let backwards: Vec<_> = wanted.into_iter().rev().collect();
    assert_eq!(
        keys(engine, EVERYTHING, Direction::Descending).await,
        backwards
    );
}

pub(super) async fn scans_page_in_both_directions(engine: &impl Engine) {
    let wanted: Vec<Bytes> = (0..25_u8).map(|n| vec![b'k', n].into()).collect();
    let writes = wanted
        .iter()
        .map(|key| Write::put(ROWS, key.clone(), key.clone()));
    commit(engine, writes.collect()).await;
    for direction in [Direction::Ascending, Direction::Descending] {
        let mut seen = Vec::new();
        let mut pages = 0;
        loop {
            let after = seen.last().cloned();
            let range = match (after, direction) {
                (None, _) => EVERYTHING,
                (Some(key), Direction::Ascending) => (Bound::Excluded(key), Bound::Unbounded),
                (Some(key), Direction::Descending) => (Bound::Unbounded, Bound::Excluded(key)),
            };
            let page = engine.scan(ROWS, range, direction, 5).await.expect("scan");
            assert!(page.rows.iter().all(|(key, value)| key == value));
            seen.extend(page.rows.into_iter().map(|(key, _)| key));
            pages += 1;
            if !page.more {
                break;
            }
        }
        assert_eq!(
            pages, 5,
            "the fifth page is full and says that nothing follows"
        );
        if direction == Direction::Descending {
            seen.reverse();
        }
        assert_eq!(seen, wanted);
    }
    let none = engine.scan(ROWS, EVERYTHING, Direction::Ascending, 0).await;
    assert_eq!(
        none.expect("scan"),
        Page {
            rows: Vec::new(),
            more: true
        }
    );
}

pub(super) async fn scans_stay_within_their_bounds(engine: &impl Engine) {
    commit(
        engine,
        ["a", "b", "c", "d"].map(|key| put(ROWS, key, "v")).to_vec(),
    )
    .await;
    let cases: [(KeyRange, &[&str]); 7] = [
        (
            (Bound::Included("b".into()), Bound::Included("c".into())),
            &["b", "c"],
        ),
        (
            (Bound::Excluded("b".into()), Bound::Excluded("d".into())),
            &["c"],
        ),
        (
            (Bound::Included("b".into()), Bound::Unbounded),
            &["b", "c", "d"],
        ),
        ((Bound::Unbounded, Bound::Excluded("b".into())), &["a"]),
        (
            (Bound::Included("c".into()), Bound::Included("b".into())),
            &[],
        ),
        (
            (Bound::Excluded("b".into()), Bound::Excluded("b".into())),
            &[],
        ),
        ((Bound::Included("x".into()), Bound::Unbounded), &[]),
    ];
    for (range, wanted) in cases {
        let found = keys(engine, range.clone(), Direction::Ascending).await;
        assert_eq!(found, wanted, "{range:?}");
        let mut backwards = keys(engine, range.clone(), Direction::Descending).await;
        backwards.reverse();
        assert_eq!(backwards, wanted, "{range:?} backwards");
    }
}

pub(super) async fn keyspaces_do_not_mix(engine: &impl Engine) {
    let days = DayKind::ALL.map(|kind| KeyspaceId::Day { kind, day: 7 });
    let all: Vec<_> = KeyspaceId::FIXED.into_iter().chain(days).collect();
    let writes = all
        .iter()
        .map(|keyspace| Write::put(*keyspace, "same", keyspace.to_string()));
    commit(engine, writes.collect()).await;
    for keyspace in all {
        let found = value(engine, keyspace, "same").await;
        assert_eq!(found, Some(keyspace.to_string().into()));
    }
}

pub(super) async fn a_dropped_day_is_gone_and_can_begin_again(engine: &impl Engine) {
    let kept = |day| KeyspaceId::Day {
        kind: DayKind::Kept,
        day,
    };
    let log = KeyspaceId::Day {
        kind: DayKind::Log,
        day: 3,
    };
    assert_eq!(
        value(engine, kept(3), "a").await,
        None,
        "reading creates nothing"
    );
    commit(
        engine,
        vec![
            put(kept(3), "a", "1"),
            put(kept(10), "a", "2"),
            put(log, "a", "3"),
        ],
    )
    .await;
    assert_eq!(engine.days(DayKind::Kept).await.expect("days"), [3, 10]);
    assert!(engine.drop_day(DayKind::Kept, 3).await.expect("drop"));
    assert!(!engine.drop_day(DayKind::Kept, 3).await.expect("twice"));
    assert!(
        !engine
            .drop_day(DayKind::Continuity, 3)
            .await
            .expect("never was")
    );
    assert_eq!(engine.days(DayKind::Kept).await.expect("days"), [10]);
    assert_eq!(value(engine, kept(3), "a").await, None);
    assert_eq!(value(engine, kept(10), "a").await, Some("2".into()));
    assert_eq!(value(engine, log, "a").await, Some("3".into()));
    commit(engine, vec![put(kept(3), "b", "4")]).await;
    assert_eq!(
        value(engine, kept(3), "a").await,
        None,
        "nothing comes back"
    );
    assert_eq!(value(engine, kept(3), "b").await, Some("4".into()));
}

pub(super) async fn rows_that_no_engine_can_hold_are_refused(engine: &impl Engine) {
    let too_long = vec![b'k'; write::KEY_BYTES_MAX + 1];
    for key in [Vec::new(), too_long] {
        let refused = engine
            .commit(
                vec![put(OTHER, "beside", "1"), Write::put(ROWS, key, "v")],
                Durability::Buffer,
                Vec::new(),
            )
            .await;
        assert!(
            matches!(refused, Err(EngineError::InvalidKey { .. })),
            "{refused:?}"
        );
    }
    assert_eq!(value(engine, OTHER, "beside").await, None);
    let longest = Bytes::from(vec![b'k'; write::KEY_BYTES_MAX]);
    commit(engine, vec![Write::put(ROWS, longest.clone(), "v")]).await;
    assert_eq!(
        engine.get(ROWS, longest).await.expect("get"),
        Some("v".into())
    );
}

pub(super) async fn values_of_all_sizes_come_back_unchanged(engine: &impl Engine) {
    for size in [0, 1, 1023, 1024, 1025, 70_000, 1 << 20] {
        let content: Bytes = (0..size).map(|at: usize| (at * 31 % 251) as u8).collect();
        for keyspace in [ROWS, BODIES] {
            commit(engine, vec![Write::put(keyspace, "size", content.clone())]).await;
            let found = value(engine, keyspace, "size").await;
            assert!(found == Some(content.clone()), "{size} bytes in {keyspace}");
        }
    }
}

pub(super) async fn commits_are_announced(engine: &impl Engine) {
    let mut hints = engine.watch();
    hints.mark_unchanged();
    commit(engine, vec![put(ROWS, "a", "1")]).await;
    assert!(hints.has_changed().expect("engine lives"));
    assert_eq!(*engine.failed().borrow(), None);
}

pub(super) async fn a_check_sees_every_row_once(engine: &impl Engine) {
    let day = KeyspaceId::Day {
        kind: DayKind::Log,
        day: 1,
    };
    let large = Bytes::from(vec![7; 300_000]);
    commit(
        engine,
        vec![
            put(ROWS, "a", "1"),
            put(ROWS, "b", "2"),
            put(ROWS, "c", "3"),
            Write::put(BODIES, "body", large.clone()),
            put(day, "event", "4"),
        ],
    )
    .await;
    commit(engine, vec![Write::delete(ROWS, "b")]).await;
    let seen = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&seen);
    let report = engine
        .check(Box::new(move |found| match found {
            Inspected::Row {
                keyspace,
                key,
                value,
            } => {
                sink.lock()
                    .unwrap()
                    .push((keyspace, key.clone(), value.clone()));
            }
            Inspected::Corrupt {
                keyspace, reason, ..
            } => panic!("{keyspace}: {reason}"),
        }))
        .await
        .expect("check");
    assert_eq!((report.rows, report.corrupt), (4, 0));
    assert_eq!(report.bytes, 4 + 300_004 + 6);
    let mut seen = seen.lock().unwrap().clone();
    seen.sort();
    let row = |keyspace, key: &'static str, value: Bytes| (keyspace, Bytes::from(key), value);
    let mut wanted = vec![
        row(ROWS, "a", "1".into()),
        row(ROWS, "c", "3".into()),
        row(BODIES, "body", large),
        row(day, "event", "4".into()),
    ];
    wanted.sort();
    assert!(seen == wanted);
}

pub(super) async fn statistics_name_what_exists(engine: &impl Engine) {
    let day = KeyspaceId::Day {
        kind: DayKind::Log,
        day: 1,
    };
    for turn in 0..3_u8 {
        engine
            .commit(
                vec![Write::put(day, vec![turn + 1], "v")],
                Durability::Synced,
                Vec::new(),
            )
            .await
            .expect("commit");
    }
    let stats = engine.stats().await.expect("stats");
    assert!(
        stats.commits >= 3 && stats.syncs >= 1 && stats.groups >= 1,
        "{stats:?}"
    );
    assert_eq!(stats.waiting_bytes, 0);
    assert!(stats.disk_bytes > 0);
    let found = stats
        .keyspaces
        .iter()
        .find(|found| found.keyspace == day)
        .expect("named");
    assert_eq!(found.rows, 3);
}

pub(super) async fn reclaiming_changes_no_row(engine: &impl Engine) {
    let name = |n: u32| Bytes::from(n.to_be_bytes().to_vec());
    let body = Bytes::from(vec![9; 4096]);
    let writes = (0..200).map(|n| Write::put(BODIES, name(n), body.clone()));
    commit(engine, writes.collect()).await;
    commit(
        engine,
        (0..190).map(|n| Write::delete(BODIES, name(n))).collect(),
    )
    .await;
    engine.reclaim().await.expect("reclaim");
    let page = engine
        .scan(BODIES, EVERYTHING, Direction::Ascending, 100)
        .await
        .expect("scan");
    let left: Vec<_> = (190..200).map(|n| (name(n), body.clone())).collect();
    assert!(page.rows == left && !page.more);
}

pub(super) async fn after_a_shutdown_reads_go_on_and_commits_are_refused(engine: &impl Engine) {
    commit(engine, vec![put(ROWS, "a", "1")]).await;
    engine.shutdown().await.expect("shutdown");
    engine.shutdown().await.expect("twice is no error");
    let refused = engine
        .commit(vec![put(ROWS, "a", "2")], Durability::Buffer, Vec::new())
        .await;
    assert!(matches!(refused, Err(EngineError::Closed)), "{refused:?}");
    let refused = engine.drop_day(DayKind::Kept, 1).await;
    assert!(matches!(refused, Err(EngineError::Closed)), "{refused:?}");
    assert_eq!(value(engine, ROWS, "a").await, Some("1".into()));
}

mod of_memory_alone {
    use super::*;

    #[tokio::test]
    async fn a_power_cut_takes_what_was_not_synced() {
        let engine = MemoryEngine::new();
        let synced = vec![put(ROWS, "kept", "1"), put(ROWS, "changed", "before")];
        engine
            .commit(synced, Durability::Synced, Vec::new())
            .await
            .expect("commit");
        commit(
            &engine,
            vec![put(ROWS, "changed", "after"), put(ROWS, "new", "1")],
        )
        .await;
        commit(
            &engine,
            vec![put(ROWS, "changed", "later"), Write::delete(ROWS, "kept")],
        )
        .await;
        engine.lose_unsynced();
        assert_eq!(value(&engine, ROWS, "kept").await, Some("1".into()));
        assert_eq!(value(&engine, ROWS, "changed").await, Some("before".into()));
        assert_eq!(value(&engine, ROWS, "new").await, None);
    }

    #[tokio::test]
    async fn a_failed_engine_reads_but_does_not_write_until_reopened() {
        let engine = MemoryEngine::new();
        commit(&engine, vec![put(ROWS, "a", "1")]).await;
        let mut failed = engine.failed();
        engine.fail("no space left on device");
        assert!(failed.has_changed().expect("lives"));
        assert_eq!(
            failed.borrow_and_update().as_deref(),
            Some("no space left on device")
        );
        let refused = engine
            .commit(vec![put(ROWS, "a", "2")], Durability::Synced, Vec::new())
            .await;
        assert!(
            matches!(refused, Err(EngineError::Poisoned(_))),
            "{refused:?}"
        );
        assert_eq!(value(&engine, ROWS, "a").await, Some("1".into()));
        engine.reopen();
        commit(&engine, vec![put(ROWS, "a", "2")]).await;
    }
}
