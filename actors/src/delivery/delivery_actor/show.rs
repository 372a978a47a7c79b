//! What others get to know of a domain: the governor its demand, people its state, the clock its
//! next time.

use std::time::Duration;

use ractor::ActorRef;

use super::super::health::Health;
use super::super::host_governor::GovernorMessage;
use super::{DeliveryMessage, DeliveryState, IDLE_MAX};
use crate::status::DeliveryStatus;
use crate::supervision::Alarm;

/// While something moves, the live state is shown this often.
const STATUS_INTERVAL: Duration = Duration::from_millis(500);

impl DeliveryState {
    /// Tells the governor what is ready when it believes something else.
    pub(super) fn announce(&mut self) {
        self.tell_of_new_mail();
        let Some(governor) = &self.governor else {
            return;
        };
        let open = !self.draining && !self.is_held();
        let ready = if open { self.window.ready() } else { 0 };
        // While the breaker is open one message asks for all.
        let ready = match self.breaker.is_open() {
            Some(_) => ready.min(1),
            None => ready,
        };
        let proving = !matches!(self.health, Health::Healthy | Health::Ramp);
        let canary = open && proving && self.window.has_canary();
        if self.announced == Some((ready, canary)) {
            return;
        }
        self.announced = Some((ready, canary));
        let _ = governor.send_message(GovernorMessage::Demand {
            domain: self.domain.id,
            ready,
            has_canary: canary,
        });
    }

    /// While the destination takes nothing: more mail waits that has broken no connection.
    fn tell_of_new_mail(&mut self) {
        let harmless = self.window.harmless();
        if harmless <= self.harmless {
            self.harmless = harmless;
        } else if self.health == Health::Down
            && let Some(governor) = &self.governor
        {
            self.harmless = harmless;
            let _ = governor.send_message(GovernorMessage::MailCame);
        }
    }

    /// Asks the governor to look at once whether the destination is back.
    pub(super) fn probe_now(&self) {
        if let Some(governor) = &self.governor {
            // A dead one is replaced, and its successor probes first.
            let _ = governor.send_message(GovernorMessage::ProbeNow);
        }
    }

    /// One timer for everything that has a time.
    pub(super) fn arm(&mut self, myself: &ActorRef<DeliveryMessage>) {
        let now = self.now();
        let hold_ends = self.domain.hold.as_ref().and_then(|hold| hold.until);
        let due = self
            .next_due_at
            .filter(|_| self.may_send() && !self.window.has_due());
        // A test whose time has come waits for a permit, not for a timer.
        let test = self.breaker.next_test_at().filter(|at| *at > now);
        let moving =
            self.window.leased() > 0 || self.speed.per_second(self.clock().monotonic()) > 0.0;
        let status = moving.then(|| now.saturating_add(STATUS_INTERVAL));
        let queued = self.context.spool.counters(self.domain.id).queued > 0;
        let idle = (!queued).then(|| now.saturating_add(IDLE_MAX));
        let next = [self.next_expiry_at, hold_ends, test, due, status, idle];
        let Some(at) = next.into_iter().flatten().min() else {
            return;
        };
        // One that is too early only looks once more.
        if self.timer.as_ref().is_some_and(|timer| timer.at <= at) {
            return;
        }
        let pause = at.saturating_since(now);
        self.timer = Some(Alarm::set(myself, at, pause, || DeliveryMessage::Timer));
    }

    pub(super) fn publish(&mut self) {
        let now = self.clock().monotonic();
        let recent = |at: Duration| now.saturating_sub(at) < STATUS_INTERVAL;
        if self.published_at.is_some_and(recent) {
            return;
        }
        self.published_at = Some(now);
        let queued = self.context.spool.counters(self.domain.id).queued > 0;
        if let Some(oldest) = self.window.oldest() {
            self.oldest_at = Some(oldest);
        }
        let guard = self.breaker.is_open().map(|(key, _)| {
            format!(
                "recovery guard: the destination answers {} to everybody, which is not believed",
                key.code
            )
        });
        let status = DeliveryStatus {
            route: Some(self.route.clone()),
            oldest_at: self.oldest_at.filter(|_| queued),
            delivered_per_second: self.speed.per_second(now),
            in_flight: u32::try_from(self.window.leased()).unwrap_or(u32::MAX),
            next_due_at: self.next_due_at,
            guard,
            fault: None,
        };
        self.context.board.publish_delivery(self.domain.id, status);
    }
}
