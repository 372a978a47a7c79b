//! A destination that is out of space (452 4.3.1) is neither down nor busy: it gets the smallest
//! message there is, every 15 s at first and every minute later, until one is taken (S9 d).

use std::time::Duration;

use super::pause::Pause;

/// Refusals in a row, without a delivery in between, that are a shortage.
const REFUSALS: u32 = 3;
/// Refusals closer together than this are one: they were sent together.
const TOGETHER: Duration = Duration::from_millis(250);
/// Time between two tries, at first …
const INTERVAL_MIN: Duration = Duration::from_secs(15);
/// … and at most.
const INTERVAL_MAX: Duration = Duration::from_secs(60);

#[derive(Debug, Default)]
pub(super) struct Shortage {
    refusals: u32,
    last: Option<Duration>,
    pause: Option<Pause>,
}

impl Shortage {
    /// Whether the destination is out of space.
    pub(super) const fn is_on(&self) -> bool {
        self.pause.is_some()
    }

    /// When the next message may try.
    pub(super) fn next_at(&self) -> Option<Duration> {
        self.pause.and_then(|pause| pause.until())
    }

    /// A refusal for want of space. True when it begins a shortage.
    pub(super) fn refused(&mut self, now: Duration) -> bool {
        if let Some(pause) = self.pause.as_mut() {
            pause.extend(INTERVAL_MIN, INTERVAL_MAX, now);
            return false;
        }
        if self.last.is_none_or(|last| now >= last + TOGETHER) {
            self.refusals += 1;
            self.last = Some(now);
        }
        if self.refusals < REFUSALS {
            return false;
        }
        let mut pause = Pause::default();
        pause.extend(INTERVAL_MIN, INTERVAL_MAX, now);
        self.pause = Some(pause);
        true
    }

    /// A message is on its way: the next one waits for it and longer.
    pub(super) fn sent(&mut self, now: Duration) {
        if let Some(pause) = self.pause.as_mut()
            && pause.until().is_some_and(|until| until <= now)
        {
            pause.extend(INTERVAL_MIN, INTERVAL_MAX, now);
        }
    }

    /// A message was taken. True when that ended a shortage.
    pub(super) fn over(&mut self) -> bool {
        let was_on = self.is_on();
        *self = Self::default();
        was_on
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s9d_three_refusals_in_a_row_begin_it_and_one_delivery_ends_it() {
        let s = Duration::from_secs;
        let mut shortage = Shortage::default();
        assert!(!shortage.refused(s(1)));
        assert!(!shortage.refused(s(1)), "the same burst");
        assert!(!shortage.refused(s(2)));
        assert!(shortage.refused(s(3)));
        assert_eq!(shortage.next_at(), Some(s(18)));
        assert!(!shortage.refused(s(18)));
        assert_eq!(shortage.next_at(), Some(s(48)));
        assert!(shortage.over());
        assert!(!shortage.refused(s(50)) && !shortage.refused(s(51)));
        assert!(!shortage.over());
        assert!(!shortage.refused(s(52)));
        assert!(!shortage.is_on());
    }
}
