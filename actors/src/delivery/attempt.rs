//! One connection to one host, which takes one message at a time (delivery.md B1).
//!
//! An attempt is a temporary child of its HostGovernor, opened by a probe or by a permit. It holds
//! the lease of one entry at a time, sends it, puts on record what became of it before the next
//! command (Q2), and waits on the open connection for more. What became of recipients that were not
//! simply delivered is judged by the entry's DeliveryActor; a partial success is recorded before
//! that (Q11). How long a connection is kept is the governor's business. A panic here is a deferral
//! of the leased entry.

use std::time::Duration;

use bytes::Bytes;
use ractor::{ActorCell, ActorRef, SpawnErr};
use storage::model::{AsideKind, Destination, ForwardPath, QueueEntry, ReversePath};
use storage::spool::{BodyReader, RecipientOutcome, Settled, Settlement, Spool, SpoolError};
use tokio::sync::oneshot;

use super::classify::{self, AttemptVerdict, Class, Signal};
use super::conversation::{Avoid, BodySource, Conversation, Sent};
use super::delivery_actor::DeliveryMessage;
use super::governor::{AttemptReport, ConnectionId, Conveyance, EndpointId, ProbeId, ProbeOutcome};
use super::host_governor::GovernorMessage;
use super::opening::{OpenFailure, Opened, Opener};
use super::route::host_port;
use super::stored_reply::{stored, stored_event};
use super::turn::{LeaseEnd, Question, Verdict, Work, WorkSlot};
use crate::smtp::client::{Ending, RecipientResult, Transaction};
use crate::smtp::limits::BANNER_TIMEOUT;
use crate::supervision::{ServiceError, Stopping, spawn_service};

/// The greeting of a probe is awaited for this long.
const PROBE_BANNER_TIMEOUT: Duration = Duration::from_secs(10);

