//! A continuity mailbox of 100,000 messages, through the real binary and its portal.
//!
//! `cargo bench --bench mailbox` offers mail to a domain whose destination is down, with continuity
//! off and on in turn: the ratio is what copies, sealing and the text for search cost at intake. Then
//! it fills one mailbox and opens its pages over TLS as a browser does: the list at both ends, a
//! message, a search for a word that is rare, common or nowhere. Times are from the request to the end
//! of the answer; sizes are of the compressed answer with its header.

#![allow(unreachable_pub, reason = "modules of a binary")]

#[path = "../../tests/support/mod.rs"]
mod support;

#[path = "../login/browser.rs"]
mod browser;
#[path = "../login/people.rs"]
mod people;

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use clap::Parser;
use mailhold::demo::sender::{Content, Plan, Report, Sender};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use storage::model::{Clock, SystemClock, Timestamp};
use support::node::Node;

use browser::Browser;
use people::People;

const PEOPLE: People = People {
    domain: "mailbox.example",
    administrator: "it@mailbox.example",
};
/// Different messages that are sent in turn; a word that only one of them has is rare.
const TEXTS: u32 = 1_000;
/// Words they are drawn from.
const WORDS: u32 = 5_000;
/// Octets of a message, about.
const SIZE_BYTES: usize = 4_096;

/// One large mailbox.
#[derive(Debug, Parser)]
struct Options {
    /// The binary under test; by default the one that cargo has built with this benchmark.
    #[arg(long, default_value = env!("CARGO_BIN_EXE_mailhold"))]
    binary: PathBuf,
    /// Messages in the mailbox.
    #[arg(long, default_value_t = 100_000)]
    messages: u64,
    /// Messages in each run of intake; 0 leaves those out.
    #[arg(long, default_value_t = 30_000)]
    intake: u64,
    /// Runs of intake, of which the median counts.
    #[arg(long, default_value_t = 3)]
    repetitions: usize,
    /// How often each page is opened.
    #[arg(long, default_value_t = 200)]
    rounds: usize,
    /// Given by cargo.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> Result<()> {
    let options = Options::parse();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(run(&options))
}

async fn run(options: &Options) -> Result<()> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new(Timestamp::default()));
    println!("| measure | figure | wanted |");
    println!("|---|---|---|");
    if options.intake > 0 {
        intake(options, &clock).await?;
    }
    let node = node(options, true, &clock).await?;
    let report = send(&node, options.messages, &clock).await?;
    println!(
        "| mailbox filled with {} messages (messages/s) | {:.0} | \u{2013} |",
        options.messages,
        report.accepted_per_second()
    );
    pages(&node, options, &clock).await
}

/// A node with a user, its destination down.
async fn node(options: &Options, continuity: bool, clock: &Arc<dyn Clock>) -> Result<Node> {
    let node = Node::start(&options.binary).context("starting mailhold")?;
    let destination = support::loopback::address();
    node.add_domain(PEOPLE.domain, destination, &[PEOPLE.administrator])?;
    PEOPLE.give_passwords(&node, 1, clock).await?;
    if continuity {
        node.cli(&["continuity", "on", PEOPLE.domain])?;
    }
    Ok(node)
}

/// Sends to the user as fast as fifty sessions can.
async fn send(node: &Node, messages: u64, clock: &Arc<dyn Clock>) -> Result<Report> {
    let mut plan = Plan::new(node.smtp(), &PEOPLE.address(0), messages);
    plan.sessions = 50;
    plan.content = Content::Given((0..TEXTS).map(text).collect::<Result<_>>()?);
    let report = Sender::start(plan, Arc::clone(clock)).finish().await;
    let accepted = report.accepted_count();
    let refusals = report.refusals();
    ensure!(accepted == messages, "{accepted} accepted; {refusals:?}");
    Ok(report)
}

