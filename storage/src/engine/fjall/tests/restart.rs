//! Restarts, locks, formats, backups.

use std::fs;
use std::ops::Bound;

use tempfile::TempDir;

use super::{open, options};
use crate::engine::*;

const EVERYTHING: KeyRange = (Bound::Unbounded, Bound::Unbounded);

async fn synced(engine: &impl Engine, writes: Vec<Write>) {
    engine
        .commit(writes, Durability::Synced, Vec::new())
        .await
        .expect("commit");
}

async fn all(engine: &impl Engine, keyspace: KeyspaceId) -> Vec<(Bytes, Bytes)> {
    let scan = engine.scan(keyspace, EVERYTHING, Direction::Ascending, usize::MAX);
    scan.await.expect("scan").rows
}

fn kept(day: u32) -> KeyspaceId {
    KeyspaceId::Day {
        kind: DayKind::Kept,
        day,
    }
}

/// Q1, Q24: what was committed is there, from journals and from tables.
#[tokio::test]
async fn a_restart_finds_every_row() {
    let directory = TempDir::new().unwrap();
    let body = Bytes::from(vec![0xA5; 60_000]);
    let row = |n: u32| {
        vec![
            Write::put(KeyspaceId::Queue, n.to_be_bytes().to_vec(), "entry"),
            Write::put(KeyspaceId::Transit, n.to_be_bytes().to_vec(), body.clone()),
        ]
    };
    let count = 100;
    for start in 0..4 {
        let engine = open(&directory);
        assert_eq!(
            all(&engine, KeyspaceId::Queue).await.len(),
            start * count as usize / 4
        );
        for n in (0..count).filter(|n| n % 4 == start as u32) {
            synced(&engine, row(n)).await;
        }
    }
    let engine = open(&directory);
    let rows = all(&engine, KeyspaceId::Transit).await;
    assert_eq!(rows.len(), count as usize);
    assert!(rows.iter().all(|(_, value)| *value == body));
    let stats = engine.stats().await.unwrap();
    assert!(
        stats.keyspaces.iter().any(|found| found.disk_bytes > 0),
        "some rows went to tables: {stats:?}"
    );
    assert!(stats.journal_bytes > 0 && stats.disk_bytes > stats.journal_bytes);
}

#[tokio::test]
async fn buffered_commits_survive_the_end_of_the_process() {
    let directory = TempDir::new().unwrap();
    let engine = open(&directory);
    let writes = vec![Write::put(KeyspaceId::Learned, "route", "window 12")];
    engine
        .commit(writes, Durability::Buffer, Vec::new())
        .await
        .unwrap();
    drop(engine);
    assert_eq!(all(&open(&directory), KeyspaceId::Learned).await.len(), 1);
}

#[tokio::test]
async fn a_dropped_day_stays_gone_after_a_restart_and_begins_empty() {
    let directory = TempDir::new().unwrap();
    for _ in 0..2 {
        let engine = open(&directory);
        synced(
            &engine,
            vec![Write::put(kept(5), "a", "1"), Write::put(kept(6), "a", "2")],
        )
        .await;
        assert!(engine.drop_day(DayKind::Kept, 5).await.unwrap());
        drop(engine);
        let engine = open(&directory);
        assert_eq!(engine.days(DayKind::Kept).await.unwrap(), [6]);
        synced(&engine, vec![Write::put(kept(5), "b", "3")]).await;
        drop(engine);
        let engine = open(&directory);
        assert_eq!(all(&engine, kept(5)).await, [("b".into(), "3".into())]);
        assert_eq!(all(&engine, kept(6)).await, [("a".into(), "2".into())]);
        assert!(engine.drop_day(DayKind::Kept, 5).await.unwrap());
    }
}

#[tokio::test]
async fn a_second_process_is_refused_and_told_where() {
    let directory = TempDir::new().unwrap();
    let engine = open(&directory);
    let refused = FjallEngine::open(directory.path(), &options());
    let Err(error @ EngineError::Locked { .. }) = refused else {
        panic!("{refused:?}");
    };
    assert!(
        error
            .to_string()
            .contains(directory.path().to_str().unwrap()),
        "{error}"
    );
    assert!(matches!(
        recover_journals(directory.path()),
        Err(EngineError::Locked { .. })
    ));
    synced(&engine, vec![Write::put(KeyspaceId::Meta, "a", "1")]).await;
    drop(engine);
    assert_eq!(all(&open(&directory), KeyspaceId::Meta).await.len(), 1);
}

/// Q25: a store of a newer version is refused before anything in it changes.
#[tokio::test]
async fn an_unknown_format_is_refused_before_anything_is_written() {
    let directory = TempDir::new().unwrap();
    drop(open(&directory));
    let format = directory.path().join("store/format");
    let journal = directory.path().join("store/0.jnl");
    let known = fs::read(&format).unwrap();
    let torn = [fs::read(&journal).unwrap(), b"torn".to_vec()].concat();
    fs::write(&journal, &torn).unwrap();
    for (content, found) in [
        (Some("mailhold-store 2\n"), "format 2,"),
        (Some("something else"), "format \"something else\","),
        (Some(""), "format none"),
        (None, "format none"),
    ] {
        match content {
            Some(content) => fs::write(&format, content).unwrap(),
            None => fs::remove_file(&format).unwrap(),
        }
        let refused = FjallEngine::open(directory.path(), &options());
        let Err(error @ EngineError::Format { known: 1, .. }) = refused else {
            panic!("{refused:?}");
        };
        assert!(error.to_string().contains(found), "{error}");
        assert!(matches!(
            recover_journals(directory.path()),
            Err(EngineError::Format { .. })
        ));
        assert_eq!(fs::read(&journal).unwrap(), torn);
    }
    fs::write(&format, known).unwrap();
    open(&directory);
}