/// Why a connection is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To see whether the host is back; it then waits for the first canary.
    Probe(ProbeId),
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
    let attempt = Attempt {
        connection: arguments.connection,
        endpoint: arguments.endpoint,
        governor: arguments.governor,
        spool: arguments.spool,
        opener: arguments.opener,
        host_port: host_port(&arguments.host),
        host: arguments.host,
        avoid: arguments.avoid,
    };
    let (mut conversation, mut slot) = match arguments.purpose {
        Purpose::Probe(probe) => match attempt.probe(probe).await? {
            Some(opened) => opened,
            None => return Ok(()),
        },
        Purpose::Message => {
            let Some(first) = arguments.first else {
                return Ok(());
            };
            match attempt.open(BANNER_TIMEOUT).await {
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
        if ending.is_some() || stopping.is_requested() {
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
    async fn open(&self, banner_timeout: Duration) -> Result<Conversation, OpenFailure> {
        let Opened {
            conversation,
            tls_failure,
        } = self
            .opener
            .open(&self.host, self.avoid, banner_timeout)
            .await?;
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
        let opened = self.open(PROBE_BANNER_TIMEOUT).await;
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

    /// Sends one message and puts on record what became of it.
    async fn deliver(
        &self,
        conversation: &mut Conversation,
        work: Work,
    ) -> Result<(Finished, Option<Ending>), ServiceError> {
        let transaction = transaction(&work.entry, &work.recipients, conversation);
        let body = self.spool.body(&work.entry);
        let sent = conversation.send(transaction, body).await;
        let verdict = classify::attempt(&sent.outcome, sent.ending.as_ref());
        let report = Finished::new(&work.entry, &verdict, &sent);
        let ending = sent.ending.clone();
        let delivery = work.delivery.clone();
        let sequence = work.entry.sequence;
        let end = self.record(work, verdict, sent).await?;
        delivery
            .send_message(DeliveryMessage::LeaseEnded { sequence, end })
            .map_err(|_| Orphaned)?;
        Ok((report, ending))
    }

    async fn record(
        &self,
        work: Work,
        verdict: AttemptVerdict,
        mut sent: Sent<SpoolError>,
    ) -> Result<LeaseEnd, ServiceError> {
        let done = self.delivered(&sent, &work.recipients);
        let delivered = u32::try_from(done.len()).unwrap_or(u32::MAX);
        let all_done = done.len() == work.recipients.len();
        let settled = if done.is_empty() {
            Settled::Open(Box::new(work.entry))
        } else {
            self.settle(work.entry, done).await?
        };
        let entry = match settled {
            Settled::Open(entry) if !all_done => *entry,
            settled => return Ok(recorded(settled, delivered, false)),
        };
        match sent.body_error.take() {
            Some(error @ SpoolError::CorruptBody { .. }) => {
                let kind = AsideKind::Corrupt;
                let settled = self.spool.set_aside(entry, kind, error.to_string()).await?;
                return Ok(recorded(settled, delivered, false));
            }
            Some(error) => return Err(error.into()),
            None => {}
        }
        let recipients = self.verdicts(&entry, &work.recipients, verdict, &sent);
        let (answer, outcomes) = oneshot::channel();
        let question = Question {
            sequence: entry.sequence,
            recipients,
            delivered,
            proving: work.proving,
            answer,
        };
        work.delivery
            .send_message(DeliveryMessage::Judge(Box::new(question)))
            .map_err(|_| Orphaned)?;
        let outcomes = outcomes.await.map_err(|_| Orphaned)?;
        if !outcomes.is_empty() {
            let settled = self.settle(entry, outcomes).await?;
            return Ok(recorded(settled, delivered, true));
        }
        Ok(match delivered {
            0 => LeaseEnd::PutBack {
                entry: Box::new(entry),
            },
            _ => recorded(Settled::Open(Box::new(entry)), delivered, true),
        })
    }

    /// The recipients whose mail is the destination's now.
    fn delivered(
        &self,
        sent: &Sent<SpoolError>,
        recipients: &[usize],
    ) -> Vec<(usize, RecipientOutcome)> {
        let results = sent.outcome.recipients.iter().zip(recipients);
        let done = results.filter_map(|(result, index)| match result {
            RecipientResult::Delivered(reply) => {
                let reply = stored(reply, &self.host_port);
                Some((*index, RecipientOutcome::Delivered { reply }))
            }
            _ => None,
        });
        done.collect()
    }

    /// What was said about the recipients that were not delivered.
    fn verdicts(
        &self,
        entry: &QueueEntry,
        recipients: &[usize],
        verdict: AttemptVerdict,
        sent: &Sent<SpoolError>,
    ) -> Vec<Verdict> {
        let results = sent.outcome.recipients.iter().zip(verdict.recipients);
        let open = recipients
            .iter()
            .zip(results)
            .filter(|(_, (_, class))| *class != Class::Delivered);
        let verdicts = open.map(|(index, (result, class))| Verdict {
            index: *index,
            attempts: entry
                .recipients
                .get(*index)
                .map_or(0, |state| state.attempts),
            class,
            reply: match result {
                RecipientResult::Delivered(reply) | RecipientResult::Refused { reply, .. } => {
                    stored(reply, &self.host_port)
                }
                RecipientResult::Unsendable(reason) => stored(&reason.reply(), &self.host_port),
                RecipientResult::Unanswered { phase } => {
                    let cause = sent.ending.as_ref().map(|ending| ending.cause.to_string());
                    let cause = cause.unwrap_or_default();
                    let what = format!("{cause} (in phase {})", phase.as_str());
                    stored_event(&what, Some(&self.host_port))
                }
            },
        });
        verdicts.collect()
    }

    async fn settle(
        &self,
        entry: QueueEntry,
        outcomes: Vec<(usize, RecipientOutcome)>,
    ) -> Result<Settled, SpoolError> {
        let settlement = Settlement {
            entry,
            outcomes,
            notices: Vec::new(),
        };
        self.spool.settle(settlement).await
    }
}

/// What the governor hears about a message.
struct Finished {
    signal: Signal,
    latency: Option<Duration>,
    size_bytes: u64,
    conveyance: Conveyance,
    reason: Option<String>,
}

impl Finished {
    fn new(entry: &QueueEntry, verdict: &AttemptVerdict, sent: &Sent<SpoolError>) -> Self {
        let answered =
            |result: &RecipientResult| !matches!(result, RecipientResult::Unanswered { .. });
        let complete = sent.outcome.recipients.iter().all(answered);
        let reason = match verdict.signal {
            Signal::Delivered | Signal::Answered | Signal::Nothing | Signal::Stale => None,
            _ => refusal(sent),
        };
        Self {
            signal: verdict.signal,
            latency: complete.then_some(sent.latency),
            size_bytes: entry.size_bytes,
            conveyance: Conveyance::Kept,
            reason,
        }
    }
}

const fn recorded(settled: Settled, delivered: u32, judged: bool) -> LeaseEnd {
    LeaseEnd::Recorded {
        settled,
        delivered,
        judged,
    }
}

/// What was said, for people.
fn refusal(sent: &Sent<SpoolError>) -> Option<String> {
    let ending = sent.ending.as_ref().map(|ending| ending.cause.to_string());
    let refused = |result: &RecipientResult| match result {
        RecipientResult::Refused { reply, .. } => Some(format!("{} {}", reply.code, reply.text())),
        _ => None,
    };
    ending.or_else(|| sent.outcome.recipients.iter().find_map(refused))
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

fn transaction(entry: &QueueEntry, recipients: &[usize], peer: &Conversation) -> Transaction {
    let recipients: Vec<_> = recipients
        .iter()
        .filter_map(|index| entry.recipients.get(*index))
        .map(|state| state.recipient.clone())
        .collect();
    let needed = is_utf8_sender(&entry.reverse_path)
        || recipients.iter().any(|one| is_utf8_recipient(&one.path));
    Transaction {
        reverse_path: entry.reverse_path.clone(),
        recipients,
        size_bytes: entry.size_bytes,
        body: entry.body,
        // Declared but not needed by an address, it is passed on only to who understands it (OUT11).
        smtputf8: needed || (entry.smtputf8 && peer.capabilities().smtputf8),
        dsn_return: entry.dsn_return,
        envelope_id: entry.envelope_id.clone(),
    }
}

fn is_utf8_sender(path: &ReversePath) -> bool {
    match path {
        ReversePath::Null => false,
        ReversePath::Mailbox(mailbox) => mailbox.needs_utf8(),
    }
}

fn is_utf8_recipient(path: &ForwardPath) -> bool {
    match path {
        ForwardPath::Postmaster => false,
        ForwardPath::Mailbox(mailbox) => mailbox.needs_utf8(),
    }
}

impl BodySource for BodyReader {
    type Error = SpoolError;

    async fn next(&mut self) -> Result<Option<Bytes>, SpoolError> {
        Self::next(self).await
    }
}
