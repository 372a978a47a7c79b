//! One measurement each, on a fresh system with an empty queue.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use mailhold::demo::destination::{Capacity, Destination, DestinationOptions, Rate};
use mailhold::demo::sender::{Content, Plan, Report, Sender};
use storage::model::Clock;
use tokio::runtime::Runtime;

use crate::subject::{Kind, MAILBOXES, Subject};
use crate::support::processes::Tree;

/// Longest wait for anything; reached only when something is broken.
const DEADLINE: Duration = Duration::from_secs(900);
/// How often memory is looked at while sessions are busy.
const SAMPLE_INTERVAL: Duration = Duration::from_millis(200);

/// What all measurements share.
#[derive(Debug)]
pub struct Bench {
    /// The binary under test.
    pub binary: std::path::PathBuf,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Serves the destination, beside the runtime of the sender.
    pub peers: Runtime,
}

/// How mail is offered.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    /// Sessions at once.
    pub sessions: usize,
    /// Messages per connection.
    pub per_connection: u64,
    /// Octets of a message.
    pub size_bytes: usize,
}

/// Figures of an intake run.
#[derive(Debug, Clone, Copy)]
pub struct Intake {
    /// Messages answered 250 per second.
    pub per_second: f64,
    /// 99 of 100 final replies came within this, in milliseconds.
    pub final_reply_p99_ms: f64,
    /// Processor time per accepted message in milliseconds.
    pub processor_ms: f64,
    /// Most memory seen, in bytes.
    pub memory_bytes: f64,
}

/// Figures of a start with a full queue, after a kill.
#[derive(Debug, Clone, Copy)]
pub struct Restart {
    /// Seconds until it is ready to take mail.
    pub accepts_s: f64,
    /// Seconds until the first message is delivered, with the destination up.
    pub delivers_s: f64,
    /// Memory when it is ready, in bytes.
    pub memory_bytes: f64,
}

/// Figures of a drain into a destination with a limited rate.
#[derive(Debug, Clone, Copy)]
pub struct Overload {
    /// 4xx for want of capacity per message.
    pub refusals_per_message: f64,
    /// From the destination's return to the last message, in seconds.
    pub drained_s: f64,
}

impl Bench {
    /// Takes mail for `time` while the destination is down.
    pub async fn intake(&self, kind: Kind, load: Load, time: Duration) -> Result<Intake> {
        let destination = self.destination_down()?;
        let subject = Subject::start(kind, &self.binary, destination.address(), false)?;
        let processes = subject.processes()?;
        let worked_before = processes.processor_time()?;
        let sender = self.sender(&subject, load, u64::MAX);
        let mut memory_bytes = 0;
        let mut waited = Duration::ZERO;
        while waited < time {
            tokio::time::sleep(SAMPLE_INTERVAL).await;
            waited += SAMPLE_INTERVAL;
            if waited.as_millis().is_multiple_of(1000) {
                memory_bytes = memory_bytes.max(processes.memory_bytes()?);
            }
        }
        sender.stop();
        let report = sender.finish().await;
        let worked = processes.processor_time()?.saturating_sub(worked_before);
        let accepted = all_accepted(&report)?;
        Ok(Intake {
            per_second: report.accepted_per_second(),
            final_reply_p99_ms: report.final_reply_quantile(0.99).as_secs_f64() * 1e3,
            processor_ms: worked.as_secs_f64() * 1e3 / accepted as f64,
            memory_bytes: memory_bytes as f64,
        })
    }

    /// Messages per second through to a destination that is up, from the first connect to the last
    /// delivery.
    pub async fn relay(&self, kind: Kind, load: Load, messages: u64) -> Result<f64> {
        let mut destination = self.destination_down()?;
        self.raise(&mut destination)?;
        let subject = Subject::start(kind, &self.binary, destination.address(), false)?;
        let begun_at = self.clock.monotonic();
        let report = self.sender(&subject, load, messages).finish().await;
        let accepted = all_accepted(&report)?;
        self.delivered(&destination, accepted).await?;
        let took = self.clock.monotonic().saturating_sub(begun_at);
        Ok(accepted as f64 / took.as_secs_f64())
    }

    /// Messages per second from the return of a destination to the last of a backlog; Postfix is
    /// told to flush its queue at the same moment, we are told nothing.
    pub async fn drain(&self, kind: Kind, messages: u64) -> Result<f64> {
        let mut destination = self.destination_down()?;
        let subject = Subject::start(kind, &self.binary, destination.address(), false)?;
        let report = self.sender(&subject, FILL, messages).finish().await;
        let accepted = all_accepted(&report)?;
        self.raise(&mut destination)?;
        let back_at = self.clock.monotonic();
        subject.flush()?;
        self.delivered(&destination, accepted).await?;
        let took = self.clock.monotonic().saturating_sub(back_at);
        Ok(accepted as f64 / took.as_secs_f64())
    }

    /// Seconds from the return of a destination that refused for `outage` to its first message,
    /// told nothing; infinite when none came within `patience`.
    pub async fn first_delivery(
        &self,
        kind: Kind,
        outage: Duration,
        patience: Duration,
    ) -> Result<f64> {
        let mut destination = self.destination_down()?;
        let subject = Subject::start(kind, &self.binary, destination.address(), false)?;
        let report = self.sender(&subject, FILL, 100).finish().await;
        all_accepted(&report)?;
        tokio::time::sleep(outage).await;
        self.raise(&mut destination)?;
        let back_at = self.clock.monotonic();
        let first = destination.ledger().wait_for(|totals| totals.messages > 0);
        if tokio::time::timeout(patience, first).await.is_err() {
            return Ok(f64::INFINITY);
        }
        let first_at = destination.ledger().first_after(back_at);
        let first_at = first_at.context("the ledger has no arrival")?;
        Ok(first_at.saturating_sub(back_at).as_secs_f64())
    }

