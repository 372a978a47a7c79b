//! A destination as a queueing system: cores that share their work, and the limits at which real mail
//! servers refuse. No sockets, no threads: jobs with remaining work, advanced from event to event.

use std::time::Duration;

use rand::Rng;
use rand_chacha::ChaCha8Rng;

/// What a destination can do. Times count from the start of the simulation.
#[derive(Debug, Clone)]
pub(crate) struct Model {
    /// Name in reports.
    pub(crate) name: &'static str,
    /// Work of one message on one core.
    pub(crate) work: Duration,
    /// Work varies evenly by this share in either direction.
    pub(crate) variation: f64,
    /// Round trip of the network.
    pub(crate) round_trip: Duration,
    /// Cores from a time on; the first step begins at zero.
    pub(crate) cores: Vec<(Duration, f64)>,
    /// 421 at the greeting above this many connections.
    pub(crate) connections_max: Option<usize>,
    /// 452 at MAIL when this many messages per core (or, without cores, in all) are in flight.
    pub(crate) in_flight_max: Option<f64>,
    /// 451 at MAIL above this many a second, with this burst.
    pub(crate) rate: Option<(f64, f64)>,
    /// Nobody listens in these periods; sessions that live when one begins are reset.
    pub(crate) down: Vec<(Duration, Duration)>,
    /// Nothing is answered in these periods, not even a SYN; sessions that live stay silent as well.
    pub(crate) silent: Vec<(Duration, Duration)>,
    /// Time of our own that passes with every message, beside the answer: commits, scheduling.
    pub(crate) own_time: Duration,
    /// From a time on: the mean time by which answers are read late, because this side is busy.
    pub(crate) own_noise: (Duration, Duration),
    /// Until this time every message is refused with 5yz.
    pub(crate) refuses_until: Duration,
}

impl Model {
    /// A destination without any limit, down for the first minute.
    pub(crate) fn new(name: &'static str, work: Duration) -> Self {
        Self {
            name,
            work,
            variation: 0.3,
            round_trip: Duration::from_millis(20),
            cores: vec![(Duration::ZERO, 1e6)],
            connections_max: None,
            in_flight_max: None,
            rate: None,
            down: vec![(Duration::ZERO, UP_AT)],
            silent: Vec::new(),
            own_time: Duration::ZERO,
            own_noise: (Duration::ZERO, Duration::ZERO),
            refuses_until: Duration::ZERO,
        }
    }

    /// Messages per second that it can take at a time, however cleverly they are sent.
    pub(crate) fn capacity(&self, at: Duration) -> f64 {
        let cores = self.cores_at(at);
        let mut capacity = cores / self.work.as_secs_f64();
        if let Some(connections) = self.connections_max {
            let each = (self.work + self.round_trip).as_secs_f64();
            capacity = capacity.min(connections as f64 / each);
        }
        if let Some((rate, _)) = self.rate {
            capacity = capacity.min(rate);
        }
        capacity
    }

    /// The shortest time from its return to this many deliveries.
    pub(crate) fn ideal(&self, messages: f64) -> Duration {
        let slot = Duration::from_millis(100);
        let mut done = self.rate.map_or(0.0, |(_, burst)| burst);
        let mut at = UP_AT;
        while done < messages {
            if !self.is_down(at) && !self.is_silent(at) && at >= self.refuses_until {
                done += self.capacity(at) * slot.as_secs_f64();
            }
            at += slot;
        }
        at - UP_AT
    }

    pub(crate) fn is_down(&self, at: Duration) -> bool {
        self.down.iter().any(|(from, to)| *from <= at && at < *to)
    }

    pub(crate) fn is_silent(&self, at: Duration) -> bool {
        self.silent.iter().any(|(from, to)| *from <= at && at < *to)
    }

    fn cores_at(&self, at: Duration) -> f64 {
        let mut steps = self.cores.iter().filter(|(from, _)| *from <= at);
        steps.next_back().map_or(0.0, |(_, cores)| *cores)
    }
}

/// When the destinations of the simulation come (back) up.
pub(crate) const UP_AT: Duration = Duration::from_secs(60);

/// A message at the destination.
#[derive(Debug, Clone, Copy)]
struct Job {
    id: u64,
    remaining: f64,
}

/// The destination at work.
#[derive(Debug)]
pub(crate) struct Destination {
    pub(crate) model: Model,
    now: Duration,
    connections: usize,
    jobs: Vec<Job>,
    tokens: f64,
    most_in_flight: usize,
}

