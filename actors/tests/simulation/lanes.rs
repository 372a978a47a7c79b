//! Fresh mail that arrives while a backlog drains.

use std::time::Duration;

use actors::delivery::fair_queue::Candidate;
use actors::delivery::governor::Pick;
use actors::delivery::schedule::{Lane, Schedule};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use storage::model::{Sequence, Timestamp};

/// What a drain with fresh load shows.
pub(crate) struct Drain {
    /// Wait of fresh messages, sorted.
    pub(crate) waits: Vec<Duration>,
    /// When the backlog was gone.
    pub(crate) backlog_gone: Duration,
}

/// `backlog` messages, a destination good for `capacity` a second, and fresh ones that arrive at
/// random, `load` times the capacity.
pub(crate) fn drain(backlog: u64, capacity: f64, load: f64, seed: u64) -> Drain {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let start = Timestamp::from_secs(1_000_000);
    let mut schedule = Schedule::default();
    schedule.recovery_began(start);
    let candidate = |sequence, accepted_at| Candidate {
        sequence: Sequence(sequence),
        size_bytes: 20_000,
        accepted_at,
        sender_domain: format!("sender{}.example", sequence % 7),
        bulk: false,
    };
    let (mut next_held, mut left, mut now) = (0, backlog, start);
    let mut next_fresh = backlog;
    let mut next_arrival = start;
    let mut waits = Vec::new();
    while left > 0 {
        now = now.saturating_add(Duration::from_secs_f64(1.0 / capacity));
        while next_arrival <= now {
            schedule.push(candidate(next_fresh, next_arrival), now);
            next_fresh += 1;
            let gap = -rng.random_range(f64::EPSILON..1.0).ln() / (capacity * load);
            next_arrival = next_arrival.saturating_add(Duration::from_secs_f64(gap));
        }
        while next_held < backlog && schedule.room(Lane::Backlog) > 0 {
            schedule.push(candidate(next_held, Timestamp::from_secs(900_000)), now);
            next_held += 1;
        }
        let sent = schedule.next(Pick::Next, now).expect("there is a backlog");
        if sent.sequence.0 < backlog {
            left -= 1;
        } else {
            waits.push(now.saturating_since(sent.accepted_at));
        }
    }
    waits.sort_unstable();
    Drain {
        waits,
        backlog_gone: now.saturating_since(start),
    }
}
