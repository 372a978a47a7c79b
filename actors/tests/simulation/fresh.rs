//! Fresh mail that arrives while a backlog drains: which message goes is the schedule's choice.

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
        self.schedule.next(pick, now).expect("something waits")
    }

    /// One is delivered, or goes back to the head of its lane.
    pub(crate) fn finished(&mut self, message: Held, delivered: bool, now: Duration) {
        let now = date(now);
        if !delivered {
            self.schedule.push_front(message, now);
        } else if message.sequence.0 < self.backlog {
            self.held -= 1;
        } else {
            self.waits.push(now.saturating_since(message.accepted_at));
        }
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
