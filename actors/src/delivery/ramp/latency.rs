//! How long the destination takes to answer, now and when it has nothing else to do.
//!
//! The baseline `L0` is the lowest *median* of a group of answers in the last five to ten minutes,
//! per size class. A median, because the quickest single answer of a destination whose times vary
//! would make every ordinary one look like a queue; a window, because a destination may become
//! slower for good, and a baseline that never rises would throttle it for ever.

use std::collections::VecDeque;
use std::time::Duration;

/// Messages from this size on have a baseline of their own, in octets.
const LARGE_FROM: u64 = 256 * 1024;
/// Answers whose median can become the baseline.
const GROUP: usize = 32;
/// A baseline lives for one to two of these.
const BASELINE_PERIOD: Duration = Duration::from_secs(300);
/// Answers kept of one round; later ones replace earlier ones.
const ROUND_MAX: usize = 256;
/// Answers that "now" is judged by.
const RECENT: usize = 16;
/// Below this much more than the baseline it is our own scheduling that is measured.
pub(super) const SLACK: Duration = Duration::from_millis(5);

/// Latency of one round beside the baseline of its size class.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct RoundLatency {
    pub(super) median: Duration,
    pub(super) baseline: Duration,
}

impl RoundLatency {
    /// Whether the median exceeds `factor` times the baseline and some more.
    pub(super) fn exceeds(&self, factor: f64, more: Duration) -> bool {
        self.median > self.baseline.mul_f64(factor) + more
    }
}

#[derive(Debug, Default)]
pub(super) struct Latency {
    classes: [Class; 2],
    round: Round,
    recent: VecDeque<Duration>,
}

#[derive(Debug, Default)]
struct Class {
    lowest: Option<Duration>,
    lowest_before: Option<Duration>,
    period_began: Duration,
    group: Vec<Duration>,
}

#[derive(Debug, Default)]
struct Round {
    seen: usize,
    samples: Vec<(usize, Duration)>,
}

impl Latency {
    /// Takes the latency of a delivered message.
    pub(super) fn sample(&mut self, latency: Duration, size_bytes: u64, now: Duration) {
        let class = usize::from(size_bytes >= LARGE_FROM);
        if let Some(found) = self.classes.get_mut(class) {
            found.sample(latency, now);
        }
        self.round.push((class, latency));
        if self.recent.len() >= RECENT {
            self.recent.pop_front();
        }
        // A large message would make "now" look slow.
        if class == 0 {
            self.recent.push_back(latency);
        }
    }

    /// The median of the answers since the last call, in the size class most of them belong to.
    pub(super) fn close_round(&mut self) -> Option<RoundLatency> {
        let round = std::mem::take(&mut self.round);
        let large = round
            .samples
            .iter()
            .filter(|(class, _)| *class == 1)
            .count();
        let class = usize::from(large * 2 > round.samples.len());
        let mut chosen: Vec<Duration> = round
            .samples
            .iter()
            .filter(|(of, _)| *of == class)
            .map(|(_, latency)| *latency)
            .collect();
        Some(RoundLatency {
            median: median(&mut chosen)?,
            baseline: self.classes.get(class)?.baseline()?,
        })
    }

    /// Forgets the round's answers.
    pub(super) fn restart_round(&mut self) {
        self.round = Round::default();
    }

    /// The baseline of ordinary messages.
    pub(super) fn baseline(&self) -> Option<Duration> {
        self.classes.iter().find_map(Class::baseline)
    }

    /// Whether the destination answers about as fast as it can: what it refuses now, it refuses for
    /// another reason than work that piles up.
    pub(super) fn is_flat(&self) -> bool {
        let mut recent: Vec<Duration> = self.recent.iter().copied().collect();
        match (median(&mut recent), self.baseline()) {
            (Some(median), Some(baseline)) => median < baseline.mul_f64(1.3) + SLACK,
            _ => true,
        }
    }
}

impl Class {
    fn sample(&mut self, latency: Duration, now: Duration) {
        if now >= self.period_began + BASELINE_PERIOD {
            self.period_began = now;
            self.lowest_before = self.lowest.take();
        }
        self.group.push(latency);
        if self.group.len() >= GROUP {
            let median = median(&mut self.group);
            self.group.clear();
            self.lowest = match (self.lowest, median) {
                (Some(lowest), Some(median)) => Some(lowest.min(median)),
                (None, found) | (found, None) => found,
            };
        }
    }

    /// Until the first group is complete, what there is of it.
    fn baseline(&self) -> Option<Duration> {
        match (self.lowest, self.lowest_before) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (Some(found), None) | (None, Some(found)) => Some(found),
            (None, None) => median(&mut self.group.clone()),
        }
    }
}

impl Round {
    fn push(&mut self, sample: (usize, Duration)) {
        let place = self.seen % ROUND_MAX;
        self.seen += 1;
        match self.samples.get_mut(place) {
            Some(old) => *old = sample,
            None => self.samples.push(sample),
        }
    }
}

fn median(values: &mut [Duration]) -> Option<Duration> {
    if values.is_empty() {
        return None;
    }
    let middle = values.len() / 2;
    let (_, median, _) = values.select_nth_unstable(middle);
    Some(*median)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    #[test]
    fn the_baseline_is_the_lowest_median_and_not_the_quickest_answer() {
        let mut latency = Latency::default();
        for n in 0..GROUP as u64 {
            let value = if n % 4 == 0 { ms(1) } else { ms(100) };
            latency.sample(value, 0, ms(n));
        }
        assert_eq!(latency.baseline(), Some(ms(100)));
        for n in 0..GROUP as u64 {
            latency.sample(ms(300), 0, ms(1000 + n));
        }
        assert_eq!(latency.baseline(), Some(ms(100)));
        assert!(!latency.is_flat());
    }

    #[test]
    fn a_destination_that_became_slower_for_good_gets_a_new_baseline() {
        let mut latency = Latency::default();
        for second in 0..1200_u64 {
            let value = if second < 60 { ms(100) } else { ms(400) };
            latency.sample(value, 0, Duration::from_secs(second));
        }
        assert_eq!(latency.baseline(), Some(ms(400)));
        assert!(latency.is_flat());
    }

    #[test]
    fn large_messages_have_a_baseline_of_their_own() {
        let mut latency = Latency::default();
        for n in 0..GROUP as u64 {
            latency.sample(ms(50), 1000, ms(n));
            latency.sample(ms(900), 10 << 20, ms(n));
        }
        latency.restart_round();
        latency.sample(ms(900), 10 << 20, ms(99));
        let round = latency.close_round().unwrap();
        assert_eq!(round.baseline, ms(900));
        assert_eq!(latency.baseline(), Some(ms(50)));
        assert_eq!(latency.close_round(), None);
    }
}
