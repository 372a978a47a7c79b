//! One connection to one host, which takes one message at a time (delivery.md B1).
//!
//! An attempt is a temporary child of its HostGovernor, opened by a probe or by a permit. It holds
//! the lease of one entry at a time, sends it, puts on record what became of it before the next
//! command (Q2), and waits on the open connection for more. What became of recipients that were not
//! simply delivered is judged by the entry's DeliveryActor; a partial success is recorded before
//! that (Q11). How long a connection is kept is the governor's business. A panic here is a deferral
//! of the leased entry.

mod record;

use std::time::Duration;

use ractor::{ActorCell, ActorRef, SpawnErr};
use storage::model::{Destination, QueueEntry};
use storage::spool::Spool;
use tokio::sync::oneshot;

use self::record::Finished;
use super::classify::{self, Class, Signal};
use super::conversation::{Avoid, Conversation};
use super::delivery_actor::DeliveryMessage;
use super::governor::{AttemptReport, ConnectionId, Conveyance, EndpointId, ProbeId, ProbeOutcome};
use super::host_governor::GovernorMessage;
use super::opening::{OpenFailure, Opened, Opener};
use super::route::host_port;
use super::turn::{LeaseEnd, Work, WorkSlot};
use crate::supervision::{ServiceError, Stopping, spawn_service};

/// Time to connect for a probe that confirms a failure: with the five seconds of the connection that
/// failed and the pause between them, a black hole is noticed within six (delivery.md B2).
const CONFIRM_WITHIN: Duration = Duration::from_millis(400);

/// Why a connection is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To see whether the host is back; it then waits for the first canary.
    Probe {
        /// Its name in the governor's books.
        probe: ProbeId,
        /// A connection has just failed. One that fails as well says that the host is away, and it
        /// is not given the whole time to connect again.
        confirms: bool,
    },
    /// For a message that comes through the slot.
    Message,
}

/// What an attempt starts with.
#[derive(Debug)]
pub struct AttemptArguments {
    /// The name of its connection in the governor's books.
    pub connection: ConnectionId,
    /// The host's place in the route.
    pub endpoint: EndpointId,
    /// Why it is opened.
    pub purpose: Purpose,
    /// Its parent.
    pub governor: ActorRef<GovernorMessage>,
    /// For bodies and outcomes.
    pub spool: Spool,
    /// For connections.
    pub opener: Opener,
    /// The host.
    pub host: Destination,
    /// What does not work with this host.
    pub avoid: Avoid,
    /// Brings the first message of [`Purpose::Message`].
    pub first: Option<oneshot::Receiver<Work>>,
}

/// Starts an attempt under its governor.
///
/// # Errors
/// When the governor is ending.
pub async fn spawn_attempt(
    governor: ActorCell,
    arguments: AttemptArguments,
) -> Result<ActorCell, SpawnErr> {
    spawn_service(governor, move |stopping| run(arguments, stopping)).await
}

/// Somebody this attempt depends on is gone, and its leases with it.
#[derive(Debug, thiserror::Error)]
#[error("the governor or the delivery of the domain has ended")]
struct Orphaned;

/// Everything but the connection.
struct Attempt {
    connection: ConnectionId,
    endpoint: EndpointId,
    governor: ActorRef<GovernorMessage>,
    spool: Spool,
    opener: Opener,
    host: Destination,
    host_port: String,
    avoid: Avoid,
}

async fn run(arguments: AttemptArguments, mut stopping: Stopping) -> Result<(), ServiceError> {
    let opener = match arguments.purpose {
        Purpose::Probe { confirms: true, .. } => arguments.opener.hurried(CONFIRM_WITHIN),
        _ => arguments.opener,
    };
    let attempt = Attempt {
        connection: arguments.connection,
        endpoint: arguments.endpoint,
        governor: arguments.governor,
        spool: arguments.spool,
        opener,
        host_port: host_port(&arguments.host),
        host: arguments.host,
        avoid: arguments.avoid,
    };
    let (mut conversation, mut slot) = match arguments.purpose {
        Purpose::Probe { probe, .. } => match attempt.probe(probe).await? {
            Some(opened) => opened,
            None => return Ok(()),
        },
        Purpose::Message => {
            let Some(first) = arguments.first else {
                return Ok(());
            };
            match attempt
                .open(attempt.opener.manners.timeouts.banner, true)
                .await
            {
                Ok(conversation) => (conversation, first),
                Err(failure) => return Ok(attempt.not_opened(first, &failure)?),
            }
        }
    };
    loop {
        let next = attempt
            .wait(&mut conversation, &mut slot, &mut stopping)
            .await?;
        let work = match next {
            Next::Work(work) => *work,
            Next::Unused(fresh) => {
                slot = fresh;
                continue;
            }
            Next::Leave => break,
        };
        let (mut report, ending) = attempt.deliver(&mut conversation, work).await?;
        let carried = conversation.transactions();
        let is_full = conversation.capabilities().messages_max;
        let is_full = is_full.is_some_and(|max| carried >= max);
        if ending.is_some() || is_full || stopping.is_requested() {
            report.conveyance = Conveyance::Closed;
            attempt.finished(report, None)?;
            break;
        }
        let (sender, receiver) = oneshot::channel();
        attempt.finished(report, Some(sender))?;
        slot = receiver;
    }
    conversation.quit().await;
    Ok(())
}

