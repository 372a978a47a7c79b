//! Behaviour that every engine has: one set of tests, run against each of them.
//!
//! Engines that live in a directory add what only they can show (durability after a reopen, locks,
//! damage) in their own modules.

use std::ops::Bound;

use bytes::Bytes;

use super::*;

mod of_memory_alone;
mod reads;
mod upkeep;

pub(super) use reads::*;
pub(super) use upkeep::*;

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
