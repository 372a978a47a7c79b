//! What a supervisor needs to know to start, stop and restart a child.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use ractor::{ActorCell, SpawnErr};

use super::backoff::Backoff;
use super::exit::Exit;
use super::service::{ServiceError, Stopping, spawn_service};

/// How long a child may take to stop when its specification says nothing else.
const SHUTDOWN_DEFAULT: Duration = Duration::from_secs(5);
/// First pause before a restart, so that "supervised restart within a second" holds (Q23).
const RESTART_FIRST: Duration = Duration::from_millis(100);
/// Longest pause before a restart.
const RESTART_MAX: Duration = Duration::from_secs(10);

type Start = dyn Fn(ActorCell) -> BoxFuture<'static, Result<ActorCell, SpawnErr>> + Send + Sync;

/// What the end of a child means.
#[derive(Debug, Clone, Copy)]
pub enum Restart {
    /// Every end is a death and leads to a restart.
    Permanent,
    /// A failure is a death and leads to a restart; a normal end is the end.
    Transient,
    /// It is never restarted and its end is no death.
    Temporary,
    /// Its failure stops the supervisor, and this is why; a normal end is the end.
    Fatal(fn(String) -> Exit),
}

/// One child: name, how to start it, what its end means, how long it may take to stop.
#[derive(Clone)]
pub struct ChildSpec {
    /// Name for logs.
    pub name: Arc<str>,
    /// What its end means.
    pub restart: Restart,
    /// Pauses between restarts.
    pub backoff: Backoff,
    /// How long it may take to stop before it is killed.
    pub shutdown: Duration,
    start: Arc<Start>,
}

impl ChildSpec {
    /// An actor. `start` gets the supervisor's cell and must link to it (`Actor::spawn_linked`).
    pub fn actor<F, Fut>(name: &str, start: F) -> Self
    where
        F: Fn(ActorCell) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<ActorCell, SpawnErr>> + Send + 'static,
    {
        Self {
            name: name.into(),
            restart: Restart::Permanent,
            backoff: Backoff::new(RESTART_FIRST, RESTART_MAX),
            shutdown: SHUTDOWN_DEFAULT,
            start: Arc::new(move |supervisor| Box::pin(start(supervisor))),
        }
    }

    /// A future under supervision: `run` is called at every start and gets the signal to stop.
    pub fn service<F, Fut>(name: &str, run: F) -> Self
    where
        F: Fn(Stopping) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), ServiceError>> + Send + 'static,
    {
        let run = Arc::new(run);
        Self::actor(name, move |supervisor| {
            let run = Arc::clone(&run);
            async move { spawn_service(supervisor, move |stopping| run(stopping)).await }
        })
    }

    /// The same child with another meaning of its end.
    #[must_use]
    pub fn with_restart(mut self, restart: Restart) -> Self {
        self.restart = restart;
        self
    }

    /// The same child with another time to stop in.
    #[must_use]
    pub const fn with_shutdown(mut self, shutdown: Duration) -> Self {
        self.shutdown = shutdown;
        self
    }

    /// The same child with other pauses between restarts.
    #[must_use]
    pub const fn with_backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = backoff;
        self
    }

    /// Starts it under `supervisor`.
    ///
    /// # Errors
    /// What the child's `pre_start` says.
    pub async fn start(&self, supervisor: ActorCell) -> Result<ActorCell, SpawnErr> {
        (self.start)(supervisor).await
    }
}

impl fmt::Debug for ChildSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChildSpec")
            .field("name", &self.name)
            .field("restart", &self.restart)
            .field("shutdown", &self.shutdown)
            .finish_non_exhaustive()
    }
}
