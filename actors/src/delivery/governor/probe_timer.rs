//! When an endpoint that is down is asked again.
//!
//! A dead or silent host is asked every 3.35 s ±25 % for as long as it takes (more rarely while the
//! node's budget is used up): that is one SYN, at most 1,100 an hour, and it makes a return known
//! within five seconds. A host that answers but refuses
//! spends a process on every question, so it is asked after 5 s, then less and less often, at least
//! once a minute; a change of its answer starts that over.

use std::time::Duration;

use rand::Rng;

use super::super::classify::ReplyKey;
use super::super::probe_budget::PERIOD;
use super::event::{ConnectionId, ProbeId};

/// Mean period in the first half minute of an outage of a host that had stood: most outages are a
/// restart …
const BRISK: Duration = Duration::from_secs(2);
/// … and this is how long that is assumed. Nine probes more, once.
const BRISK_FOR: Duration = Duration::from_secs(30);
/// Share by which a period varies in either direction.
const JITTER: f64 = 0.25;
/// Probes of an endpoint that may be under way at the same time: a new SYN is tried although the
/// last one is unanswered, since a kernel repeats its SYN only after 1 s, 3 s, 7 s.
const OUTSTANDING_MAX: usize = 2;
/// Pause after an answer that refuses, at first …
const REFUSED_MIN: Duration = Duration::from_secs(5);
/// … and at most.
const REFUSED_MAX: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(super) struct ProbeTimer {
    outstanding: Vec<(ProbeId, ConnectionId)>,
    due_at: Option<Duration>,
    refusal: Option<(Refusal, Duration)>,
    sent: u64,
    last_at: Option<Duration>,
    /// Mean time between two probes of a host that does not answer.
    period: Duration,
    brisk_until: Duration,
}

/// What an answer that refuses was: two that are equal are no change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    Reply(ReplyKey),
    Tls,
}

impl Default for ProbeTimer {
    fn default() -> Self {
        Self {
            outstanding: Vec::new(),
            due_at: None,
            refusal: None,
            sent: 0,
            last_at: None,
            period: PERIOD,
            brisk_until: Duration::ZERO,
        }
    }
}

impl ProbeTimer {
    /// From the next probe on.
    pub(super) const fn set_period(&mut self, mean: Duration) {
        self.period = mean;
    }

    /// The host has gone down and was well before: it may be back in a moment. Nothing changes while
    /// the node's budget is used up.
    pub(super) fn be_brisk(&mut self, now: Duration) {
        self.brisk_until = now + BRISK_FOR;
    }

    /// When the next probe goes out, if the timer runs and another one may be under way.
    pub(super) fn due_at(&self) -> Option<Duration> {
        let max = if self.refusal.is_some() {
            1
        } else {
            OUTSTANDING_MAX
        };
        self.due_at.filter(|_| self.outstanding.len() < max)
    }

    /// The last probe, and how many there were.
    pub(super) const fn sent(&self) -> (Option<Duration>, u64) {
        (self.last_at, self.sent)
    }

    pub(super) fn is_outstanding(&self) -> bool {
        !self.outstanding.is_empty()
    }

    /// The next probe goes out after an ordinary period.
    pub(super) fn start(&mut self, now: Duration, rng: &mut impl Rng) {
        self.refusal = None;
        self.due_at = Some(now + self.draw(now, rng));
    }

    /// The next probe goes out at a time.
    pub(super) const fn wait_until(&mut self, at: Option<Duration>) {
        self.refusal = None;
        self.due_at = at;
    }

    /// The next probe goes out at once; pauses are over.
    pub(super) fn hurry(&mut self, now: Duration) {
        self.refusal = None;
        self.due_at = Some(now);
    }

    /// The next probe goes out at this time at the latest; the pauses after it are as they would be.
    pub(super) fn hasten(&mut self, at: Duration) {
        self.due_at = Some(self.due_at.map_or(at, |due| due.min(at)));
    }

    /// No more probes.
    pub(super) fn stop(&mut self) {
        self.refusal = None;
        self.due_at = None;
    }

    /// A probe goes out; the next one follows after a period. A probe outside the schedule (to
    /// confirm a failure) leaves a timer that does not run as it is.
    pub(super) fn sent_now(
        &mut self,
        probe: ProbeId,
        connection: ConnectionId,
        now: Duration,
        rng: &mut impl Rng,
    ) {
        self.outstanding.push((probe, connection));
        self.sent += 1;
        self.last_at = Some(now);
        if self.due_at.is_some() {
            self.due_at = Some(now + self.draw(now, rng));
        }
    }

    /// A probe has ended; the name of the connection it would have opened.
    pub(super) fn ended(&mut self, probe: ProbeId) -> Option<ConnectionId> {
        let place = self.outstanding.iter().position(|(id, _)| *id == probe)?;
        Some(self.outstanding.swap_remove(place).1)
    }