/// One of the messages: its subject and text are drawn words, and one word that is its own.
fn text(number: u32) -> Result<Bytes> {
    let mut random = ChaCha8Rng::seed_from_u64(u64::from(number));
    let mut text = format!(
        "From: Sender {number} <sender{number}@far.example>\r\nTo: {}\r\n\
         Date: Mon, 02 Nov 2026 09:00:00 +0000\r\nSubject: word{} word{} word{}\r\n\
         Content-Type: text/plain; charset=utf-8\r\n\r\nown{number}\r\n",
        PEOPLE.address(0),
        random.random_range(0..WORDS),
        random.random_range(0..WORDS),
        random.random_range(0..WORDS),
    );
    while text.len() < SIZE_BYTES {
        for _ in 0..8 {
            write!(text, "word{} ", random.random_range(0..WORDS))?;
        }
        text.push_str("\r\n");
    }
    Ok(text.into())
}

/// What copies cost: the same mail without and with them, in turn.
async fn intake(options: &Options, clock: &Arc<dyn Clock>) -> Result<()> {
    let (mut without, mut with) = (Vec::new(), Vec::new());
    for _ in 0..options.repetitions {
        for (continuity, rates) in [(false, &mut without), (true, &mut with)] {
            let node = node(options, continuity, clock).await?;
            let report = send(&node, options.intake, clock).await?;
            rates.push(report.accepted_per_second());
        }
    }
    let (without, with) = (median(without), median(with));
    println!("| intake without copies (messages/s) | {without:.0} | \u{2013} |");
    println!(
        "| intake with copies, sealed (messages/s) | {with:.0} = {:.0} % | \u{2265} 70 % |",
        100.0 * with / without
    );
    Ok(())
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Opens the pages of the mailbox.
async fn pages(node: &Node, options: &Options, clock: &Arc<dyn Clock>) -> Result<()> {
    let mut browser = Browser::new(&node.portal().to_string(), clock)?;
    let status = PEOPLE.sign_in(&mut browser, 0).await?;
    ensure!(status == 303, "not signed in: {status}");
    let list = browser.get("/m/inbox").await?;
    let between = |start: &str| {
        let rest = list.text.split_once(start)?.1;
        Some(rest.split_once('"')?.0.replace("&amp;", "&"))
    };
    let opened = between("class=\"open\" href=\"").context("no message in the list")?;
    let second = between("rel=\"next\" href=\"").context("no second page")?;
    let measured = [
        ("list, first page", "/m/inbox".to_owned(), "20"),
        ("list, second page", second, "20"),
        ("list, unread only", "/m/inbox?f=unread".to_owned(), "20"),
        ("a message opened", opened, "20"),
        ("search, a rare word", "/m/inbox?q=own7".to_owned(), "150"),
        (
            "search, a common word",
            "/m/inbox?q=word7".to_owned(),
            "150",
        ),
        ("search, nothing", "/m/inbox?q=nowhere".to_owned(), "150"),
        (
            "search, a sender and a word",
            "/m/inbox?q=from:sender17%20word3".to_owned(),
            "150",
        ),
    ];
    for (name, path, wanted) in measured {
        let mut times = Vec::new();
        let mut octets = 0;
        for _ in 0..options.rounds {
            let page = browser.get_compressed(&path).await?;
            ensure!(page.status == 200, "{path}: {}", page.status);
            octets = page.octets;
            times.push(page.took);
        }
        times.sort_unstable();
        let quantile = |share: f64| {
            let place = (times.len().saturating_sub(1)) as f64 * share;
            let time = times.get(place as usize).copied();
            time.map_or(f64::NAN, |time: Duration| time.as_secs_f64() * 1e3)
        };
        println!(
            "| {name}: p50, p95, longest (ms); KB | {:.1}, {:.1}, {:.1}; {:.1} | p95 \u{2264} {wanted} ms; list \u{2264} 14 KB |",
            quantile(0.5),
            quantile(0.95),
            quantile(1.0),
            octets as f64 / 1e3,
        );
    }
    Ok(())
}
