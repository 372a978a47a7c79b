//! The governor's seat in the node's probe budget: taken while hosts of the route are down.

use std::time::Duration;

use super::super::governor::GovernorEvent;
use super::super::probe_budget::{PERIOD, ProbeSeat, Urgency};
use super::GovernorState;

/// What a governor knows about its share.
#[derive(Debug)]
pub(super) struct Share {
    seat: Option<ProbeSeat>,
    /// What the machine was told.
    period: Duration,
    /// The last delivery.
    pub(super) delivered_at: Option<Duration>,
    /// Decides among the equally urgent, 0..1.
    place: f64,
}

impl Share {
    pub(super) fn new(fingerprint: u64) -> Self {
        Self {
            seat: None,
            period: PERIOD,
            delivered_at: None,
            place: fingerprint as f64 / u64::MAX as f64,
        }
    }

    /// No host is down.
    pub(super) fn release(&mut self) {
        self.seat = None;
    }
}

impl GovernorState {
    /// Takes, keeps or gives back the seat; how often to ask, when that has changed.
    pub(super) fn ask_as_often_as_it_may(&mut self) -> Option<GovernorEvent> {
        let hosts = self.machine.hosts_down();
        if hosts == 0 {
            self.share.release();
            return None;
        }
        let urgency = self.urgency();
        let seat = match self.share.seat.take() {
            Some(mut seat) => {
                seat.change(urgency, hosts);
                seat
            }
            None => self
                .context
                .probes
                .take_seat(urgency, hosts, self.share.place),
        };
        let mean = seat.period();
        self.share.seat = Some(seat);
        if mean == self.share.period {
            return None;
        }
        self.share.period = mean;
        Some(GovernorEvent::ProbePeriod { mean })
    }

    fn urgency(&self) -> Urgency {
        let spool = &self.context.spool;
        let waiting = self.domains.keys().map(|domain| spool.counters(*domain));
        let bytes = waiting.fold(0_u64, |sum, of| sum.saturating_add(of.queued_bytes));
        // What took mail never since the start is as old as the start.
        let last = self.share.delivered_at.unwrap_or_default();
        Urgency::of(bytes, self.clock().monotonic().saturating_sub(last))
    }
}
