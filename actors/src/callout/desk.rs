//! The desk: brings each question to the asker of its route, and forgets old answers every hour.
//!
//! A service of its own under the root: should it die, the questions that were under way are
//! answered by their time limit, and the next ones wait for its restart.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use storage::spool::Spool;
use tokio::sync::mpsc;

use super::answer::{NEGATIVE_TTL, POSITIVE_TTL};
use super::asker::{self, AskerContext};
use super::callouts::{Callouts, Question};
use crate::delivery::Opener;
use crate::delivery::route::RouteKey;
use crate::status::{DestinationState, StatusBoard};
use crate::supervision::{ChildSpec, ServiceError, Stopping};

/// Questions to one route that wait, at most.
const PER_ROUTE_MAX: usize = 64;
/// Routes that are asked at one time, at most.
const ROUTES_MAX: usize = 1_024;
/// How often old answers are forgotten.
const SWEEP_INTERVAL: Duration = Duration::from_secs(3_600);

/// What the desk works with.
#[derive(Debug, Clone)]
pub struct CalloutContext {
    /// For answers.
    pub spool: Spool,
    /// Says which routes are down.
    pub board: StatusBoard,
    /// For connections.
    pub opener: Opener,
    /// Whose questions it takes.
    pub callouts: Callouts,
}

/// The desk as a child of a supervisor.
#[must_use]
pub fn child_spec(context: CalloutContext) -> ChildSpec {
    ChildSpec::service("callouts", move |stopping| run(context.clone(), stopping))
}

async fn run(context: CalloutContext, mut stopping: Stopping) -> Result<(), ServiceError> {
    let mut arriving = context.callouts.arriving.lock().await;
    let mut desk = Desk {
        context: &context,
        askers: BTreeMap::new(),
        working: FuturesUnordered::new(),
    };
    let mut sweep = tokio::time::interval(SWEEP_INTERVAL);
    loop {
        tokio::select! {
            biased;
            () = stopping.requested() => return Ok(()),
            Some(route) = desk.working.next(), if !desk.working.is_empty() => {
                desk.askers.remove(&route);
            }
            question = arriving.recv() => match question {
                Some(question) => desk.take(question),
                None => return Ok(()),
            },
            _ = sweep.tick() => {
                if let Err(error) = context.spool.sweep_callout_answers(POSITIVE_TTL, NEGATIVE_TTL).await {
                    tracing::warn!(%error, "old answers of callouts could not be forgotten");
                }
            }
        }
    }
}

struct Desk<'c> {
    context: &'c CalloutContext,
    askers: BTreeMap<RouteKey, mpsc::Sender<Question>>,
    /// Each ends with its route, once it has had nothing to ask for a while.
    working: FuturesUnordered<BoxFuture<'static, RouteKey>>,
}

impl Desk<'_> {
    /// A question that finds no place is dropped, which its session takes for no answer.
    fn take(&mut self, question: Question) {
        let route = RouteKey::of(&question.domain);
        let state = self.context.board.route(&route).map(|status| status.state);
        if matches!(
            state,
            Some(DestinationState::Down | DestinationState::Policy)
        ) {
            return;
        }
        let question = match self.askers.get(&route) {
            Some(asker) => match asker.try_send(question) {
                Err(mpsc::error::TrySendError::Closed(question)) => question,
                Ok(()) | Err(mpsc::error::TrySendError::Full(_)) => return,
            },
            None if self.askers.len() >= ROUTES_MAX => return,
            None => question,
        };
        let (asker, questions) = mpsc::channel(PER_ROUTE_MAX);
        // The channel is empty.
        let _ = asker.try_send(question);
        self.askers.insert(route.clone(), asker);
        let context = AskerContext {
            spool: self.context.spool.clone(),
            opener: self.context.opener.clone(),
        };
        self.working
            .push(Box::pin(asker::run(context, route, questions)));
    }
}
