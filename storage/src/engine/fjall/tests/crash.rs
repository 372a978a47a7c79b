//! SIGKILL in the middle of commits: everything that was answered is found (S12, Q1).
//!
//! The child is this test binary again: it runs [`child`] with a directory in its environment,
//! commits as fast as it can, and prints every key after its commit was answered.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write as _};
use std::ops::Bound;
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::{open, options};
use crate::engine::*;

const DIRECTORY: &str = "MAILHOLD_CRASH_DIRECTORY";
const ROUND: &str = "MAILHOLD_CRASH_ROUND";
const ACKNOWLEDGED: &str = "acknowledged ";
const PRODUCERS: u32 = 8;

/// Keyspaces that one commit of the child touches.
const PARTS: [KeyspaceId; 3] = [KeyspaceId::Message, KeyspaceId::Queue, KeyspaceId::Transit];

fn content(key: &str) -> Bytes {
    key.bytes().cycle().take(2500).collect()
}

/// Not a test by itself: does nothing unless the test below started it.
#[test]
fn child() {
    let (Ok(directory), Ok(round)) = (std::env::var(DIRECTORY), std::env::var(ROUND)) else {
        return;
    };
    let engine = FjallEngine::open(Path::new(&directory), &options()).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .unwrap();
    let producer = async |producer: u32| {
        for n in 0_u32.. {
            let key = format!("{round}-{producer}-{n}");
            let writes = PARTS.map(|part| Write::put(part, key.clone(), content(&key)));
            engine
                .commit(writes.to_vec(), Durability::Synced, Vec::new())
                .await
                .unwrap();
            // One write, so that a kill leaves no half line in front of another.
            let line = format!("{ACKNOWLEDGED}{key}\n");
            std::io::stdout().write_all(line.as_bytes()).unwrap();
            std::io::stdout().flush().unwrap();
        }
    };
    runtime.block_on(futures_util::future::join_all((0..PRODUCERS).map(producer)));
}

/// Runs the child until it has acknowledged some commits, kills it, and collects what it had said.
fn killed_after(directory: &Path, round: usize, lines_wanted: usize) -> Vec<String> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "engine::fjall::tests::crash::child",
            "--nocapture",
        ])
        .env(DIRECTORY, directory)
        .env(ROUND, round.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = Vec::new();
    for line in BufReader::new(child.stdout.take().unwrap()).split(b'\n') {
        let line = String::from_utf8(line.unwrap()).unwrap();
        if let Some((_, key)) = line.split_once(ACKNOWLEDGED) {
            said.push(key.to_owned());
            if said.len() == lines_wanted {
                child.kill().unwrap();
            }
        }
    }
    let status = child.wait().unwrap();
    assert!(
        said.len() >= lines_wanted,
        "the child ended by itself: {status}"
    );
    said
}

#[tokio::test]
async fn after_a_kill_every_answered_commit_is_found_whole() {
    let directory = TempDir::new().unwrap();
    let mut acknowledged = BTreeSet::new();
    for (round, lines) in [1, 40, 150, 400, 700].into_iter().enumerate() {
        let said = killed_after(directory.path(), round, lines);
        acknowledged.extend(said.into_iter().map(Bytes::from));
        let engine = open(&directory);
        let mut keys = Vec::new();
        for part in PARTS {
            let everything = (Bound::Unbounded, Bound::Unbounded);
            let page = engine
                .scan(part, everything, Direction::Ascending, usize::MAX)
                .await
                .unwrap();
            for (key, value) in &page.rows {
                let wanted = content(std::str::from_utf8(key).unwrap());
                assert!(*value == wanted, "{part}: {key:?} has another value");
            }
            let found = page.rows.into_iter().map(|(key, _)| key);
            keys.push(found.collect::<BTreeSet<_>>());
        }
        assert!(
            keys[0] == keys[1] && keys[1] == keys[2],
            "a commit is there in part"
        );
        let lost: Vec<_> = acknowledged.difference(&keys[0]).collect();
        assert!(lost.is_empty(), "round {round}: lost {lost:?}");
        // In flight when it died, and written all the same: at most one per producer and round.
        let unanswered = keys[0].len() - acknowledged.len();
        assert!(
            unanswered <= (round + 1) * PRODUCERS as usize,
            "{unanswered}"
        );
    }
}
