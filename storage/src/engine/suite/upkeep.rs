//! Days, hints, checks, figures, the end.

use std::sync::{Arc, Mutex};

use super::*;

pub(in crate::engine) async fn a_dropped_day_is_gone_and_can_begin_again(engine: &impl Engine) {
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

pub(in crate::engine) async fn commits_are_announced(engine: &impl Engine) {
    let mut hints = engine.watch();
    hints.mark_unchanged();
    commit(engine, vec![put(ROWS, "a", "1")]).await;
    assert!(hints.has_changed().expect("engine lives"));
    assert_eq!(*engine.failed().borrow(), None);
}

pub(in crate::engine) async fn a_check_sees_every_row_once(engine: &impl Engine) {
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

pub(in crate::engine) async fn statistics_name_what_exists(engine: &impl Engine) {
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

pub(in crate::engine) async fn reclaiming_changes_no_row(engine: &impl Engine) {
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

pub(in crate::engine) async fn after_a_shutdown_reads_go_on_and_commits_are_refused(
    engine: &impl Engine,
) {
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
