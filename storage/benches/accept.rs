//! Messages per second through the spool: taken over with a sync each, then read, body included,
//! and settled as delivered.
//!
//! ```text
//! cargo bench -p mailhold-storage --bench accept -- [directory=/var/tmp] [seconds=5] [copies=off]
//! ```
//!
//! Bodies are incompressible. The drain reads pages of 256 and keeps 20 messages in flight, each
//! settled in a commit of its own. With `copies=on` each message is sealed and gets a continuity copy
//! in the same commit.

mod continuity;
mod sample;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use sample::Failure;
use storage::model::{
    Clock, Correspondent, DomainId, Folder, Scope, Summary, SystemClock, Timestamp,
};
use storage::seal::KeySource;
use storage::spool::{
    NewCopies, NewCopy, NewDisposition, NewEntry, NewMessage, RecipientOutcome, Settlement, Spool,
    SpoolOptions, search_text,
};
use tokio::task::JoinSet;

const CASES: [(usize, usize); 7] = [
    (4 << 10, 1),
    (4 << 10, 10),
    (4 << 10, 50),
    (4 << 10, 200),
    (64 << 10, 10),
    (64 << 10, 50),
    (1 << 20, 10),
];

/// Messages between reading and settling during a drain.
const IN_FLIGHT: usize = 20;
const PAGE: usize = 256;

fn main() -> Result<(), Failure> {
    let mut directory = PathBuf::from("/var/tmp");
    let mut seconds = 5;
    let mut copies = false;
    for argument in std::env::args().skip(1) {
        match argument.split_once('=') {
            Some(("directory", value)) => directory = value.into(),
            Some(("seconds", value)) => seconds = value.parse()?,
            Some(("copies", value)) => copies = value == "on",
            // What cargo adds.
            _ if argument == "--bench" => {}
            _ => return Err(format!("{argument}: not known").into()),
        }
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build()?;
    println!("payload  producers  accepted/s  p50 ms  p99 ms  commits/sync  drained/s");
    for (payload, producers) in CASES {
        runtime.block_on(measure(&directory, seconds, payload, producers, copies))?;
    }
    Ok(())
}

async fn measure(
    directory: &std::path::Path,
    seconds: u64,
    payload: usize,
    producers: usize,
    copies: bool,
) -> Result<(), Failure> {
    let directory = tempfile::TempDir::new_in(directory)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new(Timestamp::default()));
    let spool = Spool::open(
        directory.path(),
        SpoolOptions {
            keys: if copies {
                KeySource::InMemory
            } else {
                KeySource::Off
            },
            ..SpoolOptions::default()
        },
        Arc::clone(&clock),
    )
    .await?;
    let domain = if copies {
        continuity::domain(&spool).await?
    } else {
        let added = spool.add_domain(sample::domain()?, sample::audit()).await?;
        added.id
    };

    let before = spool.stats().await?.engine;
    let start = clock.monotonic();
    let until = start + Duration::from_secs(seconds);
    let mut running = JoinSet::new();
    for number in 0..producers {
        let body = sample::random(payload, number as u64);
        running.spawn(produce(spool.clone(), domain, body, until, copies));
    }
    let mut latencies = Vec::new();
    for done in running.join_all().await {
        latencies.extend(done?);
    }
    let taking = clock.monotonic() - start;
    let after = spool.stats().await?.engine;

    let start = clock.monotonic();
    let drained = drain(&spool, domain).await?;
    let draining = clock.monotonic() - start;
    if drained != latencies.len() || spool.counters(domain).difference() != 0 {
        return Err("the ledger does not add up".into());
    }
    let syncs = after.syncs - before.syncs;
    report(payload, producers, &mut latencies, taking, syncs, draining);
    spool.shutdown().await?;
    Ok(())
}

async fn produce(
    spool: Spool,
    domain: DomainId,
    body: Bytes,
    until: Duration,
    copies: bool,
) -> Result<Vec<Duration>, Failure> {
    let mut latencies = Vec::new();
    let envelope = sample::envelope()?;
    loop {
        let start = spool.clock().monotonic();
        if start >= until {
            return Ok(latencies);
        }
        let id = spool.next_id();
        let mut writer = spool.begin_body_for(id, &[domain])?;
        writer.write(body.clone()).await?;
        let message = NewMessage {
            id,
            accepted_at: spool.clock().now(),
            envelope: envelope.clone(),
            body: writer.finish().await?,
            entries: vec![NewEntry {
                domain,
                recipients: envelope.recipients.clone(),
                disposition: NewDisposition::Queue,
            }],
            bulk: false,
            copies: copies.then(|| one_copy(domain)),
        };
        spool.accept(message).await?;
        latencies.push(spool.clock().monotonic() - start);
    }
}

/// The copy of an ordinary message.
fn one_copy(domain: DomainId) -> NewCopies {
    let summary = Summary {
        from: Correspondent {
            name: "Some Sender".to_owned(),
            address: "sender@far.example".to_owned(),
        },
        subject: "An ordinary subject of some forty letters".to_owned(),
        preview: "preview ".repeat(24),
        message_id: "1234567890.abcdef@mail.far.example".to_owned(),
        threads: vec![domain.0.into()],
        ..Summary::default()
    };
    NewCopies {
        text: search_text(&summary, &"some words of text ".repeat(60)),
        summary,
        to: vec![NewCopy {
            scope: Scope::new(domain, "alice"),
            folder: Folder::Inbox,
            came_to: "alice@x.example".to_owned(),
        }],
    }
}

async fn drain(spool: &Spool, domain: DomainId) -> Result<usize, Failure> {
    let mut drained = 0;
    loop {
        let page = spool.queue_page(domain, None, PAGE).await?;
        if page.is_empty() {
            return Ok(drained);
        }
        let settled: Vec<Result<(), Failure>> = stream::iter(page)
            .map(|entry| async move {
                let mut body = spool.body(&entry);
                while body.next().await?.is_some() {}
                let reply = sample::taken();
                let delivered = RecipientOutcome::Delivered { reply };
                let settlement = Settlement {
                    entry,
                    outcomes: vec![(0, delivered)],
                    notices: Vec::new(),
                };
                spool.settle(settlement).await?;
                Ok(())
            })
            .buffer_unordered(IN_FLIGHT)
            .collect()
            .await;
        for one in settled {
            one?;
            drained += 1;
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
fn report(
    payload: usize,
    producers: usize,
    latencies: &mut [Duration],
    taking: Duration,
    syncs: u64,
    draining: Duration,
) {
    latencies.sort_unstable();
    let messages = latencies.len();
    let quantile = |per_cent: usize| {
        let latency = latencies.get(messages.saturating_sub(1) * per_cent / 100);
        latency.copied().unwrap_or_default().as_secs_f64() * 1000.0
    };
    println!(
        "{:>4} KiB  {producers:>8}  {:>10.0}  {:>6.2}  {:>6.2}  {:>12.1}  {:>9.0}",
        payload >> 10,
        messages as f64 / taking.as_secs_f64(),
        quantile(50),
        quantile(99),
        messages as f64 / syncs.max(1) as f64,
        messages as f64 / draining.as_secs_f64(),
    );
}
