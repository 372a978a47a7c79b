//! The bounce breaker, or recovery guard (D1): permanent failures are believed only from a
//! destination that behaves as it always did.
//!
//! A directory that is down answers "unknown user" to everybody, a half-finished configuration
//! denies relaying to everybody. Believed, one such hour returns fifteen days of held mail. So:
//!
//! - While the destination is in canary or ramp every 5yz is a deferral: no DSN leaves before it has
//!   proved sane.
//! - At any time, a run of failures with one code that is unlike this domain's past opens the
//!   breaker: at least 5 in a row, or more than a fifth of the last 50 messages. What is refused
//!   stays held, a person is told, and one message in five minutes asks again. After one that was
//!   delivered the next follows at once; three in a row close it, or a person does.
//!
//! The past matters: a destination that has always refused a third of its mail as spam is not ill
//! when it goes on doing so.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use storage::model::Timestamp;

use super::classify::{Class, ReplyKey};

/// Failures in a row that open the breaker, when the past knows none of the kind.
const CONSECUTIVE_MIN: u32 = 5;
/// Messages looked back on.
const RECENT_MAX: usize = 50;
/// Share of them that opens the breaker, when the past knows none of the kind.
const SHARE_MAX: f64 = 0.2;
/// How unlikely, by its past, a run has to be.
const RUN_PROBABILITY: f64 = 1e-4;
/// How many standard deviations above its past a share has to be.
const SHARE_DEVIATIONS: f64 = 4.0;
/// Weight of a new result in the past.
const PAST_WEIGHT: f64 = 1.0 / 500.0;
/// Results before the past counts for anything.
const PAST_MIN: u32 = 200;
/// Codes whose past is remembered.
const PAST_CODES_MAX: usize = 16;
/// Time between the messages that ask again.
const RETEST_INTERVAL: Duration = Duration::from_secs(300);
/// Deliveries in a row that close the breaker.
const GOOD_TESTS: u32 = 3;

/// Whether a permanent failure is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Belief {
    /// It is: a DSN or parking follows.
    Believed,
    /// It is treated as a deferral.
    Deferred,
}

/// What a message's results did to the breaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakerChange {
    /// It opened: tell a person.
    Opened(ReplyKey),
    /// It closed by itself.
    Closed,
}

/// Shares of permanent failures by code in this domain's past, kept over restarts.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct BouncePast {
    results: u32,
    shares: Vec<(ReplyKey, f64)>,
}

/// The breaker of one domain.
#[derive(Debug, Default)]
pub struct BounceBreaker {
    past: Past,
    /// One slot per message, the newest at the back; none for a message that was not refused.
    recent: VecDeque<Option<ReplyKey>>,
    run: Option<(ReplyKey, u32)>,
    open: Option<Open>,
}

#[derive(Debug, Default)]
struct Past {
    results: u32,
    shares: BTreeMap<ReplyKey, f64>,
}

#[derive(Debug)]
struct Open {
    key: ReplyKey,
    since: Timestamp,
    next_test_at: Timestamp,
    good: u32,
}

impl BounceBreaker {
    /// A closed breaker of a domain with this past.
    #[must_use]
    pub fn new(past: BouncePast) -> Self {
        Self {
            past: Past {
                results: past.results,
                shares: past.shares.into_iter().collect(),
            },
            ..Self::default()
        }
    }

    /// The past, to be kept.
    #[must_use]
    pub fn past(&self) -> BouncePast {
        let shares = self.past.shares.iter();
        BouncePast {
            results: self.past.results,
            shares: shares.map(|(key, share)| (*key, *share)).collect(),
        }
    }

    /// The code that opened the breaker and since when it is open.
    #[must_use]
    pub fn is_open(&self) -> Option<(ReplyKey, Timestamp)> {
        self.open.as_ref().map(|open| (open.key, open.since))
    }

    /// Whether messages may be sent now: while closed; while open one in five minutes, and the next
    /// at once after one that was delivered.
    #[must_use]
    pub fn may_send(&self, now: Timestamp) -> bool {
        self.open
            .as_ref()
            .is_none_or(|open| now >= open.next_test_at)
    }

    /// When the next message may ask again, while open.
    #[must_use]
    pub fn next_test_at(&self) -> Option<Timestamp> {
        self.open.as_ref().map(|open| open.next_test_at)
    }

    /// A message goes out. While open, that is the test of the next five minutes.
    pub fn on_sent(&mut self, now: Timestamp) {
        if let Some(open) = self.open.as_mut() {
            open.next_test_at = now.saturating_add(RETEST_INTERVAL);
        }
    }

