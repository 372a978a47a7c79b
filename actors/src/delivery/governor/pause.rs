//! A pause that doubles.

use std::time::Duration;

/// Not before a time, which moves further away with each extension.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Pause {
    until: Option<Duration>,
    last: Duration,
}

impl Pause {
    /// When it ends, when there is one.
    pub(super) const fn until(&self) -> Option<Duration> {
        self.until
    }

    /// When it was extended last.
    pub(super) fn began(&self) -> Option<Duration> {
        self.until.map(|until| until.saturating_sub(self.last))
    }

    /// Pauses from now: for `first`, then twice as long as the last time, at most `max`.
    pub(super) fn extend(&mut self, first: Duration, max: Duration, now: Duration) {
        self.last = (self.last * 2).clamp(first, max);
        self.until = Some(now + self.last);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_doubles_between_its_bounds() {
        let s = Duration::from_secs;
        let mut pause = Pause::default();
        let mut ends = Vec::new();
        for _ in 0..6 {
            pause.extend(s(5), s(60), s(100));
            ends.push(pause.until().unwrap().as_secs() - 100);
        }
        assert_eq!(ends, [5, 10, 20, 40, 60, 60]);
    }
}
