//! The routes of domains whose hosts are named by MX records: looked up, kept for a while, looked up
//! again. While a domain has none, its mail waits without a governor.

use std::time::Duration;

use ractor::ActorRef;
use storage::model::{Destination, Domain, DomainId, HostRole};

use super::super::delivery_actor::DeliveryMessage;
use super::super::exchange::NoRoute;
use super::super::route::RouteKey;
use super::{SupervisorMessage, SupervisorState};
use crate::status::{DestinationState, RouteStatus};
use crate::supervision::spawn_service;

/// How long MX records are believed before they are looked at again. The resolver's cache keeps to
/// their own time to live.
const KEPT_FOR: Duration = Duration::from_secs(300);
/// After a failure that may be over soon.
const FAILED_PAUSE: Duration = Duration::from_secs(15);
/// After a failure that a person has to repair.
const REFUSED_PAUSE: Duration = Duration::from_secs(60);

/// What is known of a domain's MX route.
#[derive(Debug)]
pub(super) struct MxRoute {
    /// What was asked for.
    wanted: Vec<Destination>,
    /// What came of it last.
    found: Option<RouteKey>,
    /// When to ask again.
    until: Duration,
    looking: bool,
}

impl MxRoute {
    /// What has failed is looked up again at the next occasion.
    pub(super) fn hurry(&mut self) {
        if self.found.is_none() {
            self.until = Duration::ZERO;
        }
    }
}

impl SupervisorState {
    /// The route of a domain now. When MX records have to be looked up that is begun, and until
    /// they are known the route has no governor.
    pub(super) async fn route_of(
        &mut self,
        myself: &ActorRef<SupervisorMessage>,
        domain: &Domain,
    ) -> RouteKey {
        let wanted = self.context.routing.destinations(domain);
        if !wanted.iter().any(|one| one.role == HostRole::MailDomain) {
            self.mx_routes.remove(&domain.id);
            return RouteKey::new(wanted);
        }
        let now = self.context.spool.clock().monotonic();
        let known = self.mx_routes.entry(domain.id).or_insert_with(|| MxRoute {
            wanted: Vec::new(),
            found: None,
            until: now,
            looking: false,
        });
        if known.wanted != wanted {
            known.wanted.clone_from(&wanted);
            known.found = None;
            known.until = now;
            known.looking = false;
        }
        if !known.looking && known.until <= now {
            known.looking = true;
            self.look_up(myself, domain.id, wanted.clone()).await;
        }
        let found = self.mx_routes.get(&domain.id);
        let found = found.and_then(|known| known.found.clone());
        found.unwrap_or_else(|| RouteKey::new(wanted))
    }

    async fn look_up(
        &self,
        myself: &ActorRef<SupervisorMessage>,
        domain: DomainId,
        wanted: Vec<Destination>,
    ) {
        let routing = self.context.routing.clone();
        let supervisor = myself.clone();
        let asked = wanted.clone();
        let started = spawn_service(myself.get_cell(), move |_| async move {
            let found = routing.resolve(wanted.clone()).await;
            // A supervisor that is gone needs no route.
            let _ = supervisor.send_message(SupervisorMessage::Routed {
                domain,
                wanted,
                found,
            });
            Ok(())
        })
        .await;
        if started.is_err() {
            let found = Err(NoRoute::Unavailable {
                domain: domain.0.to_string(),
                why: "the look-up could not be started".to_owned(),
            });
            let _ = myself.send_message(SupervisorMessage::Routed {
                domain,
                wanted: asked,
                found,
            });
        }
    }

    /// A look-up is over.
    pub(super) async fn routed(
        &mut self,
        myself: &ActorRef<SupervisorMessage>,
        domain: DomainId,
        wanted: Vec<Destination>,
        found: Result<Vec<Destination>, NoRoute>,
    ) {
        let now = self.context.spool.clock().monotonic();
        // The domain may have been removed or changed meanwhile.
        let Some(known) = self.mx_routes.get_mut(&domain) else {
            return;
        };
        if known.wanted != wanted {
            return;
        }
        known.looking = false;
        let refused = match found {
            Ok(hosts) => {
                known.until = now + KEPT_FOR;
                known.found = Some(RouteKey::new(hosts));
                None
            }
            Err(failure) => {
                // An unsafe route is no route, however long it was one.
                let refused = matches!(failure, NoRoute::Ourselves(_) | NoRoute::NotPermitted(_));
                let permanent = failure.is_permanent() || refused;
                let pause = if permanent {
                    REFUSED_PAUSE
                } else {
                    FAILED_PAUSE
                };
                known.until = now + pause;
                if permanent {
                    known.found = None;
                }
                myself.send_after(pause, move || SupervisorMessage::Reroute(domain));
                // Hosts that are known still serve while DNS does not answer.
                known.found.is_none().then_some(failure)
            }
        };
        self.reroute(myself, domain).await;
        if let Some(failure) = refused {
            self.unroutable(domain, &RouteKey::new(wanted), failure);
        } else {
            self.context.board.forget_route(&RouteKey::new(wanted));
        }
    }

    fn unroutable(&self, domain: DomainId, route: &RouteKey, failure: NoRoute) {
        let state = match &failure {
            NoRoute::Unavailable { .. } => DestinationState::Down,
            _ => DestinationState::Policy,
        };
        if state == DestinationState::Policy && !domain.is_outbound() {
            tracing::error!(%route, error = %failure, "a protected domain has no route; its mail is held until somebody looks at it");
        } else {
            tracing::warn!(%route, error = %failure, "a domain has no route now; its mail waits");
        }
        let status = RouteStatus {
            state,
            since: self.context.spool.clock().now(),
            reason: Some(failure.to_string()),
            ..RouteStatus::default()
        };
        self.context.board.publish_route(route, status);
        self.tell(domain, DeliveryMessage::Unroutable(failure));
    }

    /// Moves a running domain to the route that it has now.
    pub(super) async fn reroute(&mut self, myself: &ActorRef<SupervisorMessage>, id: DomainId) {
        if !self.domains.contains_key(&id) {
            self.mx_routes.remove(&id);
            return;
        }
        if let Some(domain) = self.context.spool.directory().domain(id) {
            self.move_domain(myself, &domain).await;
        }
    }

    /// Looks again at the MX records that were found a while ago, or whose hosts are all down: a
    /// domain that has moved is found at its new place within a scan.
    pub(super) async fn refresh_routes(&mut self, myself: &ActorRef<SupervisorMessage>) {
        let now = self.context.spool.clock().monotonic();
        let board = self.context.board.clone();
        for known in self.mx_routes.values_mut() {
            let status = known.found.as_ref().and_then(|route| board.route(route));
            if status.is_some_and(|status| status.state == DestinationState::Down) {
                known.until = known.until.min(now);
            }
        }
        let old = self
            .mx_routes
            .iter()
            .filter(|(_, known)| known.until <= now);
        let old: Vec<DomainId> = old.map(|(id, _)| *id).collect();
        for id in old {
            self.reroute(myself, id).await;
        }
    }
}