    /// Whether a permanent failure seen now is believed; `recovering` while the destination is in
    /// canary or ramp. Ask after [`BounceBreaker::on_message`] with the same results.
    #[must_use]
    pub const fn belief(&self, recovering: bool) -> Belief {
        if recovering || self.open.is_some() {
            Belief::Deferred
        } else {
            Belief::Believed
        }
    }

    /// Takes the results of one message: the key of each permanent failure and whether any
    /// recipient was delivered. A message counts once, however many of its recipients were refused.
    pub fn on_message(
        &mut self,
        failures: &[ReplyKey],
        delivered: bool,
        now: Timestamp,
    ) -> Option<BreakerChange> {
        let failed = if delivered {
            None
        } else {
            failures.first().copied()
        };
        if !delivered && failed.is_none() {
            return None;
        }
        if self.open.is_some() {
            return self.on_test(failed, now);
        }
        self.recent.push_back(failed);
        if self.recent.len() > RECENT_MAX {
            self.recent.pop_front();
        }
        self.run = match (self.run, failed) {
            (_, None) => None,
            (Some((key, count)), Some(failed)) if key == failed => Some((key, count + 1)),
            (_, Some(failed)) => Some((failed, 1)),
        };
        if let Some(key) = failed.filter(|key| self.is_unlike_the_past(*key)) {
            self.open = Some(Open {
                key,
                since: now,
                next_test_at: now.saturating_add(RETEST_INTERVAL),
                good: 0,
            });
            return Some(BreakerChange::Opened(key));
        }
        self.past.learn(failed);
        None
    }

    /// A person says that the failures are real: what was seen becomes the past.
    pub fn release(&mut self) {
        if let Some(open) = self.open.take() {
            let alike = self.recent.iter().filter(|one| **one == Some(open.key));
            let share = alike.count() as f64 / self.recent.len().max(1) as f64;
            self.past.results = self.past.results.max(PAST_MIN);
            self.past.shares.insert(open.key, share.min(0.95));
            self.forget_recent();
        }
    }

    fn on_test(&mut self, failed: Option<ReplyKey>, now: Timestamp) -> Option<BreakerChange> {
        let open = self.open.as_mut()?;
        if failed.is_some() {
            open.good = 0;
            return None;
        }
        open.good += 1;
        if open.good < GOOD_TESTS {
            open.next_test_at = now;
            return None;
        }
        self.open = None;
        self.forget_recent();
        Some(BreakerChange::Closed)
    }

    fn forget_recent(&mut self) {
        self.recent.clear();
        self.run = None;
    }

    fn is_unlike_the_past(&self, key: ReplyKey) -> bool {
        let share = self.past.share(key);
        let run = self.run.map_or(0, |(_, count)| count);
        // A share of zero needs the least run; a share of one could never be unlike its past.
        let run_max = (RUN_PROBABILITY.ln() / share.clamp(1e-9, 0.99).ln()).ceil();
        let alike = self.recent.iter().filter(|one| **one == Some(key)).count() as f64;
        let slots = RECENT_MAX as f64;
        let deviation = (share * (1.0 - share) / slots).sqrt();
        let share_max = SHARE_MAX.max(share + SHARE_DEVIATIONS * deviation);
        f64::from(run) >= run_max.max(f64::from(CONSECUTIVE_MIN)) || alike > share_max * slots
    }
}

impl Past {
    fn share(&self, key: ReplyKey) -> f64 {
        if self.results < PAST_MIN {
            return 0.0;
        }
        self.shares.get(&key).copied().unwrap_or(0.0)
    }

    fn learn(&mut self, failed: Option<ReplyKey>) {
        self.results = self.results.saturating_add(1);
        // The first results count evenly, so that the past is right when it begins to matter.
        let weight = PAST_WEIGHT.max(1.0 / f64::from(self.results));
        for share in self.shares.values_mut() {
            *share *= 1.0 - weight;
        }
        if let Some(key) = failed {
            if self.shares.len() >= PAST_CODES_MAX && !self.shares.contains_key(&key) {
                let rarest = self.shares.iter().min_by(|a, b| a.1.total_cmp(b.1));
                if let Some(rarest) = rarest.map(|(key, _)| *key) {
                    self.shares.remove(&rarest);
                }
            }
            *self.shares.entry(key).or_insert(0.0) += weight;
        }
    }
}

