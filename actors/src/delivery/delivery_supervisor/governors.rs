//! HostGovernors: one per route, introduced to the domains whose mail takes it.

use std::time::Duration;

use ractor::{Actor, ActorRef};

use super::super::delivery_actor::DeliveryMessage;
use super::super::host_governor::{GovernorArguments, GovernorMessage, HostGovernor};
use super::super::route::RouteKey;
use super::{ChildKey, RESTART_FIRST, RESTART_MAX, SupervisorMessage, SupervisorState};
use crate::metrics;
use crate::supervision::Backoff;

/// A route's HostGovernor.
#[derive(Debug)]
pub(super) struct GovernorChild {
    pub(super) actor: Option<ActorRef<GovernorMessage>>,
    pub(super) backoff: Backoff,
    pub(super) started_at: Duration,
}

impl SupervisorState {
    /// Starts the governor of a route unless it runs, and introduces it to its domains.
    pub(super) async fn start_governor(
        &mut self,
        myself: &ActorRef<SupervisorMessage>,
        route: &RouteKey,
    ) {
        let running = |child: &GovernorChild| child.actor.is_some();
        if self.stopping || !route.is_resolved() || self.governors.get(route).is_some_and(running) {
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

    pub(super) fn governor(&self, route: &RouteKey) -> Option<ActorRef<GovernorMessage>> {
        self.governors.get(route)?.actor.clone()
    }

    /// Tells the domains of a route who governs it now.
    pub(super) fn introduce(&self, route: &RouteKey) {
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

    /// Ends the governor of a route that no domain uses any more.
    pub(super) fn forget_governor(&mut self, route: &RouteKey) {
        let domains = self.context.spool.directory().domains();
        let in_use = self.domains.values().any(|child| child.route == *route);
        if in_use || domains.iter().any(|domain| RouteKey::of(domain) == *route) {
            return;
        }
        if let Some(actor) = self.governors.remove(route).and_then(|child| child.actor) {
            self.children.remove(&actor.get_id());
            actor.stop(None);
        }
        self.context.board.forget_route(route);
    }

    pub(super) fn governor_died(
        &mut self,
        myself: &ActorRef<SupervisorMessage>,
        route: &RouteKey,
        why: &str,
    ) {
        let now = self.context.spool.clock().monotonic();
        let Some(child) = self.governors.get_mut(route) else {
            return;
        };
        metrics::delivery_crashed("host_governor");
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
}
