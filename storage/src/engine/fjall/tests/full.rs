//! A journal that cannot grow, as on a full disk: nothing is acknowledged that is not there (Q14,
//! Q15). The limit is one of the operating system on the size of files.

use std::collections::BTreeSet;

use tempfile::TempDir;

use super::child::{self, PRODUCERS, Said};
use super::crash::found_whole;
use super::open;
use crate::engine::*;

/// Largest file the child may write, in the 512 bytes that `ulimit` counts in.
const LIMIT_BLOCKS: u32 = 600;

#[tokio::test]
async fn when_the_journal_cannot_grow_commits_are_refused_and_none_is_lost() {
    let directory = TempDir::new().unwrap();
    // Journals are created larger than the limit; the second start ends this one at its last record.
    for _ in 0..2 {
        let engine = open(&directory);
        let write = Write::put(KeyspaceId::Meta, "a", "1");
        engine
            .commit(vec![write], Durability::Synced, Vec::new())
            .await
            .unwrap();
    }
    // The signal would end the process; ignored, the write fails, as it does for want of space.
    let limited = format!("trap '' XFSZ; ulimit -f {LIMIT_BLOCKS}; exec \"$@\"");
    let mut command = vec![
        "/bin/sh".to_owned(),
        "-c".to_owned(),
        limited,
        "sh".to_owned(),
    ];
    command.extend(child::arguments());
    let mut process = child::start(&command, directory.path(), 0);
    let mut acknowledged = BTreeSet::new();
    let mut refusals = Vec::new();
    for said in child::said(&mut process) {
        match said {
            Said::Acknowledged(key) => {
                acknowledged.insert(Bytes::from(key));
            }
            Said::Refused(why) => refusals.push(why),
        }
    }
    assert!(process.wait().unwrap().success());
    assert_eq!(refusals.len(), PRODUCERS, "{refusals:?}");
    assert!(!acknowledged.is_empty());
    assert!(
        refusals.iter().all(|why| why.contains("too large")),
        "{refusals:?}"
    );

    let engine = open(&directory);
    let found = found_whole(&engine).await;
    let lost: Vec<_> = acknowledged.difference(&found).collect();
    assert!(lost.is_empty(), "lost {lost:?}");
    assert!(found.len() - acknowledged.len() <= PRODUCERS);
    engine
        .commit(Vec::new(), Durability::Synced, Vec::new())
        .await
        .unwrap();
}
