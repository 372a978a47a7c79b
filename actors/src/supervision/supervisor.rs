//! A one-for-one supervisor with a fixed list of children.
//!
//! Children start in order and stop in reverse order. A death leads to a restart after a pause; too
//! many deaths lead to an orderly stop of the whole group, never to a kill.

use std::sync::Arc;
use std::time::Duration;

use ractor::{
    Actor, ActorCell, ActorId, ActorProcessingErr, ActorRef, RactorErr, SupervisionEvent,
};
use storage::model::Clock;
use tokio::sync::watch;

use super::backoff::Backoff;
use super::child_spec::{ChildSpec, Restart};
use super::exit::Exit;
use super::intensity::Intensity;

/// The actor.
#[derive(Debug)]
pub struct Supervisor;

/// What a supervisor starts with.
#[derive(Debug)]
pub struct SupervisorArguments {
    /// Name for logs.
    pub name: Arc<str>,
    /// In the order of their start.
    pub children: Vec<ChildSpec>,
    /// How many deaths of direct children are too many.
    pub intensity: Intensity,
    /// For the intensity.
    pub clock: Arc<dyn Clock>,
    /// Set once, when the supervisor ends by its own decision.
    pub exit: Option<watch::Sender<Option<Exit>>>,
}

/// Messages to itself.
#[derive(Debug)]
pub enum SupervisorMessage {
    /// The pause before a restart is over.
    Restart(usize),
}

/// A supervisor's children.
#[derive(Debug)]
pub struct SupervisorState {
    name: Arc<str>,
    children: Vec<Child>,
    intensity: Intensity,
    clock: Arc<dyn Clock>,
    exit: Option<watch::Sender<Option<Exit>>>,
    stopping: bool,
}

#[derive(Debug)]
struct Child {
    spec: ChildSpec,
    backoff: Backoff,
    cell: Option<ActorCell>,
    started_at: Duration,
}

impl Supervisor {
    /// A supervisor as a child of another one.
    pub fn child_spec(
        name: &str,
        children: Vec<ChildSpec>,
        intensity: Intensity,
        clock: Arc<dyn Clock>,
    ) -> ChildSpec {
        let shutdown = children.iter().map(|child| child.shutdown).sum();
        let label: Arc<str> = name.into();
        ChildSpec::actor(name, move |supervisor| {
            let arguments = SupervisorArguments {
                name: Arc::clone(&label),
                children: children.clone(),
                intensity: intensity.clone(),
                clock: Arc::clone(&clock),
                exit: None,
            };
            async move {
                let (actor, _) = Self::spawn_linked(None, Self, arguments, supervisor).await?;
                Ok(actor.get_cell())
            }
        })
        .with_shutdown(shutdown)
    }
}

impl Actor for Supervisor {
    type Msg = SupervisorMessage;
    type State = SupervisorState;
    type Arguments = SupervisorArguments;

    async fn pre_start(
        &self,
        myself: ActorRef<SupervisorMessage>,
        arguments: SupervisorArguments,
    ) -> Result<SupervisorState, ActorProcessingErr> {
        let mut state = SupervisorState {
            name: arguments.name,
            children: Vec::with_capacity(arguments.children.len()),
            intensity: arguments.intensity,
            clock: arguments.clock,
            exit: arguments.exit,
            stopping: false,
        };
        for spec in arguments.children {
            match spec.start(myself.get_cell()).await {
                Ok(cell) => state.children.push(Child {
                    backoff: spec.backoff.clone(),
                    cell: Some(cell),
                    started_at: state.clock.monotonic(),
                    spec,
                }),
                Err(error) => {
                    let why = format!("{} did not start: {error}", spec.name);
                    state.stop_children().await;
                    return Err(why.into());
                }
            }
        }
        Ok(state)
    }

    async fn handle(
        &self,
        myself: ActorRef<SupervisorMessage>,
        SupervisorMessage::Restart(index): SupervisorMessage,
        state: &mut SupervisorState,
    ) -> Result<(), ActorProcessingErr> {
        state.restart(&myself, index).await;
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        myself: ActorRef<SupervisorMessage>,
        event: SupervisionEvent,
        state: &mut SupervisorState,
    ) -> Result<(), ActorProcessingErr> {
        match event {
            SupervisionEvent::ActorTerminated(cell, _, reason) => {
                state.child_ended(&myself, cell.get_id(), reason);
            }
            SupervisionEvent::ActorFailed(cell, error) => {
                state.child_ended(&myself, cell.get_id(), Some(error.to_string()));
            }
            _ => {}
        }
        Ok(())
    }

