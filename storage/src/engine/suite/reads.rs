//! What scans and reads of single rows give back.

use super::*;

async fn keys(engine: &impl Engine, range: KeyRange, direction: Direction) -> Vec<Bytes> {
    let page = engine
        .scan(ROWS, range, direction, usize::MAX)
        .await
        .expect("scan");
    assert!(!page.more);
    page.rows.into_iter().map(|(key, _)| key).collect()
}

pub(in crate::engine) async fn scans_are_ordered_by_bytes(engine: &impl Engine) {
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

pub(in crate::engine) async fn scans_page_in_both_directions(engine: &impl Engine) {
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

pub(in crate::engine) async fn scans_stay_within_their_bounds(engine: &impl Engine) {
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

pub(in crate::engine) async fn keyspaces_do_not_mix(engine: &impl Engine) {
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

pub(in crate::engine) async fn values_of_all_sizes_come_back_unchanged(engine: &impl Engine) {
    for size in [0, 1, 1023, 1024, 1025, 70_000, 1 << 20] {
        let content: Bytes = (0..size).map(|at: usize| (at * 31 % 251) as u8).collect();
        for keyspace in [ROWS, BODIES] {
            commit(engine, vec![Write::put(keyspace, "size", content.clone())]).await;
            let found = value(engine, keyspace, "size").await;
            assert!(found == Some(content.clone()), "{size} bytes in {keyspace}");
        }
    }
}
