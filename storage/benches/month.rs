//! A continuity mailbox over virtual days: what is visible, what the disk holds, and whether anybody
//! notices that a large day goes.
//!
//! ```text
//! cargo bench -p mailhold-storage --bench month -- [directory=/var/tmp] [days=65] [messages=1000000] [svg=FILE] [day=1000000]
//! ```
//!
//! `messages` is what thirty days hold: a thirtieth comes each day with its copy, is delivered, and
//! whatever is past its thirty days goes as the retention actor lets it go. After each day exactly the
//! mail of thirty days has to be visible, and over the second thirty days the disk must not grow.
//! Then a store gets one day of `day` messages. Thirty-one days later mail is taken in for ten seconds
//! while nothing expires, and again while that day goes: the time of a commit either way.

mod continuity;
mod copies;
mod disk;
#[expect(dead_code, reason = "what other benchmarks need of it")]
mod sample;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use sample::Failure;
use storage::model::{Clock, DomainId, Folder, Scope, SystemClock, Timestamp};
use storage::seal::KeySource;
use storage::spool::{RecipientOutcome, Settlement, Spool, SpoolOptions};

const BODY_BYTES: usize = 1 << 10;
const IN_FLIGHT: usize = 50;
const RETENTION_DAYS: u64 = 30;
const DAY: Duration = Duration::from_secs(86_400);
/// How long commits are measured with and without expiry.
const MEASURED: Duration = Duration::from_secs(10);

fn main() -> Result<(), Failure> {
    let mut directory = PathBuf::from("/var/tmp");
    let (mut days, mut messages, mut day, mut svg) = (65, 1_000_000, 1_000_000, None);
    for argument in std::env::args().skip(1) {
        match argument.split_once('=') {
            Some(("directory", value)) => directory = value.into(),
            Some(("days", value)) => days = value.parse()?,
            Some(("messages", value)) => messages = value.parse()?,
            Some(("day", value)) => day = value.parse()?,
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
    let curve = runtime.block_on(month(&directory, days, messages / RETENTION_DAYS))?;
    if let Some(path) = svg {
        std::fs::write(&path, draw(&curve)?)?;
        println!("curve: {}", path.display());
    }
    runtime.block_on(large_day(&directory, day))
}

/// The real clock, with whole days passed over.
#[derive(Debug)]
struct Days {
    real: SystemClock,
    passed_millis: AtomicU64,
}

impl Days {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            real: SystemClock::new(Timestamp::default()),
            passed_millis: AtomicU64::new(0),
        })
    }

    /// A day passes, and a little, so that a boundary is behind us.
    fn pass(&self, days: u64) {
        let millis = days * (DAY.as_secs() * 1_000 + 1);
        self.passed_millis.fetch_add(millis, Ordering::SeqCst);
    }
}

impl Clock for Days {
    fn now(&self) -> Timestamp {
        let passed = Duration::from_millis(self.passed_millis.load(Ordering::SeqCst));
        self.real.now().saturating_add(passed)
    }

    fn wall(&self) -> Timestamp {
        self.now()
    }

    fn monotonic(&self) -> Duration {
        self.real.monotonic()
    }
}

/// A store in a folder of its own with one mailbox.
struct Store {
    folder: tempfile::TempDir,
    clock: Arc<Days>,
    spool: Spool,
    domain: DomainId,
    scope: Scope,
}

impl Store {
    async fn open(directory: &Path) -> Result<Self, Failure> {
        let folder = tempfile::TempDir::new_in(directory)?;
        let clock = Days::new();
        let options = SpoolOptions {
            keys: KeySource::InMemory,
            ..SpoolOptions::default()
        };
        let spool = Spool::open(folder.path(), options, Arc::<Days>::clone(&clock)).await?;
        let domain = continuity::domain(&spool).await?;
        Ok(Self {
            folder,
            clock,
            spool,
            domain,
            scope: Scope::new(domain, "alice"),
        })
    }

    /// Takes in messages of this moment.
    async fn fill(&self, numbers: std::ops::Range<u64>) -> Result<(), Failure> {
        let at = self.clock.now();
        stream::iter(numbers)
            .map(|n| copies::accept(&self.spool, &self.scope, n, at, BODY_BYTES))
            .buffer_unordered(IN_FLIGHT)
            .try_for_each(|_| async { Ok(()) })
            .await
    }

    /// Everything queued is delivered.
    async fn deliver(&self) -> Result<(), Failure> {
        loop {
            let page = self.spool.queue_page(self.domain, None, 1_000).await?;
            if page.is_empty() {
                return Ok(());
            }
            stream::iter(page)
                .map(|entry| {
                    self.spool.settle(Settlement {
                        entry,
                        outcomes: vec![(
                            0,
                            RecipientOutcome::Delivered {
                                reply: sample::taken(),
                            },
                        )],
                        notices: Vec::new(),
                    })
                })
                .buffer_unordered(IN_FLIGHT)
                .try_for_each(|_| async { Ok(()) })
                .await?;
        }
    }

    /// What the retention actor does in its turns, until nothing is left to do.
    async fn expire(&self) -> Result<usize, Failure> {
        let mut dropped = 0;
        loop {
            let now = self.spool.expire_days().await?;
            if now == 0 {
                return Ok(dropped);
            }
            dropped += now;
        }
    }

    async fn visible(&self) -> Result<u64, Failure> {
        let counts = self.spool.view_counts(&self.scope).await?;
        Ok(u64::from(counts.folder(Folder::Inbox).total))
    }

