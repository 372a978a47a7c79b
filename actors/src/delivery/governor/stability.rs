//! Whether a host stays up once it is back, and what that says about its next slow start.
//!
//! A relapse within a minute doubles the steps of the next slow start and halves what it doubles up
//! to; ten stable minutes forget that. The other way round, a host that had stood for more than a
//! minute and was away for less than one (a restart, a flapping line) is *warm*: what it took then is
//! known, so the canaries are followed by half of it, place by place, then by all, in steps that are as
//! much shorter as the outage was. Every step is judged like any other, and a refusal costs one place.

use std::time::Duration;

use super::super::ramp::{STEP, SlowStartPlan};

/// A relapse this soon after the recovery is flapping.
const RELAPSE: Duration = Duration::from_secs(60);
/// Stable for this long, earlier flapping is forgotten.
const STABLE: Duration = Duration::from_secs(600);
/// Steps of slow start double this often at most (5 s → 40 s).
const FLAPS_MAX: u32 = 3;
/// After an outage shorter than this a host that had stood before is still warm.
const WARM: Duration = Duration::from_secs(60);
/// Steps are shortened to this share at most.
const WARM_STEP_MIN: f64 = 0.2;
/// The part of the known window that a warm host gets first.
const WARM_PART: u32 = 2;

#[derive(Debug, Default)]
pub(super) struct Stability {
    recovered_at: Option<Duration>,
    flaps: u32,
    /// It had stood for a while when it went down.
    stood: bool,
    /// How long the last outage was, when it had stood before.
    outage: Option<Duration>,
}

impl Stability {
    /// It went down, and was not before. True when it had stood for a while.
    pub(super) fn fell(&mut self, now: Duration) -> bool {
        self.stood = false;
        if let Some(recovered_at) = self.recovered_at.take() {
            let stood = now.saturating_sub(recovered_at);
            self.stood = stood >= RELAPSE;
            if stood < RELAPSE {
                self.flaps = (self.flaps + 1).min(FLAPS_MAX);
            } else if stood >= STABLE {
                self.flaps = 0;
            }
        }
        self.stood
    }

    /// It answers again, after an outage of this length.
    pub(super) fn returned(&mut self, outage: Duration) {
        self.outage = self.stood.then_some(outage);
    }

    /// Canaries may go.
    pub(super) fn recovered(&mut self, now: Duration) {
        self.recovered_at.get_or_insert(now);
    }

    /// Slow start after the canaries, where `learned` is the window of before.
    pub(super) fn plan(&self, learned: u32) -> SlowStartPlan {
        let warm = self
            .outage
            .filter(|outage| self.flaps == 0 && *outage < WARM);
        match warm {
            Some(outage) => {
                let share = outage.as_secs_f64() / WARM.as_secs_f64();
                SlowStartPlan {
                    from: (learned / WARM_PART).max(1),
                    up_to: learned,
                    step: STEP.mul_f64(share.clamp(WARM_STEP_MIN, 1.0)),
                }
            }
            None => SlowStartPlan {
                from: 1,
                up_to: learned >> self.flaps,
                step: STEP * (1 << self.flaps),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn s(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    /// It stood for so long, was away for so long, and had 40 places.
    fn plan(stood: u64, away: u64) -> SlowStartPlan {
        let mut stability = Stability::default();
        stability.recovered(s(100));
        stability.fell(s(100 + stood));
        stability.returned(s(away));
        stability.recovered(s(100 + stood + away));
        stability.plan(40)
    }

    #[test]
    fn s13_only_a_host_that_had_stood_and_was_away_for_a_moment_begins_above_one() {
        let table = [
            (61, 15, (20, 40, 1.25)),
            (3600, 6, (20, 40, 1.0)),
            (3600, 59, (20, 40, 59.0 / 12.0)),
            (3600, 60, (1, 40, 5.0)),
            (3600, 86_400, (1, 40, 5.0)),
            (59, 15, (1, 20, 10.0)),
        ];
        for (stood, away, (from, up_to, step)) in table {
            let plan = plan(stood, away);
            assert_eq!((plan.from, plan.up_to), (from, up_to), "{stood} {away}");
            let close = (plan.step.as_secs_f64() - step).abs() < 1e-6;
            assert!(close, "{stood} {away}: {:?}", plan.step);
        }
    }

    #[test]
    fn relapses_double_the_steps_up_to_forty_seconds_until_ten_stable_minutes() {
        let mut stability = Stability::default();
        let mut now = s(0);
        let mut steps = Vec::new();
        for stood in [30, 30, 30, 30, 300, 600, 3600] {
            stability.recovered(now);
            now += s(stood);
            stability.fell(now);
            stability.returned(s(100));
            steps.push(stability.plan(64).step.as_secs());
            now += s(100);
        }
        assert_eq!(steps, [10, 20, 40, 40, 40, 5, 5]);
    }
}
