//! DeliveryActors: started on demand, restarted after a pause, parked when they die too often.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ractor::{Actor, ActorRef};
use storage::model::{Domain, DomainId};

use super::super::delivery_actor::{DeliveryActor, DeliveryArguments, DeliveryMessage};
use super::super::host_governor::GovernorMessage;
use super::super::route::RouteKey;
use super::{ChildKey, RESTART_FIRST, RESTART_MAX, SupervisorMessage, SupervisorState};
use crate::metrics;
use crate::supervision::{Backoff, Intensity};

/// This many deaths of one DeliveryActor park it.
const DEATHS_MAX: usize = 5;
/// In this time.
const DEATHS_WITHIN: Duration = Duration::from_secs(600);

/// A domain's DeliveryActor.
#[derive(Debug)]
pub(super) struct DomainChild {
    pub(super) actor: Option<ActorRef<DeliveryMessage>>,
    /// Set while a wake is under way: one is enough.
    pub(super) woken: Arc<AtomicBool>,
    pub(super) route: RouteKey,
    pub(super) backoff: Backoff,
    pub(super) intensity: Intensity,
    pub(super) started_at: Duration,
    pub(super) standing: Standing,
}

/// Whether it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    Running,
    /// A restart is armed.
    Pausing,
    /// Died too often.
    Parked,
}

impl SupervisorState {
    pub(super) async fn wake(&mut self, myself: &ActorRef<SupervisorMessage>, id: DomainId) {
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

    pub(super) async fn start_domain(
        &mut self,
        myself: &ActorRef<SupervisorMessage>,
        id: DomainId,
    ) {
        let Some(domain) = self.context.spool.directory().domain(id) else {
            self.domains.remove(&id);
            return;
        };
        let route = self.route_of(myself, &domain).await;
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

    pub(super) async fn domain_changed(
        &mut self,
        myself: &ActorRef<SupervisorMessage>,
        id: DomainId,
    ) {
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
    pub(super) async fn move_domain(
        &mut self,
        myself: &ActorRef<SupervisorMessage>,
        domain: &Domain,
    ) {
        let route = self.route_of(myself, domain).await;
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

    pub(super) fn domain_removed(&mut self, id: DomainId) {
        let Some(child) = self.domains.remove(&id) else {
            return;
        };
        if let Some(actor) = child.actor {
            self.children.remove(&actor.get_id());
            let _ = actor.send_message(DeliveryMessage::Drain);
        }
        self.context.board.forget_delivery(id);
        self.mx_routes.remove(&id);
        self.forget_governor(&child.route);
    }

    /// Ends a DeliveryActor that asked for it, unless mail has come meanwhile: the wake that is
    /// under way then finds it running.
    pub(super) async fn retire(&mut self, id: DomainId) {
        let mail = self.context.spool.counters(id).queued > 0;
        let Some(child) = self.domains.get(&id) else {
            return;
        };
        if mail || child.woken.load(Ordering::Acquire) {
            return;
        }
        let Some(child) = self.domains.remove(&id) else {
            return;
        };
        if let Some(actor) = child.actor {
            self.children.remove(&actor.get_id());
            let _ = actor.send_message(DeliveryMessage::Drain);
        }
        if self.mx_routes.remove(&id).is_some() || id.is_outbound() {
            self.forget_governor(&child.route);
        }
        if id.is_outbound() {
            // Whoever writes to that domain again makes it again.
            if let Err(error) = self.context.spool.forget_outbound(id).await {
                tracing::warn!(%error, "a domain without mail could not be forgotten");
            }
        }
    }

    pub(super) fn unpark(&mut self, id: DomainId) {
        if let Some(child) = self.domains.get(&id)
            && child.standing == Standing::Parked
        {
            self.domains.remove(&id);
            self.context.board.publish_fault(id, None);
        }
    }

    pub(super) fn domain_died(
        &mut self,
        myself: &ActorRef<SupervisorMessage>,
        id: DomainId,
        why: &str,
    ) {
        let now = self.context.spool.clock().monotonic();
        let Some(child) = self.domains.get_mut(&id) else {
            return;
        };
        metrics::delivery_crashed("delivery_actor");
        let dead = child.actor.take();
        let route = child.route.clone();
        if let (Some(dead), Some(governor)) = (dead, self.governor(&route)) {
            // Nobody would judge what its connections still carry.
            let _ = governor.send_message(GovernorMessage::Leave {
                domain: id,
                delivery: dead.get_id(),
            });
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
}