    /// Drains a backlog into a destination that is good for `rate`: refusals per message and seconds
    /// from its return to the last message. Postfix is told to flush, and then
    /// tries again within seconds, far from its stock timers.
    pub async fn overload(&self, kind: Kind, rate: Rate, messages: u64) -> Result<Overload> {
        let mut destination = self.destination_down()?;
        destination.set_capacity(Capacity {
            rate: Some(rate),
            ..Capacity::default()
        });
        let subject = Subject::start(kind, &self.binary, destination.address(), true)?;
        let report = self.sender(&subject, FILL, messages).finish().await;
        let accepted = all_accepted(&report)?;
        self.raise(&mut destination)?;
        let back_at = self.clock.monotonic();
        subject.flush()?;
        self.delivered(&destination, accepted).await?;
        let took = self.clock.monotonic().saturating_sub(back_at);
        let refusals = destination.ledger().totals().overload_refusals;
        Ok(Overload {
            refusals_per_message: refusals as f64 / accepted as f64,
            drained_s: took.as_secs_f64(),
        })
    }

    /// Kills and starts our node with `messages` in its queue: once with the destination down, for
    /// readiness and memory, and once with it up, for the first delivery.
    pub async fn restart(&self, messages: u64) -> Result<Restart> {
        let mut destination = self.destination_down()?;
        let address = destination.address();
        let mut subject = Subject::start(Kind::Mailhold, &self.binary, address, false)?;
        let load = Load {
            sessions: 50,
            ..FILL
        };
        all_accepted(&self.sender(&subject, load, messages).finish().await)?;
        let Subject::Mailhold(node) = &mut subject else {
            bail!("only our own node is started again");
        };
        node.kill()?;
        let started_at = self.clock.monotonic();
        node.resume()?;
        let accepts = self.clock.monotonic().saturating_sub(started_at);
        let pid = node.pid().context("the node does not run")?;
        let memory_bytes = Tree::of(pid).memory_bytes()?;
        node.kill()?;
        self.raise(&mut destination)?;
        let started_at = self.clock.monotonic();
        node.resume()?;
        self.delivered(&destination, 1).await?;
        let first_at = destination.ledger().first_after(started_at);
        let first_at = first_at.context("the ledger has no arrival")?;
        Ok(Restart {
            accepts_s: accepts.as_secs_f64(),
            delivers_s: first_at.saturating_sub(started_at).as_secs_f64(),
            memory_bytes: memory_bytes as f64,
        })
    }

    /// Bytes that the device wrote per accepted message of 4 KiB, with the destination down.
    pub async fn disk_bytes(&self, kind: Kind, messages: u64) -> Result<f64> {
        let destination = self.destination_down()?;
        let subject = Subject::start(kind, &self.binary, destination.address(), false)?;
        rustix::fs::sync();
        let before = device_written_bytes(&subject.disk())?;
        let report = self.sender(&subject, FILL, messages).finish().await;
        let accepted = all_accepted(&report)?;
        rustix::fs::sync();
        let written = device_written_bytes(&subject.disk())?.saturating_sub(before);
        Ok(written as f64 / accepted as f64)
    }

    fn sender(&self, subject: &Subject, load: Load, messages: u64) -> Sender {
        let mut plan = Plan::new(subject.smtp(), MAILBOXES[0], messages);
        plan.recipients = MAILBOXES.map(str::to_owned).to_vec();
        plan.sessions = load.sessions;
        plan.messages_per_connection = load.per_connection;
        plan.content = Content::Generated {
            size_bytes: load.size_bytes,
        };
        Sender::start(plan, Arc::clone(&self.clock))
    }

    fn destination_down(&self) -> Result<Destination> {
        let options = DestinationOptions::default();
        Ok(Destination::stopped(options, Arc::clone(&self.clock))?)
    }

    fn raise(&self, destination: &mut Destination) -> Result<()> {
        let _peers = self.peers.enter();
        Ok(destination.resume()?)
    }

    async fn delivered(&self, destination: &Destination, messages: u64) -> Result<()> {
        let all = destination
            .ledger()
            .wait_for(|totals| totals.distinct >= messages);
        let in_time = tokio::time::timeout(DEADLINE, all).await;
        in_time
            .with_context(|| format!("not all delivered: {:?}", destination.ledger().totals()))?;
        Ok(())
    }
}

/// How a queue is filled before it is measured.
const FILL: Load = Load {
    sessions: 10,
    per_connection: 25,
    size_bytes: 4096,
};

/// Every message of the run was answered 250: otherwise the figures mean nothing.
fn all_accepted(report: &Report) -> Result<u64> {
    let accepted = report.accepted_count();
    let begun = report.records.len() as u64;
    ensure!(
        accepted == begun && accepted > 0,
        "{accepted} of {begun} accepted; refused: {:?}",
        report.refusals()
    );
    Ok(accepted)
}

/// Bytes written to the device under `path` since the system started.
fn device_written_bytes(path: &Path) -> Result<u64> {
    const SECTOR_BYTES: u64 = 512;
    let device = std::fs::metadata(path)?.dev();
    let (major, minor) = (rustix::fs::major(device), rustix::fs::minor(device));
    let path = format!("/sys/dev/block/{major}:{minor}/stat");
    let stat = std::fs::read_to_string(&path).with_context(|| path.clone())?;
    let sectors = stat.split_whitespace().nth(6);
    let sectors = sectors.and_then(|sectors| sectors.parse::<u64>().ok());
    Ok(sectors.context(path)? * SECTOR_BYTES)
}
