//! The other process: a relay reduced to its store. Producers take messages over and print each
//! id after `accept` has returned; a consumer settles some of them. It goes on until it is killed or
//! the store fails.

use std::io::{BufRead, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use rand::{Rng, SeedableRng};
use storage::model::{DomainId, MessageId, QueueEntry, Sequence, SystemClock, Timestamp};
use storage::spool::{
    NewDisposition, NewEntry, NewMessage, RecipientOutcome, Settlement, Spool, SpoolError,
    SpoolOptions,
};
use tokio::task::JoinSet;

use crate::sample::{self, Failure};

const DIRECTORY: &str = "MAILHOLD_POWER_CUT_DIRECTORY";
const PRODUCERS: usize = 8;
const PAGE: usize = 64;

/// What the child says, one a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Said {
    /// `accept` has returned.
    Acknowledged(MessageId),
    /// A settlement is on its way.
    Settling(MessageId),
    /// A settlement that is synced has returned.
    Settled(MessageId),
    /// The store has failed; nothing more comes.
    Refused,
}

type Meaning = fn(MessageId) -> Said;

const WORDS: [(&str, Meaning); 3] = [
    ("acknowledged ", Said::Acknowledged),
    ("settling ", Said::Settling),
    ("settled ", Said::Settled),
];
const REFUSED: &str = "refused ";

/// This test binary again, with the store in `directory`.
pub(crate) fn start(directory: &Path) -> std::io::Result<Child> {
    Command::new(std::env::current_exe()?)
        .args(["--exact", "child", "--nocapture"])
        .env(DIRECTORY, directory)
        .stdout(Stdio::piped())
        .spawn()
}

/// Everything the child says until its output ends.
pub(crate) fn said(child: &mut Child) -> impl Iterator<Item = Said> + use<> {
    let output = BufReader::new(child.stdout.take().unwrap());
    output.split(b'\n').filter_map(|line| {
        let line = String::from_utf8(line.unwrap()).unwrap();
        if line.contains(REFUSED) {
            return Some(Said::Refused);
        }
        WORDS.iter().find_map(|(word, said)| {
            let (_, id) = line.split_once(word)?;
            Some(said(id.parse().unwrap()))
        })
    })
}

/// The body of a message: nothing but its id is needed to know it. Most are small, some large
/// enough to have a file of their own, written before they are accepted.
pub(crate) fn body(id: MessageId) -> bytes::Bytes {
    let seed = id.as_bytes().iter();
    let seed = seed.fold(0_u64, |seed, byte| {
        (seed << 5) ^ (seed >> 59) ^ u64::from(*byte)
    });
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
    let length = match random.random_range(0..24) {
        0 => random.random_range(300_000..1_500_000),
        1..=3 => random.random_range(20_000..120_000),
        _ => random.random_range(200..9_000),
    };
    // Pages of their own numbers over one of random content: cheap, and no page is another.
    let page = sample::random(4096, seed);
    let mut body = Vec::with_capacity(length + page.len());
    for number in 0_u64.. {
        if body.len() >= length {
            break;
        }
        body.extend_from_slice(&number.to_le_bytes());
        body.extend_from_slice(&page);
    }
    body.truncate(length);
    body.into()
}

/// What happens to a message besides being accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Stays,
    /// Written down without a sync: after a cut it may be back.
    Delivered,
    /// Written down with a sync: it must not come back.
    Removed,
}

fn fate(id: MessageId) -> Fate {
    match id.as_bytes()[11] % 6 {
        0 => Fate::Delivered,
        1 => Fate::Removed,
        _ => Fate::Stays,
    }
}

/// What the child does; nothing when it is no child.
pub(crate) async fn run() {
    let Ok(directory) = std::env::var(DIRECTORY) else {
        return;
    };
    if let Err(refused) = work(Path::new(&directory)).await {
        say(REFUSED, &refused.to_string());
    }
}

async fn work(directory: &Path) -> Result<(), Failure> {
    let spool = open(directory).await?;
    let domain = match spool.directory().domains().first() {
        Some(domain) => domain.id,
        None => {
            spool
                .add_domain(sample::domain()?, sample::audit())
                .await?
                .id
        }
    };
    let mut running = JoinSet::new();
    for _ in 0..PRODUCERS {
        running.spawn(produce(spool.clone(), domain));
    }
    running.spawn(consume(spool.clone(), domain));
    while let Some(ended) = running.join_next().await {
        ended??;
    }
    Ok(())
}

/// The store of a data directory.
pub(crate) async fn open(directory: &Path) -> Result<Spool, Failure> {
    let clock = |latest: Timestamp| Arc::new(SystemClock::new(latest)) as _;
    Ok(Spool::open_with(directory, SpoolOptions::default(), clock).await?)
}

/// Until it is refused.
async fn produce(spool: Spool, domain: DomainId) -> Result<(), Failure> {
    loop {
        let id = spool.next_id();
        accept(&spool, domain, id).await?;
        say("acknowledged ", &id.to_string());
    }
}

async fn accept(spool: &Spool, domain: DomainId, id: MessageId) -> Result<(), Failure> {
    let envelope = sample::envelope()?;
    let mut writer = spool.begin_body(id);
    writer.write(body(id)).await?;
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

async fn consume(spool: Spool, domain: DomainId) -> Result<(), Failure> {
    let mut hints = spool.feed();
    let mut seen: Option<Sequence> = None;
    loop {
        let page = spool.queue_page(domain, seen, PAGE).await?;
        let Some(last) = page.last() else {
            // Lagging is as good as a hint.
            let _ = hints.recv().await;
            continue;
        };
        seen = Some(last.sequence);
        for entry in page {
            settle(&spool, entry).await?;
        }
        // Files of bodies that are gone are used again.
        spool.sample_space().await?;
    }
}

async fn settle(spool: &Spool, entry: QueueEntry) -> Result<(), SpoolError> {
    let id = entry.message;
    let outcome = match fate(id) {
        Fate::Stays => return Ok(()),
        Fate::Delivered => RecipientOutcome::Delivered {
            reply: sample::taken(),
        },
        Fate::Removed => RecipientOutcome::Removed,
    };
    say("settling ", &id.to_string());
    let settlement = Settlement {
        entry,
        outcomes: vec![(0, outcome)],
        notices: Vec::new(),
    };
    spool.settle(settlement).await?;
    if fate(id) == Fate::Removed {
        say("settled ", &id.to_string());
    }
    Ok(())
}

/// One write per line, so that a kill leaves no half line in front of another.
fn say(word: &str, what: &str) {
    let mut output = std::io::stdout();
    let _ = output.write_all(format!("{word}{what}\n").as_bytes());
    let _ = output.flush();
}
