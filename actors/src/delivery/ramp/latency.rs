//! How long the destination takes to answer, now and when it has nothing else to do.
//!
//! The baseline `L0` of a size class is the lowest *median* of a group of answers. A median, because
//! the quickest single answer of a destination whose times vary would make every ordinary one look
//! like a queue; a group of several seconds, because the lowest of a thousand small groups would do
//! the same. Groups only ever lower it. A destination that has become slower for good shows no such
//! group any more; then the baseline is *stale*, and the ramp measures it anew with half the load.
//! Until the first group is complete, and when it was measured while the window had grown already, the
//! answers to messages that were alone in flight bound it: a slow destination has answered a dozen by
//! then, half of them behind others of ours.
//! Letting it rise by itself would be wrong: under our own load every answer waits, a baseline that
//! follows makes the wait look natural, and the window grows until it is refused.

use std::collections::VecDeque;
use std::time::Duration;

/// Messages from this size on have a baseline of their own, in octets.
const LARGE_FROM: u64 = 256 * 1024;
/// A group has at least as many answers …
const GROUP_MIN: usize = 32;
/// … and takes at least this long.
const GROUP_PERIOD: Duration = Duration::from_secs(5);
/// Answers to messages that were alone in flight before they count for anything …
const ALONE_MIN: usize = 4;
/// … and how much more than their median a first group may be.
const ALONE_BOUND: f64 = 1.25;
/// A group this close to the baseline confirms it.
const CONFIRMS: f64 = 1.1;
/// A baseline that nothing has confirmed for this long is stale.
const STALE_AFTER: Duration = Duration::from_secs(300);
/// Answers kept of a group or a round; later ones replace earlier ones.
const SAMPLES_MAX: usize = 256;
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
    /// Messages that wait inside the destination when it completes so many a second (Little's law).
    pub(super) fn waiting(&self, throughput: f64, slack: Duration) -> f64 {
        let wait = self.median.saturating_sub(self.baseline + slack);
        throughput * wait.as_secs_f64()
    }

    /// Whether the median exceeds `factor` times the baseline and some more.
    pub(super) fn exceeds(&self, factor: f64, more: Duration) -> bool {
        self.median > self.baseline.mul_f64(factor) + more
    }
}

#[derive(Debug, Default)]
pub(super) struct Latency {
    classes: [Class; 2],
    recent: VecDeque<Duration>,
}

#[derive(Debug, Default)]
struct Class {
    baseline: Option<Duration>,
    confirmed_at: Duration,
    /// Answers to messages that were alone in flight, until there is a baseline.
    alone: Samples,
    group: Samples,
    group_began: Duration,
    round: Samples,
}

#[derive(Debug, Default)]
struct Samples {
    seen: usize,
    kept: Vec<Duration>,
}

impl Latency {
    /// Takes the latency of a delivered message, which was `alone` in flight or not.
    pub(super) fn sample(
        &mut self,
        latency: Duration,
        size_bytes: u64,
        alone: bool,
        now: Duration,
    ) {
        let class = usize::from(size_bytes >= LARGE_FROM);
        if let Some(found) = self.classes.get_mut(class) {
            found.sample(latency, alone, now);
        }
        // A large message would make "now" look slow.
        if class == 0 {
            if self.recent.len() >= RECENT {
                self.recent.pop_front();
            }
            self.recent.push_back(latency);
        }
    }

    /// The median of the answers since the last call, in the size class most of them belong to.
    pub(super) fn close_round(&mut self) -> Option<RoundLatency> {
        let class = self
            .classes
            .iter_mut()
            .max_by_key(|class| class.round.seen)?;
        let round = RoundLatency {
            median: class.round.median()?,
            baseline: class.baseline()?,
        };
        self.restart_round();
        Some(round)
    }

    /// Forgets the round's answers.
    pub(super) fn restart_round(&mut self) {
        for class in &mut self.classes {
            class.round = Samples::default();
        }
    }

    /// Whether a baseline in use should be measured anew.
    pub(super) fn is_stale(&self, now: Duration) -> bool {
        let used = self.classes.iter().filter(|class| class.round.seen > 0);
        let mut known = used.filter(|class| class.baseline.is_some());
        known.any(|class| now >= class.confirmed_at + STALE_AFTER)
    }

