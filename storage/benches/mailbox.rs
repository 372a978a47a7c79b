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
#[expect(dead_code, reason = "what other benchmarks need of it")]
mod sample;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use sample::Failure;
use storage::model::{
    Clock, Correspondent, Folder, LineId, Scope, Summary, SystemClock, Timestamp,
};
use storage::seal::KeySource;
use storage::spool::{
    List, NewCopies, NewCopy, NewDisposition, NewEntry, NewMessage, SearchQuery, Spool,
    SpoolOptions, Toward, search_text,
};

const BODY_BYTES: usize = 4 << 10;
const WORDS: u32 = 5_000;
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
        .map(|n| fill(&spool, &scope, messages, n))
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

async fn fill(spool: &Spool, scope: &Scope, messages: u64, n: u64) -> Result<LineId, Failure> {
    let mut random = ChaCha8Rng::seed_from_u64(n);
    let mut words = |bytes: usize| {
        let mut text = String::new();
        while text.len() < bytes {
            text.push_str(&format!("word{} ", random.random_range(0..WORDS)));
        }
        text
    };
    let summary = Summary {
        from: Correspondent {
            name: format!("Sender {n}"),
            address: format!("sender{}@far.example", n % 1_000),
        },
        to: vec![Correspondent {
            name: String::new(),
            address: "alice@x.example".to_owned(),
        }],
        subject: words(40),
        preview: words(180),
        threads: vec![n / 3],
        ..Summary::default()
    };
    let copies = NewCopies {
        text: search_text(&summary, &words(1_000)),
        summary,
        to: vec![NewCopy {
            scope: scope.clone(),
            folder: Folder::Inbox,
            came_to: "alice@x.example".to_owned(),
        }],
    };
    let age = Duration::from_secs(DAYS * 86_400) * u32::try_from(n)? / u32::try_from(messages)?;
    let now = spool.clock().now();
    let accepted_at = Timestamp::from_millis(now.as_millis() - u64::try_from(age.as_millis())?);
    let id = spool.next_id();
    let mut writer = spool.begin_body_for(id, &[scope.domain()])?;
    writer.write(Bytes::from(words(BODY_BYTES))).await?;
    let envelope = sample::envelope()?;
    spool
        .accept(NewMessage {
            id,
            accepted_at,
            body: writer.finish().await?,
            entries: vec![NewEntry {
                domain: scope.domain(),
                recipients: envelope.recipients.clone(),
                disposition: NewDisposition::Queue,
            }],
            envelope,
            bulk: false,
            copies: Some(copies),
        })
        .await?;
    Ok(LineId {
        at: accepted_at,
        message: id,
    })
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
