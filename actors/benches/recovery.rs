//! How soon a destination's absence and its return are noticed, with real sockets and real time.
//!
//! ```text
//! cargo bench -p mailhold-actors --bench recovery
//! ```
//! Twelve outages in which connections are refused and twelve in which nobody answers a SYN, each of
//! another length. Printed are the times from the first message to `Down`, from the return to the
//! first delivery, and from there to the end of the backlog. It takes about four minutes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a benchmark may fail, and prints"
)]

#[path = "../../tests/support/loopback.rs"]
#[allow(unreachable_pub, reason = "it is public for another crate's tests")]
mod loopback;
#[path = "../tests/wire/peer.rs"]
#[allow(dead_code, reason = "the tests use the rest of it")]
mod peer;
#[path = "../tests/wire/script.rs"]
#[allow(dead_code, reason = "the tests use the rest of it")]
mod script;
#[path = "../tests/wire/session.rs"]
mod session;
#[path = "../tests/wire/still.rs"]
#[allow(dead_code, reason = "the tests use the rest of it")]
mod still;
#[path = "../tests/support/mod.rs"]
#[allow(dead_code, reason = "the tests use the rest of it")]
mod support;

use std::sync::Arc;
use std::time::Duration;

use actors::delivery::{Announced, Opener, Routing, TcpDialer};
use actors::dns::{DnsError, Exchanger, Resolver};
use actors::status::DestinationState;
use futures_util::future::BoxFuture;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use storage::model::{Destination, Domain, TlsPolicy, TokioClock};
use storage::spool::Spool;

use self::peer::Peer;
use self::still::Activity;
use self::support::destination::Net;
use self::support::node::{EPOCH, Node, manners};

/// Outages of each kind.
const OUTAGES: u64 = 12;
/// Messages that wait in each.
const BACKLOG: usize = 50;
/// How often is looked.
const LOOK: Duration = Duration::from_millis(2);

/// The host is an address.
#[derive(Debug)]
struct Literal;

impl Resolver for Literal {
    fn addresses(&self, host: &str) -> BoxFuture<'_, Result<Vec<std::net::IpAddr>, DnsError>> {
        let host = host.to_owned();
        Box::pin(async move { Err(DnsError::NoAddress { host }) })
    }

    fn exchangers(&self, _: &str) -> BoxFuture<'_, Result<Vec<Exchanger>, DnsError>> {
        Box::pin(async { Ok(Vec::new()) })
    }
}

struct Subject {
    peer: Peer,
    node: Node,
    domain: Domain,
}

/// What one outage showed.
#[derive(Debug)]
struct Times {
    down: Duration,
    first: Duration,
    drained: Duration,
}

impl Subject {
    async fn new() -> Self {
        let peer = Peer::new(Activity::default()).await;
        let spool = Spool::in_memory(Arc::new(TokioClock::new(EPOCH))).await;
        let opener = Opener {
            dialer: Arc::new(TcpDialer::new(Arc::new(Literal))),
            manners: manners(&spool),
            announced: Announced::default(),
        };
        let node = Node::start(spool, Net::default(), opener, Routing::default()).await;
        let domain = node.domain("example.org", &["127.0.0.1"]).await;
        let destination = Destination {
            host: peer.address.ip().to_string(),
            port: peer.address.port(),
            tls: TlsPolicy::None,
            ..Destination::default()
        };
        node.update(&domain, |domain| domain.destinations = vec![destination])
            .await;
        let subject = Self { peer, node, domain };
        subject.node.accept_many(&subject.domain, BACKLOG).await;
        subject.until(|| subject.queued() == 0).await;
        subject
    }

    fn queued(&self) -> u64 {
        self.node.counters(&self.domain).queued
    }

    /// Waits, and answers how long.
    async fn until(&self, done: impl Fn() -> bool) -> Duration {
        let clock = self.node.spool.clock();
        let begun = clock.monotonic();
        while !done() {
            tokio::time::sleep(LOOK).await;
        }
        clock.monotonic() - begun
    }

    async fn outage(&self, black_hole: bool, length: Duration) -> Times {
        if black_hole {
            self.peer.swallow().await;
        } else {
            self.peer.refuse().await;
        }
        // A message that met the reset between its last octet and the answer would have to wait.
        self.until(|| self.peer.ledger().open == 0).await;
        self.node.accept_many(&self.domain, BACKLOG).await;
        let is_down = || self.node.state(&self.domain) == DestinationState::Down;
        let down = self.until(is_down).await;
        tokio::time::sleep(length).await;
        let waiting = self.queued();
        self.peer.open().await;
        let first = self.until(|| self.queued() < waiting).await;
        let drained = self.until(|| self.queued() == 0).await;
        Times {
            down,
            first,
            drained,
        }
    }
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(measure());
}

async fn measure() {
    let subject = Subject::new().await;
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut returns = Vec::new();
    println!("| outage | to Down | return → first delivery | → backlog of {BACKLOG} gone |");
    println!("|---|---|---|---|");
    for black_hole in [false, true] {
        let kind = if black_hole { "black hole" } else { "refused" };
        let mut downs = Vec::new();
        for outage in 1..=OUTAGES {
            let length = Duration::from_millis(rng.random_range(2_000..7_000));
            let times = subject.outage(black_hole, length).await;
            println!(
                "| {kind} {outage} | {:.2} s | {:.2} s | {:.2} s |",
                times.down.as_secs_f64(),
                times.first.as_secs_f64(),
                times.drained.as_secs_f64()
            );
            downs.push(times.down);
            returns.push(times.first);
        }
        let bound = if black_hole { 6 } else { 1 };
        println!(
            "{kind}: at most {:.2} s to Down ({bound} s promised)",
            longest(&downs)
        );
    }
    returns.sort();
    let median = returns[returns.len() / 2].as_secs_f64();
    println!(
        "return → first delivery: p50 {median:.2} s (2 s promised), longest of {} {:.2} s (5 s promised)",
        returns.len(),
        longest(&returns)
    );
}

fn longest(times: &[Duration]) -> f64 {
    let longest = times.iter().max().copied().unwrap_or_default();
    longest.as_secs_f64()
}