/// What comes next on an open connection.
enum Next {
    Work(Box<Work>),
    /// The permit was not used; the next message comes through this one.
    Unused(oneshot::Receiver<Work>),
    Leave,
}

impl Attempt {
    async fn open(
        &self,
        banner_timeout: Duration,
        sees: bool,
    ) -> Result<Conversation, OpenFailure> {
        let Opened {
            conversation,
            peer,
            tls_failure,
        } = self
            .opener
            .open(&self.host, self.avoid, banner_timeout)
            .await?;
        // A probe's own success is no news to the one who waits for it.
        if let Some(peer) = peer.filter(|_| sees) {
            self.opener.announced.signs_of_life().seen(peer);
        }
        if let Some(why) = tls_failure {
            let endpoint = self.endpoint;
            let message = GovernorMessage::TlsFailed { endpoint, why };
            // Whoever is gone does not need to know.
            let _ = self.governor.send_message(message);
        }
        Ok(conversation)
    }

    /// Opens the connection and says how that went; the connection waits for the first canary.
    async fn probe(
        &self,
        probe: ProbeId,
    ) -> Result<Option<(Conversation, oneshot::Receiver<Work>)>, Orphaned> {
        let opened = self
            .open(self.opener.manners.timeouts.probe_banner, false)
            .await;
        let (outcome, reason) = match &opened {
            Ok(conversation) => {
                let name = conversation.greeting().to_ascii_lowercase();
                let looks_like_exchange = name.contains("microsoft");
                let ready = ProbeOutcome::Ready {
                    looks_like_exchange,
                };
                (ready, None)
            }
            Err(failure @ OpenFailure::Dial(_)) => {
                (ProbeOutcome::Unreachable, Some(failure.to_string()))
            }
            Err(failure @ OpenFailure::Session { ending, .. }) => {
                (classify::probe(ending), Some(failure.to_string()))
            }
        };
        let (sender, receiver) = oneshot::channel();
        let slot = opened.is_ok().then_some(sender);
        self.tell(GovernorMessage::Probed {
            connection: self.connection,
            probe,
            outcome,
            reason,
            slot,
        })?;
        Ok(opened.ok().map(|conversation| (conversation, receiver)))
    }

    /// The connection did not come about: what has been handed over goes back.
    fn not_opened(
        &self,
        mut slot: oneshot::Receiver<Work>,
        failure: &OpenFailure,
    ) -> Result<(), Orphaned> {
        slot.close();
        if let Ok(work) = slot.try_recv() {
            put_back(&work.delivery, work.entry)?;
        }
        let signal = match failure {
            OpenFailure::Dial(_) => Signal::Connection,
            OpenFailure::Session { ending, .. } => Class::of_ending(ending).signal(),
        };
        self.tell(GovernorMessage::Finished {
            connection: self.connection,
            report: AttemptReport {
                signal,
                latency: None,
                size_bytes: 0,
                conveyance: Conveyance::Closed,
                at_opening: true,
            },
            reason: Some(failure.to_string()),
            slot: None,
        })
    }

    fn tell(&self, message: GovernorMessage) -> Result<(), Orphaned> {
        self.governor.send_message(message).map_err(|_| Orphaned)
    }

    fn finished(&self, report: Finished, slot: Option<WorkSlot>) -> Result<(), Orphaned> {
        self.tell(GovernorMessage::Finished {
            connection: self.connection,
            report: AttemptReport {
                signal: report.signal,
                latency: report.latency,
                size_bytes: report.size_bytes,
                conveyance: report.conveyance,
                at_opening: false,
            },
            reason: report.reason,
            slot,
        })
    }

    /// Waits on the open connection for the next message.
    async fn wait(
        &self,
        conversation: &mut Conversation,
        slot: &mut oneshot::Receiver<Work>,
        stopping: &mut Stopping,
    ) -> Result<Next, Orphaned> {
        tokio::select! {
            biased;
            work = &mut *slot => return match work {
                Ok(work) => Ok(Next::Work(Box::new(work))),
                // A DeliveryActor that has nothing to send lets go of the slot.
                Err(_) => {
                    let (sender, receiver) = oneshot::channel();
                    let connection = self.connection;
                    self.tell(GovernorMessage::Unused { connection, slot: sender })?;
                    Ok(Next::Unused(receiver))
                }
            },
            () = stopping.requested() => {}
            _ = conversation.idle() => {}
        }
        slot.close();
        // What was handed over in this very moment must not get lost.
        if let Ok(work) = slot.try_recv() {
            put_back(&work.delivery, work.entry)?;
        }
        let connection = self.connection;
        self.tell(GovernorMessage::Closed { connection })?;
        Ok(Next::Leave)
    }
}

fn put_back(delivery: &ActorRef<DeliveryMessage>, entry: QueueEntry) -> Result<(), Orphaned> {
    let message = DeliveryMessage::LeaseEnded {
        sequence: entry.sequence,
        end: LeaseEnd::PutBack {
            entry: Box::new(entry),
        },
    };
    delivery.send_message(message).map_err(|_| Orphaned)
}
