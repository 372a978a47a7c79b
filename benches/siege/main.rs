//! The siege benchmark: the worst that the internet does to an MX, against the real binary.
//!
//! `cargo bench --bench siege` prints a table in Markdown. Ten thousand idle connections, slow
//! writers beside honest mail, no file descriptors left, connections cut at every phase, STARTTLS
//! beside the bare library, and the mail bombs of the conformance suite. `-- --only NAME` runs a
//! row, `-- --quick` a tenth of each. Loopback only; it ends by itself.

#![allow(unreachable_pub, reason = "modules of a binary")]
#![allow(
    clippy::disallowed_methods,
    reason = "it measures real time, and the bare library serves without supervision"
)]

#[path = "../../actors/tests/conformance/bombs.rs"]
mod bombs;
#[path = "../../tests/support/mod.rs"]
mod support;

mod client;
mod cuts;
mod handshakes;
mod idle;
mod mail_bombs;
mod slow;

use std::fmt;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use clap::Parser;
use support::loopback;
use support::node::Node;
use support::processes::Tree;

/// The worst of the internet.
#[derive(Debug, Parser)]
struct Options {
    /// A tenth of everything.
    #[arg(long)]
    quick: bool,
    /// The binary under test; by default the one that cargo has built with this benchmark.
    #[arg(long, default_value = env!("CARGO_BIN_EXE_mailhold"))]
    binary: PathBuf,
    /// Only rows whose name contains this: idle, slow, descriptors, cuts, starttls, bombs.
    #[arg(long, default_value = "")]
    only: String,
    /// Given by cargo.
    #[arg(long, hide = true)]
    bench: bool,
}

impl Options {
    fn scaled(&self, count: usize) -> usize {
        if self.quick { count / 10 } else { count }
    }
}

/// The mailbox that takes everything.
pub const RECIPIENT: &str = "alice@x.example";

/// A figure beside what was wanted.
#[derive(Debug)]
pub struct Row {
    measure: String,
    figure: String,
    wanted: String,
    reached: bool,
}

impl Row {
    fn new(measure: &str, figure: impl Into<String>, wanted: &str, reached: bool) -> Self {
        Self {
            measure: measure.to_owned(),
            figure: figure.into(),
            wanted: wanted.to_owned(),
            reached,
        }
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.reached { "yes" } else { "**no**" };
        let (measure, figure, wanted) = (&self.measure, &self.figure, &self.wanted);
        write!(f, "| {measure} | {figure} | {wanted} | {verdict} |")
    }
}

/// A node with one mailbox whose destination is down; `limits` is appended to its configuration.
pub fn node(binary: &std::path::Path, limits: &str) -> Result<Node> {
    let mut node = Node::prepared(binary, limits)?;
    node.resume()?;
    node.add_domain("x.example", loopback::address(), &[RECIPIENT])?;
    Ok(node)
}

/// Memory of a node in bytes.
pub fn memory_bytes(node: &Node) -> Result<u64> {
    let pid = node.pid().context("the node does not run")?;
    Ok(Tree::of(pid).memory_bytes()?)
}

/// Messages in a node's queue, as its command line counts them.
pub fn queued(node: &Node) -> Result<u64> {
    let status: serde_json::Value = serde_json::from_str(&node.cli(&["status", "--json"])?)?;
    let domains = status.get("domains").and_then(serde_json::Value::as_array);
    let domains = domains.context("status without domains")?;
    let counts = domains.iter().map(|domain| domain.get("queued")?.as_u64());
    counts.map(|count| count.context("no count")).sum()
}

fn main() -> Result<()> {
    let options = Options::parse();
    ensure!(
        options.binary.exists(),
        "{} is missing",
        options.binary.display()
    );
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(run(&options))
}

async fn run(options: &Options) -> Result<()> {
    println!("| measure | figure | wanted | reached |\n|---|---|---|---|");
    let binary = &options.binary;
    let wants = |name: &str| name.contains(&options.only);
    let print = |rows: Vec<Row>| rows.iter().for_each(|row| println!("{row}"));
    if wants("idle") {
        print(idle::idle(binary, options.scaled(10_000)).await?);
    }
    if wants("descriptors") {
        print(idle::descriptors(binary).await?);
    }
    if wants("slow") {
        print(slow::slow(binary, options.scaled(200)).await?);
    }
    if wants("cuts") {
        print(cuts::cuts(binary, options.scaled(5_000)).await?);
    }
    if wants("starttls") {
        print(handshakes::handshakes(binary, options.scaled(20_000)).await?);
    }
    if wants("bombs") {
        print(mail_bombs::mail_bombs(binary).await?);
    }
    Ok(())
}
