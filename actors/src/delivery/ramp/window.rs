//! The number of messages that may be in flight, and its gradual growth: one place at a time, so
//! that the first refusal costs one connection and not the whole step.

use std::time::Duration;

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Window {
    from: f64,
    to: f64,
    began: Duration,
    over: Duration,
}

impl Window {
    pub(super) const fn fixed(size: f64) -> Self {
        Self {
            from: size,
            to: size,
            began: Duration::ZERO,
            over: Duration::ZERO,
        }
    }

    /// The size now, a fraction included; at least one.
    pub(super) fn at(&self, now: Duration) -> f64 {
        let share = self.share(now);
        (self.to - self.from).mul_add(share, self.from).max(1.0)
    }

    /// Whole places now. While growing, each place opens at the beginning of its share of the time.
    pub(super) fn places(&self, now: Duration) -> u32 {
        // The tiny addend undoes the rounding of a size that is meant to be whole.
        let whole = |size: f64| (size + 1e-9).floor();
        let size = whole(self.at(now));
        if self.to > self.from && self.share(now) < 1.0 {
            return (size + 1.0).min(whole(self.to)).max(size) as u32;
        }
        size as u32
    }

    /// Where it is growing to.
    pub(super) const fn target(&self) -> f64 {
        self.to
    }

    /// Shrinks or is set at once.
    pub(super) fn set(&mut self, size: f64) {
        *self = Self::fixed(size.max(1.0));
    }

    /// Grows from its present size evenly over a time.
    pub(super) fn grow(&mut self, to: f64, now: Duration, over: Duration) {
        *self = Self {
            from: self.at(now),
            to,
            began: now,
            over,
        };
    }

    /// When the next whole place opens, while growing.
    pub(super) fn next_place_at(&self, now: Duration) -> Option<Duration> {
        let places = f64::from(self.places(now));
        if places + 1.0 > self.to + 1e-9 || self.over.is_zero() {
            return None;
        }
        let share = (places - self.from) / (self.to - self.from);
        let at = self.began + self.over.mul_f64(share.clamp(0.0, 1.0));
        Some(at.max(now + Duration::from_millis(1)))
    }

    fn share(&self, now: Duration) -> f64 {
        if self.over.is_zero() {
            return 1.0;
        }
        let elapsed = now.saturating_sub(self.began).as_secs_f64();
        (elapsed / self.over.as_secs_f64()).min(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_open_one_at_a_time() {
        let s = Duration::from_secs;
        let mut window = Window::fixed(4.0);
        window.grow(8.0, s(10), s(4));
        for (second, places) in [(10, 5), (11, 6), (12, 7), (13, 8), (14, 8), (99, 8)] {
            assert_eq!(window.places(s(second)), places, "{second}");
        }
        assert_eq!(window.next_place_at(s(10)), Some(s(11)));
        assert_eq!(window.next_place_at(s(13)), None);
        window.set(0.0);
        assert_eq!(window.places(s(20)), 1);
        assert_eq!(window.next_place_at(s(20)), None);
    }
}
