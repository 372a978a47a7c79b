//! What a probe's end means for its endpoint, and when the next one goes out.

use std::time::Duration;

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::super::super::classify::Overload;
use super::super::super::health::{EndpointHealth, Trouble};
use super::super::event::{GovernorAlert, GovernorEffect, ProbeOutcome};
use super::super::pause::Pause;
use super::super::probe_timer::Refusal;
use super::Endpoint;

impl Endpoint {
    /// What a probe's end means. The connection of a successful one is already in the books.
    pub(in super::super) fn probed(
        &mut self,
        outcome: ProbeOutcome,
        now: Duration,
        rng: &mut ChaCha8Rng,
        out: &mut Vec<GovernorEffect>,
    ) {
        match outcome {
            ProbeOutcome::Ready {
                looks_like_exchange,
            } => {
                self.looks_like_exchange = looks_like_exchange;
                if !self.health.is_usable() {
                    self.last_progress = Some(now);
                    self.watched_from = now;
                }
                if let EndpointHealth::Down { since, .. } = self.health {
                    let outage = now.saturating_sub(since);
                    self.stability.returned(outage);
                }
                self.health.on_probe_ready();
                if matches!(self.health, EndpointHealth::Canary { .. }) {
                    self.stability.recovered(now);
                    self.canary_pause = Pause::default();
                }
                self.probes.stop();
            }
            ProbeOutcome::Unreachable => self.probe_unanswered(now, rng, out),
            ProbeOutcome::Refused(key) => {
                if self.health.is_usable() {
                    return;
                }
                if self.in_flight > 0 && !self.health.is_down() {
                    // It refuses one more connection while it serves others: full, not gone.
                    self.health.on_probe_ready();
                    let mark = self.ramp.sent(now);
                    let n = self.connected() + 1;
                    self.ramp.refused(mark, Overload::Concurrency, n, true, now);
                    return;
                }
                self.go_down(Trouble::Refusing, now, out);
                self.probes.refused(Refusal::Reply(key), now, rng);
            }
            ProbeOutcome::Policy(reply) => {
                if !self.has_trouble(Trouble::Policy) {
                    let endpoint = self.id;
                    let alert = GovernorAlert::Policy { endpoint, reply };
                    out.push(GovernorEffect::Alert(alert));
                }
                self.go_down(Trouble::Policy, now, out);
                self.probes.refused(Refusal::Reply(reply), now, rng);
            }
            ProbeOutcome::Tls => {
                if !self.has_trouble(Trouble::Tls) {
                    let alert = GovernorAlert::Tls { endpoint: self.id };
                    out.push(GovernorEffect::Alert(alert));
                }
                self.go_down(Trouble::Tls, now, out);
                self.probes.refused(Refusal::Tls, now, rng);
            }
        }
    }

    /// When a probe is to go out next, and whether one is to go out now.
    pub(in super::super) fn probe_due(&self) -> Option<Duration> {
        match self.health {
            EndpointHealth::Suspect {
                confirm_at,
                confirming: false,
                ..
            } => Some(confirm_at),
            EndpointHealth::Unknown | EndpointHealth::Down { .. } => self.probes.due_at(),
            _ => None,
        }
    }

    /// A probe goes out.
    pub(in super::super) const fn note_confirming(&mut self) {
        if let EndpointHealth::Suspect { confirming, .. } = &mut self.health {
            *confirming = true;
        }
    }

    /// Whether a probe that goes out now confirms the failure of a connection. A pause in what goes
    /// on is none.
    pub(in super::super) const fn confirms_failure(&self) -> bool {
        matches!(self.health, EndpointHealth::Suspect { .. }) && self.failed_since_progress
    }

    fn has_trouble(&self, wanted: Trouble) -> bool {
        matches!(self.health, EndpointHealth::Down { trouble, .. } if trouble == wanted)
    }

    fn probe_unanswered(
        &mut self,
        now: Duration,
        rng: &mut ChaCha8Rng,
        out: &mut Vec<GovernorEffect>,
    ) {
        match self.health {
            EndpointHealth::Up | EndpointHealth::Canary { .. } => {}
            EndpointHealth::Unknown => {
                let jitter = rng.random_range(0.0..1.0);
                self.failed_since_progress = true;
                self.health.on_connection_failure(now, None, jitter);
                self.probes.stop();
            }
            EndpointHealth::Suspect { .. } | EndpointHealth::Down { .. } => {
                self.go_down(Trouble::Unreachable, now, out);
                self.probes.unanswered(now, rng);
            }
        }
    }
}
