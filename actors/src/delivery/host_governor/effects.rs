//! What the machine wants, carried out: probes, permits, connections, news.

use std::time::Duration;

use ractor::ActorRef;
use storage::model::DomainId;
use tokio::sync::oneshot;

use super::super::attempt::{AttemptArguments, Purpose, spawn_attempt};
use super::super::classify::Signal;
use super::super::conversation::Avoid;
use super::super::delivery_actor::DeliveryMessage;
use super::super::governor::{
    ConnectionId, EndpointId, GovernorAlert, GovernorEffect, GovernorEvent, PermitId, Pick,
    ProbeOutcome, Via,
};
use super::super::health::Health;
use super::super::route::host_port;
use super::super::turn::{Grant, Work};
use super::books::{Link, PermitBook, report, stale};
use super::show::shown;
use super::{GovernorMessage, GovernorState, ProbeWish};

impl GovernorState {
    pub(super) async fn on_event(
        &mut self,
        myself: &ActorRef<GovernorMessage>,
        event: GovernorEvent,
    ) {
        let mut events = vec![event];
        while let Some(event) = events.pop() {
            let now = self.clock().monotonic();
            let mut effects = self.machine.on(event, now);
            // Domains hear of the new health before they get a permit because of it.
            effects.sort_by_key(|effect| !matches!(effect, GovernorEffect::StateChanged(_)));
            for effect in effects {
                if let Some(answer) = self.carry_out(myself, effect).await {
                    events.push(answer);
                }
            }
        }
    }

    /// Carries out one effect; some are answered at once.
    async fn carry_out(
        &mut self,
        myself: &ActorRef<GovernorMessage>,
        effect: GovernorEffect,
    ) -> Option<GovernorEvent> {
        match effect {
            GovernorEffect::Probe {
                probe,
                endpoint,
                connection,
                confirms,
            } => {
                let wish = ProbeWish {
                    probe,
                    endpoint,
                    connection,
                    confirms,
                };
                let now = self.clock().monotonic();
                let slot = self.context.probes.slot(now);
                if slot > now {
                    let wait = slot - now;
                    myself.send_after(wait, move || GovernorMessage::ProbeSlot(wish));
                    return self.ask_as_often_as_it_may();
                }
                let failed = self.open_probe(myself, wish).await;
                failed.or_else(|| self.ask_as_often_as_it_may())
            }
            GovernorEffect::Grant {
                permit,
                domain,
                endpoint,
                via,
                pick,
            } => {
                self.grant(myself, permit, domain, endpoint, via, pick)
                    .await
            }
            GovernorEffect::Close { connection } => {
                if let Some(link) = self.links.remove(&connection) {
                    self.children.remove(&link.child.get_id());
                    link.child.stop(None);
                }
                None
            }
            GovernorEffect::WakeAt(at) => {
                self.wake_at = Some(at);
                None
            }
            GovernorEffect::StateChanged(health) => {
                self.state_changed(health);
                None
            }
            GovernorEffect::Alert(alert) => {
                self.alert(alert);
                None
            }
        }
    }

    /// Dials for a probe whose slot has come; its result when that is not possible.
    pub(super) async fn open_probe(
        &mut self,
        myself: &ActorRef<GovernorMessage>,
        wish: ProbeWish,
    ) -> Option<GovernorEvent> {
        let ProbeWish {
            probe,
            endpoint,
            connection,
            confirms,
        } = wish;
        let purpose = Purpose::Probe { probe, confirms };
        let opened = self.open(myself, connection, endpoint, purpose, None).await;
        let outcome = ProbeOutcome::Unreachable;
        (!opened).then_some(GovernorEvent::Probed { probe, outcome })
    }