    /// The host did not answer.
    pub(super) fn unanswered(&mut self, now: Duration, rng: &mut impl Rng) {
        if self.refusal.is_some() || self.due_at.is_none() {
            self.start(now, rng);
        }
    }

    /// The host answered, and refused.
    pub(super) fn refused(&mut self, refusal: Refusal, now: Duration, rng: &mut impl Rng) {
        let pause = match self.refusal {
            Some((last, pause)) if last == refusal => (pause * 2).min(REFUSED_MAX),
            _ => REFUSED_MIN,
        };
        self.refusal = Some((refusal, pause));
        let spread = pause - REFUSED_MIN;
        let jitter = rng.random_range(0.0..1.0);
        self.due_at = Some(now + REFUSED_MIN + spread.mul_f64(jitter));
    }

    fn draw(&self, now: Duration, rng: &mut impl Rng) -> Duration {
        let brisk = now < self.brisk_until && self.period <= PERIOD;
        let mean = if brisk { BRISK } else { self.period };
        mean.mul_f64(rng.random_range(1.0 - JITTER..1.0 + JITTER))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    const KEY: Refusal = Refusal::Reply(ReplyKey {
        code: 421,
        enhanced: None,
    });

    #[test]
    fn s11_a_silent_host_gets_about_a_thousand_probes_an_hour_and_never_waits_five_seconds() {
        let mut rng = ChaCha8Rng::seed_from_u64(7);
        let mut timer = ProbeTimer::default();
        let mut now = Duration::ZERO;
        timer.start(now, &mut rng);
        let mut count = 0;
        while now < Duration::from_secs(3600) {
            let due = timer.due_at().unwrap();
            assert!(due - now <= Duration::from_millis(4188));
            assert!(due - now >= Duration::from_millis(2512));
            now = due;
            let (probe, connection) = (ProbeId(count), ConnectionId(count));
            timer.sent_now(probe, connection, now, &mut rng);
            assert_eq!(timer.ended(probe), Some(connection));
            timer.unanswered(now, &mut rng);
            count += 1;
        }
        assert!((990..=1100).contains(&count), "{count}");
    }

    #[test]
    fn s11_the_first_half_minute_is_brisk_unless_the_budget_is_used_up() {
        let probes = |period: Duration| {
            let mut rng = ChaCha8Rng::seed_from_u64(7);
            let mut timer = ProbeTimer::default();
            timer.set_period(period);
            timer.be_brisk(Duration::ZERO);
            timer.start(Duration::ZERO, &mut rng);
            let mut times = Vec::new();
            while let Some(due) = timer.due_at().filter(|at| *at < Duration::from_secs(60)) {
                let (probe, connection) = (ProbeId(0), ConnectionId(0));
                timer.sent_now(probe, connection, due, &mut rng);
                timer.ended(probe);
                timer.unanswered(due, &mut rng);
                times.push(due);
            }
            let early = times.iter().filter(|at| **at < BRISK_FOR).count();
            (early, times.len() - early)
        };
        let (early, late) = probes(PERIOD);
        assert!((13..=17).contains(&early), "{early}");
        assert!((8..=10).contains(&late), "{late}");
        let (early, _) = probes(Duration::from_secs(8));
        assert!(early <= 4, "{early}");
    }

    #[test]
    fn two_probes_at_most_are_under_way() {
        let mut rng = ChaCha8Rng::seed_from_u64(7);
        let mut timer = ProbeTimer::default();
        timer.start(Duration::ZERO, &mut rng);
        for n in 0..2 {
            let due = timer.due_at().unwrap();
            timer.sent_now(ProbeId(n), ConnectionId(n), due, &mut rng);
        }
        assert_eq!(timer.due_at(), None);
        timer.ended(ProbeId(0));
        assert!(timer.due_at().is_some());
        assert_eq!(timer.ended(ProbeId(9)), None);
    }

    #[test]
    fn s11_a_host_that_answers_and_refuses_is_asked_after_5_to_60_seconds() {
        let mut rng = ChaCha8Rng::seed_from_u64(7);
        let mut timer = ProbeTimer::default();
        let mut longest = 0.0_f64;
        for n in 0..200 {
            timer.refused(KEY, Duration::ZERO, &mut rng);
            let pause = timer.due_at().unwrap().as_secs_f64();
            assert!((5.0..=60.0).contains(&pause), "{pause}");
            if n == 0 {
                assert!((pause - 5.0).abs() < 1e-9, "{pause}");
            }
            longest = longest.max(pause);
        }
        assert!(longest > 50.0, "{longest}");
        timer.refused(Refusal::Tls, Duration::ZERO, &mut rng);
        assert_eq!(timer.due_at(), Some(REFUSED_MIN), "a change starts over");
        timer.refused(KEY, Duration::ZERO, &mut rng);
        timer.hurry(Duration::from_secs(1));
        assert_eq!(timer.due_at(), Some(Duration::from_secs(1)));
    }
}