    /// Takes the answers of this round, got with little load, as the new baseline.
    pub(super) fn rebase(&mut self, now: Duration) {
        for class in &mut self.classes {
            if let Some(median) = class.round.median() {
                class.baseline = Some(median);
                class.confirmed_at = now;
                class.group = Samples::default();
            }
        }
        self.restart_round();
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
    fn sample(&mut self, latency: Duration, alone: bool, now: Duration) {
        self.round.push(latency);
        if alone && self.baseline.is_none() {
            self.alone.push(latency);
        }
        if self.group.seen == 0 {
            self.group_began = now;
        }
        self.group.push(latency);
        if self.group.seen >= GROUP_MIN && now >= self.group_began + GROUP_PERIOD {
            let group = std::mem::take(&mut self.group);
            self.take_group(group.median(), now);
        }
    }

    fn take_group(&mut self, median: Option<Duration>, now: Duration) {
        let Some(median) = median else {
            return;
        };
        let bound = self.baseline.or_else(|| {
            let alone = self.alone_median()?;
            (median > alone.mul_f64(ALONE_BOUND)).then_some(alone)
        });
        let lowest = bound.map_or(median, |known| known.min(median));
        if median <= lowest.mul_f64(CONFIRMS) {
            self.confirmed_at = now;
        }
        self.baseline = Some(lowest);
    }

    fn alone_median(&self) -> Option<Duration> {
        (self.alone.seen >= ALONE_MIN).then(|| self.alone.median())?
    }

    /// Until the first group is complete, what there is of it.
    fn baseline(&self) -> Option<Duration> {
        let early = || self.alone_median().or_else(|| self.group.median());
        self.baseline.or_else(early)
    }
}

impl Samples {
    fn push(&mut self, sample: Duration) {
        let place = self.seen % SAMPLES_MAX;
        self.seen += 1;
        match self.kept.get_mut(place) {
            Some(old) => *old = sample,
            None => self.kept.push(sample),
        }
    }

    fn median(&self) -> Option<Duration> {
        median(&mut self.kept.clone())
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

    /// Ten answers a second for so many seconds.
    fn feed(latency: &mut Latency, from: u64, seconds: u64, value: impl Fn(u64) -> Duration) {
        for n in 0..seconds * 10 {
            latency.sample(value(n), 0, false, Duration::from_secs(from) + ms(n * 100));
        }
    }

    #[test]
    fn the_baseline_is_the_lowest_median_and_not_the_quickest_answer() {
        let mut latency = Latency::default();
        feed(&mut latency, 0, 10, |n| {
            if n % 4 == 0 { ms(1) } else { ms(100) }
        });
        assert_eq!(latency.baseline(), Some(ms(100)));
        feed(&mut latency, 10, 10, |_| ms(300));
        assert_eq!(latency.baseline(), Some(ms(100)));
        assert!(!latency.is_flat());
    }

    #[test]
    fn a_baseline_never_rises_under_load_but_becomes_stale_and_is_measured_anew() {
        let mut latency = Latency::default();
        feed(&mut latency, 0, 10, |_| ms(100));
        feed(&mut latency, 10, 290, |_| ms(400));
        assert!(!latency.is_stale(Duration::from_secs(300)));
        feed(&mut latency, 300, 20, |_| ms(400));
        assert_eq!(latency.baseline(), Some(ms(100)));
        assert!(latency.is_stale(Duration::from_secs(320)));
        latency.restart_round();
        feed(&mut latency, 320, 1, |_| ms(250));
        latency.rebase(Duration::from_secs(321));
        assert_eq!(latency.baseline(), Some(ms(250)));
        feed(&mut latency, 321, 10, |_| ms(260));
        assert!(!latency.is_stale(Duration::from_secs(620)));
    }

    #[test]
    fn a_first_group_that_waited_behind_our_own_is_not_the_baseline() {
        let answers = |alone_ms: u64| {
            let mut latency = Latency::default();
            for n in 0..6 {
                latency.sample(ms(alone_ms), 0, true, ms(n * 500));
            }
            feed(&mut latency, 3, 15, |_| ms(1000));
            latency.baseline()
        };
        assert_eq!(answers(500), Some(ms(500)));
        assert_eq!(answers(900), Some(ms(1000)), "a few answers vary");
    }

    #[test]
    fn large_messages_have_a_baseline_of_their_own() {
        let mut latency = Latency::default();
        for n in 0..100 {
            latency.sample(ms(50), 1000, false, ms(n * 100));
            latency.sample(ms(900), 10 << 20, false, ms(n * 100));
        }
        latency.restart_round();
        latency.sample(ms(900), 10 << 20, false, ms(10_000));
        let round = latency.close_round().unwrap();
        assert_eq!(round.baseline, ms(900));
        assert_eq!(latency.baseline(), Some(ms(50)));
        assert_eq!(latency.close_round(), None);
    }
}
