//! Large bodies in files of their own: whole after a crash, freed when nobody names them, never
//! taken for another's.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;

use crate::bodies::Held;
use crate::limits::{BODY_CHUNK_BYTES, BODY_INLINE_MAX, BODY_MEMORY_FREE, BODY_MEMORY_IN};
use crate::model::{DomainId, MessageId, QueueEntry};
use crate::spool::testing::{accepted, audit, clock, destination, message, reply};
use crate::spool::{
    NewDomain, RecipientOutcome, Settled, Settlement, Space, SpaceProbe, Spool, SpoolError,
    SpoolOptions,
};

const X: DomainId = DomainId(1);
const LARGE: usize = 3 * BODY_CHUNK_BYTES + 17;

/// Changes the content of a file.
type Damage<'a> = &'a dyn Fn(&mut Vec<u8>);

/// A volume on which there is always room, whatever the machine of the test has.
#[derive(Debug)]
struct Roomy;

impl SpaceProbe for Roomy {
    fn sample(&self) -> std::io::Result<Space> {
        Ok(Space {
            total_bytes: 1 << 40,
            free_bytes: 1 << 39,
        })
    }
}

async fn open(directory: &Path) -> Spool {
    let options = SpoolOptions {
        space: Some(Arc::new(Roomy)),
        ..SpoolOptions::default()
    };
    Spool::open(directory, options, clock()).await.unwrap()
}

async fn opened(directory: &Path) -> Spool {
    let spool = open(directory).await;
    let new = NewDomain::new("x.example".parse().unwrap(), vec![destination()]);
    spool.add_domain(new, audit()).await.unwrap();
    spool
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(directory.join("bodies")).unwrap();
    let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    files.sort();
    files
}

/// A body that says at every place which message it belongs to.
fn body(seed: u8, bytes: usize) -> Vec<u8> {
    (0..bytes).map(|at| (at % 251) as u8 ^ seed).collect()
}

async fn large(spool: &Spool, seed: u8) -> MessageId {
    accepted(spool, &body(seed, LARGE), &[(1, &["a@x.example"])]).await
}

async fn entries(spool: &Spool) -> Vec<QueueEntry> {
    spool.queue_page(X, None, 100).await.unwrap()
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

async fn deliver(spool: &Spool, entry: QueueEntry) {
    let outcomes = vec![(0, RecipientOutcome::Delivered { reply: reply(250) })];
    let settled = spool
        .settle(Settlement {
            entry,
            outcomes,
            notices: Vec::new(),
        })
        .await;
    assert_eq!(settled.unwrap(), Settled::Closed);
}

#[tokio::test]
async fn large_bodies_come_back_byte_for_byte_and_survive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let spool = opened(folder.path()).await;
    let sizes = [
        1,
        BODY_INLINE_MAX,
        BODY_INLINE_MAX + 1,
        2 * BODY_CHUNK_BYTES,
        LARGE,
    ];
    for size in sizes {
        let mut new = message(&spool, b"", &[(1, &["a@x.example"])]).await;
        let mut writer = spool.begin_body(new.id);
        for piece in body(7, size).chunks(70_001) {
            writer.write(Bytes::copy_from_slice(piece)).await.unwrap();
        }
        new.body = writer.finish().await.unwrap();
        spool.accept(new).await.unwrap();
    }
    assert_eq!(files(folder.path()).len(), 3, "the others are rows");
    for (entry, size) in entries(&spool).await.iter().zip(sizes) {
        assert_eq!(read(&spool, entry).await.unwrap(), body(7, size), "{size}");
    }
    assert_eq!(spool.check().await.unwrap().problems, []);
    drop(spool);
    let spool = open(folder.path()).await;
    assert_eq!(spool.sweep_orphans(10).await.unwrap(), 0);
    for (entry, size) in entries(&spool).await.iter().zip(sizes) {
        assert_eq!(read(&spool, entry).await.unwrap(), body(7, size), "{size}");
    }
    assert_eq!(spool.stats().await.unwrap().bodies.files, 3);
}

#[tokio::test]
async fn a_file_is_used_again_when_its_message_is_delivered_and_not_before() {
    let folder = tempfile::tempdir().unwrap();
    let spool = opened(folder.path()).await;
    large(&spool, 1).await;
    large(&spool, 2).await;
    let two = files(folder.path());
    let first = entries(&spool).await.remove(0);
    deliver(&spool, first.clone()).await;
    spool.sample_space().await.unwrap();
    assert_eq!(spool.stats().await.unwrap().bodies.free_files, 1);
    large(&spool, 3).await;
    assert_eq!(files(folder.path()), two, "no new file");
    let left = entries(&spool).await;
    assert_eq!(read(&spool, &left[0]).await.unwrap(), body(2, LARGE));
    assert_eq!(read(&spool, &left[1]).await.unwrap(), body(3, LARGE));
    // Whoever still has the entry of the delivered message gets nothing of another one.
    let stale = read(&spool, &first).await.unwrap_err();
    assert!(matches!(stale, SpoolError::CorruptBody { .. }));
    assert_eq!(spool.check().await.unwrap().problems, []);
}

