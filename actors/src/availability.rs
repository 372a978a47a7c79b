//! How much of the last 30 days mail could be taken in (S21). Pure.
//!
//! Somebody notes every second whether intake takes mail. A pause between two notes is time in which
//! the process did not run: it counts as not available, over restarts too, because the record is
//! kept in the store.

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use storage::model::Timestamp;
use storage::model::view::day_of;

/// Days that count.
const DAYS: u32 = 30;
/// A longer pause between two notes is an interruption of its own.
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// What was noted.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Availability {
    days: VecDeque<Day>,
    noted_at: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
struct Day {
    day: u32,
    watched_millis: u64,
    without_millis: u64,
}

/// The last 30 days in two numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AvailabilityFigures {
    /// Time that was watched.
    pub watched: Duration,
    /// Time of it in which intake took no mail.
    pub without: Duration,
}

impl AvailabilityFigures {
    /// The share of the time in which mail was taken; none before anything was watched.
    #[must_use]
    pub fn share(&self) -> Option<f64> {
        let watched = self.watched.as_secs_f64();
        (watched > 0.0).then(|| 1.0 - self.without.as_secs_f64() / watched)
    }
}

impl Availability {
    /// Notes whether mail is taken at `now`.
    pub fn note(&mut self, now: Timestamp, taking: bool) {
        let Some(before) = self.noted_at.replace(now) else {
            return;
        };
        let elapsed = now.saturating_since(before);
        let millis = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
        let today = day_of(now);
        if self.days.back().is_none_or(|last| last.day < today) {
            self.days.push_back(Day {
                day: today,
                ..Day::default()
            });
        }
        let oldest = today.saturating_sub(DAYS - 1);
        while self.days.front().is_some_and(|first| first.day < oldest) {
            self.days.pop_front();
        }
        if let Some(last) = self.days.back_mut() {
            last.watched_millis = last.watched_millis.saturating_add(millis);
            if !taking || elapsed > PAUSE_MAX {
                last.without_millis = last.without_millis.saturating_add(millis);
            }
        }
    }

    /// The last 30 days.
    #[must_use]
    pub fn figures(&self) -> AvailabilityFigures {
        let sum = |of: fn(&Day) -> u64| {
            let days = self.days.iter().map(of);
            Duration::from_millis(days.fold(0, u64::saturating_add))
        };
        AvailabilityFigures {
            watched: sum(|day| day.watched_millis),
            without: sum(|day| day.without_millis),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watch(record: &mut Availability, from: u64, seconds: u64, taking: bool) {
        for second in from..=from + seconds {
            record.note(Timestamp::from_secs(second), taking);
        }
    }

    #[test]
    fn s21_refusals_and_restarts_are_time_without_intake() {
        let mut record = Availability::default();
        assert_eq!(record.figures().share(), None);
        watch(&mut record, 1_000, 100, true);
        watch(&mut record, 1_101, 9, false);
        // The process is away for 40 s; what was kept is read again.
        let mut record: Availability =
            postcard::from_bytes(&postcard::to_stdvec(&record).unwrap()).unwrap();
        watch(&mut record, 1_150, 50, true);
        let figures = record.figures();
        assert_eq!(figures.watched, Duration::from_secs(200));
        assert_eq!(figures.without, Duration::from_secs(10 + 40));
        assert!((figures.share().unwrap() - 0.75).abs() < 1e-9);
    }

    #[test]
    fn s21_what_is_older_than_thirty_days_does_not_count() {
        let mut record = Availability::default();
        let day = 86_400;
        watch(&mut record, day * 10, 100, false);
        watch(&mut record, day * 39, 100, true);
        assert!(record.figures().without > Duration::from_secs(100));
        watch(&mut record, day * 69, 100, true);
        watch(&mut record, day * 99, 10, true);
        let figures = record.figures();
        assert_eq!(figures.watched.as_secs(), 30 * day - 100 + 10);
    }

    #[test]
    fn q20_a_clock_that_stands_still_or_goes_back_counts_nothing() {
        let mut record = Availability::default();
        watch(&mut record, 1_000, 10, true);
        record.note(Timestamp::from_secs(500), false);
        assert_eq!(record.figures().without, Duration::ZERO);
    }
}
