//! Q14: a disk that fills up. Senders hear 452 before anything is lost, and it recovers by itself.

use std::path::{Path, PathBuf};
use std::process::Command;

use mailhold::demo::destination::{Destination, DestinationOptions};
use mailhold::demo::sender::{Content, Sender};
use tempfile::TempDir;

use crate::binary;
use crate::support::node::Node;
use crate::support::world::{DOMAIN, MAILBOXES, World, clock, within};

/// A small file system of its own, gone with the test.
struct SmallDisk {
    folder: TempDir,
}

impl SmallDisk {
    /// Mounts it; `None`, said loudly, where that is not allowed.
    fn mounted(size: &str) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"])
            .arg(folder.path())
            .output();
        match mount {
            Ok(output) if output.status.success() => Some(Self { folder }),
            other => {
                eprintln!("NOT TESTED: no tmpfs can be mounted here: {other:?}");
                None
            }
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().to_owned()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let unmounted = Command::new("umount")
            .arg("-l")
            .arg(self.folder.path())
            .status();
        if !unmounted.is_ok_and(|status| status.success()) {
            eprintln!("{} is still mounted", self.folder.path().display());
        }
    }
}

fn world_on(disk: &Path) -> World {
    let clock = clock();
    let options = DestinationOptions::default();
    let destination = Destination::stopped(options, clock.clone()).unwrap();
    let mut node = Node::prepared_in(binary(), "message_size = \"1MiB\"\n", disk).unwrap();
    node.resume().unwrap();
    node.add_domain(DOMAIN, destination.address(), &MAILBOXES)
        .unwrap();
    World {
        node,
        destination,
        clock,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn q14_a_full_disk_refuses_in_time_loses_nothing_and_recovers_by_itself() {
    let Some(disk) = SmallDisk::mounted("256m") else {
        return;
    };
    let mut world = world_on(&disk.path());
    let mut plan = world.plan("fill", u64::MAX);
    plan.content = Content::Generated {
        size_bytes: 900_000,
    };
    let sender = Sender::start(plan, world.clock.clone());
    let mut progress = sender.progress();
    let refused = progress.wait_for(|progress| progress.other >= 20);
    within("the disk is full", refused).await.unwrap();
    sender.stop();
    let filled = sender.finish().await;
    for (reply, _) in filled.refusals() {
        let expected = ["452 4.3.1", "421 4.3.2"];
        assert!(
            expected.iter().any(|code| reply.starts_with(code)),
            "{reply}"
        );
    }
    assert!(filled.accepted_count() > 100, "{}", filled.accepted_count());

    world.destination.resume().unwrap();
    world.delivered(filled.accepted_count()).await;
    world.assert_delivered_once(filled.accepted());

    let mut plan = world.plan("again", u64::MAX);
    plan.sessions = 1;
    plan.per_second = Some(5.0);
    let sender = Sender::start(plan, world.clock.clone());
    let mut progress = sender.progress();
    let taken = progress.wait_for(|progress| progress.accepted >= 1);
    within("mail is taken again", taken).await.unwrap();
    sender.stop();
    let again = sender.finish().await;
    world
        .delivered(filled.accepted_count() + again.accepted_count())
        .await;
    world.assert_delivered_once(again.accepted());
}