    async fn grant(
        &mut self,
        myself: &ActorRef<GovernorMessage>,
        permit: PermitId,
        domain: DomainId,
        endpoint: EndpointId,
        via: Via,
        pick: Pick,
    ) -> Option<GovernorEvent> {
        let (connection, slot) = match via {
            Via::Reuse(connection) => {
                let slot = self
                    .links
                    .get_mut(&connection)
                    .and_then(|link| link.slot.take());
                // It has closed itself and the news is on its way.
                let Some(slot) = slot else {
                    return Some(stale(permit));
                };
                (connection, slot)
            }
            Via::Open(connection) => {
                let (slot, first) = oneshot::channel();
                let first = Some(first);
                let purpose = Purpose::Message;
                if !self
                    .open(myself, connection, endpoint, purpose, first)
                    .await
                {
                    return Some(GovernorEvent::Finished {
                        permit,
                        report: report(Signal::Nothing),
                    });
                }
                (connection, slot)
            }
        };
        if let Some(link) = self.links.get_mut(&connection) {
            link.permit = Some(permit);
        }
        self.permits.insert(
            permit,
            PermitBook {
                domain,
                connection,
                sequence: None,
            },
        );
        let grant = Grant {
            permit,
            pick,
            proving: matches!(self.machine.health(), Health::Canary | Health::Ramp),
            slot,
        };
        // A grant that reaches nobody drops the slot, and the connection speaks up.
        if let Some(delivery) = self.domains.get(&domain) {
            let _ = delivery.send_message(DeliveryMessage::Granted(Box::new(grant)));
        }
        None
    }

    async fn open(
        &mut self,
        myself: &ActorRef<GovernorMessage>,
        connection: ConnectionId,
        endpoint: EndpointId,
        purpose: Purpose,
        first: Option<oneshot::Receiver<Work>>,
    ) -> bool {
        let Some(host) = self.route.endpoint(endpoint.0) else {
            return false;
        };
        let now = self.clock().monotonic();
        let lasts = |until: Option<&Duration>| until.is_some_and(|until| now < *until);
        let avoid = Avoid {
            starttls: lasts(self.tls_avoided_until.get(&endpoint)),
            chunking: lasts(self.chunking_avoided_until.get(&endpoint)),
        };
        let arguments = AttemptArguments {
            connection,
            endpoint,
            purpose,
            governor: myself.clone(),
            spool: self.context.spool.clone(),
            opener: self.context.opener.clone(),
            host: host.clone(),
            avoid,
            first,
        };
        let Ok(child) = spawn_attempt(myself.get_cell(), arguments).await else {
            return false;
        };
        self.children.insert(child.get_id(), connection);
        let probe = match purpose {
            Purpose::Probe { probe, .. } => Some(probe),
            Purpose::Message => None,
        };
        let link = Link {
            child,
            slot: None,
            permit: None,
            probe,
        };
        self.links.insert(connection, link);
        true
    }

    fn state_changed(&mut self, health: Health) {
        if self.machine.hosts_down() == 0 {
            self.share.release();
        }
        let before = shown(self.health);
        self.health = health;
        if shown(health) != before {
            self.since = self.clock().now();
            tracing::info!(route = %self.route, from = ?before, to = ?shown(health), "the destination's state changed");
        }
        if matches!(health, Health::Healthy | Health::Ramp) {
            self.reason = None;
        }
        for delivery in self.domains.values() {
            // One that has died reloads everything.
            let _ = delivery.send_message(DeliveryMessage::Health(health));
        }
        self.published_at = None;
    }

    fn alert(&self, alert: GovernorAlert) {
        let route = &self.route;
        let reason = self.reason.as_deref().unwrap_or_default();
        let host = |endpoint: EndpointId| {
            let destination = route.endpoint(endpoint.0);
            destination.map_or_else(String::new, host_port)
        };
        match alert {
            GovernorAlert::Down(trouble) => {
                tracing::warn!(%route, ?trouble, reason, "a destination is down; its mail is held");
            }
            GovernorAlert::Up { after } => {
                tracing::info!(%route, after_s = after.as_secs(), "a destination takes mail again");
            }
            GovernorAlert::Policy { endpoint, reply } => {
                tracing::error!(%route, host = host(endpoint), reply.code = reply.code, reason, "a destination refuses everybody; its mail is held until somebody looks at it");
            }
            GovernorAlert::Tls { endpoint } => {
                tracing::error!(%route, host = host(endpoint), reason, "encryption is demanded and fails; mail is held");
            }
            GovernorAlert::ResourceFull { endpoint } => {
                tracing::warn!(%route, host = host(endpoint), reason, "a destination is out of space");
            }
        }
    }
}
