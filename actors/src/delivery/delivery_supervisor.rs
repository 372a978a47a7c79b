//! The parent of delivery: one HostGovernor per route, one DeliveryActor per domain, on demand.
//!
//! Hints from the store wake a domain at once, a scan of the store finds what a lost hint hid. An
//! actor that dies is started again after a pause of 1 s, doubling to 60 s; a DeliveryActor that
//! dies five times in ten minutes is parked with an alarm until its domain is changed or an
//! administrator asks for a retry. Siblings learn of each other from here, so that a restart leaves
//! no stale reference.

mod domains;
mod governors;
mod hints;
mod routes;

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::join_all;
use ractor::{
    Actor, ActorCell, ActorId, ActorProcessingErr, ActorRef, RpcReplyPort, SupervisionEvent,
};
use storage::model::{Destination, DomainId};
use storage::spool::Hint;

use self::domains::{DomainChild, Standing};
use self::governors::GovernorChild;
use self::routes::MxRoute;
use super::context::DeliveryContext;
use super::delivery_actor::DeliveryMessage;
use super::exchange::NoRoute;
use super::host_governor::GovernorMessage;
use super::route::RouteKey;

/// How often the store is asked which domains have mail, whatever hints have come.
const SCAN_INTERVAL: Duration = Duration::from_secs(30);
/// First pause before a restart.
const RESTART_FIRST: Duration = Duration::from_secs(1);
/// Longest pause before a restart.
const RESTART_MAX: Duration = Duration::from_secs(60);
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
    /// The MX records of a domain's destinations were looked up.
    Routed {
        /// The domain.
        domain: DomainId,
        /// Its destinations when the look-up began.
        wanted: Vec<Destination>,
        /// The hosts behind them.
        found: Result<Vec<Destination>, NoRoute>,
    },
    /// The pause before another look-up is over.
    Reroute(DomainId),
}

/// The children.
#[derive(Debug)]
pub struct SupervisorState {
    context: DeliveryContext,
    domains: BTreeMap<DomainId, DomainChild>,
    governors: BTreeMap<RouteKey, GovernorChild>,
    mx_routes: BTreeMap<DomainId, MxRoute>,
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
            mx_routes: BTreeMap::new(),
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
                state.refresh_routes(&myself).await;
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
            SupervisorMessage::Retire(id) => state.retire(id).await,
            SupervisorMessage::Routed {
                domain,
                wanted,
                found,
            } => state.routed(&myself, domain, wanted, found).await,
            SupervisorMessage::Reroute(id) => state.reroute(&myself, id).await,
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
            Hint::Probe(id) => self.probe(myself, id).await,
            Hint::DomainChanged(id) => {
                self.unpark(id);
                self.domain_changed(myself, id).await;
            }
        }
    }

    /// Somebody believes that a destination is back: its governor asks at once, and MX records that
    /// could not be found are looked up again.
    async fn probe(&mut self, myself: &ActorRef<SupervisorMessage>, id: DomainId) {
        if let Some(known) = self.mx_routes.get_mut(&id) {
            known.hurry();
        }
        let Some(domain) = self.context.spool.directory().domain(id) else {
            return;
        };
        let route = self.route_of(myself, &domain).await;
        self.start_governor(myself, &route).await;
        if let Some(governor) = self.governor(&route) {
            let _ = governor.send_message(GovernorMessage::ProbeNow);
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
