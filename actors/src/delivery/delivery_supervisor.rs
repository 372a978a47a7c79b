//! The parent of delivery: one HostGovernor per route, one DeliveryActor per domain, on demand.
//!
//! Hints from the store wake a domain at once, a scan of the store finds what a lost hint hid. An
//! actor that dies is started again after a pause of 1 s, doubling to 60 s; a DeliveryActor that
//! dies five times in ten minutes is parked with an alarm until its domain is changed or an
//! administrator asks for a retry. Siblings learn of each other from here, so that a restart leaves
//! no stale reference.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use ractor::{
    Actor, ActorCell, ActorId, ActorProcessingErr, ActorRef, RpcReplyPort, SupervisionEvent,
};
use storage::model::{Domain, DomainId};
use storage::spool::Hint;
use tokio::sync::broadcast::error::RecvError;

use super::context::DeliveryContext;
use super::delivery_actor::{DeliveryActor, DeliveryArguments, DeliveryMessage};
use super::host_governor::{GovernorArguments, GovernorMessage, HostGovernor};
use super::route::RouteKey;
use crate::supervision::{Backoff, Intensity, ServiceError, Stopping, spawn_service};

/// How often the store is asked which domains have mail, whatever hints have come.
const SCAN_INTERVAL: Duration = Duration::from_secs(30);
/// First pause before a restart.
const RESTART_FIRST: Duration = Duration::from_secs(1);
/// Longest pause before a restart.
const RESTART_MAX: Duration = Duration::from_secs(60);
/// This many deaths of one DeliveryActor park it.
const DEATHS_MAX: usize = 5;
/// In this time.
const DEATHS_WITHIN: Duration = Duration::from_secs(600);
/// A message that is on its way when delivery stops may take this long to be answered.
const DRAIN_GRACE: Duration = Duration::from_secs(25);

/// Idle connections get this long for their QUIT.
const CLOSE_GRACE: Duration = Duration::from_secs(3);

/// The actor.
#[derive(Debug)]
pub struct DeliverySupervisor;

/// Messages.
#[derive(Debug)]
pub enum SupervisorMessage {
    /// Something changed in the store. Answered when it is dealt with, which is the bound on hints
    /// under way.
    Hint(Hint, RpcReplyPort<()>),
    /// Ask the store which domains have mail.
    Scan,
    /// The same, because hints were lost; nothing is armed.
    HintsLost(RpcReplyPort<()>),
    /// The pause before a DeliveryActor's restart is over.
    StartDomain(DomainId),
    /// The pause before a HostGovernor's restart is over.
    StartGovernor(RouteKey),
    /// The pause before the restart of the hints is over.
    StartHints,
    /// A DeliveryActor has nothing to do any more.
    Retire(DomainId),
}

/// The children.
#[derive(Debug)]
pub struct SupervisorState {
    context: DeliveryContext,
    domains: BTreeMap<DomainId, DomainChild>,
    governors: BTreeMap<RouteKey, GovernorChild>,
    hints: Option<ActorCell>,
    children: BTreeMap<ActorId, ChildKey>,
    stopping: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum ChildKey {
    Domain(DomainId),
    Governor(RouteKey),
    Hints,
}

#[derive(Debug)]
struct DomainChild {
    actor: Option<ActorRef<DeliveryMessage>>,
    /// Set while a wake is under way: one is enough.
    woken: Arc<AtomicBool>,
    route: RouteKey,
    backoff: Backoff,
    intensity: Intensity,
    started_at: Duration,
    standing: Standing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Running,
    /// A restart is armed.
    Pausing,
    /// Died too often.
    Parked,
}

#[derive(Debug)]
struct GovernorChild {
    actor: Option<ActorRef<GovernorMessage>>,
    backoff: Backoff,
    started_at: Duration,
}

impl Actor for DeliverySupervisor {
    type Msg = SupervisorMessage;
    type State = SupervisorState;
    type Arguments = DeliveryContext;

    async fn pre_start(
        &self,
        myself: ActorRef<SupervisorMessage>,
        context: DeliveryContext,
    ) -> Result<SupervisorState, ActorProcessingErr> {
        let mut state = SupervisorState {
            context,
            domains: BTreeMap::new(),
            governors: BTreeMap::new(),
            hints: None,
            children: BTreeMap::new(),
            stopping: false,
        };
        state.start_hints(&myself).await?;
        myself.send_message(SupervisorMessage::Scan)?;
        Ok(state)
    }

