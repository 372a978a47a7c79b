//! Synced commits per second of the engine: one body and one row of 220 bytes per commit, bodies
//! incompressible, every commit answered after its `fdatasync`.
//!
//! ```text
//! cargo bench -p mailhold-storage --bench commit -- [directory=/var/tmp] [seconds=5] [live=0]
//! ```
//!
//! `directory` decides which disk is measured. With `live=20000` each commit also deletes the
//! message that came so many before it, as a relay does; the table shows then what a steady state
//! costs. Bytes written are those of the block layer (`/proc/self/io`), per byte of payload.

use std::collections::VecDeque;
use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rand::{RngCore, SeedableRng};
use storage::engine::{Durability, Engine, FjallEngine, FjallOptions, KeyspaceId, Write};
use storage::model::{Clock, SystemClock, Timestamp};
use tokio::task::JoinSet;

type Failure = Box<dyn Error + Send + Sync>;

const CASES: [(usize, usize); 10] = [
    (4 << 10, 1),
    (4 << 10, 10),
    (4 << 10, 50),
    (4 << 10, 200),
    (64 << 10, 1),
    (64 << 10, 10),
    (64 << 10, 50),
    (1 << 20, 1),
    (1 << 20, 10),
    (1 << 20, 50),
];

const ROW_BYTES: usize = 220;

struct Arguments {
    directory: PathBuf,
    seconds: u64,
    live: usize,
}

struct Measured {
    latencies: Vec<Duration>,
    elapsed: Duration,
    written_bytes: u64,
    groups: u64,
    /// Opening the store again: journals read twice, once by us and once by fjall.
    reopen: Duration,
}

fn main() -> Result<(), Failure> {
    let arguments = arguments()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().build()?;
    println!(
        "payload  producers   commits/s    p50 ms    p99 ms  p99.9 ms  commits/group  written/byte  reopen ms"
    );
    for (payload, producers) in CASES {
        let measured = runtime.block_on(measure(&arguments, payload, producers))?;
        print_row(payload, producers, measured);
    }
    Ok(())
}

fn arguments() -> Result<Arguments, Failure> {
    let mut arguments = Arguments {
        directory: PathBuf::from("/var/tmp"),
        seconds: 5,
        live: 0,
    };
    for argument in std::env::args().skip(1) {
        match argument.split_once('=') {
            Some(("directory", value)) => arguments.directory = value.into(),
            Some(("seconds", value)) => arguments.seconds = value.parse()?,
            Some(("live", value)) => arguments.live = value.parse()?,
            // What cargo adds.
            _ if argument == "--bench" => {}
            _ => return Err(format!("{argument}: not known").into()),
        }
    }
    Ok(arguments)
}

async fn measure(
    arguments: &Arguments,
    payload: usize,
    producers: usize,
) -> Result<Measured, Failure> {
    let directory = tempfile::TempDir::new_in(&arguments.directory)?;
    let engine: Arc<dyn Engine> = Arc::new(FjallEngine::open(
        directory.path(),
        &FjallOptions::default(),
    )?);
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new(Timestamp::default()));
    let until = clock.monotonic() + Duration::from_secs(arguments.seconds);
    let written_before = written_bytes()?;
    let start = clock.monotonic();
    let mut running = JoinSet::new();
    for number in 0..producers {
        let producer = Producer {
            engine: Arc::clone(&engine),
            clock: Arc::clone(&clock),
            until,
            number: u32::try_from(number)?,
            content: random(payload + 4096, number as u64),
            payload,
            live: arguments.live / producers,
        };
        running.spawn(producer.run());
    }
    let mut latencies = Vec::new();
    for done in running.join_all().await {
        latencies.extend(done?);
    }
    let elapsed = clock.monotonic() - start;
    let stats = engine.stats().await?;
    engine.shutdown().await?;
    let written_bytes = written_bytes()?.saturating_sub(written_before);
    drop(engine);
    let closed = clock.monotonic();
    drop(FjallEngine::open(
        directory.path(),
        &FjallOptions::default(),
    )?);
    Ok(Measured {
        latencies,
        elapsed,
        written_bytes,
        groups: stats.groups,
        reopen: clock.monotonic() - closed,
    })
}

struct Producer {
    engine: Arc<dyn Engine>,
    clock: Arc<dyn Clock>,
    until: Duration,
    number: u32,
    /// Longer than a payload, so that each message is another part of it.
    content: Bytes,
    payload: usize,
    /// Messages of this producer that stay; 0: all.
    live: usize,
}

impl Producer {
    async fn run(self) -> Result<Vec<Duration>, Failure> {
        let mut latencies = Vec::new();
        let mut queue = VecDeque::new();
        for turn in 0_u32.. {
            let start = self.clock.monotonic();
            if start >= self.until {
                break;
            }
            let key = Bytes::from([turn.to_be_bytes(), self.number.to_be_bytes()].concat());
            let from = (turn as usize * 37) % 4096;
            // A copy, as a session makes one: bodies do not share memory.
            let body = Bytes::copy_from_slice(&self.content.slice(from..from + self.payload));
            let mut writes = vec![
                Write::put(KeyspaceId::Transit, key.clone(), body),
                Write::put(
                    KeyspaceId::Message,
                    key.clone(),
                    self.content.slice(..ROW_BYTES),
                ),
            ];
            queue.push_back(key);
            if self.live > 0
                && queue.len() > self.live
                && let Some(oldest) = queue.pop_front()
            {
                writes.push(Write::delete(KeyspaceId::Transit, oldest.clone()));
                writes.push(Write::delete(KeyspaceId::Message, oldest));
            }
            self.engine
                .commit(writes, Durability::Synced, Vec::new())
                .await?;
            latencies.push(self.clock.monotonic() - start);
        }
        Ok(latencies)
    }
}

fn random(length: usize, seed: u64) -> Bytes {
    let mut content = vec![0; length];
    rand_chacha::ChaCha8Rng::seed_from_u64(seed).fill_bytes(&mut content);
    content.into()
}

/// What this process has caused to be written to disks so far, in bytes.
fn written_bytes() -> Result<u64, Failure> {
    let counters = std::fs::read_to_string("/proc/self/io")?;
    let line = counters
        .lines()
        .find_map(|line| line.strip_prefix("write_bytes: "))
        .ok_or("/proc/self/io names no write_bytes")?;
    Ok(line.trim().parse()?)
}

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
fn print_row(payload: usize, producers: usize, mut measured: Measured) {
    measured.latencies.sort_unstable();
    let commits = measured.latencies.len();
    let quantile = |share: f64| {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "an index below the length"
        )]
        let index = (share * commits.saturating_sub(1) as f64) as usize;
        let latency = measured.latencies.get(index).copied();
        latency.unwrap_or_default().as_secs_f64() * 1000.0
    };
    println!(
        "{:>4} KiB  {producers:>9}  {:>10.0}  {:>8.2}  {:>8.2}  {:>8.2}  {:>13.1}  {:>12.2}  {:>9.0}",
        payload >> 10,
        commits as f64 / measured.elapsed.as_secs_f64(),
        quantile(0.5),
        quantile(0.99),
        quantile(0.999),
        commits as f64 / measured.groups.max(1) as f64,
        measured.written_bytes as f64 / (commits * payload).max(1) as f64,
        measured.reopen.as_secs_f64() * 1000.0,
    );
}
