//! SIGKILL in the middle of commits: everything that was answered is found (S12, Q1).

use std::collections::BTreeSet;
use std::ops::Bound;
use std::path::Path;

use tempfile::TempDir;

use super::child::{self, PARTS, PRODUCERS, Said};
use super::open;
use crate::engine::*;

/// Runs the child until it has acknowledged some commits, kills it, and collects what it had said.
fn killed_after(directory: &Path, round: usize, commits: usize) -> Vec<String> {
    let mut process = child::start(&child::arguments(), directory, round);
    let mut acknowledged = Vec::new();
    for said in child::said(&mut process) {
        let Said::Acknowledged(key) = said else {
            panic!("{said:?}");
        };
        acknowledged.push(key);
        if acknowledged.len() == commits {
            process.kill().unwrap();
        }
    }
    let status = process.wait().unwrap();
    assert!(
        acknowledged.len() >= commits,
        "the child ended by itself: {status}"
    );
    acknowledged
}

/// Keys of commits that are there in all their parts; a commit that is there in part fails.
pub(super) async fn found_whole(engine: &FjallEngine) -> BTreeSet<Bytes> {
    let mut keys = Vec::new();
    for part in PARTS {
        let everything = (Bound::Unbounded, Bound::Unbounded);
        let page = engine
            .scan(part, everything, Direction::Ascending, usize::MAX)
            .await
            .unwrap();
        for (key, value) in &page.rows {
            let wanted = child::content(std::str::from_utf8(key).unwrap());
            assert!(*value == wanted, "{part}: {key:?} has another value");
        }
        let found = page.rows.into_iter().map(|(key, _)| key);
        keys.push(found.collect::<BTreeSet<_>>());
    }
    assert!(
        keys[0] == keys[1] && keys[1] == keys[2],
        "a commit is there in part"
    );
    keys.remove(0)
}

#[tokio::test]
async fn after_a_kill_every_answered_commit_is_found_whole() {
    let directory = TempDir::new().unwrap();
    let mut acknowledged = BTreeSet::new();
    for (round, commits) in [1, 40, 150, 400, 700].into_iter().enumerate() {
        let said = killed_after(directory.path(), round, commits);
        acknowledged.extend(said.into_iter().map(Bytes::from));
        let found = found_whole(&open(&directory)).await;
        let lost: Vec<_> = acknowledged.difference(&found).collect();
        assert!(lost.is_empty(), "round {round}: lost {lost:?}");
        // In flight when it died, and written all the same: at most one per producer and round.
        let unanswered = found.len() - acknowledged.len();
        assert!(unanswered <= (round + 1) * PRODUCERS, "{unanswered}");
    }
}