    async fn post_stop(
        &self,
        _: ActorRef<SupervisorMessage>,
        state: &mut SupervisorState,
    ) -> Result<(), ActorProcessingErr> {
        state.stopping = true;
        state.stop_children().await;
        if let Some(exit) = &state.exit {
            settle_exit(exit, Exit::Requested);
        }
        Ok(())
    }
}

impl SupervisorState {
    /// A child has ended: `failure` is none when it ended normally.
    fn child_ended(
        &mut self,
        myself: &ActorRef<SupervisorMessage>,
        id: ActorId,
        failure: Option<String>,
    ) {
        let found = self
            .children
            .iter_mut()
            .enumerate()
            .find(|(_, child)| child.cell.as_ref().is_some_and(|cell| cell.get_id() == id));
        let Some((index, child)) = found else { return };
        child.cell = None;
        if self.stopping {
            return;
        }
        let why = match (&child.spec.restart, failure) {
            (Restart::Temporary, _) | (Restart::Transient | Restart::Fatal(_), None) => return,
            (_, Some(why)) => why,
            (_, None) => "ended".to_owned(),
        };
        if let Restart::Fatal(exit) = child.spec.restart {
            self.give_up(myself, exit(why));
        } else {
            self.died(myself, index, &why);
        }
    }

    fn died(&mut self, myself: &ActorRef<SupervisorMessage>, index: usize, why: &str) {
        let now = self.clock.monotonic();
        let Some(child) = self.children.get_mut(index) else {
            return;
        };
        let name = Arc::clone(&child.spec.name);
        if self.intensity.record(now) {
            let deaths = self.intensity.deaths();
            let exit = Exit::Software(format!("{name} died ({why}), {deaths} deaths in a row"));
            return self.give_up(myself, exit);
        }
        let pause = child.backoff.after(now.saturating_sub(child.started_at));
        tracing::error!(
            supervisor = %self.name, child = %name, error = why, restart_ms = pause.as_millis(),
            "a part died and will be restarted"
        );
        crate::metrics::restarted(&self.name);
        myself.send_after(pause, move || SupervisorMessage::Restart(index));
    }

    async fn restart(&mut self, myself: &ActorRef<SupervisorMessage>, index: usize) {
        let now = self.clock.monotonic();
        let Some(child) = self.children.get_mut(index) else {
            return;
        };
        if self.stopping || child.cell.is_some() {
            return;
        }
        child.started_at = now;
        match child.spec.start(myself.get_cell()).await {
            Ok(cell) => child.cell = Some(cell),
            Err(error) => self.died(myself, index, &error.to_string()),
        }
    }

    /// An orderly stop by the supervisor's own decision.
    fn give_up(&mut self, myself: &ActorRef<SupervisorMessage>, exit: Exit) {
        tracing::error!(supervisor = %self.name, "{exit}");
        self.stopping = true;
        let reason = exit.to_string();
        if let Some(sender) = &self.exit {
            settle_exit(sender, exit);
        }
        myself.stop(Some(reason));
    }

    async fn stop_children(&mut self) {
        for child in self.children.iter_mut().rev() {
            if let Some(cell) = child.cell.take() {
                stop_child(&cell, &child.spec.name, child.spec.shutdown).await;
            }
        }
    }
}

/// The first reason stays.
fn settle_exit(sender: &watch::Sender<Option<Exit>>, exit: Exit) {
    sender.send_if_modified(|current| {
        let first = current.is_none();
        current.get_or_insert(exit);
        first
    });
}

/// Stops a child and waits for its end; kills it when the grace period is over.
pub async fn stop_child(cell: &ActorCell, name: &str, grace: Duration) {
    // Any other error means that it has ended already.
    if let Err(RactorErr::Timeout) = cell.stop_and_wait(None, Some(grace)).await {
        tracing::warn!(child = name, "did not stop in time and was killed");
        cell.kill();
    }
}
