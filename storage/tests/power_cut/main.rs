//! Power cuts, full disks and failing disks under the whole spool (S12, Q1, Q14, Q15).
//!
//! A child process keeps its store on a file system of ours that knows for every file what was
//! synced. Its power goes at a moment that the seed chooses, in the middle of a write or a sync; what
//! was synced is found afterwards and of the rest any torn part. Then the store is opened again:
//! every acknowledged message has to be there with its body, whatever was removed has to stay away,
//! and the ledger has to add up.
//!
//! Five cuts by default; before a release:
//!
//! ```text
//! MAILHOLD_POWER_CUTS=300 MAILHOLD_DISK_FAULTS=200 \
//!     cargo test --release -p mailhold-storage --test power_cut -- --nocapture
//! ```
//!
//! `MAILHOLD_POWER_CUT_SEED` chooses other moments. A failure names its seed.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what cannot go on here is a failed test"
)]

mod child;
mod disk;
mod file;
mod ledger;
mod mount;
mod names;
#[path = "../../benches/sample/mod.rs"]
mod sample;

use child::Said;
use disk::Faults;
use ledger::{Found, Ledger};
use mount::{Mount, mount, say};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Cuts of one store before the next one begins.
const CUTS_PER_STORE: u64 = 5;
/// Faults of one store before the next one begins.
const FAULTS_PER_STORE: u64 = 4;

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).map_or(default, |value| value.parse().unwrap())
}

/// Not a test by itself: does nothing unless another test started it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child() {
    child::run().await;
}

/// Runs the child until `until` says so or the store fails, and kills it.
fn run(mount: &Mount, ledger: &mut Ledger, mut until: impl FnMut(usize) -> bool) {
    let mut process = child::start(mount.path()).unwrap();
    let mut acknowledged = 0;
    for said in child::said(&mut process) {
        ledger.note(said);
        acknowledged += usize::from(matches!(said, Said::Acknowledged(_)));
        if said == Said::Refused || until(acknowledged) {
            // What it had said before is still read.
            process.kill().unwrap();
        }
    }
    process.wait().unwrap();
}

/// Q1: whatever moment the power goes at.
#[tokio::test]
async fn nothing_acknowledged_is_lost_when_the_power_is_cut() {
    let cuts = number("MAILHOLD_POWER_CUTS", CUTS_PER_STORE);
    let first = number("MAILHOLD_POWER_CUT_SEED", 1);
    let mut total = 0;
    for store in 0..cuts.div_ceil(CUTS_PER_STORE) {
        let seed = first + store;
        let Some(mut mount) = mount(seed) else { return };
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut ledger = Ledger::default();
        for cut in 1..=CUTS_PER_STORE.min(cuts - store * CUTS_PER_STORE) {
            let before = ledger.acknowledged();
            // Some cuts hit a store that is being created or opened.
            let messages = random.random_range(0..120_usize).saturating_sub(15);
            let changes = random.random_range(0..60);
            let mut is_cut = messages == 0;
            if is_cut {
                mount.disk().cut_after(changes);
            }
            run(&mount, &mut ledger, |acknowledged| {
                if acknowledged >= messages && !is_cut {
                    is_cut = true;
                    mount.disk().cut_after(changes);
                }
                false
            });
            let said = ledger.acknowledged() - before;
            total += said;
            mount.power_cycle().unwrap();
            let found = ledger.compare(mount.path()).await;
            let found = found.unwrap_or_else(|error| panic!("seed {seed}, cut {cut}: {error}"));
            assert_eq!(found, Found::default(), "seed {seed}, cut {cut}");
            say(&format!(
                "seed {seed}, cut {cut}: {said} acknowledged, all found"
            ));
        }
    }
    say(&format!("{cuts} cuts, {total} acknowledged, 0 lost"));
}

/// The harness notices a loss: the same on a disk whose syncs do nothing.
#[tokio::test]
async fn a_disk_that_lies_about_syncs_is_found_out() {
    let Some(mut mount) = mount(7) else { return };
    let mut ledger = Ledger::default();
    // The store is made while syncs work, so that it can be opened.
    run(&mount, &mut ledger, |acknowledged| acknowledged >= 50);
    mount.disk().faults.lying = true;
    run(&mount, &mut ledger, |acknowledged| acknowledged >= 200);
    mount.power_cycle().unwrap();
    let found = ledger.compare(mount.path()).await;
    assert!(found.is_err() || !found.unwrap().lost.is_empty());
}

/// Q14: the disk is full, and there is room again.
#[tokio::test]
async fn a_full_disk_loses_nothing_and_is_left_by_opening_the_store_again() {
    with_faults(11, |_, random| {
        let messages = random.random_range(1..60);
        move |mount: &Mount, acknowledged| {
            if acknowledged == messages {
                mount.disk().faults.full = true;
            }
        }
    })
    .await;
}

/// Q15: writes or syncs fail now and then, and what a failed sync should have written is gone once
/// the power is.
#[tokio::test]
async fn a_failing_disk_loses_nothing() {
    with_faults(13, |mount, random| {
        let syncs = random.random();
        mount.disk().faults = Faults {
            failing_syncs: if syncs { 0.05 } else { 0.0 },
            failing_writes: if syncs { 0.0 } else { 0.02 },
            ..Faults::default()
        };
        |_: &Mount, _| {}
    })
    .await;
}

/// Lets the child run on a disk with faults until its store fails, opens the store without them,
/// half the time after a power cut, and compares.
async fn with_faults<F: FnMut(&Mount, usize)>(
    first: u64,
    mut begin: impl FnMut(&Mount, &mut ChaCha8Rng) -> F,
) {
    let faults = number("MAILHOLD_DISK_FAULTS", FAULTS_PER_STORE);
    let mut total = 0;
    for store in 0..faults.div_ceil(FAULTS_PER_STORE) {
        let seed = first + store;
        let Some(mut mount) = mount(seed) else { return };
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut ledger = Ledger::default();
        run(&mount, &mut ledger, |acknowledged| acknowledged >= 5);
        for round in 1..=FAULTS_PER_STORE {
            let before = ledger.acknowledged();
            let mut fault = begin(&mount, &mut random);
            run(&mount, &mut ledger, |acknowledged| {
                fault(&mount, acknowledged);
                false
            });
            total += ledger.acknowledged() - before;
            let power_cycle = random.random();
            mount.disk().faults = Faults::default();
            if power_cycle {
                mount.power_cycle().unwrap();
            }
            let found = ledger.compare(mount.path()).await;
            let found = found.unwrap_or_else(|error| panic!("seed {seed}, round {round}: {error}"));
            assert_eq!(found, Found::default(), "seed {seed}, round {round}");
        }
    }
    say(&format!(
        "{faults} faults from seed {first}, {total} acknowledged, 0 lost"
    ));
}