/// Whether a result is one of those that [`BounceBreaker::on_message`] wants to know the key of.
#[must_use]
pub const fn is_permanent(class: Class) -> bool {
    matches!(class, Class::MessagePermanent | Class::RecipientPermanent)
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNKNOWN: ReplyKey = ReplyKey {
        code: 550,
        enhanced: Some((5, 1, 1)),
    };
    const SPAM: ReplyKey = ReplyKey {
        code: 554,
        enhanced: Some((5, 7, 1)),
    };
    const NOW: Timestamp = Timestamp::from_secs(1_000);

    fn feed(breaker: &mut BounceBreaker, pattern: &[Option<ReplyKey>], times: usize) -> u32 {
        let mut opened = 0;
        for result in pattern.iter().cycle().take(pattern.len() * times) {
            let failures: Vec<ReplyKey> = result.iter().copied().collect();
            let change = breaker.on_message(&failures, result.is_none(), NOW);
            opened += u32::from(matches!(change, Some(BreakerChange::Opened(_))));
        }
        opened
    }

    #[test]
    fn d1_five_failures_alike_in_a_row_open_it_and_are_not_believed() {
        let mut breaker = BounceBreaker::default();
        feed(&mut breaker, &[None], 20);
        assert_eq!(feed(&mut breaker, &[Some(UNKNOWN)], 4), 0);
        assert_eq!(breaker.belief(false), Belief::Believed);
        assert_eq!(feed(&mut breaker, &[Some(UNKNOWN)], 1), 1);
        assert_eq!(breaker.belief(false), Belief::Deferred);
        assert_eq!(breaker.is_open(), Some((UNKNOWN, NOW)));
    }

    #[test]
    fn d1_a_fifth_of_the_last_fifty_opens_it() {
        let mut breaker = BounceBreaker::default();
        assert_eq!(
            feed(&mut breaker, &[None, None, None, None, Some(SPAM)], 20),
            0
        );
        assert_eq!(feed(&mut breaker, &[None, None, Some(SPAM)], 20), 1);
    }

    #[test]
    fn d1_nothing_is_believed_in_canary_and_ramp() {
        let breaker = BounceBreaker::default();
        assert_eq!(breaker.belief(true), Belief::Deferred);
        assert_eq!(breaker.belief(false), Belief::Believed);
    }

    #[test]
    fn different_codes_and_one_message_with_many_recipients_are_no_burst() {
        let mut breaker = BounceBreaker::default();
        feed(&mut breaker, &[None], 50);
        assert_eq!(feed(&mut breaker, &[Some(UNKNOWN), Some(SPAM)], 4), 0);
        assert_eq!(breaker.on_message(&[UNKNOWN; 100], false, NOW), None);
        assert_eq!(breaker.on_message(&[UNKNOWN; 100], true, NOW), None);
    }

    #[test]
    fn a_destination_that_always_refused_a_third_is_not_ill_when_it_goes_on() {
        let mut breaker = BounceBreaker::default();
        // Learnt the slow way: a person released it when it opened for the first time.
        let mut opened = 0;
        for _ in 0..300 {
            opened += feed(&mut breaker, &[None, Some(SPAM), None], 1);
            breaker.release();
        }
        assert!((1..=2).contains(&opened), "{opened}");
        assert_eq!(feed(&mut breaker, &[None, Some(SPAM), None], 500), 0);
        let mut after_restart = BounceBreaker::new(breaker.past());
        assert_eq!(feed(&mut after_restart, &[None, Some(SPAM), None], 50), 0);
        assert_eq!(
            feed(&mut after_restart, &[Some(SPAM)], 30),
            1,
            "but not with all"
        );
        assert_eq!(
            feed(&mut breaker, &[Some(UNKNOWN)], 5),
            1,
            "nor with another code"
        );
    }

    #[test]
    fn d1_open_it_asks_once_in_five_minutes_and_closes_after_three_deliveries_in_a_row() {
        let mut breaker = BounceBreaker::default();
        feed(&mut breaker, &[Some(UNKNOWN)], 5);
        let mut now = NOW;
        let mut pause = RETEST_INTERVAL;
        for (failed, closes) in [
            (false, false),
            (false, false),
            (true, false),
            (false, false),
            (false, false),
            (false, true),
        ] {
            let early = pause.saturating_sub(Duration::from_secs(1));
            assert!(pause.is_zero() || !breaker.may_send(now.saturating_add(early)));
            now = now.saturating_add(pause);
            assert!(breaker.may_send(now));
            breaker.on_sent(now);
            assert!(!breaker.may_send(now), "one at a time");
            pause = if failed {
                RETEST_INTERVAL
            } else {
                Duration::ZERO
            };
            let failures: &[ReplyKey] = if failed { &[UNKNOWN] } else { &[] };
            let change = breaker.on_message(failures, !failed, now);
            assert_eq!(change == Some(BreakerChange::Closed), closes);
        }
        assert!(breaker.may_send(now));
    }

    #[test]
    fn a_message_that_was_only_deferred_says_nothing() {
        let mut breaker = BounceBreaker::default();
        feed(&mut breaker, &[Some(UNKNOWN)], 4);
        assert_eq!(breaker.on_message(&[], false, NOW), None);
        assert_eq!(feed(&mut breaker, &[Some(UNKNOWN)], 1), 1);
    }
}
