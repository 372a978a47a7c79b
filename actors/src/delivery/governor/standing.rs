//! Where the route stands as a whole: what is shown, when it is said that it changed, and what is
//! kept over a restart.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::super::health::{EndpointHealth, Health, Trouble};
use super::super::ramp::RampPhase;
use super::endpoint::Endpoint;
use super::event::{GovernorAlert, GovernorEffect};

/// The ramp is over when nothing has had to wait for this long …
const CLOSED_AFTER: Duration = Duration::from_secs(60);
/// … or when the destination has taken mail without a break for this long. A destination that is
/// always busy is not recovering for ever (and its permanent failures are to be believed).
const STEADY_AFTER: Duration = Duration::from_secs(30 * 60);
/// A reason for being degraded is over when it has not shown for this long.
const DEGRADED_FOR: Duration = Duration::from_secs(60);

/// What is worth keeping over a restart of ours.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Learned {
    /// The window of each endpoint, in the order of the route's list.
    pub windows: Vec<u32>,
}

/// What people see of a route.
#[derive(Debug, Clone, PartialEq)]
pub struct GovernorStatus {
    /// Where it stands.
    pub health: Health,
    /// Since when.
    pub since: Duration,
    /// Messages that may be on their way at once.
    pub window: u32,
    /// Messages that are on their way.
    pub in_flight: u32,
    /// Messages per second at most, when the destination limits its rate.
    pub pace_max: Option<f64>,
    /// When the next probe goes out.
    pub next_probe_at: Option<Duration>,
    /// When the last probe went out.
    pub last_probe_at: Option<Duration>,
    /// Probes sent since the start.
    pub probes: u64,
}

#[derive(Debug)]
pub(super) struct Standing {
    health: Health,
    since: Duration,
    /// The route recovers until the ramp is over.
    ramping_since: Option<Duration>,
    last_waiting: Duration,
    down_since: Option<Duration>,
}

impl Standing {
    pub(super) const fn new(now: Duration) -> Self {
        Self {
            health: Health::Unknown,
            since: now,
            ramping_since: None,
            last_waiting: Duration::ZERO,
            down_since: None,
        }
    }

    pub(super) const fn health(&self) -> Health {
        self.health
    }

    /// Judges the endpoints anew and says what has changed.
    pub(super) fn update(
        &mut self,
        endpoints: &[Endpoint],
        waiting: bool,
        now: Duration,
        out: &mut Vec<GovernorEffect>,
    ) {
        if waiting {
            self.last_waiting = now;
        }
        let health = self.judge(endpoints, now);
        if health == self.health {
            return;
        }
        self.health = health;
        self.since = now;
        out.push(GovernorEffect::StateChanged(health));
        self.alert(endpoints, now, out);
    }

    /// When the health changes by the passing of time.
    pub(super) fn next_change(&self, endpoints: &[Endpoint], now: Duration) -> Option<Duration> {
        let at = match self.health {
            Health::Ramp => {
                let began = self.ramping_since.unwrap_or(now);
                (self.last_waiting.max(began) + CLOSED_AFTER).min(began + STEADY_AFTER)
            }
            Health::Degraded(Trouble::Overload) => {
                let refused = endpoints.iter().filter_map(|e| e.ramp.refused_at()).max()?;
                refused + DEGRADED_FOR
            }
            _ => return None,
        };
        (at > now).then_some(at)
    }

    pub(super) fn status(&self, endpoints: &[Endpoint], now: Duration) -> GovernorStatus {
        let paces: Vec<f64> = endpoints.iter().filter_map(|e| e.ramp.pace()).collect();
        GovernorStatus {
            health: self.health,
            since: self.since,
            window: endpoints.iter().map(|e| e.window(now)).sum(),
            in_flight: endpoints.iter().map(|e| e.in_flight).sum(),
            pace_max: (!paces.is_empty()).then(|| paces.iter().sum()),
            next_probe_at: endpoints.iter().filter_map(Endpoint::probe_due).min(),
            last_probe_at: endpoints.iter().filter_map(|e| e.probes.sent().0).max(),
            probes: endpoints.iter().map(|e| e.probes.sent().1).sum(),
        }
    }

