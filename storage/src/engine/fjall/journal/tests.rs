//! Damage of every kind, on journals that fjall itself wrote.

use std::fs;
use std::path::Path;

use fjall::{Database, KeyspaceCreateOptions, PersistMode};
use tempfile::TempDir;

use super::examine::without_zeroes_behind;
use super::*;

/// Frames in the journal that [`written`] makes.
const FRAMES: u8 = 4;

/// The journal of a store with four batches in two keyspaces, without the zeroes at its end, and
/// where each frame ends.
fn written() -> (Vec<u8>, Vec<usize>) {
    let directory = TempDir::new().unwrap();
    let journal = directory.path().join("0.jnl");
    let mut ends = Vec::new();
    {
        let database = Database::builder(directory.path()).open().unwrap();
        let rows = database
            .keyspace("rows", KeyspaceCreateOptions::default)
            .unwrap();
        let bodies = database
            .keyspace("bodies", KeyspaceCreateOptions::default)
            .unwrap();
        for frame in 0..FRAMES {
            let mut batch = database.batch();
            batch.insert(&rows, [b'k', frame], [frame; 20]);
            batch.insert(
                &bodies,
                [b'b', frame],
                vec![frame ^ 1; 100 * usize::from(frame)],
            );
            batch.remove(&rows, b"gone");
            batch.commit().unwrap();
            database.persist(PersistMode::SyncData).unwrap();
            let so_far = fs::read(&journal).unwrap();
            ends.push(without_zeroes_behind(&so_far).len());
        }
    }
    let mut content = fs::read(&journal).unwrap();
    content.truncate(*ends.last().unwrap());
    (content, ends)
}

fn store_with(journals: &[(&str, &[u8])]) -> TempDir {
    let store = TempDir::new().unwrap();
    for (name, content) in journals {
        fs::write(store.path().join(name), content).unwrap();
    }
    store
}

fn length(path: &Path) -> usize {
    fs::metadata(path).unwrap().len() as usize
}

#[test]
fn every_frame_is_found_and_zeroes_behind_them_are_no_damage() {
    let (mut content, ends) = written();
    let examined = examine(&content);
    assert!(examined.is_clean());
    assert_eq!(examined.frames(), u64::from(FRAMES));
    assert_eq!(examined.whole_end(), content.len() as u64);
    for (frame, end) in ends.iter().enumerate() {
        assert_eq!(examine(&content[..*end]).frames(), frame as u64 + 1);
    }
    content.resize(content.len() + 10_000, 0);
    assert_eq!(examine(&content).frames(), u64::from(FRAMES));
    assert!(examine(&content).is_clean());
    assert!(examine(&[]).is_clean());
}

#[test]
fn a_tear_at_any_byte_of_the_last_frame_is_cut_to_the_last_whole_one() {
    let (content, ends) = written();
    let whole = ends[2];
    for torn in whole + 1..content.len() {
        let store = store_with(&[("0.jnl", &content[..torn])]);
        prepare(store.path()).unwrap();
        assert_eq!(length(&store.path().join("0.jnl")), whole, "torn at {torn}");
    }
}

#[test]
fn a_torn_frame_with_a_hole_or_garbage_behind_it_is_cut() {
    let (content, ends) = written();
    let mut hole = content.clone();
    hole[ends[2] + 30..ends[2] + 90].fill(0);
    hole.resize(content.len() + 4096, 0);
    let mut garbage = content[..ends[3]].to_vec();
    garbage.extend((0..5000_u32).map(|at| (at * 7919 % 253) as u8));
    for (bad, whole) in [(hole, ends[2]), (garbage, ends[3])] {
        let store = store_with(&[("0.jnl", &bad)]);
        prepare(store.path()).unwrap();
        assert_eq!(length(&store.path().join("0.jnl")), whole);
    }
}

