//! Q16: fifty senders of fifty megabytes each, and memory stays where it was.
//!
//! A debug build takes minutes for that, so by default they are of eight megabytes, which together
//! is still more than may be in memory. The whole:
//!
//! ```text
//! MAILHOLD_LARGE_BYTES=50000000 cargo test --release --test e2e q16
//! ```

use std::fs;

use mailhold::demo::sender::{Content, Sender};

use crate::binary;
use crate::support::world::World;

/// Most memory a process has had, in MiB (`VmHWM`).
fn memory_max_mib(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kibibytes = line
        .and_then(|line| line.split_whitespace().next())
        .unwrap();
    kibibytes.parse::<u64>().unwrap() / 1024
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn q16_fifty_senders_of_fifty_megabytes_fit_into_256_mib() {
    const SENDERS: u64 = 50;
    const SIZE_BYTES: usize = 8_000_000;
    let asked_for = std::env::var("MAILHOLD_LARGE_BYTES").ok();
    let size_bytes = asked_for.map_or(SIZE_BYTES, |bytes| bytes.parse().unwrap());
    let mut world = World::new(binary());
    world.destination.stop().await;
    let mut plan = world.plan("large", SENDERS);
    plan.sessions = SENDERS as usize;
    plan.messages_per_connection = 1;
    plan.content = Content::Generated { size_bytes };
    let report = Sender::run(plan, world.clock.clone()).await;
    assert_eq!(report.accepted_count(), SENDERS, "{:?}", report.refusals());
    let taken = memory_max_mib(world.node.pid().unwrap());
    assert!(taken <= 256, "{taken} MiB after taking them in");
    world.destination.resume().unwrap();
    world.delivered(SENDERS).await;
    world.assert_delivered_once(report.accepted());
    let passed_on = memory_max_mib(world.node.pid().unwrap());
    assert!(passed_on <= 256, "{passed_on} MiB after passing them on");
    println!("{SENDERS} of {size_bytes} bytes: {taken} MiB taken in, {passed_on} MiB passed on");
}
