//! What is written down about a message that was not simply delivered.

use ractor::ActorProcessingErr;
use storage::model::{QueueEntry, Sequence, StoredReply, Timestamp};
use storage::spool::{RecipientOutcome, Settled, Settlement};

use super::super::breaker::{Belief, BounceBreaker, BouncePast, BreakerChange, is_permanent};
use super::super::classify::{Class, ReplyKey, Treatment};
use super::super::expiry;
use super::super::retry::RetryTable;
use super::super::stored_reply::stored_event;
use super::super::turn::{Question, Verdict};
use super::DeliveryState;
use crate::metrics;

/// Crashes of the attempts that had a message, after which it is set aside (Q23).
const CRASHES_MAX: u32 = 3;
/// Messages whose crashes are remembered.
const CRASHED_MAX: usize = 1024;
/// A delivery within this time proves that others pass.
const OTHERS_PASS: std::time::Duration = std::time::Duration::from_secs(60);

impl DeliveryState {
    /// Answers an attempt: one outcome for each recipient that is not simply left as it is.
    pub(super) fn answer(&mut self, question: Question) {
        let now = self.now();
        let failures: Vec<ReplyKey> = question
            .recipients
            .iter()
            .filter(|verdict| is_permanent(verdict.class))
            .map(|verdict| key(&verdict.reply))
            .collect();
        let delivered = question.delivered > 0;
        let change = self.breaker.on_message(&failures, delivered, now);
        self.tell_of(change);
        let belief = self.breaker.belief(question.proving);
        let mut outcomes = Vec::with_capacity(question.recipients.len());
        for verdict in question.recipients {
            let index = verdict.index;
            if let Some(outcome) = self.outcome(question.sequence, verdict, belief, now) {
                outcomes.push((index, outcome));
            }
        }
        // An attempt that is gone leaves its lease to the governor's report.
        let _ = question.answer.send(outcomes);
    }

    fn outcome(
        &mut self,
        sequence: Sequence,
        verdict: Verdict,
        belief: Belief,
        now: Timestamp,
    ) -> Option<RecipientOutcome> {
        let table = match verdict.class.treatment() {
            Treatment::Done | Treatment::Again => return None,
            Treatment::Untouched if verdict.class == Class::Connection => {
                let others_pass = self.others_pass();
                if !self.window.is_poison(sequence, others_pass) {
                    return None;
                }
                RetryTable::Ordinary
            }
            Treatment::Untouched => return None,
            Treatment::Retry(table) => table,
            Treatment::Permanent if belief == Belief::Believed => {
                // Who may be told of it is told; that is the reporter's business.
                let reply = verdict.reply;
                return Some(RecipientOutcome::Parked { reply });
            }
            Treatment::Permanent => RetryTable::Ordinary,
        };
        let uncertain = table == RetryTable::Uncertain;
        metrics::recipients(if uncertain { "uncertain" } else { "deferred" }, 1);
        let delay = table.delay(verdict.attempts, &mut self.rng);
        Some(RecipientOutcome::Deferred {
            due_at: now.saturating_add(delay),
            reply: verdict.reply,
            charged: true,
        })
    }

    fn others_pass(&self) -> bool {
        let now = self.clock().monotonic();
        self.last_delivered_at
            .is_some_and(|at| now.saturating_sub(at) < OTHERS_PASS)
    }

    /// A message was delivered to all its recipients.
    pub(super) fn note_delivery(&mut self) {
        let now = self.now();
        let change = self.breaker.on_message(&[], true, now);
        self.tell_of(change);
    }

    /// The breaker knows what was usual for this destination. What cannot be read is not missed.
    pub(super) async fn load_past(&mut self) -> Result<(), ActorProcessingErr> {
        let kept = self.context.spool.load_learned(&self.past_key()).await?;
        let past: Option<BouncePast> = kept.and_then(|bytes| postcard::from_bytes(&bytes).ok());
        self.past = past.unwrap_or_default();
        self.breaker = BounceBreaker::new(self.past.clone());
        Ok(())
    }

