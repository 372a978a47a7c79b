//! The user of the demo: signs in to the portal while the customer's server is down, reads what
//! came in meanwhile, answers it, and looks afterwards whether the answer has arrived.
//!
//! She has what everybody has: an address, a password and the portal's pages, over HTTPS and
//! without scripts. `browser` fetches pages, `page` understands them, `visit` is what she does,
//! `story` is what came of it.

mod browser;
mod page;
mod story;
mod visit;

use std::time::Duration;

use storage::model::Timestamp;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

pub(super) use browser::Browser;
pub(super) use story::Arrivals;
pub use story::Story;
use visit::{Step, Visit, VisitError};

/// How long a visit may take in all.
const VISIT_TIMEOUT: Duration = Duration::from_secs(60);
/// Steps that have not been told yet; a visit has fewer.
const STEPS_MAX: usize = 16;

/// The user and what she is doing.
#[derive(Debug)]
pub(super) struct User {
    /// At home until the outage begins.
    visit: Option<Visit>,
    at_work: JoinSet<Result<Visit, VisitError>>,
    steps: mpsc::Receiver<Step>,
    tell: mpsc::Sender<Step>,
    story: Story,
}

impl User {
    /// A user with a browser, who writes to `colleague` too.
    pub(super) fn new(browser: Browser, address: &str, password: &str, colleague: &str) -> Self {
        let (tell, steps) = mpsc::channel(STEPS_MAX);
        Self {
            visit: Some(Visit::new(browser, address, password, colleague)),
            at_work: JoinSet::new(),
            steps,
            tell,
            story: Story::new(address, colleague),
        }
    }

    /// The server has gone: she goes to the portal, once.
    pub(super) fn signs_in(&mut self, outage_since: Timestamp) {
        if self.story.has_begun() {
            return;
        }
        self.story.begins();
        self.sets_out(move |visit, tell| Box::pin(visit.in_the_outage(outage_since, tell)));
    }

    /// The backlog is gone: she looks what became of her answer, once.
    pub(super) fn looks_again(&mut self) {
        if self.story.is_waiting() {
            self.sets_out(|visit, tell| Box::pin(visit.afterwards(tell)));
        }
    }

    fn sets_out(
        &mut self,
        way: impl FnOnce(
            Visit,
            mpsc::Sender<Step>,
        ) -> futures_util::future::BoxFuture<'static, Result<Visit, VisitError>>,
    ) {
        if let Some(visit) = self.visit.take() {
            let way = way(visit, self.tell.clone());
            self.at_work.spawn(async move {
                let ended = tokio::time::timeout(VISIT_TIMEOUT, way).await;
                ended.unwrap_or(Err(VisitError::TooLong))
            });
        }
    }

    /// Whether she is in the middle of something.
    pub(super) fn is_busy(&self) -> bool {
        !self.at_work.is_empty()
    }

    /// What is worth a line since the last time.
    pub(super) fn news(&mut self, arrivals: &Arrivals) -> Vec<String> {
        while let Some(ended) = self.at_work.try_join_next() {
            match ended {
                Ok(Ok(visit)) => self.visit = Some(visit),
                Ok(Err(error)) => self.story.fails(&error.to_string()),
                Err(ended) => self.story.fails(&ended.to_string()),
            }
        }
        while let Ok(step) = self.steps.try_recv() {
            self.story.goes_on(step, arrivals.now);
        }
        self.story.sees(arrivals);
        self.story.news()
    }

    /// What came of it.
    pub(super) fn story(&self) -> &Story {
        &self.story
    }
}
