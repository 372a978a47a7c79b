//! A future under supervision: the only place where tasks are spawned.
//!
//! The service is an actor with a task. The task's panic or error is the actor's failure, its end
//! is the actor's end, and whatever ends the actor ends the task: a stop asks it first
//! ([`Stopping`]) and waits, a kill or a crash of the parent aborts it at its next `await`.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use ractor::{Actor, ActorCell, ActorProcessingErr, ActorRef, SpawnErr};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Why a service failed.
pub type ServiceError = ActorProcessingErr;

/// The request to stop, as a service sees it.
#[derive(Debug, Clone)]
pub struct Stopping {
    signal: watch::Receiver<bool>,
    /// Keeps a signal alive that nobody else holds.
    _sender: Option<Arc<watch::Sender<bool>>>,
}

impl Stopping {
    /// A signal that is never given, for running a service's future outside a tree.
    #[must_use]
    pub fn never() -> Self {
        let (sender, signal) = watch::channel(false);
        Self {
            signal,
            _sender: Some(Arc::new(sender)),
        }
    }

    /// Whether the service has been asked to stop.
    #[must_use]
    pub fn is_requested(&self) -> bool {
        *self.signal.borrow()
    }

    /// Resolves when the service has been asked to stop. Cancel-safe.
    pub async fn requested(&mut self) {
        // An error means that the actor is gone, which is a reason to stop as well.
        let _ = self.signal.wait_for(|requested| *requested).await;
    }
}

/// The actor around a task.
#[derive(Debug)]
pub struct Service;

/// What the task tells its actor.
#[derive(Debug)]
pub struct Ended(Result<(), ServiceError>);

/// What runs: it gets the signal to stop.
pub struct Run(Box<dyn FnOnce(Stopping) -> BoxFuture<'static, Result<(), ServiceError>> + Send>);

/// The task of a running service; dropping it aborts the task.
#[derive(Debug)]
pub struct Running {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Starts a service under `supervisor` and returns its actor.
///
/// # Errors
/// When the supervisor is ending.
pub async fn spawn_service<F, Fut>(supervisor: ActorCell, run: F) -> Result<ActorCell, SpawnErr>
where
    F: FnOnce(Stopping) -> Fut + Send + 'static,
    Fut: Future<Output = Result<(), ServiceError>> + Send + 'static,
{
    let run = Run(Box::new(move |stopping| Box::pin(run(stopping))));
    let (actor, _) = Service::spawn_linked(None, Service, run, supervisor).await?;
    Ok(actor.get_cell())
}

impl Actor for Service {
    type Msg = Ended;
    type State = Running;
    type Arguments = Run;

    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place where tasks are spawned"
    )]
    async fn pre_start(
        &self,
        myself: ActorRef<Ended>,
        run: Run,
    ) -> Result<Running, ActorProcessingErr> {
        let (stop, signal) = watch::channel(false);
        let future = (run.0)(Stopping {
            signal,
            _sender: None,
        });
        let task = tokio::spawn(async move {
            let result = AssertUnwindSafe(future).catch_unwind().await;
            let ended = Ended(result.unwrap_or_else(|panic| Err(panic_text(&*panic).into())));
            // The actor may be gone already; then nobody is left to tell.
            let _ = myself.send_message(ended);
        });
        Ok(Running { stop, task })
    }

    async fn handle(
        &self,
        myself: ActorRef<Ended>,
        Ended(result): Ended,
        _: &mut Running,
    ) -> Result<(), ActorProcessingErr> {
        result?;
        myself.stop(None);
        Ok(())
    }

    async fn post_stop(
        &self,
        _: ActorRef<Ended>,
        running: &mut Running,
    ) -> Result<(), ActorProcessingErr> {
        // The parent's grace period bounds this wait; its kill aborts the task.
        running.stop.send_replace(true);
        let _ = (&mut running.task).await;
        Ok(())
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    panic
        .downcast_ref::<String>()
        .cloned()
        .or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string))
        .map_or_else(|| "panicked".to_owned(), |text| format!("panicked: {text}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_outside_a_tree_is_never_given() {
        let mut stopping = Stopping::never();
        assert!(!stopping.is_requested());
        assert!(stopping.requested().now_or_never().is_none());
    }
}
