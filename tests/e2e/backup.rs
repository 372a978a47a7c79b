//! Q26: a backup of a running node becomes a working node.

use std::fs;

use crate::binary;
use crate::support::world::{DOMAIN, World};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn q26_a_backup_taken_while_running_restores_to_a_working_node() {
    let mut world = World::new(binary());
    world.destination.stop().await;
    let before = world.send("before", 40).await;
    let copy = world.node.folder().join("copy");
    let copy_text = copy.to_str().unwrap();
    world.node.cli(&["store", "backup", copy_text]).unwrap();
    // A second backup does not write over the first.
    let again = world.node.try_cli(&["store", "backup", copy_text]).unwrap();
    assert!(!again.status.success());
    let stats = world.node.cli(&["store", "stats", "--json"]).unwrap();
    assert!(stats.contains("\"queue\""), "{stats}");
    world.send("after", 5).await;
    assert!(world.node.terminate().unwrap().success());

    // A backup has no keys: they are kept elsewhere.
    for key in ["master.key", "keys"] {
        fs::rename(world.node.data_dir().join(key), copy.join(key)).unwrap();
    }
    fs::remove_dir_all(world.node.data_dir()).unwrap();
    fs::rename(&copy, world.node.data_dir()).unwrap();
    world.node.cli(&["store", "check"]).unwrap();
    world.node.resume().unwrap();
    world.destination.resume().unwrap();
    // What is queued in the copy may have been delivered since, so nothing leaves by itself.
    let domain = world
        .node
        .cli(&["domain", "show", DOMAIN, "--json"])
        .unwrap();
    assert!(domain.contains("restored from a backup of"), "{domain}");
    assert_eq!(world.destination.ledger().totals().messages, 0);
    world.node.cli(&["release", DOMAIN]).unwrap();
    world.delivered(40).await;
    world.assert_delivered_once(before.accepted());
    // The restored node knows its domains and takes mail.
    let later = world.send("later", 10).await;
    world.delivered(50).await;
    world.assert_delivered_once(later.accepted());
    let ids = world.destination.ledger().arrivals();
    assert!(ids.iter().all(|(_, id)| !id.starts_with("after-")));
}
