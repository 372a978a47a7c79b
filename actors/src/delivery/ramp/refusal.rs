//! What a refusal for overload means: how many fit, or how many a second.

use std::time::Duration;

use super::super::classify::Overload;
use super::{Ramp, SendMark};

/// Nothing is sent for this long after a refusal.
pub(super) const PAUSE: Duration = Duration::from_millis(250);
/// Cuts when even what was sent after a cut is refused.
const REPEATED_CUTS: [f64; 3] = [0.85, 0.7, 0.5];

/// The last time the window was cut or the pace limited.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cut {
    at: Duration,
    n: f64,
    refused: u32,
    repeated: usize,
    /// A message was refused, not a connection.
    of_message: bool,
}

impl Ramp {
    /// A message, or a connection, was refused for overload. `n` is the number that were in flight
    /// (or connected) with it; `at_opening` when the connection was refused and not a message.
    pub fn refused(
        &mut self,
        mark: SendMark,
        kind: Overload,
        n: u32,
        at_opening: bool,
        now: Duration,
    ) {
        self.refused_at = Some(now);
        self.at_max_since = None;
        if mark.epoch < self.epoch {
            self.refused_again(now);
            return;
        }
        let soon = self.latency.baseline().unwrap_or_default() * 3 + Duration::from_millis(500);
        let repeated = match self.cut {
            Some(cut) if now < cut.at + soon => cut.repeated + 1,
            _ => 0,
        };
        self.epoch += 1;
        self.paused_until = now + PAUSE;
        self.cut = Some(Cut {
            at: now,
            n: f64::from(n.max(1)),
            refused: 1,
            repeated,
            of_message: !at_opening,
        });
        let same_rate = self.pace.note_refusal(now);
        let concurrency = at_opening || kind == Overload::Concurrency;
        if !concurrency && self.latency.is_flat() && self.is_rate(kind, n, same_rate, now) {
            self.limit_rate(repeated, now);
        } else {
            self.cut_window(f64::from(n.max(1)), repeated, now);
        }
    }

    /// When the next message may go, while the places that came free in the pause after a refusal are
    /// filled: as fast as a full window sends, for one round trip. All at once would be a burst that a
    /// limited rate refuses again.
    pub(super) fn next_refill(&self, now: Duration) -> Duration {
        let baseline = self.latency.baseline().unwrap_or_default();
        let refilling = |cut: &Cut| cut.of_message && now < cut.at + PAUSE + baseline;
        if !self.cut.as_ref().is_some_and(refilling) {
            return Duration::ZERO;
        }
        now + baseline.div_f64(self.window.at(now).max(1.0))
    }

    /// A send that was already under way at the last cut was refused as well.
    fn refused_again(&mut self, now: Duration) {
        self.paused_until = self.paused_until.max(now + PAUSE);
        let Some(cut) = self.cut.as_mut() else {
            return;
        };
        cut.refused += 1;
        if self.pace.limit().is_some() || cut.repeated > 0 {
            return;
        }
        let fits = (cut.n - f64::from(cut.refused)).max(1.0);
        if fits < self.window.target() {
            self.window.set(fits);
            self.ceiling.lower(fits);
        }
    }

    /// Whether it is the rate that is limited. Only asked while answers are quick.
    fn is_rate(&mut self, kind: Overload, n: u32, same_rate: bool, now: Duration) -> bool {
        let spoken = kind == Overload::Rate && self.pace.recent_refusals(now) >= 2;
        let far_below = n * 2 <= self.accepted.most(now);
        self.pace.limit().is_some()
            || spoken
            || far_below
            || same_rate
            || self.ceiling.is_refused_below(now)
    }

    fn limit_rate(&mut self, repeated: usize, now: Duration) {
        self.pace.limit_to_refused(now);
        if repeated >= 2 {
            let factor = REPEATED_CUTS.get(repeated - 2).or(REPEATED_CUTS.last());
            self.pace.slow_down(factor.copied().unwrap_or(0.5));
        }
        self.ceiling.forget();
        // The window must not be what limits the pace.
        let baseline = self.latency.baseline().unwrap_or_default().as_secs_f64();
        let flight = self.pace.limit().unwrap_or_default() * baseline;
        let size = flight.mul_add(1.5, 2.0).max(self.window.at(now));
        self.window.set(size.min(self.window_max));
        self.cruise(now);
    }

    fn cut_window(&mut self, n: f64, repeated: usize, now: Duration) {
        // It is not the rate, or not any more.
        self.pace.lift();
        self.ceiling.hit(n, now);
        let size = match repeated {
            0 => n - 1.0,
            times => {
                let factor = REPEATED_CUTS.get(times - 1).or(REPEATED_CUTS.last());
                self.window.at(now) * factor.copied().unwrap_or(0.5)
            }
        };
        self.window.set(size.min(self.window.at(now)));
        self.cruise(now);
    }
}
