//! One message on the open connection, and its record before the next command (Q2, Q11).

use std::time::Duration;

use bytes::Bytes;
use storage::model::{AsideKind, BodyKind, ForwardPath, QueueEntry, ReversePath};
use storage::spool::{BodyReader, RecipientOutcome, Settled, SpoolError};
use tokio::sync::oneshot;

use super::super::classify::{self, AttemptVerdict, Class, Signal};
use super::super::conversation::{BodySource, Conversation, Sent};
use super::super::delivery_actor::DeliveryMessage;
use super::super::dsn::Reporter;
use super::super::governor::Conveyance;
use super::super::host_governor::GovernorMessage;
use super::super::stored_reply::{stored, stored_event};
use super::super::turn::{LeaseEnd, Question, Verdict, Work};
use super::{Attempt, Orphaned};
use crate::metrics;
use crate::own_mail;
use crate::smtp::client::{Ending, Origin, RecipientResult, Transaction};
use crate::supervision::ServiceError;

impl Attempt {
    /// Sends one message and puts on record what became of it.
    pub(super) async fn deliver(
        &self,
        conversation: &mut Conversation,
        mut work: Work,
    ) -> Result<(Finished, Option<Ending>), ServiceError> {
        if let Some(max) = conversation.capabilities().recipients_max {
            // The others go next, as after 452 4.5.3 (RFC 9422).
            let max = usize::try_from(max).unwrap_or(usize::MAX);
            work.recipients.truncate(max.max(1));
        }
        let mut transaction = transaction(&work.entry, &work.recipients, conversation);
        if self.host.xforward {
            transaction.origin = Some(origin(&work.entry, &self.opener.manners.hostname));
        }
        let body = self.spool.body(&work.entry);
        let is_eight_bit = transaction.body == BodyKind::EightBitMime;
        let peer = Peer {
            reporter: work.reporter.clone(),
            reports: conversation.capabilities().dsn,
        };
        if is_eight_bit && !conversation.capabilities().eight_bit_mime {
            metrics::eight_bit_as_is();
        }
        let sent = conversation.send(transaction, body).await;
        self.note_chunking(&sent);
        let verdict = classify::attempt(&sent.outcome, sent.ending.as_ref());
        let mut report = Finished::new(&work.entry, &verdict, &sent);
        let broke = verdict
            .recipients
            .iter()
            .all(|class| *class == Class::Connection);
        if let Some(latency) = report.latency {
            metrics::destination_replied(latency);
        }
        let ending = sent.ending.clone();
        let delivery = work.delivery.clone();
        let sequence = work.entry.sequence;
        let mut end = self.record(work, &peer, verdict, sent).await?;
        if let LeaseEnd::Recorded { broke: noted, .. } = &mut end
            && broke
        {
            // Poison: it is the message that breaks connections, not the host.
            report.signal = Signal::Nothing;
            *noted = true;
        }
        delivery
            .send_message(DeliveryMessage::LeaseEnded { sequence, end })
            .map_err(|_| Orphaned)?;
        Ok((report, ending))
    }

    async fn record(
        &self,
        work: Work,
        peer: &Peer,
        verdict: AttemptVerdict,
        mut sent: Sent<SpoolError>,
    ) -> Result<LeaseEnd, ServiceError> {
        let done = self.delivered(&sent, &work.recipients);
        let delivered = u32::try_from(done.len()).unwrap_or(u32::MAX);
        metrics::recipients("delivered", u64::from(delivered));
        let all_done = done.len() == work.recipients.len();
        let settled = if done.is_empty() {
            Settled::Open(Box::new(work.entry))
        } else {
            self.settle(peer, work.entry, done).await?
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
            let settled = self.settle(peer, entry, outcomes).await?;
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
        peer: &Peer,
        entry: QueueEntry,
        outcomes: Vec<(usize, RecipientOutcome)>,
    ) -> Result<Settled, SpoolError> {
        let reporter = &peer.reporter;
        let settlement = reporter.settlement(entry, outcomes, peer.reports).await;
        self.spool.settle(settlement).await
    }

    /// Tells the governor that BDAT does not work with this host (OUT7).
    fn note_chunking(&self, sent: &Sent<SpoolError>) {
        if let Some(fault) = sent.outcome.chunking_fault {
            let endpoint = self.endpoint;
            // Whoever is gone does not need to know.
            let _ = self
                .governor
                .send_message(GovernorMessage::ChunkingFailed { endpoint, fault });
        }
    }
}

/// What the record has to know of the other side.
struct Peer {
    reporter: Reporter,
    /// It reports successes itself: it has DSN.
    reports: bool,
}

/// What the governor hears about a message.
pub(super) struct Finished {
    pub(super) signal: Signal,
    pub(super) latency: Option<Duration>,
    pub(super) size_bytes: u64,
    pub(super) conveyance: Conveyance,
    pub(super) reason: Option<String>,
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
        broke: false,
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
        origin: None,
    }
}

/// Who handed the message in, for a route that is told so (OUT22).
fn origin(entry: &QueueEntry, hostname: &str) -> Origin {
    let client = &entry.client;
    Origin {
        name: client.reverse_name.clone(),
        address: client.ip,
        helo: client.helo.clone(),
        is_extended: client.tls_version.is_some(),
        identifier: entry.message.to_string(),
        is_local: own_mail::is_ours(client, hostname),
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
