//! S3: a domain is held by hand and released by hand; its neighbour is not touched.

use mailhold::demo::sender::Sender;

use crate::binary;
use crate::support::world::{DOMAIN, World};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s3_a_held_domain_waits_for_its_release_and_its_neighbour_does_not() {
    let world = World::new(binary());
    let address = world.destination.address();
    world
        .node
        .add_domain("neighbour.test", address, &["zoe@neighbour.test"])
        .unwrap();
    world
        .node
        .cli(&["hold", DOMAIN, "--reason", "moving house"])
        .unwrap();
    let held = world.send("held", 30).await;
    let mut plan = world.plan("free", 30);
    plan.recipients = vec!["zoe@neighbour.test".to_owned()];
    let free = Sender::run(plan, world.clock.clone()).await;
    world.delivered(30).await;
    world.assert_delivered_once(free.accepted());
    let status = world.node.cli(&["status", "--json"]).unwrap();
    assert!(status.contains("moving house"), "{status}");
    world.node.cli(&["release", DOMAIN]).unwrap();
    world.delivered(60).await;
    world.assert_delivered_once(held.accepted());
}