    async fn disk_bytes(&self) -> Result<u64, Failure> {
        let folder = self.folder.path().to_owned();
        Ok(tokio::task::spawn_blocking(move || disk::occupied(&folder)).await?)
    }
}

/// Day after day; what the disk holds after each.
async fn month(directory: &Path, days: u64, a_day: u64) -> Result<Vec<f64>, Failure> {
    let store = Store::open(directory).await?;
    let mut curve = Vec::new();
    println!("day  visible  disk MB");
    for day in 0..days {
        store.fill(day * a_day..(day + 1) * a_day).await?;
        store.deliver().await?;
        store.expire().await?;
        let visible = store.visible().await?;
        let wanted = a_day * (day + 1).min(RETENTION_DAYS);
        if visible != wanted {
            return Err(format!("day {day}: {visible} visible, not {wanted}").into());
        }
        let megabytes = store.disk_bytes().await? as f64 / 1e6;
        println!("{day:>3}  {visible:>7}  {megabytes:>7.0}");
        curve.push(megabytes);
        store.clock.pass(1);
    }
    store.spool.shutdown().await?;
    Ok(curve)
}

/// Commits while a day of `messages` goes, and while nothing does.
async fn large_day(directory: &Path, messages: u64) -> Result<(), Failure> {
    let store = Store::open(directory).await?;
    store.fill(0..messages).await?;
    store.deliver().await?;
    let before = store.disk_bytes().await?;
    store.clock.pass(RETENTION_DAYS + 1);
    let quiet = commits(&store, messages, None).await?;
    let expired = AtomicBool::new(false);
    let expiry = async {
        let dropped = store.expire().await;
        expired.store(true, Ordering::SeqCst);
        dropped
    };
    let (busy, dropped) = tokio::join!(
        commits(&store, messages + 10_000_000, Some(&expired)),
        expiry
    );
    let (busy, dropped) = (busy?, dropped?);
    let after = store.disk_bytes().await?;
    println!("{dropped} keyspaces of a day with {messages} messages dropped");
    println!("commits                  p50 ms  p99 ms  longest ms  commits/s");
    for (what, times) in [("nothing expires", quiet), ("the day goes", busy)] {
        println!("{what:<24} {}", figures(times));
    }
    println!(
        "disk MB: {:.0} before, {:.0} after",
        before as f64 / 1e6,
        after as f64 / 1e6
    );
    Ok(store.spool.shutdown().await?)
}

/// How long each of many commits takes, over a time, and until `expired` is set.
async fn commits(
    store: &Store,
    from: u64,
    expired: Option<&AtomicBool>,
) -> Result<Vec<Duration>, Failure> {
    let until = store.clock.monotonic() + MEASURED;
    let at = store.clock.now();
    let goes_on = |_: &u64| {
        let waits = expired.is_some_and(|expired| !expired.load(Ordering::SeqCst));
        std::future::ready(waits || store.clock.monotonic() < until)
    };
    stream::iter(from..)
        .take_while(goes_on)
        .map(|n| async move {
            let start = store.clock.monotonic();
            copies::accept(&store.spool, &store.scope, n, at, BODY_BYTES).await?;
            Ok::<_, Failure>(store.clock.monotonic() - start)
        })
        .buffer_unordered(IN_FLIGHT)
        .try_collect()
        .await
}

fn figures(mut times: Vec<Duration>) -> String {
    times.sort_unstable();
    let quantile = |per_cent: usize| {
        let at = times.len().saturating_sub(1) * per_cent / 100;
        times.get(at).copied().unwrap_or_default().as_secs_f64() * 1e3
    };
    let total: Duration = times.iter().sum();
    let rate = times.len() as f64 * IN_FLIGHT as f64 / total.as_secs_f64().max(1e-9);
    format!(
        "{:>6.1}  {:>6.1}  {:>10.1}  {rate:>9.0}",
        quantile(50),
        quantile(99),
        quantile(100)
    )
}

/// The curve as an SVG that needs nothing else.
fn draw(curve: &[f64]) -> Result<String, std::fmt::Error> {
    let (width, height) = (720.0, 320.0);
    let largest = curve.iter().copied().fold(1.0, f64::max) * 1.1;
    let mut svg = String::new();
    writeln!(
        svg,
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12"><rect width="100%" height="100%" fill="#fff"/>"##
    )?;
    for tick in 0..=5_u32 {
        let share = f64::from(tick) / 5.0;
        let y = (height - 40.0) - (height - 80.0) * share;
        let x = 60.0 + (width - 80.0) * share;
        writeln!(
            svg,
            r##"<path d="M60 {y:.1}H{}" stroke="#ddd"/><text x="54" y="{y:.1}" dy="4" text-anchor="end">{:.0} MB</text><text x="{x:.1}" y="{}" text-anchor="middle">day {:.0}</text>"##,
            width - 20.0,
            largest * share,
            height - 22.0,
            curve.len() as f64 * share
        )?;
    }
    write!(
        svg,
        r##"<polyline fill="none" stroke="#c2410c" stroke-width="2" points=""##
    )?;
    for (day, megabytes) in curve.iter().enumerate() {
        let x = 60.0 + (width - 80.0) * (day + 1) as f64 / curve.len() as f64;
        let y = (height - 40.0) - (height - 80.0) * megabytes / largest;
        write!(svg, "{x:.1},{y:.1} ")?;
    }
    writeln!(
        svg,
        r##""/><text x="60" y="24" fill="#c2410c">disk, thirty days kept</text></svg>"##
    )?;
    Ok(svg)
}
