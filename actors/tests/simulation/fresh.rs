//! Fresh mail that arrives while a backlog drains: which message goes is the schedule's choice.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use actors::delivery::fair_queue::Candidate;
use actors::delivery::governor::Pick;
use actors::delivery::schedule::{Lane, Schedule};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use storage::model::{Sequence, Timestamp};

/// When the simulation begins; what is held was accepted long before.
const EPOCH: Timestamp = Timestamp::from_secs(1_000_000);
const HELD_SINCE: Timestamp = Timestamp::from_secs(900_000);

/// A message on its way.
pub(crate) type Held = Candidate;

/// The queue of one domain.
#[derive(Debug)]
pub(crate) struct Fresh {
    schedule: Schedule,
    per_second: f64,
    /// Held messages that the schedule has not seen, and that are not delivered.
    unseen: u64,
    held: u64,
    backlog: u64,
    next: u64,
    waits: Vec<Duration>,
    order: Order,
}

/// Whether mail of one sender left in the order in which it came, lane by lane. What was refused and
/// went again does not count.
#[derive(Debug, Default)]
struct Order {
    last: BTreeMap<(bool, String), Sequence>,
    again: BTreeSet<Sequence>,
    inversions: usize,
}

impl Order {
    fn sent(&mut self, message: &Held, held: bool) {
        if self.again.contains(&message.sequence) {
            return;
        }
        let sender = (held, message.sender_domain.clone());
        let last = self.last.entry(sender).or_insert(message.sequence);
        self.inversions += usize::from(message.sequence < *last);
        *last = message.sequence.max(*last);
    }
}

impl Fresh {
    pub(crate) fn new(backlog: u64, per_second: f64) -> Self {
        Self {
            schedule: Schedule::default(),
            per_second,
            unseen: backlog,
            held: backlog,
            backlog,
            next: backlog,
            waits: Vec::new(),
            order: Order::default(),
        }
    }

    pub(crate) const fn has_backlog(&self) -> bool {
        self.held > 0
    }

    pub(crate) fn recovery_began(&mut self, now: Duration) {
        self.schedule.recovery_began(date(now));
    }

    /// One arrives; the time to the next one.
    pub(crate) fn arrive(&mut self, now: Duration, rng: &mut ChaCha8Rng) -> Duration {
        let at = date(now);
        self.schedule.push(candidate(self.next, at), at);
        self.next += 1;
        let gap = -rng.random_range(f64::EPSILON..1.0).ln() / self.per_second;
        Duration::from_secs_f64(gap)
    }

    /// The message that goes now.
    pub(crate) fn next(&mut self, pick: Pick, now: Duration) -> Held {
        let now = date(now);
        while self.unseen > 0 && self.schedule.room(Lane::Backlog) > 0 {
            let place = self.backlog - self.unseen;
            self.schedule.push(candidate(place, HELD_SINCE), now);
            self.unseen -= 1;
        }
        let message = self.schedule.next(pick, now).expect("something waits");
        self.order.sent(&message, message.sequence.0 < self.backlog);
        message
    }

    /// One is delivered, or goes back to the head of its lane.
    pub(crate) fn finished(&mut self, message: Held, delivered: bool, now: Duration) {
        let now = date(now);
        if !delivered {
            self.order.again.insert(message.sequence);
            self.schedule.push_front(message, now);
        } else if message.sequence.0 < self.backlog {
            self.held -= 1;
        } else {
            self.waits.push(now.saturating_since(message.accepted_at));
        }
    }

    /// How often a message left before an older one of its sender and lane.
    pub(crate) const fn inversions(&self) -> usize {
        self.order.inversions
    }

    pub(crate) fn waits(mut self) -> Vec<Duration> {
        self.waits.sort_unstable();
        self.waits
    }
}

fn date(now: Duration) -> Timestamp {
    EPOCH.saturating_add(now)
}

fn candidate(sequence: u64, accepted_at: Timestamp) -> Candidate {
    Candidate {
        sequence: Sequence(sequence),
        size_bytes: 20_000,
        accepted_at,
        sender_domain: format!("sender{}.example", sequence % 7),
        bulk: false,
    }
}
