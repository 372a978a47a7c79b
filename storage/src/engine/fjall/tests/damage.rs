//! Damaged files and failing writes.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use tempfile::TempDir;

use super::{open, options};
use crate::engine::*;

async fn put(engine: &FjallEngine, keyspace: KeyspaceId, n: u32, value: Bytes) {
    let write = Write::put(keyspace, n.to_be_bytes().to_vec(), value);
    engine
        .commit(vec![write], Durability::Synced, Vec::new())
        .await
        .expect("commit");
}

async fn get(engine: &FjallEngine, keyspace: KeyspaceId, n: u32) -> Option<Bytes> {
    let key = Bytes::from(n.to_be_bytes().to_vec());
    engine.get(keyspace, key).await.expect("get")
}

/// A store whose journal holds rows 0 to 9, each its own record, and where row 4 stands in it.
async fn with_journal() -> (TempDir, PathBuf, usize) {
    let directory = TempDir::new().unwrap();
    let engine = open(&directory);
    for n in 0..10 {
        put(
            &engine,
            KeyspaceId::Queue,
            n,
            format!("content of row {n}").into(),
        )
        .await;
    }
    drop(engine);
    let journal = directory.path().join("store/0.jnl");
    let content = fs::read(&journal).unwrap();
    let wanted = b"content of row 4";
    let at = content
        .windows(wanted.len())
        .position(|window| window == wanted)
        .unwrap();
    (directory, journal, at)
}

#[tokio::test]
async fn a_damaged_journal_stops_the_start_until_what_is_whole_is_kept() {
    let (directory, journal, at) = with_journal().await;
    let mut content = fs::read(&journal).unwrap();
    content[at + 3] ^= 0x10;
    fs::write(&journal, &content).unwrap();
    let refused = FjallEngine::open(directory.path(), &options());
    let Err(error @ EngineError::DamagedJournal(_)) = refused else {
        panic!("{refused:?}");
    };
    let said = error.to_string();
    assert!(
        said.contains("0.jnl") && said.contains("5 good record(s)"),
        "{said}"
    );
    assert_eq!(
        fs::read(&journal).unwrap(),
        content,
        "refused before anything was touched"
    );

    let report = recover_journals(directory.path()).unwrap();
    let [recovered] = &report.journals[..] else {
        panic!("{report:?}");
    };
    assert_eq!(recovered.file, journal);
    // Nine rows and nothing else: keyspaces are created outside of the journal.
    assert_eq!(recovered.records_kept, 9);
    assert_eq!(fs::read(&recovered.set_aside).unwrap(), content);

    let engine = open(&directory);
    for n in 0..10 {
        let wanted = (n != 4).then(|| format!("content of row {n}").into());
        assert_eq!(get(&engine, KeyspaceId::Queue, n).await, wanted);
    }
    put(&engine, KeyspaceId::Queue, 4, "again".into()).await;
    drop(engine);
    assert_eq!(
        get(&open(&directory), KeyspaceId::Queue, 4).await,
        Some("again".into())
    );
    assert_eq!(
        recover_journals(directory.path()).unwrap(),
        RecoveryReport::default()
    );
}

#[tokio::test]
async fn a_torn_last_record_is_dropped_and_the_store_goes_on() {
    let (directory, journal, _) = with_journal().await;
    let mut content = fs::read(&journal).unwrap();
    let last = content.iter().rposition(|byte| *byte != 0).unwrap();
    content.truncate(last - 10);
    fs::write(&journal, &content).unwrap();
    for start in 0..3 {
        let engine = open(&directory);
        assert_eq!(
            get(&engine, KeyspaceId::Queue, 8).await,
            Some("content of row 8".into())
        );
        assert_eq!(get(&engine, KeyspaceId::Queue, 9).await, None);
        assert_eq!(
            get(&engine, KeyspaceId::Queue, 100).await.is_some(),
            start > 0
        );
        put(&engine, KeyspaceId::Queue, 100, "new".into()).await;
    }
}

/// Q15: damage of a body is noticed when it is read, and a check finds it.
#[tokio::test]
async fn a_check_names_the_damaged_body_and_goes_on() {
    let directory = TempDir::new().unwrap();
    let engine = open(&directory);
    for n in 0..20 {
        put(
            &engine,
            KeyspaceId::Transit,
            n,
            vec![n as u8 + 1; 3000].into(),
        )
        .await;
        put(&engine, KeyspaceId::Queue, n, "row".into()).await;
    }
    engine.reclaim().await.unwrap();
    drop(engine);
    let file = file_with(directory.path(), &[8; 3000]);
    let mut content = fs::read(&file).unwrap();
    let at = content
        .windows(3000)
        .position(|window| window == [8; 3000])
        .unwrap();
    content[at + 1500] ^= 1;
    fs::write(&file, content).unwrap();

    let engine = open(&directory);
    let found = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&found);
    let report = engine
        .check(Box::new(move |row| {
            if let Inspected::Corrupt { keyspace, key, .. } = row {
                sink.lock().unwrap().push((keyspace, key.clone()));
            }
        }))
        .await
        .unwrap();
    let key = Bytes::from(7_u32.to_be_bytes().to_vec());
    assert_eq!(*found.lock().unwrap(), [(KeyspaceId::Transit, key.clone())]);
    assert_eq!((report.rows, report.corrupt), (39, 1));
    let read = engine.get(KeyspaceId::Transit, key).await;
    assert!(matches!(read, Err(EngineError::Corrupt { .. })), "{read:?}");
    assert!(get(&engine, KeyspaceId::Transit, 8).await.is_some());
}

