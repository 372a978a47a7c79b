//! The rate at which messages go out to a destination that limits its rate.
//!
//! A destination with a token bucket refuses at any concurrency as soon as its tokens are used up. A
//! window is the wrong instrument then; what is needed is its rate. Between two refusals the bucket
//! was empty at both ends, so what was delivered in between, divided by the time, *is* the rate,
//! whatever the size of the bucket.

use std::collections::VecDeque;
use std::time::Duration;

/// Rates are measured over at most this time …
const METER_PERIOD: Duration = Duration::from_secs(10);
/// … in slots of this length.
const SLOT: Duration = Duration::from_millis(250);
/// Shorter spans between two refusals measure nothing.
const SPAN_MIN: Duration = Duration::from_millis(200);
/// Two rates are the same when they differ by no more than this share.
const AGREEMENT: f64 = 0.12;
/// Refusals further apart than this are not compared.
const COMPARE_PERIOD: Duration = Duration::from_secs(600);
/// Share of the refused rate to start with …
const START: f64 = 0.95;
/// … and to stay at.
const STAY: f64 = 0.985;
/// From the one to the other in this time.
const CREEP: Duration = Duration::from_secs(10);
/// How long to stay there before asking for more, at first …
const HOLD_MIN: Duration = Duration::from_secs(10);
/// … and at most.
const HOLD_MAX: Duration = Duration::from_secs(600);
/// Growth per second when asking for more.
const CLIMB: f64 = 0.03;
/// The limit is gone when this many times the refused rate is taken.
const LEAVE: f64 = 2.0;
/// Nobody's limit is lower than one message in this time.
const RATE_MIN: f64 = 1.0 / 60.0;

#[derive(Debug, Default)]
pub(super) struct Pace {
    meter: Meter,
    cuts: VecDeque<Cut>,
    limit: Option<Limit>,
    next_send_at: Duration,
}

#[derive(Debug, Clone, Copy)]
struct Cut {
    at: Duration,
    delivered: u64,
    rate: f64,
    /// Measured between two refusals.
    is_exact: bool,
}

#[derive(Debug)]
struct Limit {
    rate: f64,
    refused: f64,
    is_exact: bool,
    stage: Stage,
    hold: Duration,
    seen: Duration,
}

#[derive(Debug)]
enum Stage {
    Creep,
    Hold { until: Duration },
    Climb,
}

impl Pace {
    /// The ramp starts over: rates measured before say nothing.
    pub(super) fn restart(&mut self, now: Duration) {
        *self = Self::default();
        self.meter.began = now;
    }

    pub(super) fn delivered(&mut self, now: Duration) {
        self.meter.add(now);
    }

    /// Messages per second at most, when the rate is limited.
    pub(super) fn limit(&self) -> Option<f64> {
        self.limit.as_ref().map(|limit| limit.rate)
    }

    /// When the next message may go; none when it may go now.
    pub(super) fn wait(&mut self, now: Duration) -> Option<Duration> {
        self.advance(now);
        (self.limit.is_some() && self.next_send_at > now).then_some(self.next_send_at)
    }

    pub(super) fn sent(&mut self, now: Duration) {
        if let Some(limit) = &self.limit {
            let interval = Duration::from_secs_f64(1.0 / limit.rate);
            // One interval of credit: a timer that fires late costs no throughput.
            let from = self.next_send_at.max(now.saturating_sub(interval));
            self.next_send_at = (from + interval).min(now + interval);
        }
    }

    /// Notes a refusal and says whether its rate is one that was refused before.
    pub(super) fn note_refusal(&mut self, now: Duration) -> bool {
        let (rate, is_exact) = self.estimate(now);
        let agrees = self.cuts.back().is_some_and(|last| {
            now < last.at + COMPARE_PERIOD && (last.rate - rate).abs() <= AGREEMENT * last.rate
        });
        if self.cuts.len() >= 8 {
            self.cuts.pop_front();
        }
        self.cuts.push_back(Cut {
            at: now,
            delivered: self.meter.total,
            rate,
            is_exact,
        });
        agrees
    }

    /// Refusals in the last ten seconds.
    pub(super) fn recent_refusals(&self, now: Duration) -> usize {
        let recent = self.cuts.iter().filter(|cut| now < cut.at + METER_PERIOD);
        recent.count()
    }

    /// Limits the rate to what the last refusal showed, or lowers the limit that is in force.
    pub(super) fn limit_to_refused(&mut self, now: Duration) {
        let Some(last) = self.cuts.back() else {
            return;
        };
        // Measured between refusals once, a rate does not halve at once: what is measured then is our
        // own slowness, and following it would be a free fall.
        let measured = self.limit.as_ref().filter(|limit| limit.is_exact);
        let floor = measured.map_or(0.0, |limit| limit.refused / 2.0);
        let refused = last.rate.max(floor).max(RATE_MIN);
        let again = self.cuts.iter().rev().nth(1);
        let episode = again.is_none_or(|before| now >= before.at + METER_PERIOD);
        let hold = match &self.limit {
            Some(limit) if (limit.refused - refused).abs() <= AGREEMENT * limit.refused => {
                let factor = if episode { 2 } else { 1 };
                (limit.hold * factor).min(HOLD_MAX)
            }
            _ => HOLD_MIN,
        };
        self.limit = Some(Limit {
            rate: START * refused,
            refused,
            is_exact: last.is_exact,
            stage: Stage::Creep,
            hold,
            seen: now,
        });
        self.next_send_at = now;
    }

