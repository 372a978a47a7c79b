//! When a recipient is tried again after the destination has deferred it.
//!
//! The delays hang on what was said about this message or recipient. While the destination is down
//! nothing is tried and nothing is charged, so they never stand between a destination that has come
//! back and its mail (S15): only what was really refused waits.

use std::time::Duration;

use rand::Rng;

/// Minutes after the first, second, … refusal; the last one repeats.
const ORDINARY: [u64; 7] = [1, 2, 5, 10, 20, 30, 60];
/// Greylisting wants to be met again soon, then settles.
const GREYLISTED: [u64; 6] = [1, 5, 15, 30, 60, 120];
/// A full mailbox is emptied by a person.
const MAILBOX_FULL: [u64; 5] = [15, 30, 60, 120, 240];
/// The destination may have the message and be at work on it still (RFC 1047).
const UNCERTAIN: [u64; 4] = [5, 10, 30, 60];

/// Which delays apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RetryTable {
    /// 4yz: 1, 2, 5, 10, 20, 30, then every 60 min, ±20 %.
    Ordinary,
    /// Greylisting: 1, 5, 15, 30, 60 min, then 2 h; the upper half is jitter.
    Greylisted,
    /// Full mailbox: 15 min to 4 h, ±20 %.
    MailboxFull,
    /// The reply to the final dot never came: never before 5 min.
    Uncertain,
}

impl RetryTable {
    /// The delay after a refusal that was preceded by `attempts` charged ones.
    #[must_use]
    pub fn delay(self, attempts: u32, rng: &mut impl Rng) -> Duration {
        let (minutes, low, high): (&[u64], f64, f64) = match self {
            Self::Ordinary => (&ORDINARY, 0.8, 1.2),
            // Below the stated minute a greylister starts over; above it nothing is gained.
            Self::Greylisted if attempts == 0 => (&GREYLISTED, 1.0, 1.2),
            Self::Greylisted => (&GREYLISTED, 0.5, 1.0),
            Self::MailboxFull => (&MAILBOX_FULL, 0.8, 1.2),
            Self::Uncertain => (&UNCERTAIN, 1.0, 1.4),
        };
        let index = usize::try_from(attempts).unwrap_or(usize::MAX);
        let last = minutes.last().copied().unwrap_or(60);
        let minutes = minutes.get(index).copied().unwrap_or(last);
        Duration::from_secs(minutes * 60).mul_f64(rng.random_range(low..high))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    #[test]
    fn the_ordinary_delays_are_1_2_5_10_20_30_60_minutes_with_a_fifth_of_jitter() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        for (attempts, minutes) in [1, 2, 5, 10, 20, 30, 60, 60, 60].into_iter().enumerate() {
            for _ in 0..200 {
                let delay = RetryTable::Ordinary.delay(attempts as u32, &mut rng);
                let share = delay.as_secs_f64() / f64::from(minutes * 60);
                assert!((0.8..1.2).contains(&share), "{attempts}: {delay:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn no_number_of_attempts_makes_a_delay_vanish_or_explode(attempts in any::<u32>(), seed in any::<u64>()) {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            for (table, least) in [
                (RetryTable::Ordinary, 48),
                (RetryTable::Greylisted, 60),
                (RetryTable::MailboxFull, 720),
                (RetryTable::Uncertain, 300),
            ] {
                let delay = table.delay(attempts, &mut rng);
                prop_assert!(delay >= Duration::from_secs(least));
                prop_assert!(delay <= Duration::from_secs(5 * 3600));
            }
        }
    }
}
