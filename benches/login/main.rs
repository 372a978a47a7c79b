//! The login storm: everybody signs in to the portal in the first minute of an outage, while mail
//! keeps coming in.
//!
//! `cargo bench --bench login` starts the real binary with its destination down, gives each of 1,000
//! users a password the way an administrator does, and lets them sign in over TLS within a minute,
//! each on a connection of their own, while 300 messages a second are offered. It prints how long
//! they waited, how many were turned away, and the time of the final reply to messages. Browsers,
//! sender and node share the machine.

#![allow(unreachable_pub, reason = "modules of a binary")]

#[path = "../../tests/support/mod.rs"]
mod support;

#[expect(dead_code, reason = "what the benchmark of the mailbox needs of it")]
mod browser;
mod people;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Parser;
use mailhold::demo::sender::{Content, Plan, Report, Sender};
use storage::model::{Clock, SystemClock, Timestamp};
use support::node::Node;
use tokio::task::JoinSet;

use browser::Browser;
use people::People;

/// Who signs in.
const PEOPLE: People = People {
    domain: "storm.example",
    administrator: "it@storm.example",
};

/// Everybody signs in at once.
#[derive(Debug, Parser)]
struct Options {
    /// The binary under test; by default the one that cargo has built with this benchmark.
    #[arg(long, default_value = env!("CARGO_BIN_EXE_mailhold"))]
    binary: PathBuf,
    /// Users who sign in.
    #[arg(long, default_value_t = 1_000)]
    users: u32,
    /// Seconds within which they begin.
    #[arg(long, default_value_t = 60)]
    within: u32,
    /// Messages a second that are offered meanwhile.
    #[arg(long, default_value_t = 300.0)]
    rate: f64,
    /// Given by cargo.
    #[arg(long, hide = true)]
    bench: bool,
}

/// One user's sign-in.
struct Visit {
    status: u16,
    took: Duration,
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
    let node = Node::start(&options.binary).context("starting mailhold")?;
    // Nothing listens there: the destination is down.
    node.add_domain(
        PEOPLE.domain,
        support::loopback::address(),
        &[PEOPLE.administrator],
    )?;
    let began = clock.monotonic();
    PEOPLE.give_passwords(&node, options.users, &clock).await?;
    let took = clock.monotonic().saturating_sub(began);
    println!(
        "{} passwords by CSV: {:.1} s",
        options.users,
        took.as_secs_f64()
    );
    let mut plan = Plan::new(node.smtp(), PEOPLE.administrator, u64::MAX);
    plan.sessions = 20;
    plan.messages_per_connection = 25;
    plan.content = Content::Generated { size_bytes: 4096 };
    plan.per_second = Some(options.rate);
    let sender = Sender::start(plan, Arc::clone(&clock));
    let visits = storm(&node, options, &clock).await?;
    sender.stop();
    let report = sender.finish().await;
    show(options, visits, &report);
    Ok(())
}

/// Lets everybody sign in, evenly over the time.
async fn storm(node: &Node, options: &Options, clock: &Arc<dyn Clock>) -> Result<Vec<Visit>> {
    let portal = node.portal().to_string();
    let between = Duration::from_secs(u64::from(options.within)) / options.users.max(1);
    let mut turns = tokio::time::interval(between);
    let mut visits = JoinSet::new();
    for number in 0..options.users {
        turns.tick().await;
        let (mut browser, clock) = (Browser::new(&portal, clock)?, Arc::clone(clock));
        visits.spawn(async move {
            let began = clock.monotonic();
            let status = PEOPLE.sign_in(&mut browser, number).await.unwrap_or(0);
            let took = clock.monotonic().saturating_sub(began);
            Visit { status, took }
        });
    }
    Ok(visits.join_all().await)
}

fn show(options: &Options, mut visits: Vec<Visit>, mail: &Report) {
    let inside = visits.iter().filter(|visit| visit.status == 303).count();
    let turned_away = visits.len() - inside;
    visits.sort_by_key(|visit| visit.took);
    let quantile = |share: f64| {
        let place = (visits.len().saturating_sub(1)) as f64 * share;
        let visit = visits.get(place as usize);
        visit.map_or(0.0, |visit| visit.took.as_secs_f64())
    };
    println!(
        "| {} users within {} s, {} messages/s offered | measured | wanted |",
        options.users, options.within, options.rate
    );
    println!("|---|---|---|");
    println!("| signed in | {inside} | {} |", options.users);
    println!("| turned away | {turned_away} | 0 |");
    println!(
        "| wait: median, p99, longest (s) | {:.2}, {:.2}, {:.2} | longest \u{2264} 30 |",
        quantile(0.5),
        quantile(0.99),
        quantile(1.0)
    );
    println!(
        "| messages accepted (a second) | {} ({:.0}) | {:.0} |",
        mail.accepted_count(),
        mail.accepted_per_second(),
        options.rate
    );
    println!("| messages not accepted | {:?} | none |", mail.refusals());
    println!(
        "| p99 of the final reply (ms) | {:.1} | \u{2264} 500 |",
        mail.final_reply_quantile(0.99).as_secs_f64() * 1e3
    );
}
