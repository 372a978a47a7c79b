//! A shell without sockets.

use std::collections::{BTreeMap, BTreeSet};

use super::super::super::classify::Signal;
use super::*;

/// A shell without sockets: it keeps the books that a real one keeps and checks the promises.
pub(super) struct Shell {
    pub(super) governor: Governor,
    pub(super) now: Duration,
    pub(super) permits: BTreeMap<PermitId, (EndpointId, Via, Pick)>,
    pub(super) probes: BTreeMap<ProbeId, (EndpointId, ConnectionId)>,
    pub(super) idle: BTreeSet<ConnectionId>,
    pub(super) wake_at: Option<Duration>,
    pub(super) alerts: Vec<GovernorAlert>,
    pub(super) states: Vec<Health>,
}

impl Shell {
    pub(super) fn new(shapes: &[EndpointShape], seed: u64) -> Self {
        Self {
            governor: Governor::new(shapes, &Learned::default(), seed, ms(0)),
            now: ms(0),
            permits: BTreeMap::new(),
            probes: BTreeMap::new(),
            idle: BTreeSet::new(),
            wake_at: None,
            alerts: Vec::new(),
            states: Vec::new(),
        }
    }

    pub(super) fn on(&mut self, event: GovernorEvent) {
        if event == GovernorEvent::Tick {
            self.wake_at = None;
        }
        for effect in self.governor.on(event, self.now) {
            match effect {
                GovernorEffect::Probe {
                    probe,
                    endpoint,
                    connection,
                    ..
                } => assert!(self.probes.insert(probe, (endpoint, connection)).is_none()),
                GovernorEffect::Grant {
                    permit,
                    endpoint,
                    via,
                    pick,
                    ..
                } => {
                    if let Via::Reuse(connection) = via {
                        assert!(self.idle.remove(&connection), "only idle ones are reused");
                    }
                    assert!(self.permits.insert(permit, (endpoint, via, pick)).is_none());
                }
                GovernorEffect::Close { connection } => {
                    assert!(self.idle.remove(&connection), "only idle ones are closed");
                }
                GovernorEffect::WakeAt(at) => {
                    assert!(at > self.now);
                    self.wake_at = Some(at);
                }
                GovernorEffect::StateChanged(health) => self.states.push(health),
                GovernorEffect::Alert(alert) => self.alerts.push(alert),
            }
        }
        assert_eq!(
            self.governor.in_flight(),
            self.permits.len(),
            "no grant is lost"
        );
    }

    pub(super) fn demand(&mut self, ready: u32) {
        self.on(GovernorEvent::Demand {
            domain: DOMAIN,
            ready,
            has_canary: true,
        });
    }

    pub(super) fn answer_probe(&mut self, outcome: ProbeOutcome) -> bool {
        let Some((probe, (_, connection))) = self.probes.pop_first() else {
            return false;
        };
        if matches!(outcome, ProbeOutcome::Ready { .. }) {
            self.idle.insert(connection);
        }
        self.on(GovernorEvent::Probed { probe, outcome });
        true
    }

    pub(super) fn finish(&mut self, signal: Signal, kept: bool) -> bool {
        let Some((permit, (_, via, _))) = self.permits.pop_first() else {
            return false;
        };
        let (Via::Open(connection) | Via::Reuse(connection)) = via;
        let conveyance = if kept {
            self.idle.insert(connection);
            Conveyance::Kept
        } else {
            Conveyance::Closed
        };
        self.on(GovernorEvent::Finished {
            permit,
            report: AttemptReport {
                signal,
                latency: (signal == Signal::Delivered).then_some(ms(100)),
                size_bytes: 4096,
                conveyance,
                at_opening: !kept && matches!(via, Via::Open(_)),
            },
        });
        true
    }

    /// Lets time pass up to `until`, ticking when asked to.
    pub(super) fn pass(&mut self, until: Duration) {
        while let Some(at) = self.wake_at.filter(|at| *at <= until) {
            self.now = at;
            self.on(GovernorEvent::Tick);
        }
        self.now = until;
    }

    pub(super) fn pass_for(&mut self, time: Duration) {
        self.pass(self.now + time);
    }

    pub(super) fn recover(&mut self) {
        self.demand(1000);
        while self.governor.health() != Health::Ramp {
            if !self.answer_probe(READY) && !self.finish(Signal::Delivered, true) {
                self.pass_for(ms(500));
            }
            assert!(self.now < Duration::from_secs(60), "{:?}", self.states);
        }
    }
}