    async fn handle(
        &self,
        myself: ActorRef<SupervisorMessage>,
        message: SupervisorMessage,
        state: &mut SupervisorState,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            SupervisorMessage::Hint(hint, done) => {
                state.on_hint(&myself, hint).await;
                // Nobody waits when the forwarder has died meanwhile.
                let _ = done.send(());
            }
            SupervisorMessage::HintsLost(done) => {
                state.scan(&myself).await;
                state.recheck_directory(&myself).await;
                let _ = done.send(());
            }
            SupervisorMessage::Scan => {
                state.scan(&myself).await;
                myself.send_after(SCAN_INTERVAL, || SupervisorMessage::Scan);
            }
            SupervisorMessage::StartDomain(id) => {
                if let Some(child) = state.domains.get_mut(&id)
                    && child.standing == Standing::Pausing
                {
                    child.standing = Standing::Running;
                    state.wake(&myself, id).await;
                }
            }
            SupervisorMessage::StartGovernor(route) => state.start_governor(&myself, &route).await,
            SupervisorMessage::StartHints => state.start_hints(&myself).await?,
            SupervisorMessage::Retire(id) => state.retire(id),
        }
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        myself: ActorRef<SupervisorMessage>,
        event: SupervisionEvent,
        state: &mut SupervisorState,
    ) -> Result<(), ActorProcessingErr> {
        match event {
            SupervisionEvent::ActorTerminated(cell, _, _) => {
                state.child_ended(&myself, &cell, None);
            }
            SupervisionEvent::ActorFailed(cell, error) => {
                state.child_ended(&myself, &cell, Some(error.to_string()));
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
        Ok(())
    }
}

impl SupervisorState {
    async fn on_hint(&mut self, myself: &ActorRef<SupervisorMessage>, hint: Hint) {
        match hint {
            Hint::Queued(id) => self.wake(myself, id).await,
            Hint::Intents(id) => {
                self.unpark(id);
                self.wake(myself, id).await;
                self.tell(id, DeliveryMessage::Intents);
            }
            Hint::DomainChanged(id) => {
                self.unpark(id);
                self.domain_changed(myself, id).await;
            }
        }
    }

    /// Wakes every domain that has mail, whatever hints said.
    async fn scan(&mut self, myself: &ActorRef<SupervisorMessage>) {
        for id in self.context.spool.domains_with_mail() {
            self.wake(myself, id).await;
        }
    }

    /// After lost hints every running domain may have changed.
    async fn recheck_directory(&mut self, myself: &ActorRef<SupervisorMessage>) {
        let running: Vec<DomainId> = self.domains.keys().copied().collect();
        for id in running {
            self.domain_changed(myself, id).await;
            self.tell(id, DeliveryMessage::Intents);
        }
    }

    async fn wake(&mut self, myself: &ActorRef<SupervisorMessage>, id: DomainId) {
        if self.stopping {
            return;
        }
        match self.domains.get(&id) {
            Some(DomainChild {
                actor: Some(actor),
                woken,
                ..
            }) => {
                if !woken.swap(true, Ordering::AcqRel) {
                    // A dead actor is restarted by its supervision event.
                    let _ = actor.send_message(DeliveryMessage::Wake);
                }
            }
            Some(child) if child.standing != Standing::Running => {}
            _ => self.start_domain(myself, id).await,
        }
    }

    async fn start_domain(&mut self, myself: &ActorRef<SupervisorMessage>, id: DomainId) {
        let Some(domain) = self.context.spool.directory().domain(id) else {
            self.domains.remove(&id);
            return;
        };
        let route = RouteKey::of(&domain);
        self.start_governor(myself, &route).await;
        let woken = Arc::new(AtomicBool::new(false));
        let arguments = DeliveryArguments {
            context: self.context.clone(),
            domain,
            supervisor: myself.clone(),
            governor: self.governor(&route),
            route: route.clone(),
            woken: Arc::clone(&woken),
        };
        let started_at = self.context.spool.clock().monotonic();
        let started =
            DeliveryActor::spawn_linked(None, DeliveryActor, arguments, myself.get_cell()).await;
        let child = self.domains.entry(id).or_insert_with(|| DomainChild {
            actor: None,
            woken: Arc::clone(&woken),
            route: route.clone(),
            backoff: Backoff::new(RESTART_FIRST, RESTART_MAX),
            intensity: Intensity::new(DEATHS_MAX, DEATHS_WITHIN),
            started_at,
            standing: Standing::Running,
        });
        child.started_at = started_at;
        child.route = route;
        child.woken = woken;
        match started {
            Ok((actor, _)) => {
                self.children.insert(actor.get_id(), ChildKey::Domain(id));
                child.actor = Some(actor);
            }
            Err(error) => self.domain_died(myself, id, &error.to_string()),
        }
    }

    /// Starts the governor of a route unless it runs, and introduces it to its domains.
    async fn start_governor(&mut self, myself: &ActorRef<SupervisorMessage>, route: &RouteKey) {
        let running = |child: &GovernorChild| child.actor.is_some();
        if self.stopping || self.governors.get(route).is_some_and(running) {
            return;
        }
        let now = self.context.spool.clock().monotonic();
        let arguments = GovernorArguments {
            context: self.context.clone(),
            route: route.clone(),
        };
        let started =
            HostGovernor::spawn_linked(None, HostGovernor, arguments, myself.get_cell()).await;
        let child = self
            .governors
            .entry(route.clone())
            .or_insert_with(|| GovernorChild {
                actor: None,
                backoff: Backoff::new(RESTART_FIRST, RESTART_MAX),
                started_at: now,
            });
        child.started_at = now;
        match started {
            Ok((actor, _)) => {
                self.children
                    .insert(actor.get_id(), ChildKey::Governor(route.clone()));
                child.actor = Some(actor);
                self.introduce(route);
            }
            Err(error) => self.governor_died(myself, route, &error.to_string()),
        }
    }

    fn governor(&self, route: &RouteKey) -> Option<ActorRef<GovernorMessage>> {
        self.governors.get(route)?.actor.clone()
    }

    /// Tells the domains of a route who governs it now.
    fn introduce(&self, route: &RouteKey) {
        let Some(governor) = self.governor(route) else {
            return;
        };
        for child in self.domains.values().filter(|child| child.route == *route) {
            if let Some(actor) = &child.actor {
                let _ = actor.send_message(DeliveryMessage::Governor {
                    route: route.clone(),
                    governor: governor.clone(),
                });
            }
        }
    }

    async fn domain_changed(&mut self, myself: &ActorRef<SupervisorMessage>, id: DomainId) {
        let Some(domain) = self.context.spool.directory().domain(id) else {
            return self.domain_removed(id);
        };
        self.move_domain(myself, &domain).await;
        self.tell(id, DeliveryMessage::DomainChanged(domain));
        if self.context.spool.counters(id).queued > 0 {
            self.wake(myself, id).await;
        }
    }

    /// A changed route takes effect for everything that is queued (OUT25).
    async fn move_domain(&mut self, myself: &ActorRef<SupervisorMessage>, domain: &Domain) {
        let route = RouteKey::of(domain);
        let Some(child) = self.domains.get_mut(&domain.id) else {
            return;
        };
        if child.route == route {
            return;
        }
        let old = std::mem::replace(&mut child.route, route.clone());
        self.start_governor(myself, &route).await;
        self.introduce(&route);
        self.forget_governor(&old);
    }

    fn domain_removed(&mut self, id: DomainId) {
        let Some(child) = self.domains.remove(&id) else {
            return;
        };
        if let Some(actor) = child.actor {
            self.children.remove(&actor.get_id());
            let _ = actor.send_message(DeliveryMessage::Drain);
        }
        self.context.board.forget_delivery(id);
        self.forget_governor(&child.route);
    }

    /// Ends the governor of a route that no domain uses any more.
    fn forget_governor(&mut self, route: &RouteKey) {
        let domains = self.context.spool.directory().domains();
        if domains.iter().any(|domain| RouteKey::of(domain) == *route) {
            return;
        }
        if let Some(actor) = self.governors.remove(route).and_then(|child| child.actor) {
            self.children.remove(&actor.get_id());
            actor.stop(None);
        }
        self.context.board.forget_route(route);
    }

    /// Ends a DeliveryActor that asked for it, unless mail has come meanwhile: the wake that is
    /// under way then finds it running.
    fn retire(&mut self, id: DomainId) {
        let mail = self.context.spool.counters(id).queued > 0;
        let Some(child) = self.domains.get(&id) else {
            return;
        };
        if mail || child.woken.load(Ordering::Acquire) {
            return;
        }
        if let Some(actor) = self.domains.remove(&id).and_then(|child| child.actor) {
            self.children.remove(&actor.get_id());
            let _ = actor.send_message(DeliveryMessage::Drain);
        }
    }

    fn unpark(&mut self, id: DomainId) {
        if let Some(child) = self.domains.get(&id)
            && child.standing == Standing::Parked
        {
            self.domains.remove(&id);
            self.context.board.publish_fault(id, None);
        }
    }

    fn tell(&self, id: DomainId, message: DeliveryMessage) {
        if let Some(actor) = self.domains.get(&id).and_then(|child| child.actor.as_ref()) {
            let _ = actor.send_message(message);
        }
    }

    fn child_ended(
        &mut self,
        myself: &ActorRef<SupervisorMessage>,
        cell: &ActorCell,
        failure: Option<String>,
    ) {
        let Some(key) = self.children.remove(&cell.get_id()) else {
            return;
        };
        if self.stopping {
            return;
        }
        let why = failure.unwrap_or_else(|| "ended".to_owned());
        match key {
            ChildKey::Domain(id) => self.domain_died(myself, id, &why),
            ChildKey::Governor(route) => self.governor_died(myself, &route, &why),
            ChildKey::Hints => {
                self.hints = None;
                tracing::error!(error = why, "the hints of the store died and are restarted");
                myself.send_after(RESTART_FIRST, || SupervisorMessage::StartHints);
            }
        }
    }

    fn domain_died(&mut self, myself: &ActorRef<SupervisorMessage>, id: DomainId, why: &str) {
        let now = self.context.spool.clock().monotonic();
        let Some(child) = self.domains.get_mut(&id) else {
            return;
        };
        child.actor = None;
        let route = child.route.clone();
        if let Some(governor) = self.governor(&route) {
            // Nobody would judge what its connections still carry.
            let _ = governor.send_message(GovernorMessage::Leave { domain: id });
        }
        let Some(child) = self.domains.get_mut(&id) else {
            return;
        };
        let name = self.context.spool.directory().domain(id);
        let name = name.map_or_else(String::new, |domain| domain.name.to_string());
        if child.intensity.record(now) {
            child.standing = Standing::Parked;
            let deaths = child.intensity.deaths();
            let fault = format!("delivery died {deaths} times, the last time: {why}");
            tracing::error!(
                domain.name = name,
                error = why,
                deaths,
                "delivery of a domain is parked; its mail is held"
            );
            self.context.board.publish_fault(id, Some(fault));
            return;
        }
        child.standing = Standing::Pausing;
        let pause = child.backoff.after(now.saturating_sub(child.started_at));
        tracing::error!(
            domain.name = name,
            error = why,
            restart_ms = pause.as_millis(),
            "delivery of a domain died and will be restarted"
        );
        myself.send_after(pause, move || SupervisorMessage::StartDomain(id));
    }

    fn governor_died(&mut self, myself: &ActorRef<SupervisorMessage>, route: &RouteKey, why: &str) {
        let now = self.context.spool.clock().monotonic();
        let Some(child) = self.governors.get_mut(route) else {
            return;
        };
        let dead = child.actor.take();
        let pause = child.backoff.after(now.saturating_sub(child.started_at));
        tracing::error!(
            route = %route, error = why, restart_ms = pause.as_millis(),
            "the governor of a route died and will be restarted; its mail waits"
        );
        if let Some(dead) = dead {
            for child in self.domains.values() {
                if let Some(actor) = &child.actor {
                    let _ = actor.send_message(DeliveryMessage::GovernorLost(dead.get_id()));
                }
            }
        }
        let route = route.clone();
        myself.send_after(pause, move || SupervisorMessage::StartGovernor(route));
    }

    async fn start_hints(
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

    /// No new message goes out; what is on its way is answered and put on record.
    async fn stop_children(&mut self) {
        if let Some(hints) = self.hints.take() {
            hints.stop(None);
        }
        let domains = std::mem::take(&mut self.domains);
        let draining = domains.into_values().filter_map(|child| {
            let actor = child.actor?;
            actor.send_message(DeliveryMessage::Drain).ok()?;
            Some(async move {
                if actor.wait(Some(DRAIN_GRACE)).await.is_err() {
                    actor.kill();
                }
            })
        });
        join_all(draining).await;
        let governors = std::mem::take(&mut self.governors);
        let stopping = governors.into_values().filter_map(|child| {
            let actor = child.actor?;
            Some(async move {
                let _ = actor.stop_and_wait(None, Some(CLOSE_GRACE)).await;
            })
        });
        join_all(stopping).await;
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
