//! The governor of a route: one pure machine that decides who may send what, where and when.
//!
//! `on(event, now) -> effects`, see `event`. It owns, for each endpoint of the route, the health,
//! the ramp, the probe timer and the books of connections, and for all of them together whose turn
//! it is among the domains that share the route. It knows no message: a domain says how many it has
//! and chooses one when it gets a permit.
//!
//! Invariants, held by property tests:
//! - never more permits out for an endpoint than its window when the permit was granted, and no
//!   permit while 64 MiB of bodies are under way on the route;
//! - no permit for an endpoint that is not up or in canary, at most one for a canary;
//! - while an endpoint can take a message and one waits, either a permit is granted now or the time
//!   at which it will be is named by a [`GovernorEffect::WakeAt`];
//! - the same events at the same times with the same seed have the same effects.

mod busy;
mod choice;
mod connections;
mod demand;
mod endpoint;
mod event;
mod pause;
mod probe_timer;
mod shortage;
mod stability;
mod standing;

use std::collections::BTreeMap;
use std::time::Duration;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use storage::model::{DomainId, HostLimits};

pub use self::connections::{AGE_MAX, IDLE_MAX};
pub use self::event::{
    AttemptReport, ConnectionId, Conveyance, EndpointId, GovernorAlert, GovernorEffect,
    GovernorEvent, PermitId, Pick, ProbeId, ProbeOutcome, Via,
};
pub use self::standing::{GovernorStatus, Learned};

use self::choice::{Choice, choose};
use self::demand::Demand;
use self::endpoint::{Endpoint, Sending, close};
use self::standing::Standing;
use super::health::{EndpointHealth, Health};

/// A canary is smaller than this, in octets: a large message would say little, slowly.
pub const CANARY_SIZE_MAX: u64 = 64 * 1024;
/// Signs of life that are heeded are at least this far apart.
const SIGNS_APART: Duration = Duration::from_secs(10);
/// Octets of bodies under way to one route.
pub const BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Priority and weight of an endpoint, in the order of the route's list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EndpointShape {
    /// Lower is tried first.
    pub priority: u16,
    /// Share inside its tier, at least 1.
    pub weight: u16,
    /// What it is given at most.
    pub limits: HostLimits,
}

/// The machine of one route.
#[derive(Debug)]
pub struct Governor {
    endpoints: Vec<Endpoint>,
    demand: Demand,
    permits: BTreeMap<PermitId, Permit>,
    probing: BTreeMap<ProbeId, usize>,
    bytes_in_flight: u64,
    standing: Standing,
    draining: bool,
    /// The last sign of life that was heeded.
    sign_at: Option<Duration>,
    next_id: u64,
    wake_at: Option<Duration>,
    rng: ChaCha8Rng,
}

#[derive(Debug)]
struct Permit {
    domain: DomainId,
    endpoint: usize,
    sending: Sending,
    size_bytes: u64,
}

impl Governor {
    /// A governor that knows nothing but what was learnt before a restart. The first demand makes
    /// it probe, then come canaries: after a restart of ours nobody is stampeded either.
    #[must_use]
    pub fn new(shapes: &[EndpointShape], learned: &Learned, seed: u64, now: Duration) -> Self {
        let endpoints = shapes
            .iter()
            .enumerate()
            .map(|(place, shape)| {
                let window = learned.windows.get(place).copied();
                Endpoint::new(EndpointId(place), shape, window, now)
            })
            .collect();
        Self {
            endpoints,
            demand: Demand::default(),
            permits: BTreeMap::new(),
            probing: BTreeMap::new(),
            bytes_in_flight: 0,
            standing: Standing::new(now),
            draining: false,
            sign_at: None,
            next_id: 0,
            wake_at: None,
            rng: ChaCha8Rng::seed_from_u64(seed),
        }
    }

    /// Takes an event and says what is to be done. `now` is any clock that never goes back
    /// ([`storage::model::Clock::monotonic`]).
    pub fn on(&mut self, event: GovernorEvent, now: Duration) -> Vec<GovernorEffect> {
        let mut out = Vec::new();
        self.take(event, now, &mut out);
        if !self.draining {
            self.greet(now);
            self.watch(now);
            self.probe(now, &mut out);
        }
        let next_grant = if self.draining {
            None
        } else {
            self.grant(now, &mut out)
        };
        for endpoint in &mut self.endpoints {
            endpoint.tidy(now, &mut out);
        }
        let waiting = self.demand.waiting() > 0;
        self.standing
            .update(&self.endpoints, waiting, now, &mut out);
        self.wake(next_grant, now, &mut out);
        out
    }

