//! What a session asks, and what it is told: from the memory, from the destination, or from what
//! may be taken unseen.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use storage::model::{Domain, Mailbox};
use storage::spool::Spool;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::answer::{Remembered, remembered};
use super::quota::Quota;
use crate::metrics;

/// Questions that wait to be asked, at most. One more is answered as if the destination were down.
const WAITING_MAX: usize = 256;
/// How long a session waits for an answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// Settings of callouts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CalloutOptions {
    /// Recipients of which nothing is known that are taken per domain and hour while nobody can be
    /// asked.
    pub unknown_per_hour: u32,
}

impl Default for CalloutOptions {
    fn default() -> Self {
        Self {
            unknown_per_hour: 100,
        }
    }
}

/// What is to be done about a recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verified {
    /// Take it.
    Exists,
    /// Refuse it.
    Unknown,
    /// Nobody knows, and enough was taken unseen.
    Unanswered,
}

/// One recipient to ask for.
#[derive(Debug)]
pub(super) struct Question {
    pub(super) domain: Arc<Domain>,
    pub(super) mailbox: Mailbox,
    /// The destination's word; none when there was none. Nobody listens when an old answer is only
    /// to be refreshed.
    pub(super) answer: oneshot::Sender<Option<bool>>,
}

/// The way to ask. A cheap clone.
#[derive(Debug, Clone)]
pub struct Callouts {
    spool: Spool,
    questions: mpsc::Sender<Question>,
    /// The other end, for the desk: it stays here when the desk is started again.
    pub(super) arriving: Arc<tokio::sync::Mutex<mpsc::Receiver<Question>>>,
    quota: Arc<Mutex<Quota>>,
}

impl Callouts {
    /// The way to ask. Questions are answered while a desk ([`super::child_spec`]) is at work.
    #[must_use]
    pub fn new(spool: Spool) -> Self {
        let (questions, arriving) = mpsc::channel(WAITING_MAX);
        Self {
            spool,
            questions,
            arriving: Arc::new(tokio::sync::Mutex::new(arriving)),
            quota: Arc::default(),
        }
    }

    /// Whether a recipient of a domain is to be taken. Waits for the destination for 10 s at most.
    pub async fn verify(
        &self,
        domain: &Arc<Domain>,
        mailbox: &Mailbox,
        options: CalloutOptions,
    ) -> Verified {
        let key = mailbox.key();
        let kept = self.spool.callout_answer(domain.id, &key).await;
        // A memory that fails is no memory; the store reports itself.
        let known = remembered(kept.unwrap_or_default(), self.spool.clock().now());
        let (verified, outcome) = match known {
            Remembered::Yes => (Verified::Exists, "remembered"),
            Remembered::No => (Verified::Unknown, "remembered"),
            Remembered::YesButOld => {
                // Too many questions only mean that this one is asked another time.
                let _ = self.ask(domain, mailbox);
                (Verified::Exists, "remembered")
            }
            Remembered::Nothing => match self.answer(domain, mailbox).await {
                Some(true) => (Verified::Exists, "exists"),
                Some(false) => (Verified::Unknown, "unknown"),
                None if self.may_take_unseen(domain, options) => (Verified::Exists, "unseen"),
                None => (Verified::Unanswered, "unanswered"),
            },
        };
        metrics::callout(outcome);
        verified
    }

    fn ask(
        &self,
        domain: &Arc<Domain>,
        mailbox: &Mailbox,
    ) -> Option<oneshot::Receiver<Option<bool>>> {
        let (answer, answered) = oneshot::channel();
        let question = Question {
            domain: Arc::clone(domain),
            mailbox: mailbox.clone(),
            answer,
        };
        self.questions.try_send(question).ok()?;
        Some(answered)
    }

    async fn answer(&self, domain: &Arc<Domain>, mailbox: &Mailbox) -> Option<bool> {
        let answered = self.ask(domain, mailbox)?;
        timeout(ANSWER_TIMEOUT, answered).await.ok()?.ok().flatten()
    }

    fn may_take_unseen(&self, domain: &Domain, options: CalloutOptions) -> bool {
        let now = self.spool.clock().monotonic();
        let mut quota = self.quota.lock().unwrap_or_else(PoisonError::into_inner);
        quota.take(domain.id, options.unknown_per_hour, now)
    }
}