#[tokio::test]
async fn what_was_given_up_or_left_by_a_crash_is_freed() {
    let folder = tempfile::tempdir().unwrap();
    let spool = opened(folder.path()).await;
    large(&spool, 1).await;
    let mut writer = spool.begin_body(spool.next_id());
    writer.write(body(2, LARGE).into()).await.unwrap();
    assert_eq!(
        spool.sweep_orphans(10).await.unwrap(),
        0,
        "one is named, one written"
    );
    drop(writer);
    spool.sample_space().await.unwrap();
    assert_eq!(spool.stats().await.unwrap().bodies.free_files, 1);

    drop(spool);

    // What crashes leave: a file of a message that never came to be, one without a frame, and one
    // that was used again, so that it names a message whose body is elsewhere.
    let bodies = folder.path().join("bodies");
    let named = fs::read(bodies.join("000000000001")).unwrap();
    let mut stranger = named.clone();
    stranger[0] ^= 1;
    fs::write(bodies.join("000000000007"), stranger).unwrap();
    fs::write(bodies.join("000000000008"), b"").unwrap();
    fs::write(bodies.join("000000000009"), named).unwrap();
    let spool = open(folder.path()).await;
    spool.sweep_orphans(10).await.unwrap();
    let entry = entries(&spool).await.remove(0);
    assert_eq!(read(&spool, &entry).await.unwrap(), body(1, LARGE));
    assert!(!bodies.join("000000000008").exists());
    for seed in 2..5 {
        large(&spool, seed).await;
    }
    for (entry, seed) in entries(&spool).await.iter().zip(1..5) {
        assert_eq!(read(&spool, entry).await.unwrap(), body(seed, LARGE));
    }
    assert_eq!(spool.check().await.unwrap().problems, []);
}

#[tokio::test]
async fn a_damaged_or_missing_file_is_a_damaged_body() {
    let folder = tempfile::tempdir().unwrap();
    let spool = opened(folder.path()).await;
    large(&spool, 1).await;
    large(&spool, 2).await;
    let files = files(folder.path());
    let whole = fs::read(&files[0]).unwrap();
    let damages: [Damage<'_>; 4] = [
        &|content| *content.last_mut().unwrap() ^= 1,
        &|content| content[3] ^= 1,
        &|content| content.truncate(LARGE / 2),
        // A frame of another message in the place of this one's.
        &|content| content.clone_from(&fs::read(&files[1]).unwrap()),
    ];
    let entry = entries(&spool).await.remove(0);
    for damage in damages {
        let mut content = whole.clone();
        damage(&mut content);
        fs::write(&files[0], content).unwrap();
        let error = read(&spool, &entry).await.unwrap_err();
        assert!(matches!(error, SpoolError::CorruptBody { .. }), "{error}");
        assert_eq!(spool.check().await.unwrap().problems_total, 1);
    }
    fs::remove_file(&files[0]).unwrap();
    let error = read(&spool, &entry).await.unwrap_err();
    assert!(matches!(error, SpoolError::CorruptBody { .. }), "{error}");
    assert_eq!(spool.check().await.unwrap().problems_total, 1);
}

/// Q16: without memory for it a body goes to the disk early, in smaller pieces.
#[tokio::test]
async fn q16_a_body_without_memory_is_written_early() {
    let folder = tempfile::tempdir().unwrap();
    let spool = opened(folder.path()).await;
    let mut all = Held::default();
    assert!(spool.inner.memory_in.grow(&mut all, BODY_MEMORY_IN));
    let size = 3 * BODY_MEMORY_FREE + 5;
    let mut new = message(&spool, b"", &[(1, &["a@x.example"])]).await;
    let mut writer = spool.begin_body(new.id);
    for piece in body(5, size).chunks(5_000) {
        writer.write(Bytes::copy_from_slice(piece)).await.unwrap();
    }
    new.body = writer.finish().await.unwrap();
    spool.accept(new).await.unwrap();
    assert_eq!(files(folder.path()).len(), 1);
    let entry = entries(&spool).await.remove(0);
    assert_eq!(read(&spool, &entry).await.unwrap(), body(5, size));
    assert_eq!(spool.check().await.unwrap().problems, []);
}

#[tokio::test]
async fn a_backup_brings_the_files_along() {
    let folder = tempfile::tempdir().unwrap();
    let spool = opened(folder.path()).await;
    large(&spool, 1).await;
    let copy = folder.path().join("copy");
    spool.backup(copy.clone()).await.unwrap();
    let entry = entries(&spool).await.remove(0);
    deliver(&spool, entry).await;
    assert!(!folder.path().join("copy.unfinished").exists());
    let restored = open(&copy).await;
    let entry = entries(&restored).await.remove(0);
    assert_eq!(read(&restored, &entry).await.unwrap(), body(1, LARGE));
    assert_eq!(restored.check().await.unwrap().problems, []);
    spool.backup(copy).await.unwrap_err();
}

/// A head that is known last stands first, and the row that names the file keeps it from being
/// freed, also over a restart.
#[tokio::test]
async fn a_head_that_comes_last_stands_before_what_is_in_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let text = body(3, LARGE);
    let head = body(9, 5_000);
    let spool = opened(directory.path()).await;
    let mut new = message(&spool, b"", &[(1, &["a@x.example"])]).await;
    let mut writer = spool.begin_body_for(new.id, &[X]).unwrap().behind_head();
    for piece in text.chunks(70_001) {
        writer.write(Bytes::copy_from_slice(piece)).await.unwrap();
    }
    new.body = writer.finish_with_head(&head).await.unwrap();
    spool.accept(new).await.unwrap();
    spool.shutdown().await.unwrap();
    drop(spool);

    let spool = open(directory.path()).await;
    spool.sweep_orphans(100).await.unwrap();
    assert_eq!(files(directory.path()).len(), 1);
    let entry = entries(&spool).await.remove(0);
    let mut reader = spool.body(&entry);
    let mut found = Vec::new();
    while let Some(piece) = reader.next().await.unwrap() {
        found.extend_from_slice(&piece);
    }
    assert!(found == [head, text].concat());
}
