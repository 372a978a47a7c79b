//! The shell around a route's governor: sockets, timers and messages for the pure machine.
//!
//! It decides nothing. Its children are the route's connections ([`super::attempt`]); what a domain
//! may do with them it learns from [`super::governor`]. `books` translates names (permit to domain,
//! connection to child), `effects` carries out what the machine wants, `show` tells people.

mod books;
mod effects;
mod lookout;
mod seat;
mod show;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use ractor::{Actor, ActorId, ActorProcessingErr, ActorRef, SupervisionEvent};
use storage::model::{DomainId, Sequence};

pub use self::books::GovernorState;
use super::context::DeliveryContext;
use super::delivery_actor::DeliveryMessage;
use super::governor::{
    AttemptReport, ConnectionId, EndpointId, GovernorEvent, PermitId, ProbeId, ProbeOutcome,
};
use super::route::RouteKey;
use super::turn::WorkSlot;
use crate::smtp::client::ChunkingFault;
use crate::supervision::Alarm;

/// An opportunistic handshake that failed is not tried again for this long (delivery.md B7).
const TLS_AVOIDED_FOR: Duration = Duration::from_secs(3600);
/// BDAT that failed is not tried again for this long (OUT7).
const CHUNKING_AVOIDED_FOR: Duration = Duration::from_secs(24 * 3600);
/// Connections get this long for the message they carry and for QUIT when the governor ends.
const CLOSE_GRACE: Duration = Duration::from_secs(25);

/// The actor.
#[derive(Debug)]
pub struct HostGovernor;

/// What a governor starts with.
#[derive(Debug)]
pub struct GovernorArguments {
    /// Handles.
    pub context: DeliveryContext,
    /// Its route.
    pub route: RouteKey,
}

/// A probe that waits for its slot in the node's budget.
#[derive(Debug, Clone, Copy)]
pub struct ProbeWish {
    /// It.
    pub probe: ProbeId,
    /// Where.
    pub endpoint: EndpointId,
    /// The name of the connection when it succeeds.
    pub connection: ConnectionId,
    /// It confirms a failure.
    pub confirms: bool,
}

/// Messages, from the domains of the route and from its connections.
#[derive(Debug)]
pub enum GovernorMessage {
    /// A domain's mail takes this route.
    Join {
        /// The domain.
        domain: DomainId,
        /// Who delivers it.
        delivery: ActorRef<DeliveryMessage>,
    },
    /// It does not any more, or its DeliveryActor has died: its leases are void.
    Leave {
        /// The domain.
        domain: DomainId,
        /// The DeliveryActor that leaves.
        delivery: ActorId,
    },
    /// How many messages a domain could send now.
    Demand {
        /// The domain.
        domain: DomainId,
        /// Messages.
        ready: u32,
        /// A good canary is among them.
        has_canary: bool,
    },
    /// A domain has chosen a message for a permit.
    Picked {
        /// The permit.
        permit: PermitId,
        /// The message's place.
        sequence: Sequence,
        /// Octets of its body.
        size_bytes: u64,
    },
    /// The connection of a permit was gone before the message got there.
    SlotGone {
        /// The permit.
        permit: PermitId,
    },
    /// A message is over, or a connection did not come about.
    Finished {
        /// The connection.
        connection: ConnectionId,
        /// The result.
        report: AttemptReport,
        /// What was said, for people.
        reason: Option<String>,
        /// Takes the next message, when the connection goes on.
        slot: Option<WorkSlot>,
    },
    /// A DeliveryActor let go of a slot.
    Unused {
        /// The connection.
        connection: ConnectionId,
        /// The new one.
        slot: WorkSlot,
    },
    /// An idle connection is closed.
    Closed {
        /// The connection.
        connection: ConnectionId,
    },
    /// The slot of a probe has come.
    ProbeSlot(ProbeWish),
    /// A probe is over.
    Probed {
        /// Its connection.
        connection: ConnectionId,
        /// It.
        probe: ProbeId,
        /// How it ended.
        outcome: ProbeOutcome,
        /// What was said, for people.
        reason: Option<String>,
        /// Takes the first message, when it succeeded.
        slot: Option<WorkSlot>,
    },
    /// Opportunistic TLS does not work with a host.
    TlsFailed {
        /// The host.
        endpoint: EndpointId,
        /// What went wrong.
        why: String,
    },
    /// BDAT does not work with a host that announces it (OUT7).
    ChunkingFailed {
        /// The host.
        endpoint: EndpointId,
        /// What went wrong.
        fault: ChunkingFault,
    },
    /// A connection's task has ended.
    ChildEnded {
        /// Which.
        child: ActorId,
        /// Why, when it failed.
        failure: Option<String>,
    },
    /// The machine's time has come.
    Tick,
    /// Probe at once.
    ProbeNow,
    /// A host that is down was seen alive, or has moved. The flag is lowered when this is heard.
    SignOfLife(Option<Arc<AtomicBool>>),
    /// Mail has come that has broken no connection yet.
    MailCame,
    /// No new permits, no probes.
    Drain,
}

impl Actor for HostGovernor {
    type Msg = GovernorMessage;
    type State = GovernorState;
    type Arguments = GovernorArguments;

    async fn pre_start(
        &self,
        _: ActorRef<GovernorMessage>,
        arguments: GovernorArguments,
    ) -> Result<GovernorState, ActorProcessingErr> {
        let learned = show::load(&arguments.context.spool, &arguments.route).await?;
        Ok(GovernorState::new(arguments, learned))
    }