    /// The rate is not limited any more.
    pub(super) fn lift(&mut self) {
        self.limit = None;
    }

    /// Slows down without a measurement: refused again and again.
    pub(super) fn slow_down(&mut self, factor: f64) {
        if let Some(limit) = self.limit.as_mut() {
            limit.rate = (limit.rate * factor).max(RATE_MIN);
        }
    }

    /// The rate that was taken up to now: since the oldest refusal of the last ten seconds, or over
    /// the last ten seconds.
    fn estimate(&self, now: Duration) -> (f64, bool) {
        let since = self.cuts.iter().find(|cut| {
            let span = now.saturating_sub(cut.at);
            span >= SPAN_MIN && span <= METER_PERIOD
        });
        match since {
            Some(cut) => {
                let span = (now - cut.at).as_secs_f64();
                ((self.meter.total - cut.delivered) as f64 / span, true)
            }
            None => (self.meter.rate(now), false),
        }
    }

    fn advance(&mut self, now: Duration) {
        let Some(limit) = self.limit.as_mut() else {
            return;
        };
        let elapsed = now.saturating_sub(limit.seen).as_secs_f64();
        limit.seen = now;
        match limit.stage {
            Stage::Creep => {
                let speed = (STAY - START) / CREEP.as_secs_f64() * limit.refused;
                limit.rate += speed * elapsed;
                if limit.rate >= STAY * limit.refused {
                    limit.rate = STAY * limit.refused;
                    limit.stage = Stage::Hold {
                        until: now + limit.hold,
                    };
                }
            }
            Stage::Hold { until } if now >= until => limit.stage = Stage::Climb,
            Stage::Hold { .. } => {}
            Stage::Climb => limit.rate *= CLIMB.mul_add(elapsed, 1.0),
        }
        if limit.rate >= LEAVE * limit.refused {
            self.limit = None;
        }
    }
}

/// Deliveries of the last ten seconds.
#[derive(Debug, Default)]
struct Meter {
    began: Duration,
    total: u64,
    slots: VecDeque<(Duration, u64)>,
}

impl Meter {
    fn add(&mut self, now: Duration) {
        self.total += 1;
        match self.slots.back_mut() {
            Some((from, count)) if now < *from + SLOT => *count += 1,
            _ => self.slots.push_back((now, 1)),
        }
        while self
            .slots
            .front()
            .is_some_and(|(from, _)| *from + METER_PERIOD < now)
        {
            self.slots.pop_front();
        }
    }

    fn rate(&self, now: Duration) -> f64 {
        let from = now.saturating_sub(METER_PERIOD).max(self.began);
        let recent = self.slots.iter().filter(|(at, _)| *at >= from);
        let count: u64 = recent.map(|(_, count)| count).sum();
        let span = now.saturating_sub(from).max(SPAN_MIN).as_secs_f64();
        count as f64 / span
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    /// Ten messages in a burst, a refusal, and again after 250 ms: a bucket of 40/s.
    fn refused_bucket() -> (Pace, Duration) {
        let mut pace = Pace::default();
        pace.restart(ms(0));
        let mut now = ms(0);
        for burst in 0..3_u64 {
            now = ms(burst * 250);
            for _ in 0..10 {
                pace.delivered(now);
            }
            pace.note_refusal(now);
        }
        (pace, now)
    }

    #[test]
    fn between_two_refusals_the_rate_is_exact() {
        let (mut pace, now) = refused_bucket();
        pace.limit_to_refused(now);
        let rate = pace.limit().unwrap();
        assert!((rate - 38.0).abs() < 0.01, "{rate}");
    }

    #[test]
    fn it_creeps_holds_climbs_and_is_lifted_when_twice_the_rate_is_taken() {
        let (mut pace, now) = refused_bucket();
        pace.limit_to_refused(now);
        let at = |pace: &mut Pace, secs: u64| {
            // The machine asks several times a second while it sends.
            for tick in 0..(secs * 10) {
                pace.wait(now + ms(tick * 100));
            }
            pace.limit()
        };
        let stay = at(&mut pace, 15).unwrap();
        assert!((stay - 39.4).abs() < 0.01, "{stay}");
        let stay = at(&mut pace, 19).unwrap();
        assert!((stay - 39.4).abs() < 0.01, "{stay}");
        assert!(at(&mut pace, 25).unwrap() > 43.0);
        assert_eq!(at(&mut pace, 90), None);
    }

    #[test]
    fn sends_are_spaced_and_a_late_timer_costs_nothing() {
        let (mut pace, now) = refused_bucket();
        pace.limit_to_refused(now);
        pace.sent(now);
        let wait = pace.wait(now).unwrap() - now;
        assert!((wait.as_secs_f64() - 1.0 / 38.0).abs() < 0.001);
        let mut sent = 0;
        let mut clock = now;
        // A timer that only fires every 40 ms would lose a third of the rate without credit.
        while clock < now + ms(4_000) {
            while pace.wait(clock).is_none() {
                pace.sent(clock);
                sent += 1;
            }
            clock += ms(40);
        }
        assert!((148..=158).contains(&sent), "{sent}");
    }
}
