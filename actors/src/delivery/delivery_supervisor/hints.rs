//! Hints of the store on their way to the supervisor.

use ractor::{ActorProcessingErr, ActorRef};
use storage::spool::Hint;
use tokio::sync::broadcast::error::RecvError;

use super::{ChildKey, SupervisorMessage, SupervisorState};
use crate::supervision::{ServiceError, Stopping, spawn_service};

impl SupervisorState {
    pub(super) async fn start_hints(
        &mut self,
        myself: &ActorRef<SupervisorMessage>,
    ) -> Result<(), ActorProcessingErr> {
        let feed = self.context.spool.feed();
        let supervisor = myself.clone();
        let run = move |stopping| forward_hints(feed, supervisor, stopping);
        let cell = spawn_service(myself.get_cell(), run).await?;
        self.children.insert(cell.get_id(), ChildKey::Hints);
        self.hints = Some(cell);
        Ok(())
    }
}

/// Passes hints on, one at a time: the supervisor's answer is the bound.
async fn forward_hints(
    mut feed: tokio::sync::broadcast::Receiver<Hint>,
    supervisor: ActorRef<SupervisorMessage>,
    mut stopping: Stopping,
) -> Result<(), ServiceError> {
    loop {
        let hint = tokio::select! {
            biased;
            () = stopping.requested() => return Ok(()),
            hint = feed.recv() => hint,
        };
        let answered = match hint {
            Ok(hint) => {
                supervisor
                    .call(|done| SupervisorMessage::Hint(hint, done), None)
                    .await
            }
            Err(RecvError::Lagged(_)) => supervisor.call(SupervisorMessage::HintsLost, None).await,
            Err(RecvError::Closed) => return Ok(()),
        };
        answered?;
    }
}
