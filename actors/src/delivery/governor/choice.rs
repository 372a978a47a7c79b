//! Which endpoint gets a message.
//!
//! Endpoints of one priority are a tier. A lower tier is used only when every endpoint above is down:
//! being full is not being down. When a higher tier comes back it proves itself with canaries and then
//! for a minute before the traffic returns. Inside a tier, weights and the power of two choices.

use std::time::Duration;

use rand::Rng;

use super::super::health::EndpointHealth;
use super::super::ramp::Gate;
use super::endpoint::Endpoint;

/// How long a higher tier has to be up before traffic returns to it from a lower one.
const FAIL_BACK: Duration = Duration::from_secs(60);

/// The result of a choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Choice {
    /// The endpoint at this place.
    Endpoint(usize),
    /// None before this time.
    Until(Duration),
    /// None until something happens.
    Nothing,
}

/// Chooses for one message that waits.
pub(super) fn choose(endpoints: &mut [Endpoint], now: Duration, rng: &mut impl Rng) -> Choice {
    let active = active_tier(endpoints, now);
    let mut earliest: Option<Duration> = None;
    let mut open = Vec::new();
    for (place, endpoint) in endpoints.iter_mut().enumerate() {
        let canary = matches!(endpoint.health, EndpointHealth::Canary { .. });
        let in_tier = active == Some(endpoint.priority);
        // A canary above the active tier is how that tier comes back.
        let above = canary && active.is_some_and(|tier| endpoint.priority < tier);
        if !endpoint.health.is_usable() || !(in_tier || above) {
            continue;
        }
        match endpoint.gate(now) {
            Gate::Open if canary => return Choice::Endpoint(place),
            Gate::Open => open.push((place, endpoint.cost())),
            Gate::Until(at) => earliest = Some(earliest.map_or(at, |other| other.min(at))),
            Gate::Full => {}
        }
    }
    if open.is_empty() {
        return earliest.map_or(Choice::Nothing, Choice::Until);
    }
    let first = rng.random_range(0..open.len());
    let step = if open.len() > 1 {
        rng.random_range(1..open.len())
    } else {
        0
    };
    let second = (first + step) % open.len();
    match (open.get(first), open.get(second)) {
        (Some(a), Some(b)) if b.1 < a.1 => Choice::Endpoint(b.0),
        (Some(a), _) => Choice::Endpoint(a.0),
        _ => Choice::Nothing,
    }
}

/// The priority that traffic goes to: the highest tier that is not wholly down, unless it has only
/// just come back and a lower one carries the traffic.
pub(super) fn active_tier(endpoints: &[Endpoint], now: Duration) -> Option<u16> {
    let alive = endpoints.iter().filter(|e| !e.health.is_down());
    let highest = alive.map(|e| e.priority).min()?;
    let stands = endpoints
        .iter()
        .filter(|e| e.priority == highest)
        .any(|e| e.up_since.is_some_and(|since| now >= since + FAIL_BACK));
    let carrying = endpoints
        .iter()
        .filter(|e| e.priority > highest && e.up_since.is_some())
        .map(|e| e.priority)
        .min();
    match carrying {
        Some(lower) if !stands => Some(lower),
        _ => Some(highest),
    }
}

/// When traffic returns to a higher tier by the passing of time.
pub(super) fn fail_back_at(endpoints: &[Endpoint], now: Duration) -> Option<Duration> {
    let active = active_tier(endpoints, now)?;
    endpoints
        .iter()
        .filter(|e| e.priority < active)
        .filter_map(|e| e.up_since)
        .map(|since| since + FAIL_BACK)
        .min()
}
