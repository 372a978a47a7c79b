//! A continuity mailbox with 100,000 messages over thirty days: a page of its list, opening a
//! message, searching it, in server time.
//!
//! ```text
//! cargo bench -p mailhold-storage --bench mailbox -- [directory=/var/tmp] [messages=100000] [rounds=200]
//! ```
//!
//! Everything is sealed. Bodies are 4 KiB; search texts are a thousand bytes of words, drawn evenly
//! from five thousand.

mod continuity;
mod copies;
#[expect(dead_code, reason = "what other benchmarks need of it")]
mod sample;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, stream};
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use sample::Failure;
use storage::model::{Clock, Folder, LineId, Scope, SystemClock, Timestamp};
use storage::seal::KeySource;
use storage::spool::{List, SearchQuery, Spool, SpoolOptions, Toward};

const BODY_BYTES: usize = 4 << 10;
const DAYS: u64 = 29;
const IN_FLIGHT: usize = 50;
const PAGE: usize = 50;

/// What is looked for, and what it costs to find.
const QUERIES: [(&str, &str); 4] = [
    ("search, a common word", "word7"),
    ("search, a rare word", "word4999 word4998 word4997"),
    ("search, nothing", "nowhere"),
    ("search, a sender", "from:sender17 subject:word3"),
];

fn main() -> Result<(), Failure> {
    let mut directory = PathBuf::from("/var/tmp");
    let mut messages = 100_000;
    let mut rounds = 200;
    for argument in std::env::args().skip(1) {
        match argument.split_once('=') {
            Some(("directory", value)) => directory = value.into(),
            Some(("messages", value)) => messages = value.parse()?,
            Some(("rounds", value)) => rounds = value.parse()?,
            // What cargo adds.
            _ if argument == "--bench" => {}
            _ => return Err(format!("{argument}: not known").into()),
        }
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build()?;
    runtime.block_on(run(&directory, messages, rounds))
}

async fn run(directory: &std::path::Path, messages: u64, rounds: usize) -> Result<(), Failure> {
    let directory = tempfile::TempDir::new_in(directory)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new(Timestamp::default()));
    let options = SpoolOptions {
        keys: KeySource::InMemory,
        ..SpoolOptions::default()
    };
    let spool = Spool::open(directory.path(), options, Arc::clone(&clock)).await?;
    let domain = continuity::domain(&spool).await?;
    let scope = Scope::new(domain, "alice");
    let start = clock.monotonic();
    let ids: Vec<LineId> = stream::iter(0..messages)
        .map(|n| {
            let age = Duration::from_secs(DAYS * 86_400).mul_f64(n as f64 / messages as f64);
            let at = clock.now().as_millis() - age.as_millis() as u64;
            copies::accept(&spool, &scope, n, Timestamp::from_millis(at), BODY_BYTES)
        })
        .buffer_unordered(IN_FLIGHT)
        .try_collect()
        .await?;
    let took = clock.monotonic() - start;
    println!("{messages} messages in {:.1} s", took.as_secs_f64());
    let list = List::Folder(Folder::Inbox);
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let mut measured = Vec::new();
    for _ in 0..rounds {
        let id = ids.get(random.random_range(0..ids.len())).copied();
        let id = id.ok_or("no messages")?;
        let start = clock.monotonic();
        spool
            .list(&scope, list, Toward::OlderThan(id), PAGE)
            .await?;
        let listed = clock.monotonic();
        spool
            .line(&scope, id)
            .await?
            .ok_or("a message is missing")?;
        let mut body = spool
            .line_body(&scope, id)
            .await?
            .ok_or("a body is missing")?;
        while body.next().await?.is_some() {}
        let opened = clock.monotonic();
        spool.view_counts(&scope).await?;
        let counted = clock.monotonic();
        spool.conversation(&scope, id).await?;
        let threaded = clock.monotonic();
        measured.push([
            listed - start,
            opened - listed,
            counted - opened,
            threaded - counted,
        ]);
    }
    println!("{:<28}  p50 ms  p95 ms  max ms", "");
    for (at, what) in ["list page", "open", "counts", "conversation"]
        .iter()
        .enumerate()
    {
        let times = measured.iter().filter_map(|times| times.get(at).copied());
        report(what, times.collect());
    }
    for (what, query) in QUERIES {
        let query = SearchQuery::parse(query);
        let mut times = Vec::new();
        for _ in 0..rounds.div_ceil(4) {
            let start = clock.monotonic();
            spool.search(&scope, &query, None, PAGE).await?;
            times.push(clock.monotonic() - start);
        }
        report(what, times);
    }
    Ok(spool.shutdown().await?)
}

fn report(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let quantile = |per_cent: usize| {
        let at = times.len().saturating_sub(1) * per_cent / 100;
        times.get(at).copied().unwrap_or_default().as_secs_f64() * 1_000.0
    };
    println!(
        "{what:<28}  {:>6.2}  {:>6.2}  {:>6.2}",
        quantile(50),
        quantile(95),
        quantile(100)
    );
}