#[tokio::test]
async fn a_check_goes_on_behind_a_damaged_table() {
    let directory = TempDir::new().unwrap();
    let engine = open(&directory);
    let count = 2000_u32;
    for n in 0..count {
        let value = format!("value of row {n:>30}");
        let write = Write::put(KeyspaceId::Queue, n.to_be_bytes().to_vec(), value);
        engine
            .commit(vec![write], Durability::Buffer, Vec::new())
            .await
            .unwrap();
    }
    put(&engine, KeyspaceId::Domains, 1, "example.com".into()).await;
    engine.reclaim().await.unwrap();
    drop(engine);
    let needle = format!("value of row {:>30}", 1000);
    let file = file_with(directory.path(), needle.as_bytes());
    let mut content = fs::read(&file).unwrap();
    let at = content
        .windows(needle.len())
        .position(|window| window == needle.as_bytes())
        .unwrap();
    content[at] ^= 1;
    fs::write(&file, content).unwrap();

    let engine = open(&directory);
    let report = engine.check(Box::new(|_| {})).await.unwrap();
    assert!(report.corrupt >= 1, "{report:?}");
    let lost = u64::from(count) + 1 - report.rows;
    assert!(
        (1..500).contains(&lost),
        "one block is lost, not the table: {report:?}"
    );
}

/// Q15, S12: after a failed write nothing is committed, everybody is told, reads go on, and a new
/// process finds what was acknowledged.
#[tokio::test]
async fn after_a_failed_write_nothing_is_committed_and_reads_go_on() {
    let directory = TempDir::new().unwrap();
    let engine = open(&directory);
    put(&engine, KeyspaceId::Queue, 1, "acknowledged".into()).await;
    let mut failed = engine.failed();
    // The next keyspace cannot be created: its folder cannot be made where a file stands.
    let keyspaces = directory.path().join("store/keyspaces");
    let moved = directory.path().join("store/elsewhere");
    fs::rename(&keyspaces, &moved).unwrap();
    fs::write(&keyspaces, b"in the way").unwrap();
    let writes = vec![
        Write::put(KeyspaceId::Queue, "beside", "1"),
        Write::put(KeyspaceId::Aside, "first", "1"),
    ];
    let refused = engine.commit(writes, Durability::Synced, Vec::new()).await;
    assert!(
        matches!(refused, Err(EngineError::Poisoned(_))),
        "{refused:?}"
    );
    assert!(failed.borrow_and_update().is_some());
    let again = vec![Write::put(KeyspaceId::Queue, "later", "1")];
    let refused = engine.commit(again, Durability::Buffer, Vec::new()).await;
    assert!(
        matches!(refused, Err(EngineError::Poisoned(_))),
        "{refused:?}"
    );
    let refused = engine.shutdown().await;
    assert!(
        matches!(refused, Err(EngineError::Poisoned(_))),
        "{refused:?}"
    );
    assert_eq!(
        get(&engine, KeyspaceId::Queue, 1).await,
        Some("acknowledged".into())
    );
    drop(engine);

    fs::remove_file(&keyspaces).unwrap();
    fs::rename(&moved, &keyspaces).unwrap();
    let engine = open(&directory);
    assert_eq!(
        get(&engine, KeyspaceId::Queue, 1).await,
        Some("acknowledged".into())
    );
    assert_eq!(
        engine
            .get(KeyspaceId::Queue, "beside".into())
            .await
            .unwrap(),
        None
    );
    put(&engine, KeyspaceId::Aside, 1, "goes on".into()).await;
}

/// Q15: a store that fails while nobody writes says so, and what waits for it ends.
#[tokio::test]
async fn a_failure_in_the_background_is_noticed_without_a_commit() {
    let directory = TempDir::new().unwrap();
    let engine = open(&directory);
    put(&engine, KeyspaceId::Queue, 1, "acknowledged".into()).await;
    let mut failed = engine.failed();
    // Tables cannot be written where their folders are gone.
    for entry in fs::read_dir(directory.path().join("store/keyspaces")).unwrap() {
        let tables = entry.unwrap().path().join("tables");
        if tables.exists() {
            fs::rename(&tables, tables.with_extension("away")).unwrap();
        }
    }
    let reclaimed = engine.reclaim().await;
    assert!(
        matches!(reclaimed, Err(EngineError::Poisoned(_))),
        "{reclaimed:?}"
    );
    assert!(failed.wait_for(Option::is_some).await.is_ok());
    let refused = engine
        .commit(Vec::new(), Durability::Synced, Vec::new())
        .await;
    assert!(
        matches!(refused, Err(EngineError::Poisoned(_))),
        "{refused:?}"
    );
    assert!(get(&engine, KeyspaceId::Queue, 1).await.is_some());
}

/// A store that lost what says that it is one is not replaced by an empty one.
#[tokio::test]
async fn a_store_without_its_marker_is_refused() {
    let (directory, journal, _) = with_journal().await;
    fs::remove_file(directory.path().join("store/version")).unwrap();
    fs::rename(&journal, journal.with_extension("away")).unwrap();
    let refused = FjallEngine::open(directory.path(), &options());
    assert!(
        matches!(refused, Err(EngineError::Io { .. })),
        "{refused:?}"
    );
    assert!(!journal.exists(), "nothing was created");
}

/// The table or body file that holds some content.
fn file_with(folder: &Path, content: &[u8]) -> PathBuf {
    fn visit(folder: &Path, content: &[u8], found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                visit(&path, content, found);
            } else if path.extension().is_none_or(|ending| ending != "jnl") {
                let stored = fs::read(&path).unwrap();
                if stored
                    .windows(content.len())
                    .any(|window| window == content)
                {
                    found.push(path);
                }
            }
        }
    }
    let mut found = Vec::new();
    visit(&folder.join("store"), content, &mut found);
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}