#[test]
fn any_flipped_bit_is_found_and_in_front_of_good_frames_refused() {
    let (content, ends) = written();
    let starts = [0, ends[0], ends[1], ends[2]];
    for at in 0..content.len() {
        let frame = starts.iter().rposition(|start| *start <= at).unwrap();
        // fjall's checksum does not cover the sequence number.
        if (5..13).contains(&(at - starts[frame])) {
            continue;
        }
        let mut flipped = content.clone();
        flipped[at] ^= 1 << (at % 8);
        let examined = examine(&flipped);
        assert!(!examined.is_clean(), "byte {at}");
        assert_eq!(examined.whole_end(), starts[frame] as u64, "byte {at}");
        assert_eq!(examined.frames(), u64::from(FRAMES) - 1, "byte {at}");
        assert_eq!(examined.frames_behind(), 3 - frame as u64, "byte {at}");
    }
    let mut flipped = content.clone();
    flipped[ends[0] + 40] ^= 4;
    let store = store_with(&[("7.jnl", &flipped)]);
    let refused = prepare(store.path());
    let Err(EngineError::DamagedJournal(damage)) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(damage.file, store.path().join("7.jnl"));
    assert_eq!((damage.offset, damage.good_behind), (ends[0] as u64, 2));
    assert_eq!(
        fs::read(store.path().join("7.jnl")).unwrap(),
        flipped,
        "nothing was touched"
    );
}

#[test]
fn a_zeroed_page_in_front_of_good_frames_is_refused() {
    let (content, ends) = written();
    // A page that takes the end of one frame and the beginning of the next.
    let mut zeroed = content.clone();
    zeroed[ends[0] - 20..ends[0] + 60].fill(0);
    let store = store_with(&[("0.jnl", &zeroed)]);
    let refused = prepare(store.path());
    assert!(
        matches!(&refused, Err(EngineError::DamagedJournal(damage)) if damage.good_behind == 2),
        "{refused:?}"
    );
}

#[test]
fn a_bad_end_in_front_of_a_later_journal_is_damage_and_behind_it_is_not() {
    let (content, ends) = written();
    let torn = &content[..ends[3] - 5];
    let store = store_with(&[("9.jnl", torn), ("10.jnl", &content)]);
    let refused = prepare(store.path());
    let Err(EngineError::DamagedJournal(damage)) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(
        damage.file,
        store.path().join("9.jnl"),
        "ten comes after nine"
    );
    assert_eq!(damage.good_behind, 4);

    let store = store_with(&[("9.jnl", &content), ("10.jnl", torn)]);
    prepare(store.path()).unwrap();
    assert_eq!(length(&store.path().join("9.jnl")), content.len());
    assert_eq!(length(&store.path().join("10.jnl")), ends[2]);

    let store = store_with(&[("9.jnl", torn), ("10.jnl", &[0; 4096])]);
    prepare(store.path()).unwrap();
    assert_eq!(
        length(&store.path().join("9.jnl")),
        ends[2],
        "nothing good stands behind it"
    );
}

#[test]
fn a_journal_made_to_be_searched_for_ever_is_refused_soon() {
    let (content, ends) = written();
    let mut bad = content[..ends[0]].to_vec();
    // Starts that promise four billion items, each followed by items without end.
    for _ in 0..20_000 {
        bad.extend([1, 255, 255, 255, 255, 0, 0, 0, 0, 0, 0, 0, 0]);
        bad.extend([4, 0, 0, 0, 0, 0, 0, 0, 0]);
    }
    let mut nested = content[..ends[0]].to_vec();
    nested.extend(
        std::iter::repeat_n(
            [1_u8, 255, 255, 255, 255, 4, 1, 4, 1, 4, 1, 4, 1, 4, 1, 4],
            50_000,
        )
        .flatten(),
    );
    for bad in [bad, nested] {
        let store = store_with(&[("0.jnl", &bad)]);
        match prepare(store.path()) {
            Ok(()) => assert_eq!(length(&store.path().join("0.jnl")), ends[0]),
            Err(EngineError::DamagedJournal(damage)) => assert_eq!(damage.offset, ends[0] as u64),
            other => panic!("{other:?}"),
        }
    }
}
