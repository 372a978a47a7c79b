//! What a run shows.

use std::collections::BTreeMap;
use std::time::Duration;

use actors::delivery::governor::GovernorEffect;
use actors::delivery::health::Health;
use storage::model::DomainId;

use super::destination::{Model, UP_AT};

/// Figures of one run.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) messages: u64,
    pub(crate) delivered: u64,
    pub(crate) refused: u64,
    pub(crate) rejected: u64,
    pub(crate) bounced: u64,
    pub(crate) broken: u64,
    pub(crate) probes: u64,
    pub(crate) first_delivery: Option<Duration>,
    pub(crate) nearly_all: Option<Duration>,
    pub(crate) all: Option<Duration>,
    pub(crate) ended_at: Duration,
    pub(crate) states: Vec<(Duration, Health)>,
    pub(crate) trace: Trace,
    pub(crate) most_in_flight: usize,
    pub(crate) refusals_at: Vec<Duration>,
    /// When attempts ended with their connection.
    pub(crate) broken_at: Vec<Duration>,
    pub(crate) probes_at: Vec<Duration>,
    /// How long fresh mail waited, sorted.
    pub(crate) waits: Vec<Duration>,
    /// How often mail overtook older mail of its sender.
    pub(crate) inversions: usize,
    /// About one a second.
    pub(crate) samples: Vec<Sample>,
    in_flight_early: usize,
    by_domain: BTreeMap<DomainId, Vec<Duration>>,
}

impl Report {
    pub(crate) fn new(messages: u64) -> Self {
        Self {
            messages,
            delivered: 0,
            refused: 0,
            rejected: 0,
            bounced: 0,
            broken: 0,
            probes: 0,
            first_delivery: None,
            nearly_all: None,
            all: None,
            ended_at: Duration::ZERO,
            states: Vec::new(),
            trace: Trace::default(),
            most_in_flight: 0,
            refusals_at: Vec::new(),
            broken_at: Vec::new(),
            probes_at: Vec::new(),
            waits: Vec::new(),
            inversions: 0,
            samples: Vec::new(),
            in_flight_early: 0,
            by_domain: BTreeMap::new(),
        }
    }

    pub(crate) fn is_complete(&self) -> bool {
        self.delivered >= self.messages
    }

    /// From the destination's return to the first delivery.
    pub(crate) fn first_after(&self) -> Duration {
        self.first_delivery.expect("something was delivered") - UP_AT
    }

    /// Ideal time to 95 % of the messages over the actual one.
    pub(crate) fn efficiency(&self, model: &Model) -> f64 {
        let ideal = model.ideal(self.messages as f64 * 0.95).as_secs_f64();
        let actual = self
            .nearly_all
            .map_or(f64::INFINITY, |at| (at - UP_AT).as_secs_f64());
        ideal / actual
    }

    /// Refusals for overload per delivered message.
    pub(crate) fn overload(&self) -> f64 {
        self.refused as f64 / self.delivered.max(1) as f64
    }

    /// Most refusals in any ten seconds.
    pub(crate) fn worst_ten_seconds(&self) -> usize {
        let within = |at: &Duration| {
            let until = *at + Duration::from_secs(10);
            let later = self.refusals_at.iter().filter(|other| *other >= at);
            later.take_while(|other| **other < until).count()
        };
        self.refusals_at.iter().map(within).max().unwrap_or(0)
    }

    /// The first delivery at or after a time.
    pub(crate) fn first_delivery_from(&self, from: Duration) -> Option<Duration> {
        self.deliveries().filter(|at| *at >= from).min()
    }

    /// When messages were delivered, domain by domain.
    pub(crate) fn deliveries(&self) -> impl Iterator<Item = Duration> {
        self.by_domain.values().flatten().copied()
    }

    pub(crate) fn note_probe(&mut self, now: Duration) {
        self.probes += 1;
        self.probes_at.push(now);
    }

    pub(crate) fn note_broken(&mut self, now: Duration) {
        self.broken += 1;
        self.broken_at.push(now);
    }

    /// Whether the last sample is old enough.
    pub(crate) fn wants_sample(&self, now: Duration) -> bool {
        let last = self.samples.last();
        last.is_none_or(|last| now >= last.at + Duration::from_secs(1))
    }

    pub(crate) fn take_sample(&mut self, sample: Sample) {
        self.samples.push(sample);
    }

    /// Most messages in flight in the first five seconds after the return.
    pub(crate) fn most_in_flight_early(&self) -> usize {
        self.in_flight_early
    }

    pub(crate) fn note_delivered(&mut self, domain: DomainId, now: Duration) {
        self.delivered += 1;
        self.by_domain.entry(domain).or_default().push(now);
        self.first_delivery.get_or_insert(now);
        if self.delivered as f64 >= self.messages as f64 * 0.95 {
            self.nearly_all.get_or_insert(now);
        }
        if self.is_complete() {
            self.all = Some(now);
        }
    }

    /// Jain's index of deliveries by domain in a period: 1 when all got the same.
    pub(crate) fn fairness(&self, from: Duration, to: Duration) -> f64 {
        let count = |times: &Vec<Duration>| {
            let within = times.iter().filter(|at| from <= **at && **at < to);
            within.count() as f64
        };
        let counts: Vec<f64> = self.by_domain.values().map(count).collect();
        let sum: f64 = counts.iter().sum();
        let squares: f64 = counts.iter().map(|count| count * count).sum();
        sum * sum / (counts.len() as f64 * squares)
    }

    pub(crate) fn note_refused(&mut self, now: Duration) {
        self.refused += 1;
        self.refusals_at.push(now);
    }

    pub(crate) fn note_in_flight(&mut self, in_flight: usize, now: Duration) {
        if now < UP_AT + Duration::from_secs(5) {
            self.in_flight_early = self.in_flight_early.max(in_flight);
        }
    }
}

/// What a governor showed at one moment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sample {
    pub(crate) at: Duration,
    pub(crate) window: u32,
    pub(crate) pace: Option<f64>,
    pub(crate) in_flight: u32,
}

/// A fingerprint of everything a governor did and when (FNV-1a).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Trace(u64);

impl Default for Trace {
    fn default() -> Self {
        Self(0xCBF2_9CE4_8422_2325)
    }
}

impl Trace {
    pub(crate) fn add(&mut self, now: Duration, effect: &GovernorEffect) {
        let (kind, a, b) = match effect {
            GovernorEffect::Probe {
                probe, connection, ..
            } => (1, probe.0, connection.0),
            GovernorEffect::Grant {
                permit, endpoint, ..
            } => (2, permit.0, endpoint.0 as u64),
            GovernorEffect::Close { connection } => (3, connection.0, 0),
            GovernorEffect::WakeAt(at) => (4, at.as_nanos() as u64, 0),
            GovernorEffect::StateChanged(health) => (5, format!("{health:?}").len() as u64, 0),
            GovernorEffect::Alert(_) => (6, 0, 0),
        };
        for value in [now.as_nanos() as u64, kind, a, b] {
            for byte in value.to_le_bytes() {
                self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
            }
        }
    }
}