    fn judge(&mut self, endpoints: &[Endpoint], now: Duration) -> Health {
        let any = |wanted: fn(EndpointHealth) -> bool| endpoints.iter().any(|e| wanted(e.health));
        if endpoints.iter().all(|e| e.health.is_down()) {
            self.ramping_since = None;
            return match worst_trouble(endpoints) {
                Some(trouble @ (Trouble::Policy | Trouble::Tls)) => Health::Degraded(trouble),
                _ => Health::Down,
            };
        }
        if any(|health| health == EndpointHealth::Up) {
            return self.judge_up(endpoints, now);
        }
        if any(|health| matches!(health, EndpointHealth::Canary { .. })) {
            self.ramping_since = None;
            return Health::Canary;
        }
        if any(|health| matches!(health, EndpointHealth::Suspect { .. })) {
            return Health::Suspect;
        }
        if self.down_since.is_some() {
            return Health::Down;
        }
        Health::Unknown
    }

    fn judge_up(&mut self, endpoints: &[Endpoint], now: Duration) -> Health {
        let recovering = matches!(
            self.health,
            Health::Unknown
                | Health::Down
                | Health::Canary
                | Health::Degraded(Trouble::Policy | Trouble::Tls)
        );
        if recovering {
            self.ramping_since = Some(now);
        }
        if let Some(began) = self.ramping_since {
            let quiet = now >= self.last_waiting.max(began) + CLOSED_AFTER;
            let steady = now >= began + STEADY_AFTER
                && endpoints
                    .iter()
                    .filter(|e| e.health == EndpointHealth::Up)
                    .all(|e| e.ramp.phase() == RampPhase::Cruise);
            if !quiet && !steady {
                return Health::Ramp;
            }
            self.ramping_since = None;
        }
        match degradation(endpoints, now) {
            Some(trouble) => Health::Degraded(trouble),
            None => Health::Healthy,
        }
    }

    fn alert(&mut self, endpoints: &[Endpoint], now: Duration, out: &mut Vec<GovernorEffect>) {
        let stopped = matches!(
            self.health,
            Health::Down | Health::Degraded(Trouble::Policy | Trouble::Tls)
        );
        let running = matches!(
            self.health,
            Health::Ramp | Health::Healthy | Health::Degraded(_)
        );
        if stopped {
            if self.down_since.is_none() {
                self.down_since = Some(now);
                let trouble = worst_trouble(endpoints).unwrap_or(Trouble::Unreachable);
                out.push(GovernorEffect::Alert(GovernorAlert::Down(trouble)));
            }
        } else if running && let Some(since) = self.down_since.take() {
            let after = now.saturating_sub(since);
            out.push(GovernorEffect::Alert(GovernorAlert::Up { after }));
        }
    }
}

fn worst_trouble(endpoints: &[Endpoint]) -> Option<Trouble> {
    endpoints
        .iter()
        .filter_map(|endpoint| match endpoint.health {
            EndpointHealth::Down { trouble, .. } => Some(trouble),
            _ => None,
        })
        // What a person can do something about comes first.
        .max_by_key(|trouble| match trouble {
            Trouble::Policy => 3,
            Trouble::Tls => 2,
            Trouble::Refusing => 1,
            _ => 0,
        })
}

/// Why a route that takes mail is not healthy.
fn degradation(endpoints: &[Endpoint], now: Duration) -> Option<Trouble> {
    let highest = endpoints.iter().map(|e| e.priority).min()?;
    let refused = endpoints
        .iter()
        .filter_map(|e| e.ramp.refused_at())
        .any(|at| now < at + DEGRADED_FOR);
    if endpoints.iter().any(|e| e.shortage.is_on()) {
        Some(Trouble::ResourceFull)
    } else if endpoints
        .iter()
        .any(|e| e.priority == highest && e.health.is_down())
    {
        Some(Trouble::EndpointDown)
    } else if refused {
        Some(Trouble::Overload)
    } else if endpoints.iter().any(|e| e.ramp.is_slow()) {
        Some(Trouble::Slow)
    } else {
        None
    }
}