    /// Keeps the breaker's past when it has changed.
    pub(super) async fn save_past(&mut self) -> Result<(), ActorProcessingErr> {
        self.past_saved_at = self.clock().monotonic();
        let past = self.breaker.past();
        if past != self.past {
            let bytes = postcard::to_allocvec(&past)?.into();
            self.context
                .spool
                .save_learned(&self.past_key(), bytes)
                .await?;
            self.past = past;
        }
        Ok(())
    }

    fn past_key(&self) -> String {
        format!("bounces/{}", self.domain.id.0)
    }

    fn tell_of(&mut self, change: Option<BreakerChange>) {
        let domain = &self.domain.name;
        match change {
            Some(BreakerChange::Opened(key)) => {
                self.published_at = None;
                tracing::error!(domain.name = %domain, reply.code = key.code, "recovery guard: permanent failures unlike this destination's past are not believed; mail is held");
            }
            Some(BreakerChange::Closed) => {
                self.published_at = None;
                tracing::info!(domain.name = %domain, "recovery guard: the destination takes mail again");
            }
            None => {}
        }
    }

    /// A message goes back to its place, uncharged.
    pub(super) fn put_back(&mut self, entry: QueueEntry) {
        let now = self.now();
        if expiry::is_expired(&self.domain, &entry, now) {
            self.next_expiry_at = Some(now);
        }
        self.window.put_back(entry, now);
    }

    /// Recipients of a message are open after its record was written.
    pub(super) fn still_open(&mut self, entry: QueueEntry) {
        let due_at = entry.due_at();
        if due_at <= self.now() {
            return self.put_back(entry);
        }
        self.next_due_at = Some(self.next_due_at.map_or(due_at, |next| next.min(due_at)));
    }

    /// The attempt that had a message crashed: a deferral with a reason, and set aside when it
    /// happens again and again.
    pub(super) async fn crashed(
        &mut self,
        sequence: Sequence,
        why: &str,
    ) -> Result<(), ActorProcessingErr> {
        let spool = self.context.spool.clone();
        let Some(entry) = spool.entry(self.domain.id, sequence).await? else {
            return Ok(());
        };
        if self.crashes.len() >= CRASHED_MAX {
            self.crashes.pop_first();
        }
        let crashes = self.crashes.entry(sequence).or_insert(0);
        *crashes += 1;
        let is_poison = *crashes >= CRASHES_MAX;
        tracing::error!(
            domain.name = %self.domain.name, queue.id = %entry.message, error = why,
            crashes = *crashes, "sending a message crashed"
        );
        let now = self.now();
        let reply = stored_event(&format!("sending crashed: {why}"), None);
        let open = entry.open_recipients().count() as u64;
        metrics::recipients(if is_poison { "parked" } else { "deferred" }, open);
        let mut outcomes = Vec::new();
        for (index, state) in entry.open_recipients() {
            let delay = RetryTable::Ordinary.delay(state.attempts, &mut self.rng);
            let reply = reply.clone();
            let outcome = if is_poison {
                RecipientOutcome::Parked { reply }
            } else {
                RecipientOutcome::Deferred {
                    due_at: now.saturating_add(delay),
                    reply,
                    charged: true,
                }
            };
            outcomes.push((index, outcome));
        }
        self.window.remove(sequence);
        let settlement = Settlement {
            entry,
            outcomes,
            notices: Vec::new(),
        };
        if let Settled::Open(entry) = spool.settle(settlement).await? {
            self.still_open(*entry);
        }
        Ok(())
    }
}

fn key(reply: &StoredReply) -> ReplyKey {
    ReplyKey {
        code: reply.code,
        enhanced: reply
            .enhanced
            .map(|status| (status.class, status.subject, status.detail)),
    }
}