#[tokio::test]
async fn a_store_that_was_not_finished_is_made_anew() {
    let directory = TempDir::new().unwrap();
    fs::create_dir_all(directory.path().join("store.new/keyspaces")).unwrap();
    fs::write(directory.path().join("store.new/0.jnl"), b"half").unwrap();
    let engine = open(&directory);
    synced(&engine, vec![Write::put(KeyspaceId::Meta, "a", "1")]).await;
    assert!(!directory.path().join("store.new").exists());
}

#[tokio::test]
async fn a_data_directory_is_made_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let parent = TempDir::new().unwrap();
    let directory = parent.path().join("var/mailhold");
    FjallEngine::open(&directory, &options()).unwrap();
    let mode = fs::metadata(&directory).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

/// Q26: a backup of a store in use is whole, of one moment, and opens as a store.
#[tokio::test(flavor = "multi_thread")]
async fn a_backup_of_a_running_store_opens_with_everything_in_it() {
    let (directory, target) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let engine = open(&directory);
    let body = Bytes::from(vec![3; 5000]);
    let pair = |n: u32| {
        let key = Bytes::from(n.to_be_bytes().to_vec());
        vec![
            Write::put(KeyspaceId::Message, key.clone(), "row"),
            Write::put(kept(n % 3), key, body.clone()),
        ]
    };
    for n in 0..300 {
        engine
            .commit(pair(n), Durability::Buffer, Vec::new())
            .await
            .unwrap();
    }
    let gone = Write::delete(KeyspaceId::Message, 7_u32.to_be_bytes().to_vec());
    synced(
        &engine,
        vec![gone, Write::delete(kept(1), 7_u32.to_be_bytes().to_vec())],
    )
    .await;

    let restored = target.path().join("copy");
    let churn = async {
        for n in 300..400 {
            synced(&engine, pair(n)).await;
        }
    };
    let (report, ()) = tokio::join!(engine.backup(restored.clone()), churn);
    let report = report.unwrap();

    let copy = FjallEngine::open(&restored, &options()).unwrap();
    let rows = all(&copy, KeyspaceId::Message).await;
    assert!(rows.len() >= 299, "{}", rows.len());
    let mut bodies = Vec::new();
    for day in copy.days(DayKind::Kept).await.unwrap() {
        bodies.extend(all(&copy, kept(day)).await);
    }
    bodies.sort();
    assert!(bodies.iter().all(|(_, value)| *value == body));
    let keys =
        |rows: &[(Bytes, Bytes)]| rows.iter().map(|(key, _)| key.clone()).collect::<Vec<_>>();
    assert_eq!(
        keys(&bodies),
        keys(&rows),
        "both halves of each commit or none"
    );
    assert_eq!(report.rows, 2 * rows.len() as u64);
    synced(&copy, vec![Write::put(KeyspaceId::Message, "new", "row")]).await;

    let again = engine.backup(restored).await;
    assert!(matches!(again, Err(EngineError::Io { .. })), "{again:?}");
}

#[tokio::test]
async fn a_backup_of_a_store_in_memory_opens_as_a_store() {
    let target = TempDir::new().unwrap();
    let engine = MemoryEngine::new();
    synced(
        &engine,
        vec![
            Write::put(KeyspaceId::Meta, "a", "1"),
            Write::put(kept(2), "b", "2"),
        ],
    )
    .await;
    let report = engine.backup(target.path().to_owned()).await.unwrap();
    assert_eq!((report.rows, report.bytes), (2, 4));
    let copy = open(&target);
    assert_eq!(
        all(&copy, KeyspaceId::Meta).await,
        [("a".into(), "1".into())]
    );
    assert_eq!(all(&copy, kept(2)).await, [("b".into(), "2".into())]);
}

/// storage.md: the space of deleted bodies comes back when asked for.
#[tokio::test]
async fn reclaiming_gives_back_the_space_of_deleted_bodies() {
    let directory = TempDir::new().unwrap();
    let engine = open(&directory);
    let name = |n: u32| n.to_be_bytes().to_vec();
    let body = Bytes::from(
        (0..100_000_u64)
            .map(|n| ((n * n) >> 7) as u8)
            .collect::<Vec<_>>(),
    );
    for n in 0..200 {
        let write = Write::put(KeyspaceId::Transit, name(n), body.clone());
        engine
            .commit(vec![write], Durability::Buffer, Vec::new())
            .await
            .unwrap();
    }
    synced(
        &engine,
        (0..198)
            .map(|n| Write::delete(KeyspaceId::Transit, name(n)))
            .collect(),
    )
    .await;
    let report = engine.reclaim().await.unwrap();
    let tables = |stats: &EngineStats| stats.disk_bytes - stats.journal_bytes;
    let after = engine.stats().await.unwrap();
    assert!(
        report.disk_bytes_after < report.disk_bytes_before,
        "{report:?}"
    );
    assert!(tables(&after) < 7_000_000, "of twenty: {after:?}");
    assert_eq!(all(&engine, KeyspaceId::Transit).await.len(), 2);
}
