//! Outages of all lengths, with traffic until they begin and a backlog when they end.

use std::time::Duration;

use actors::delivery::health::Health;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::destination::{Model, UP_AT};
use super::models;
use super::shell::Simulation;

/// What an outage shows.
#[derive(Debug)]
pub(crate) struct Outage {
    pub(crate) silent: bool,
    /// From the first suspicion until the destination is known to be down.
    pub(crate) down_after: Duration,
    /// From the destination's return until its first delivery.
    pub(crate) first_after: Duration,
}

/// One outage: the host refuses, or nothing is heard of it any more.
pub(crate) fn outage(seed: u64) -> Outage {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let silent = seed.is_multiple_of(2);
    let from = UP_AT + Duration::from_secs_f64(rng.random_range(60.0..180.0));
    // As many short ones as long ones.
    let length = Duration::from_secs_f64(60.0 * 120_f64.powf(rng.random_range(0.0..1.0)));
    let until = from + length;
    let first = (Duration::ZERO, UP_AT);
    let model = Model {
        down: if silent {
            vec![first]
        } else {
            vec![first, (from, until)]
        },
        silent: if silent {
            vec![(from, until)]
        } else {
            Vec::new()
        },
        ..models::ordinary()
    };
    let report = Simulation::new(model, 30_000, 1, seed).run(until + Duration::from_secs(120));
    let state = |wanted: Health| {
        let mut states = report.states.iter();
        let found = states.find(|(at, health)| *at >= from && *health == wanted);
        found.map(|(at, _)| *at)
    };
    let down_at = state(Health::Down).expect("it was noticed");
    let suspected_at = state(Health::Suspect).unwrap_or(down_at).min(down_at);
    let first_at = report.first_delivery_from(until).expect("mail goes again");
    Outage {
        silent,
        down_after: down_at - suspected_at,
        first_after: first_at - until,
    }
}

/// The value below which this share of all lies.
pub(crate) fn quantile(values: &mut [Duration], share: f64) -> Duration {
    values.sort_unstable();
    let place = (values.len().saturating_sub(1)) as f64 * share;
    values[place.ceil() as usize]
}