/// Its answer to a connection or to MAIL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    Yes,
    /// 421 at the greeting.
    TooManyConnections,
    /// 452 at MAIL.
    TooMuchInFlight,
    /// 451 at MAIL.
    TooFast,
    /// 550 at RCPT.
    UnknownUser,
    /// Nobody listens.
    Nobody,
    /// No answer ever.
    Silence,
}

impl Destination {
    pub(crate) fn new(model: Model) -> Self {
        let tokens = model.rate.map_or(0.0, |(_, burst)| burst);
        Self {
            model,
            now: Duration::ZERO,
            connections: 0,
            jobs: Vec::new(),
            tokens,
            most_in_flight: 0,
        }
    }

    pub(crate) fn most_in_flight(&self) -> usize {
        self.most_in_flight
    }

    pub(crate) fn connect(&mut self, now: Duration) -> Answer {
        self.advance(now);
        if self.model.is_silent(now) {
            return Answer::Silence;
        }
        if self.model.is_down(now) {
            return Answer::Nobody;
        }
        if self
            .model
            .connections_max
            .is_some_and(|max| self.connections >= max)
        {
            return Answer::TooManyConnections;
        }
        self.connections += 1;
        Answer::Yes
    }

    pub(crate) fn disconnect(&mut self, now: Duration) {
        self.advance(now);
        self.connections -= 1;
    }

    /// A message begins.
    pub(crate) fn mail(&mut self, id: u64, now: Duration, rng: &mut ChaCha8Rng) -> Answer {
        self.advance(now);
        if self.model.is_silent(now) {
            return Answer::Silence;
        }
        if self.model.is_down(now) {
            return Answer::Nobody;
        }
        if now < self.model.refuses_until {
            return Answer::UnknownUser;
        }
        let cores = self.model.cores_at(now);
        let unit = if cores < 1e5 { cores } else { 1.0 };
        let full = |max: f64| self.jobs.len() as f64 >= max * unit;
        if self.model.in_flight_max.is_some_and(full) {
            return Answer::TooMuchInFlight;
        }
        if self.model.rate.is_some() {
            if self.tokens < 1.0 {
                return Answer::TooFast;
            }
            self.tokens -= 1.0;
        }
        let spread = self.model.variation;
        let share = rng.random_range(1.0 - spread..=1.0 + spread);
        self.jobs.push(Job {
            id,
            remaining: self.model.work.as_secs_f64() * share,
        });
        self.most_in_flight = self.most_in_flight.max(self.jobs.len());
        Answer::Yes
    }

    /// When the next message is finished, as things are.
    pub(crate) fn next_completion(&self) -> Option<Duration> {
        let least = self
            .jobs
            .iter()
            .map(|job| job.remaining)
            .min_by(f64::total_cmp)?;
        let finish = self.now + Duration::from_secs_f64((least / self.speed()).max(0.0));
        let mut changes = self.model.cores.iter().map(|(from, _)| *from);
        let change = changes.find(|from| *from > self.now);
        Some(change.map_or(finish, |change| finish.min(change)) + Duration::from_nanos(1))
    }

    /// Takes out the messages that are finished.
    pub(crate) fn completed(&mut self, now: Duration) -> Vec<u64> {
        self.advance(now);
        let mut done = Vec::new();
        self.jobs.retain(|job| {
            if job.remaining <= 1e-9 {
                done.push(job.id);
            }
            job.remaining > 1e-9
        });
        done
    }

    /// It crashes: everything under way is gone.
    pub(crate) fn crash(&mut self, now: Duration) -> Vec<u64> {
        self.advance(now);
        self.connections = 0;
        std::mem::take(&mut self.jobs)
            .into_iter()
            .map(|job| job.id)
            .collect()
    }

    fn speed(&self) -> f64 {
        let cores = self.model.cores_at(self.now);
        (cores / self.jobs.len().max(1) as f64).min(1.0)
    }

    fn advance(&mut self, now: Duration) {
        let elapsed = now.saturating_sub(self.now).as_secs_f64();
        let work = elapsed * self.speed();
        for job in &mut self.jobs {
            job.remaining -= work;
        }
        if let Some((rate, burst)) = self.model.rate {
            self.tokens = elapsed.mul_add(rate, self.tokens).min(burst);
        }
        self.now = now;
    }
}