    /// The route's health.
    #[must_use]
    pub const fn health(&self) -> Health {
        self.standing.health()
    }

    /// What people see of the route.
    #[must_use]
    pub fn status(&self, now: Duration) -> GovernorStatus {
        self.standing.status(&self.endpoints, now)
    }

    /// What is worth keeping over a restart.
    #[must_use]
    pub fn learned(&self) -> Learned {
        let windows = self.endpoints.iter().map(Endpoint::learned_window);
        Learned {
            windows: windows.collect(),
        }
    }

    /// Permits that are out.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.permits.len()
    }

    /// Which hosts are down.
    #[must_use]
    pub fn endpoints_down(&self) -> Vec<EndpointId> {
        let down = self.endpoints.iter().filter(|one| one.health.is_down());
        down.map(|one| one.id).collect()
    }

    /// Hosts that are down, and asked.
    #[must_use]
    pub fn hosts_down(&self) -> u32 {
        let down = self.endpoints.iter().filter(|one| one.health.is_down());
        u32::try_from(down.count()).unwrap_or(u32::MAX)
    }

    fn take(&mut self, event: GovernorEvent, now: Duration, out: &mut Vec<GovernorEffect>) {
        match event {
            GovernorEvent::Tick => self.wake_at = None,
            GovernorEvent::Demand {
                domain,
                ready,
                has_canary,
            } => self.demand.set(domain, ready, has_canary),
            GovernorEvent::Picked { permit, size_bytes } => self.picked(permit, size_bytes),
            GovernorEvent::Returned { permit, conveyance } => {
                if let Some(permit) = self.close_permit(permit) {
                    self.demand.set(permit.domain, 0, false);
                    if let Some(endpoint) = self.endpoints.get_mut(permit.endpoint) {
                        endpoint.release(permit.sending, conveyance, now, out);
                    }
                }
            }
            GovernorEvent::Finished { permit, report } => {
                if let Some(permit) = self.close_permit(permit)
                    && let Some(endpoint) = self.endpoints.get_mut(permit.endpoint)
                {
                    endpoint.report(permit.sending, &report, now, &mut self.rng, out);
                    endpoint.release(permit.sending, report.conveyance, now, out);
                }
            }
            GovernorEvent::ConnectionClosed { connection } => {
                for endpoint in &mut self.endpoints {
                    endpoint.connections.closed(connection);
                }
            }
            GovernorEvent::Probed { probe, outcome } => self.probed(probe, outcome, now, out),
            GovernorEvent::ProbeNow => {
                for endpoint in &mut self.endpoints {
                    if endpoint.health.is_down() || endpoint.health == EndpointHealth::Unknown {
                        endpoint.probes.hurry(now);
                    }
                }
            }
            GovernorEvent::SignOfLife => self.sign_of_life(now),
            GovernorEvent::MailCame => {
                for endpoint in &mut self.endpoints {
                    endpoint.mail_came(now);
                }
            }
            GovernorEvent::ProbePeriod { mean } => {
                for endpoint in &mut self.endpoints {
                    endpoint.probes.set_period(mean);
                }
            }
            GovernorEvent::Drain => {
                self.draining = true;
                for endpoint in &mut self.endpoints {
                    endpoint.probes.stop();
                    out.extend(endpoint.connections.abandon().into_iter().map(close));
                }
            }
        }
    }

    /// Who shows signs of life again and again, but does not take mail, is not asked at each.
    fn sign_of_life(&mut self, now: Duration) {
        if self.sign_at.is_some_and(|at| now < at + SIGNS_APART) {
            return;
        }
        self.sign_at = Some(now);
        for endpoint in &mut self.endpoints {
            if endpoint.health.is_down() {
                endpoint.probes.hasten(now);
            }
        }
    }

    /// Somebody wants to send: endpoints of the active tier that nobody knows are probed.
    fn greet(&mut self, now: Duration) {
        if self.demand.waiting() == 0 {
            return;
        }
        let active = choice::active_tier(&self.endpoints, now);
        for endpoint in &mut self.endpoints {
            let unknown = endpoint.health == EndpointHealth::Unknown;
            let idle = endpoint.probes.due_at().is_none() && !endpoint.probes.is_outstanding();
            if unknown && idle && active == Some(endpoint.priority) {
                endpoint.probes.hurry(now);
            }
        }
    }

    fn picked(&mut self, permit: PermitId, size_bytes: u64) {
        if let Some(permit) = self.permits.get_mut(&permit) {
            let more = size_bytes.saturating_sub(permit.size_bytes);
            permit.size_bytes += more;
            self.bytes_in_flight += more;
            self.demand.charge(permit.domain, more);
        }
    }

    fn close_permit(&mut self, permit: PermitId) -> Option<Permit> {
        let permit = self.permits.remove(&permit)?;
        self.bytes_in_flight = self.bytes_in_flight.saturating_sub(permit.size_bytes);
        Some(permit)
    }

    fn probed(
        &mut self,
        probe: ProbeId,
        outcome: ProbeOutcome,
        now: Duration,
        out: &mut Vec<GovernorEffect>,
    ) {
        let place = self.probing.remove(&probe);
        let Some(endpoint) = place.and_then(|place| self.endpoints.get_mut(place)) else {
            return;
        };
        let connection = endpoint.probes.ended(probe);
        if let Some(connection) = connection
            && matches!(outcome, ProbeOutcome::Ready { .. })
        {
            if self.draining {
                out.push(close(connection));
                return;
            }
            endpoint.connections.adopt(connection, now);
        }
        endpoint.probed(outcome, now, &mut self.rng, out);
    }

    /// Notices what does not happen.
    fn watch(&mut self, now: Duration) {
        for endpoint in &mut self.endpoints {
            if endpoint.stalled_at().is_some_and(|at| now >= at) {
                endpoint.on_stall(now);
            }
        }
    }

    fn probe(&mut self, now: Duration, out: &mut Vec<GovernorEffect>) {
        for (place, endpoint) in self.endpoints.iter_mut().enumerate() {
            if endpoint.probe_due().is_none_or(|at| now < at) {
                continue;
            }
            let probe = ProbeId(self.next_id);
            let connection = ConnectionId(self.next_id + 1);
            self.next_id += 2;
            endpoint.note_confirming();
            let confirms = endpoint.confirms_failure();
            endpoint
                .probes
                .sent_now(probe, connection, now, &mut self.rng);
            self.probing.insert(probe, place);
            out.push(GovernorEffect::Probe {
                probe,
                endpoint: endpoint.id,
                connection,
                confirms,
            });
        }
    }

    /// Grants what can be granted; when the next grant is only a matter of time, that time.
    fn grant(&mut self, now: Duration, out: &mut Vec<GovernorEffect>) -> Option<Duration> {
        while self.demand.waiting() > 0 && self.bytes_in_flight < BYTES_MAX {
            let place = match choose(&mut self.endpoints, now, &mut self.rng) {
                Choice::Endpoint(place) => place,
                Choice::Until(at) => return Some(at),
                Choice::Nothing => return None,
            };
            let endpoint = self.endpoints.get_mut(place)?;
            let pick = match endpoint.health {
                EndpointHealth::Canary { .. } => Pick::Canary,
                _ if endpoint.shortage.is_on() => Pick::Smallest,
                _ => Pick::Next,
            };
            let domain = self.demand.next(pick == Pick::Canary)?;
            let permit = PermitId(self.next_id);
            let connection = ConnectionId(self.next_id + 1);
            self.next_id += 2;
            let via = endpoint.connections.take(connection, now);
            let (Via::Open(connection) | Via::Reuse(connection)) = via;
            let sending = endpoint.sent(connection, now);
            self.permits.insert(
                permit,
                Permit {
                    domain,
                    endpoint: place,
                    sending,
                    size_bytes: 0,
                },
            );
            out.push(GovernorEffect::Grant {
                permit,
                domain,
                endpoint: endpoint.id,
                via,
                pick,
            });
        }
        None
    }

    /// Names the next time at which something happens by itself.
    fn wake(&mut self, next_grant: Option<Duration>, now: Duration, out: &mut Vec<GovernorEffect>) {
        let mut times: Vec<Duration> = next_grant.into_iter().collect();
        if !self.draining {
            for endpoint in &self.endpoints {
                times.extend(endpoint.probe_due());
                times.extend(endpoint.stalled_at());
            }
            times.extend(self.standing.next_change(&self.endpoints, now));
            if self.demand.waiting() > 0 {
                times.extend(choice::fail_back_at(&self.endpoints, now));
            }
        }
        for endpoint in &self.endpoints {
            times.extend(endpoint.connections.next_expiry());
        }
        let soon = now + Duration::from_millis(1);
        let Some(at) = times.into_iter().min().map(|at| at.max(soon)) else {
            return;
        };
        if self.wake_at != Some(at) {
            self.wake_at = Some(at);
            out.push(GovernorEffect::WakeAt(at));
        }
    }
}

#[cfg(test)]
mod tests;
