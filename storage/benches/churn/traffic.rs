//! Mail that comes and goes.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use rand::{Rng, SeedableRng};
use storage::model::{DomainId, QueueEntry, Sequence, StoredReply, Timestamp};
use storage::spool::{NewDisposition, NewEntry, NewMessage, RecipientOutcome, Settlement, Spool};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::sample::{self, Failure};

const PRODUCERS: u64 = 20;
/// Messages between reading and settling.
const IN_FLIGHT: usize = 20;
const PAGE: usize = 256;
/// Room above the wanted number of live messages, so that taking and giving overlap.
const ROOM: usize = 512;
const LARGEST: usize = 1 << 20;
/// One in so many is deferred first.
const DEFERRED_EACH: u64 = 200;
const DEFERRED_FOR: Duration = Duration::from_secs(5);

/// Producers and the one who delivers, until a given moment.
pub(crate) struct Traffic {
    running: JoinSet<Result<(), Failure>>,
    ended: Arc<Semaphore>,
}

impl Traffic {
    pub(crate) fn start(spool: &Spool, domain: DomainId, live: u64, until: Duration) -> Self {
        let mut running = JoinSet::new();
        let room = usize::try_from(live).unwrap_or(usize::MAX / 4) + ROOM;
        let room = Arc::new(Semaphore::new(room));
        let ended = Arc::new(Semaphore::new(0));
        for number in 0..PRODUCERS {
            let (spool, room) = (spool.clone(), Arc::clone(&room));
            running.spawn(produce(spool, domain, room, number, until));
        }
        let (spool, end) = (spool.clone(), Arc::clone(&ended));
        running.spawn(async move {
            let delivered = deliver(&spool, domain, live, &room, until).await;
            // Producers that wait for room have nothing more to do.
            room.close();
            end.add_permits(1);
            delivered
        });
        Self { running, ended }
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.ended.available_permits() > 0
    }

    pub(crate) async fn join(self) -> Result<(), Failure> {
        self.running.join_all().await.into_iter().collect()
    }
}

async fn produce(
    spool: Spool,
    domain: DomainId,
    room: Arc<Semaphore>,
    seed: u64,
    until: Duration,
) -> Result<(), Failure> {
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
    let content = sample::random(LARGEST, seed);
    while spool.clock().monotonic() < until {
        let Ok(permit) = room.acquire().await else {
            return Ok(());
        };
        let size = match random.random_range(0..100) {
            0 => LARGEST,
            1..=5 => 64 << 10,
            _ => 4 << 10,
        };
        accept(&spool, domain, content.slice(..size)).await?;
        permit.forget();
    }
    Ok(())
}

async fn accept(spool: &Spool, domain: DomainId, body: Bytes) -> Result<(), Failure> {
    let id = spool.next_id();
    let envelope = sample::envelope()?;
    let mut writer = spool.begin_body(id);
    writer.write(body).await?;
    let message = NewMessage {
        id,
        accepted_at: spool.clock().now(),
        body: writer.finish().await?,
        entries: vec![NewEntry {
            domain,
            recipients: envelope.recipients.clone(),
            disposition: NewDisposition::Queue,
        }],
        envelope,
        bulk: false,
        copies: None,
    };
    Ok(spool.accept(message).await?)
}

/// Delivers the oldest while more than `live` are queued.
async fn deliver(
    spool: &Spool,
    domain: DomainId,
    live: u64,
    room: &Semaphore,
    until: Duration,
) -> Result<(), Failure> {
    let mut seen: Option<Sequence> = None;
    let mut number = 0_u64;
    while spool.clock().monotonic() < until {
        let surplus = spool.counters(domain).queued.saturating_sub(live);
        let limit = usize::try_from(surplus)?.min(PAGE);
        if limit == 0 {
            // Producers are at it; they share the two threads.
            tokio::time::sleep(Duration::from_millis(1)).await;
            continue;
        }
        let due = spool
            .deferred_due(domain, spool.clock().now(), limit)
            .await?;
        let ready = spool.queue_page(domain, seen, limit - due.len()).await?;
        seen = ready.last().map_or(seen, |entry| Some(entry.sequence));
        let first_time = ready.into_iter().map(|entry| {
            number += 1;
            let defer = number.is_multiple_of(DEFERRED_EACH);
            (entry, defer)
        });
        let again = due.into_iter().map(|entry| (entry, false));
        let work: Vec<_> = again.chain(first_time).collect();
        let settled: Vec<bool> = stream::iter(work)
            .map(|(entry, defer)| settle(spool, entry, defer))
            .buffer_unordered(IN_FLIGHT)
            .try_collect()
            .await?;
        room.add_permits(settled.into_iter().filter(|gone| *gone).count());
    }
    Ok(())
}

/// Reads the body and writes down what became of it; whether the message is gone.
async fn settle(spool: &Spool, entry: QueueEntry, defer: bool) -> Result<bool, Failure> {
    let mut body = spool.body(&entry);
    while body.next().await?.is_some() {}
    let outcome = if defer {
        RecipientOutcome::Deferred {
            due_at: spool.clock().now().saturating_add(DEFERRED_FOR),
            reply: StoredReply {
                code: 450,
                text: "4.2.0 Later".to_owned(),
                ..sample::taken()
            },
            charged: true,
        }
    } else {
        RecipientOutcome::Delivered {
            reply: sample::taken(),
        }
    };
    let settlement = Settlement {
        entry,
        outcomes: vec![(0, outcome)],
        notices: Vec::new(),
    };
    spool.settle(settlement).await?;
    Ok(!defer)
}

/// Delivers everything.
pub(crate) async fn drain(spool: &Spool, domain: DomainId) -> Result<(), Failure> {
    loop {
        let mut page = spool.queue_page(domain, None, PAGE).await?;
        page.extend(
            spool
                .deferred_due(domain, Timestamp::from_millis(u64::MAX), PAGE)
                .await?,
        );
        if page.is_empty() {
            return Ok(());
        }
        stream::iter(page)
            .map(|entry| settle(spool, entry, false))
            .buffer_unordered(IN_FLIGHT)
            .try_collect::<Vec<_>>()
            .await?;
    }
}
