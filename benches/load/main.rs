//! The load benchmark: the real binary beside Debian's Postfix, same machine, same run.
//!
//! `cargo bench --bench load` prints a table in Markdown: ours, Postfix's,
//! the ratio, floor and goal, medians of three repetitions taken in turn. `-- --quick` makes one
//! short repetition. Needs root for Postfix (`apt-get install postfix` is done when it is missing).
//!
//! Sender and destination are those of the demo and run on the same machine; bodies are random
//! text, plaintext connections, directory check on, sender authentication off. The destination is
//! down in the intake rows, so that intake alone is measured.

#![allow(unreachable_pub, reason = "modules of a binary")]

#[path = "../../tests/support/mod.rs"]
mod support;

mod measure;
mod subject;
mod table;

use std::future::Future;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Parser;
use storage::model::{SystemClock, Timestamp};

use mailhold::demo::destination::Rate;
use measure::{Bench, Intake, Load, Overload};
use subject::Kind;
use support::postfix::Postfix;
use table::{Aim, HEAD, Row};

/// Load beside Postfix.
#[derive(Debug, Parser)]
struct Options {
    /// One short repetition: shows that everything runs; the figures mean little.
    #[arg(long)]
    quick: bool,
    /// The binary under test; by default the one that cargo has built with this benchmark.
    #[arg(long, default_value = env!("CARGO_BIN_EXE_mailhold"))]
    binary: PathBuf,
    /// Seconds of each intake run.
    #[arg(long)]
    seconds: Option<u64>,
    /// Repetitions of each row.
    #[arg(long)]
    repetitions: Option<usize>,
    /// Only rows whose name contains this.
    #[arg(long, default_value = "")]
    only: String,
    /// Measure only one of the two: mailhold or postfix.
    #[arg(long)]
    subject: Option<String>,
    /// Messages in the queue of the rows about starting with a full one.
    #[arg(long, default_value_t = 1_000_000)]
    queued: u64,
    /// Given by cargo.
    #[arg(long, hide = true)]
    bench: bool,
}

impl Options {
    fn seconds(&self) -> Duration {
        Duration::from_secs(self.seconds.unwrap_or(if self.quick { 3 } else { 10 }))
    }

    fn repetitions(&self) -> usize {
        self.repetitions.unwrap_or(if self.quick { 1 } else { 3 })
    }

    fn scaled(&self, count: u64) -> u64 {
        if self.quick { count / 10 } else { count }
    }

    fn measures(&self, kind: Kind) -> bool {
        let name = format!("{kind:?}").to_lowercase();
        self.subject.as_ref().is_none_or(|subject| *subject == name)
    }
}

