//! A sender of real messages over SMTP: the outside world in the demo, in tests and in benchmarks.
//!
//! It runs as many sessions as its [`Plan`] says, sends each message once (what is refused or of
//! unknown fate is noted, not sent again), and reports the fate of every message.

mod connection;
mod plan;
mod report;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use storage::model::Clock;
use tokio::sync::{Mutex, watch};
use tokio::task::JoinSet;
use tokio::time::{Interval, MissedTickBehavior};

pub use plan::{Content, Plan};
pub use report::{Fate, Record, Report};

use connection::{Connection, Message};

/// Pause between two tries to connect.
const CONNECT_PAUSE: Duration = Duration::from_millis(20);

/// Counts while a run goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// Messages answered 250.
    pub accepted: u64,
    /// Messages refused, not sent, or of unknown fate.
    pub other: u64,
}

/// A run that goes on; dropping it ends it.
#[derive(Debug)]
pub struct Sender {
    run: Arc<Run>,
    sessions: JoinSet<Vec<Record>>,
    started_at: Duration,
}

#[derive(Debug)]
struct Run {
    plan: Plan,
    contents: Vec<Bytes>,
    next: AtomicU64,
    stopped: AtomicBool,
    pace: Option<Mutex<Interval>>,
    progress: watch::Sender<Progress>,
    clock: Arc<dyn Clock>,
}

impl Sender {
    /// Starts the plan on the current runtime.
    #[must_use]
    pub fn start(plan: Plan, clock: Arc<dyn Clock>) -> Self {
        let run = Arc::new(Run {
            contents: plan.wire_contents(),
            next: AtomicU64::new(0),
            stopped: AtomicBool::new(false),
            pace: plan.per_second.map(|rate| Mutex::new(interval(rate))),
            progress: watch::Sender::new(Progress::default()),
            clock,
            plan,
        });
        let started_at = run.clock.monotonic();
        let mut sessions = JoinSet::new();
        for _ in 0..run.plan.sessions {
            sessions.spawn(session(Arc::clone(&run)));
        }
        Self {
            run,
            sessions,
            started_at,
        }
    }

    /// Runs the plan to its end.
    pub async fn run(plan: Plan, clock: Arc<dyn Clock>) -> Report {
        Self::start(plan, clock).finish().await
    }

    /// The counts, and word of every change.
    #[must_use]
    pub fn progress(&self) -> watch::Receiver<Progress> {
        self.run.progress.subscribe()
    }

    /// No further message is begun.
    pub fn stop(&self) {
        self.run.stopped.store(true, Ordering::Release);
    }

    /// Waits for the sessions and reports.
    pub async fn finish(mut self) -> Report {
        let mut records = Vec::new();
        while let Some(ended) = self.sessions.join_next().await {
            records.extend(ended.unwrap_or_default());
        }
        let last = records.iter().map(|record| record.at).max();
        let last = last.unwrap_or(self.started_at);
        Report {
            records,
            elapsed: last.saturating_sub(self.started_at),
        }
    }
}

impl Run {
    /// The number of the next message, when there is one.
    async fn take(&self) -> Option<u64> {
        if let Some(pace) = &self.pace {
            pace.lock().await.tick().await;
        }
        if self.stopped.load(Ordering::Acquire) {
            return None;
        }
        let number = self.next.fetch_add(1, Ordering::AcqRel);
        (number < self.plan.messages).then_some(number)
    }

    /// Connects, again and again for as long as the plan's patience lasts.
    async fn connect(&self) -> Option<Connection> {
        let since = self.clock.monotonic();
        loop {
            let plan = &self.plan;
            let opened = Connection::open(plan.target, &plan.hostname, plan.pipelining).await;
            if let Ok(connection) = opened {
                return Some(connection);
            }
            let waited = self.clock.monotonic().saturating_sub(since);
            if waited >= plan.patience || self.stopped.load(Ordering::Acquire) {
                return None;
            }
            tokio::time::sleep(CONNECT_PAUSE).await;
        }
    }

    /// Sends one message; gives back its record and whether the connection can go on.
    async fn send(&self, connection: &mut Connection, number: u64) -> (Record, bool) {
        let id = self.plan.id(number);
        let recipients = self.plan.recipients_of(number);
        let contents_count = self.contents.len().max(1) as u64;
        let content = usize::try_from(number % contents_count).unwrap_or_default();
        let content = self.contents.get(content).cloned().unwrap_or_default();
        let message = Message {
            id: &id,
            reverse_path: &self.plan.reverse_path,
            recipients: &recipients,
            content: &content,
        };
        let begun_at = self.clock.monotonic();
        let sent: io::Result<_> = connection.send(&message, self.clock.as_ref()).await;
        let at = self.clock.monotonic();
        let mut record = Record {
            id,
            recipients: Vec::new(),
            fate: Fate::NotSent,
            at,
            transaction: at.saturating_sub(begun_at),
            final_reply: Duration::ZERO,
        };
        let mut usable = false;
        if let Ok(ended) = sent {
            let accepted = |position: usize| recipients.get(position).cloned();
            record.recipients = ended.accepted.into_iter().filter_map(accepted).collect();
            record.fate = ended.fate;
            record.final_reply = ended.final_reply;
            usable = ended.usable;
        }
        self.progress.send_modify(|progress| match record.fate {
            Fate::Accepted => progress.accepted += 1,
            _ => progress.other += 1,
        });
        (record, usable)
    }
}

/// One session: connections one after the other until there is nothing left to send.
async fn session(run: Arc<Run>) -> Vec<Record> {
    let mut records = Vec::new();
    let mut next = run.take().await;
    while let Some(first) = next {
        let Some(mut connection) = run.connect().await else {
            break;
        };
        let mut number = Some(first);
        let mut sent = 0;
        let mut usable = true;
        while let Some(this) = number.take() {
            let record;
            (record, usable) = run.send(&mut connection, this).await;
            records.push(record);
            sent += 1;
            next = run.take().await;
            if usable && sent < run.plan.messages_per_connection {
                number = next;
            }
        }
        if usable {
            // All messages have their replies; a failing QUIT changes nothing.
            let _ = connection.quit().await;
        }
    }
    records
}

fn interval(per_second: f64) -> Interval {
    let period = Duration::from_secs_f64(1.0 / per_second.clamp(0.001, 1e6));
    let mut interval = tokio::time::interval(period);
    interval.set_missed_tick_behavior(MissedTickBehavior::Burst);
    interval
}
