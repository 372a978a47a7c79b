//! Asks one route, on one connection that stays open while there are questions.

use std::time::Duration;

use storage::model::{CalloutAnswer, ForwardPath};
use storage::spool::Spool;
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use super::answer::judge;
use super::callouts::Question;
use crate::delivery::Opener;
use crate::delivery::conversation::{Avoid, Conversation};
use crate::delivery::route::RouteKey;

/// Between two questions to one route: at most five a second.
const PACE: Duration = Duration::from_millis(200);
/// How long the connection, and the asker, stay without a question.
const IDLE: Duration = Duration::from_secs(20);
/// The greeting is awaited for this long.
const GREETING_TIMEOUT: Duration = Duration::from_secs(5);
/// After a failed connection nobody asks for this long, doubling up to the longest.
const PAUSE_FIRST: Duration = Duration::from_secs(5);
/// Longest such pause.
const PAUSE_MAX: Duration = Duration::from_secs(60);

/// What an asker works with.
#[derive(Debug)]
pub(super) struct AskerContext {
    pub(super) spool: Spool,
    pub(super) opener: Opener,
}

/// Answers questions until none has come for a while.
pub(super) async fn run(
    context: AskerContext,
    route: RouteKey,
    mut questions: mpsc::Receiver<Question>,
) -> RouteKey {
    let mut asker = Asker {
        context,
        route,
        conversation: None,
        not_before: Duration::ZERO,
        pause: PAUSE_FIRST,
    };
    while let Ok(Some(question)) = timeout(IDLE, questions.recv()).await {
        asker.answer(question).await;
    }
    if let Some(conversation) = asker.conversation.take() {
        conversation.quit().await;
    }
    asker.route
}

struct Asker {
    context: AskerContext,
    route: RouteKey,
    conversation: Option<Conversation>,
    /// When a connection may be tried again, by the monotonic clock.
    not_before: Duration,
    pause: Duration,
}

impl Asker {
    async fn answer(&mut self, question: Question) {
        let exists = self.ask(&question).await;
        if let Some(exists) = exists {
            let at = self.context.spool.clock().now();
            let answer = CalloutAnswer { exists, at };
            let key = question.mailbox.key();
            let saved = self
                .context
                .spool
                .save_callout_answer(question.domain.id, &key, answer);
            if let Err(error) = saved.await {
                tracing::warn!(%error, "the answer of a callout is not remembered");
            }
        }
        // Nobody listens when an answer was only refreshed.
        let _ = question.answer.send(exists);
        sleep(PACE).await;
    }

    /// One question; on a connection that has died meanwhile once more on a fresh one.
    async fn ask(&mut self, question: &Question) -> Option<bool> {
        for _ in 0..2 {
            let was_open = self.conversation.is_some();
            let mut conversation = match self.conversation.take() {
                Some(open) => open,
                None => self.open().await?,
            };
            let path = ForwardPath::Mailbox(question.mailbox.clone());
            match conversation.enquire(&path).await {
                Ok(reply) => {
                    self.conversation = Some(conversation);
                    return reply.as_ref().and_then(judge);
                }
                Err(ending) if was_open => {
                    tracing::debug!(cause = %ending.cause, "the connection for callouts has ended");
                }
                Err(ending) => {
                    tracing::info!(route = %self.route, cause = %ending.cause, "no answer to a callout");
                    return None;
                }
            }
        }
        None
    }

    /// A connection to the first host that gives one.
    async fn open(&mut self) -> Option<Conversation> {
        if self.now() < self.not_before {
            return None;
        }
        for host in self.route.endpoints() {
            let opener = &self.context.opener;
            match opener.open(host, Avoid::default(), GREETING_TIMEOUT).await {
                Ok(opened) => {
                    self.pause = PAUSE_FIRST;
                    return Some(opened.conversation);
                }
                Err(error) => tracing::info!(%error, "no connection for a callout"),
            }
        }
        self.not_before = self.now() + self.pause;
        self.pause = (self.pause * 2).min(PAUSE_MAX);
        None
    }

    fn now(&self) -> Duration {
        self.context.spool.clock().monotonic()
    }
}