fn main() -> Result<()> {
    let options = Options::parse();
    ensure!(
        options.binary.exists(),
        "{} is missing",
        options.binary.display()
    );
    install_postfix()?;
    let bench = Bench {
        binary: options.binary.canonicalize()?,
        clock: Arc::new(SystemClock::new(Timestamp::default())),
        peers: tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()?,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let rows = runtime.block_on(rows(&bench, &options))?;
    println!("{HEAD}");
    for row in rows {
        println!("{row}");
    }
    Ok(())
}

fn install_postfix() -> Result<()> {
    if Postfix::is_available() {
        return Ok(());
    }
    let script = "echo 'postfix postfix/main_mailer_type select No configuration' \
        | debconf-set-selections \
        && apt-get install -y --no-install-recommends postfix";
    let status = Command::new("sh")
        .args(["-c", script])
        .env("DEBIAN_FRONTEND", "noninteractive")
        .status()?;
    let installed = status.success() && Postfix::is_available();
    ensure!(installed, "Postfix could not be installed (root is needed)");
    Ok(())
}

/// Takes each row's figures in turn, ours and theirs.
async fn rows(bench: &Bench, options: &Options) -> Result<Vec<Row>> {
    let mut rows = intake_rows(bench, options).await?;
    let messages = options.scaled(20_000);
    let relay = [
        (10, "relay end to end, 10 sessions"),
        (50, "relay end to end, 50 sessions"),
    ];
    for (sessions, name) in relay {
        let load = Load {
            sessions,
            per_connection: 25,
            size_bytes: 4096,
        };
        let measured = both(options, name, |kind| bench.relay(kind, load, messages)).await?;
        rows.extend(measured.map(|figures| row(name, "messages/s", figures, Aim::More, 5.0, 10.0)));
    }
    let name = "drain of 20,000, untouched against flushed";
    let measured = both(options, name, |kind| bench.drain(kind, messages)).await?;
    rows.extend(measured.map(|figures| row(name, "messages/s", figures, Aim::More, 4.0, 10.0)));
    let name = "destination back → first delivery";
    let patience = Duration::from_secs(if options.quick { 10 } else { 60 });
    let outage = Duration::from_millis(7_300);
    let first = |kind| bench.first_delivery(kind, outage, patience);
    let measured = both(options, name, first).await?;
    rows.extend(measured.map(|figures| row(name, "s", figures, Aim::AtMost, 5.0, 1.0)));
    rows.extend(overload_rows(bench, options).await?);
    let name = "disk bytes per message of 4 KiB";
    let measured = both(options, name, |kind| bench.disk_bytes(kind, messages / 2)).await?;
    rows.extend(measured.map(|figures| row(name, "bytes", figures, Aim::AtMost, 10e3, 6e3)));
    rows.extend(restart_rows(bench, options).await?);
    Ok(rows)
}

/// A start with a million messages in the queue; ours alone and once, as it takes minutes.
async fn restart_rows(bench: &Bench, options: &Options) -> Result<Vec<Row>> {
    let messages = options.scaled(options.queued);
    let name = format!("{messages} queued");
    if !name.contains(&options.only) || !options.measures(Kind::Mailhold) {
        return Ok(Vec::new());
    }
    eprintln!("{name}: Mailhold");
    let run = bench.restart(messages).await?;
    let ours = |figure| (vec![figure], Vec::new());
    let accepts = ours(run.accepts_s);
    let delivers = ours(run.delivers_s);
    let memory = ours(run.memory_bytes / 1e6);
    Ok(vec![
        row(
            &format!("start, {name}: accepts"),
            "s",
            accepts,
            Aim::AtMost,
            2.0,
            1.0,
        ),
        row(
            &format!("start, {name}: delivers"),
            "s",
            delivers,
            Aim::AtMost,
            5.0,
            2.5,
        ),
        row(
            &format!("memory, {name}"),
            "MB",
            memory,
            Aim::AtMost,
            600.0,
            150.0,
        ),
    ])
}

async fn intake_rows(bench: &Bench, options: &Options) -> Result<Vec<Row>> {
    const KIB: usize = 1024;
    let seconds = options.seconds();
    let mut rows = Vec::new();
    // Name, sessions, messages per connection, octets, floor, goal.
    let loads = [
        (
            "intake, 25 per connection, 50 sessions",
            50,
            25,
            4 * KIB,
            8.0,
            15.0,
        ),
        (
            "intake, 1 per connection, 50 sessions",
            50,
            1,
            4 * KIB,
            4.0,
            8.0,
        ),
        ("intake, 1 session", 1, 25, 4 * KIB, 3.0, 6.0),
        ("intake, 64 KiB, 10 sessions", 10, 25, 64 * KIB, 6.0, 13.0),
        ("intake, 1 MiB, 10 sessions", 10, 25, KIB * KIB, 3.0, 6.0),
        ("intake, 10 sessions", 10, 25, 4 * KIB, 8.0, 15.0),
        ("intake, 100 sessions", 100, 25, 4 * KIB, 8.0, 15.0),
    ];
    for (name, sessions, per_connection, size_bytes, floor, goal) in loads {
        let load = Load {
            sessions,
            per_connection,
            size_bytes,
        };
        let measured = both(options, name, |kind| bench.intake(kind, load, seconds)).await?;
        let Some((ours, theirs)) = measured else {
            continue;
        };
        let figures = |pick: fn(&Intake) -> f64| {
            let all = |runs: &[Intake]| runs.iter().map(pick).collect();
            (all(&ours), all(&theirs))
        };
        let rates = figures(|run| run.per_second);
        rows.push(row(name, "messages/s", rates, Aim::More, floor, goal));
        match sessions {
            10 if size_bytes == 4 * KIB => {
                let name = "p99 of the final reply, 10 sessions";
                let times = figures(|run| run.final_reply_p99_ms);
                rows.push(row(name, "ms", times, Aim::Less, 4.0, 10.0));
            }
            50 if per_connection == 25 => {
                let name = "processor time per message, 50 sessions";
                let times = figures(|run| run.processor_ms);
                rows.push(row(name, "ms", times, Aim::Less, 8.0, 20.0));
            }
            100 => {
                let memory = figures(|run| run.memory_bytes / 1e6);
                let name = "memory, 100 sessions";
                rows.push(row(name, "MB", memory, Aim::AtMost, 300.0, 60.0));
            }
            _ => {}
        }
    }
    Ok(rows)
}

/// 3,000 held for a destination that is good for 40 messages a second with a burst of 10: 75 s at
/// best. Postfix tries again after 2 to 20 s here; with its stock timers it would take hours.
async fn overload_rows(bench: &Bench, options: &Options) -> Result<Vec<Row>> {
    let rate = Rate {
        per_second: 40.0,
        burst: 10.0,
    };
    let messages = options.scaled(3_000);
    let name = "3,000 held, destination good for 40/s";
    let measured = both(options, name, |kind| bench.overload(kind, rate, messages)).await?;
    let Some((ours, theirs)) = measured else {
        return Ok(Vec::new());
    };
    let figures = |pick: fn(&Overload) -> f64| {
        let all = |runs: &[Overload]| runs.iter().map(pick).collect();
        (all(&ours), all(&theirs))
    };
    let refusals = figures(|run| run.refusals_per_message);
    let drained = figures(|run| run.drained_s);
    Ok(vec![
        row(
            &format!("{name}: refused"),
            "per message",
            refusals,
            Aim::AtMost,
            0.05,
            0.01,
        ),
        row(
            &format!("{name}: drained"),
            "s",
            drained,
            Aim::AtMost,
            90.0,
            80.0,
        ),
    ])
}

/// The figures of both, taken in turn; nothing when the row was not asked for.
async fn both<T, F: Future<Output = Result<T>>>(
    options: &Options,
    name: &str,
    measure: impl Fn(Kind) -> F,
) -> Result<Option<(Vec<T>, Vec<T>)>> {
    if !name.contains(&options.only) {
        return Ok(None);
    }
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for repetition in 1..=options.repetitions() {
        for (kind, figures) in [(Kind::Postfix, &mut theirs), (Kind::Mailhold, &mut ours)] {
            if options.measures(kind) {
                eprintln!("{name}: {kind:?}, repetition {repetition}");
                let measured = measure(kind).await;
                figures.push(measured.with_context(|| format!("{name}: {kind:?}"))?);
            }
        }
    }
    Ok(Some((ours, theirs)))
}

fn row(
    measure: &str,
    unit: &'static str,
    (ours, theirs): (Vec<f64>, Vec<f64>),
    aim: Aim,
    floor: f64,
    goal: f64,
) -> Row {
    Row {
        measure: measure.to_owned(),
        unit,
        ours,
        theirs,
        aim,
        floor,
        goal,
    }
}
