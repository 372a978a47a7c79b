//! Disk use of a relay in its steady state: mail comes and goes, about as many messages live, and
//! the store must not grow.
//!
//! ```text
//! cargo bench -p mailhold-storage --bench churn -- [directory=/var/tmp] [seconds=60] [live=5000] [svg=FILE]
//! ```
//!
//! Bodies are incompressible: 94 % of 4 KiB, 5 % of 64 KiB, 1 % of 1 MiB. The oldest message is
//! delivered as soon as more than `live` are queued; one in 200 is deferred first and stays five
//! seconds longer, so that files of bodies do not simply die from the oldest on. Every second the
//! blocks that the data directory occupies are added up, as `du` does.

mod curve;
#[path = "../disk/mod.rs"]
mod disk;
#[path = "../sample/mod.rs"]
mod sample;
mod traffic;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sample::Failure;
use storage::model::{Clock, DomainId, SystemClock, Timestamp};
use storage::spool::{Spool, SpoolOptions};
use tokio::time::MissedTickBehavior;
use traffic::Traffic;

/// One look at the store.
pub(crate) struct Sample {
    /// Seconds since the start.
    pub(crate) second: f64,
    /// Messages taken over so far.
    pub(crate) accepted: u64,
    /// Messages in the queue.
    pub(crate) queued: u64,
    /// Their bodies, in bytes.
    pub(crate) queued_bytes: u64,
    /// What the data directory occupies, in bytes.
    pub(crate) disk_bytes: u64,
}

fn main() -> Result<(), Failure> {
    let mut directory = PathBuf::from("/var/tmp");
    let (mut seconds, mut live, mut svg) = (60, 5_000, None);
    for argument in std::env::args().skip(1) {
        match argument.split_once('=') {
            Some(("directory", value)) => directory = value.into(),
            Some(("seconds", value)) => seconds = value.parse()?,
            Some(("live", value)) => live = value.parse()?,
            Some(("svg", value)) => svg = Some(PathBuf::from(value)),
            // What cargo adds.
            _ if argument == "--bench" => {}
            _ => return Err(format!("{argument}: not known").into()),
        }
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build()?;
    let samples = runtime.block_on(measure(&directory, seconds, live))?;
    if let Some(path) = svg {
        std::fs::write(&path, curve::draw(&samples)?)?;
        println!("curve: {}", path.display());
    }
    Ok(())
}

async fn measure(directory: &Path, seconds: u64, live: u64) -> Result<Vec<Sample>, Failure> {
    let directory = tempfile::TempDir::new_in(directory)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new(Timestamp::default()));
    let options = SpoolOptions::default();
    let spool = Spool::open(directory.path(), options, Arc::clone(&clock)).await?;
    let domain = spool
        .add_domain(sample::domain()?, sample::audit())
        .await?
        .id;

    println!("second  accepted  queued  bodies MB  disk MB");
    let start = clock.monotonic();
    let traffic = Traffic::start(&spool, domain, live, start + Duration::from_secs(seconds));
    let mut samples = Vec::new();
    let mut ticks = tokio::time::interval(Duration::from_secs(1));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while !traffic.has_ended() {
        ticks.tick().await;
        let sample = look(&spool, domain, directory.path(), start).await?;
        if samples.len() % 5 == 0 {
            print(&sample);
        }
        samples.push(sample);
    }
    traffic.join().await?;
    verdict(&samples)?;

    traffic::drain(&spool, domain).await?;
    println!("after everything was delivered:");
    print(&look(&spool, domain, directory.path(), start).await?);
    spool.reclaim().await?;
    println!("after a reclaim:");
    print(&look(&spool, domain, directory.path(), start).await?);
    if spool.counters(domain).difference() != 0 || spool.check().await?.problems_total != 0 {
        return Err("the ledger does not add up".into());
    }
    spool.shutdown().await?;
    Ok(samples)
}

async fn look(
    spool: &Spool,
    domain: DomainId,
    directory: &Path,
    start: Duration,
) -> Result<Sample, Failure> {
    let counters = spool.counters(domain);
    let directory = directory.to_owned();
    let disk_bytes = tokio::task::spawn_blocking(move || disk::occupied(&directory)).await?;
    Ok(Sample {
        second: (spool.clock().monotonic() - start).as_secs_f64(),
        accepted: counters.accepted,
        queued: counters.queued,
        queued_bytes: counters.queued_bytes,
        disk_bytes,
    })
}

fn print(sample: &Sample) {
    println!(
        "{:>6.0}  {:>8}  {:>6}  {:>9.1}  {:>7.1}",
        sample.second,
        sample.accepted,
        sample.queued,
        megabytes(sample.queued_bytes),
        megabytes(sample.disk_bytes)
    );
}

/// Compares the second quarter, when the queue has long been full, with the last.
fn verdict(samples: &[Sample]) -> Result<(), Failure> {
    let quarter = samples.len() / 4;
    let (Some(early), Some(late)) = (
        samples.get(quarter..2 * quarter),
        samples.get(samples.len() - quarter..),
    ) else {
        return Err("too short for a curve".into());
    };
    let mut line = String::from("disk MB, median (largest):");
    for (name, part) in [("second quarter", early), ("last quarter", late)] {
        let mut sizes: Vec<_> = part.iter().map(|sample| sample.disk_bytes).collect();
        sizes.sort_unstable();
        let median = sizes.get(sizes.len() / 2).copied().unwrap_or_default();
        let largest = sizes.last().copied().unwrap_or_default();
        let (median, largest) = (megabytes(median), megabytes(largest));
        write!(line, " {name} {median:.0} ({largest:.0})")?;
    }
    println!("{line}");
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
pub(crate) fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