    async fn handle(
        &self,
        myself: ActorRef<GovernorMessage>,
        message: GovernorMessage,
        state: &mut GovernorState,
    ) -> Result<(), ActorProcessingErr> {
        let event = match message {
            GovernorMessage::ProbeSlot(wish) => state.open_probe(&myself, wish).await,
            message => state.on_message(message),
        };
        if let Some(event) = event {
            state.on_event(&myself, event).await;
            state.look_out(&myself).await;
        }
        state.arm(&myself);
        state.publish();
        state.save().await?;
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        myself: ActorRef<GovernorMessage>,
        event: SupervisionEvent,
        _: &mut GovernorState,
    ) -> Result<(), ActorProcessingErr> {
        let (cell, failure) = match event {
            SupervisionEvent::ActorTerminated(cell, _, _) => (cell, None),
            SupervisionEvent::ActorFailed(cell, error) => (cell, Some(error.to_string())),
            _ => return Ok(()),
        };
        // Ends overtake messages: what the child said last has to be heard first.
        let child = cell.get_id();
        myself.send_message(GovernorMessage::ChildEnded { child, failure })?;
        Ok(())
    }

    async fn post_stop(
        &self,
        _: ActorRef<GovernorMessage>,
        state: &mut GovernorState,
    ) -> Result<(), ActorProcessingErr> {
        let links = std::mem::take(&mut state.links);
        join_all(links.into_values().map(|link| async move {
            if link
                .child
                .stop_and_wait(None, Some(CLOSE_GRACE))
                .await
                .is_err()
            {
                link.child.kill();
            }
        }))
        .await;
        Ok(())
    }
}

impl GovernorState {
    /// Enters a message in the books; what it means for the machine, when it means anything.
    fn on_message(&mut self, message: GovernorMessage) -> Option<GovernorEvent> {
        match message {
            GovernorMessage::Join { domain, delivery } => {
                // It starts out not knowing where the route stands.
                let _ = delivery.send_message(DeliveryMessage::Health(self.health));
                self.domains.insert(domain, delivery);
                None
            }
            GovernorMessage::Leave { domain, delivery } => self.leave(domain, delivery),
            GovernorMessage::Demand {
                domain,
                ready,
                has_canary,
            } => Some(GovernorEvent::Demand {
                domain,
                ready,
                has_canary,
            }),
            GovernorMessage::Picked {
                permit,
                sequence,
                size_bytes,
            } => {
                self.permits.get_mut(&permit)?.sequence = Some(sequence);
                Some(GovernorEvent::Picked { permit, size_bytes })
            }
            GovernorMessage::SlotGone { permit } => {
                // The connection's own last word, which is on its way, answers the permit.
                self.permits.get_mut(&permit)?.sequence = None;
                None
            }
            GovernorMessage::Finished {
                connection,
                report,
                reason,
                slot,
            } => self.finished(connection, report, reason, slot),
            GovernorMessage::Unused { connection, slot } => self.unused(connection, slot),
            GovernorMessage::Closed { connection } => self.closed(connection),
            GovernorMessage::Probed {
                connection,
                probe,
                outcome,
                reason,
                slot,
            } => Some(self.probed(connection, probe, outcome, reason, slot)),
            GovernorMessage::TlsFailed { endpoint, why } => {
                let until = self.clock().monotonic() + TLS_AVOIDED_FOR;
                self.tls_avoided_until.insert(endpoint, until);
                tracing::warn!(route = %self.route, error = why, "TLS does not work with a destination; mail goes in clear for an hour");
                None
            }
            GovernorMessage::ChunkingFailed { endpoint, fault } => {
                let until = self.clock().monotonic() + CHUNKING_AVOIDED_FOR;
                self.chunking_avoided_until.insert(endpoint, until);
                tracing::warn!(route = %self.route, ?fault, "CHUNKING does not work with a destination; mail goes by DATA for a day");
                None
            }
            GovernorMessage::ChildEnded { child, failure } => self.child_ended(child, failure),
            GovernorMessage::Tick => {
                self.timer = None;
                let now = self.clock().monotonic();
                self.wake_at = self.wake_at.filter(|at| *at > now);
                Some(GovernorEvent::Tick)
            }
            GovernorMessage::ProbeSlot(_) => None,
            GovernorMessage::ProbeNow => Some(GovernorEvent::ProbeNow),
            GovernorMessage::SignOfLife(told) => {
                if let Some(told) = told {
                    told.store(false, Ordering::Relaxed);
                }
                Some(GovernorEvent::SignOfLife)
            }
            GovernorMessage::MailCame => Some(GovernorEvent::MailCame),
            GovernorMessage::Drain => Some(GovernorEvent::Drain),
        }
    }

    /// Makes sure that the machine is woken when it wants to be. A timer that is too early only
    /// makes it look once more.
    fn arm(&mut self, myself: &ActorRef<GovernorMessage>) {
        let Some(wake_at) = self.wake_at else { return };
        if self.timer.as_ref().is_some_and(|timer| timer.at <= wake_at) {
            return;
        }
        let pause = wake_at.saturating_sub(self.clock().monotonic());
        self.timer = Some(Alarm::set(myself, wake_at, pause, || GovernorMessage::Tick));
    }
}
