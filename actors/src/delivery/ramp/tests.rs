use super::refusal::PAUSE;
use super::*;
use crate::delivery::classify::Overload;
use proptest::prelude::*;

const FULL: u32 = u32::MAX;

fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// Slow start to its end with a destination that always takes 100 ms.
fn grown_ramp() -> (Ramp, Duration) {
    let mut ramp = Ramp::new(ms(0));
    ramp.restart(SlowStartPlan::from_one(64), ms(0));
    let mut now = ms(0);
    while ramp.phase() == RampPhase::SlowStart {
        now += ms(100) / ramp.window(now);
        ramp.gate(FULL, now);
        ramp.delivered(ms(100), 4096, ramp.window(now), now);
        assert!(now < ms(120_000), "it ends");
    }
    (ramp, now)
}

#[test]
fn a_window_that_was_set_is_never_exceeded_and_a_large_one_needs_no_proof() {
    for (cap, up_to) in [(8, 64), (100, 100)] {
        let mut ramp = Ramp::new(ms(0)).capped(Some(cap));
        ramp.restart(SlowStartPlan::from_one(up_to), ms(0));
        let mut now = ms(0);
        let mut most = 0;
        // A destination that is never busy: every place is used all the time.
        while now < Duration::from_secs(120) {
            now += ms(20);
            let places = ramp.window(now);
            most = most.max(places);
            for _ in 0..places {
                ramp.sent(now);
                ramp.gate(places, now);
                ramp.delivered(ms(20), 4096, places, now);
            }
        }
        assert_eq!(most, u32::from(cap));
    }
}

#[test]
fn s13_s15_from_one_to_64_in_about_half_a_minute() {
    let (ramp, now) = grown_ramp();
    assert_eq!(ramp.window(now), 64);
    assert!((ms(30_000)..ms(50_000)).contains(&now), "{now:?}");
}

#[test]
fn s14_a_refusal_with_n_in_flight_leaves_n_minus_one_and_a_pause() {
    let (mut ramp, now) = grown_ramp();
    let mark = ramp.sent(now);
    ramp.refused(mark, Overload::Concurrency, 31, true, now);
    assert_eq!(ramp.window(now), 30);
    assert_eq!(ramp.gate(0, now), Gate::Until(now + PAUSE));
    assert_eq!(ramp.gate(0, now + PAUSE), Gate::Open);
    assert_eq!(ramp.phase(), RampPhase::Cruise);
}

#[test]
fn a_burst_of_refusals_finds_the_limit_in_one_round_trip() {
    let (mut ramp, now) = grown_ramp();
    let marks: Vec<SendMark> = (0..64).map(|_| ramp.sent(now)).collect();
    for mark in &marks[48..] {
        ramp.refused(*mark, Overload::Unspecified, 64, true, now);
    }
    assert_eq!(ramp.window(now), 48);
}

#[test]
fn a_refusal_of_what_was_sent_after_a_cut_cuts_deeper_each_time() {
    let (mut ramp, mut now) = grown_ramp();
    let mut sizes = Vec::new();
    for _ in 0..4 {
        let mark = ramp.sent(now);
        ramp.refused(mark, Overload::Concurrency, ramp.window(now) + 1, true, now);
        sizes.push(ramp.window(now));
        now += PAUSE;
    }
    assert_eq!(sizes, [64, 54, 38, 19]);
}

#[test]
fn a_rate_limit_is_told_from_a_limit_on_concurrency() {
    let (mut ramp, mut now) = grown_ramp();
    for _ in 0..3 {
        for _ in 0..10 {
            now += ms(25);
            ramp.delivered(ms(100), 4096, 4, now);
        }
        let mark = ramp.sent(now);
        ramp.refused(mark, Overload::Rate, 4, false, now);
        now += PAUSE;
    }
    let pace = ramp.pace().unwrap();
    assert!((15.0..25.0).contains(&pace), "20/s were taken: {pace}");
    assert!(ramp.window(now) >= 4, "the window does not limit the pace");
}

#[test]
fn refusals_at_the_greeting_never_become_a_rate_limit() {
    let (mut ramp, mut now) = grown_ramp();
    for _ in 0..30 {
        for _ in 0..100 {
            now += ms(30);
            ramp.gate(FULL, now);
            ramp.delivered(ms(100), 4096, 10, now);
        }
        let mark = ramp.sent(now);
        ramp.refused(mark, Overload::Unspecified, 11, true, now);
    }
    assert_eq!(ramp.pace(), None);
}

#[test]
fn s14_slow_answers_shrink_the_window_and_quick_ones_let_it_grow_again() {
    let (mut ramp, mut now) = grown_ramp();
    for _ in 0..64 * 30 {
        now += ms(400) / 64;
        ramp.gate(FULL, now);
        ramp.delivered(ms(400), 4096, 64, now);
    }
    assert!(ramp.window(now) < 30, "{}", ramp.window(now));
    assert!(ramp.is_slow());
    let low = ramp.window(now);
    for _ in 0..2000 {
        now += ms(10);
        ramp.gate(FULL, now);
        ramp.delivered(ms(100), 4096, 10, now);
    }
    assert!(ramp.window(now) > low);
    assert!(!ramp.is_slow());
}

#[test]
fn an_endpoint_that_is_bored_at_64_gets_more() {
    let (mut ramp, mut now) = grown_ramp();
    for _ in 0..640 * 100 {
        now += ms(100) / 64;
        ramp.gate(FULL, now);
        ramp.delivered(ms(100), 4096, 64, now);
    }
    assert_eq!(ramp.window(now), WINDOW_MAX_PROVEN);
}

#[derive(Debug, Clone)]
enum Step {
    Delivered(u64),
    Answered,
    Refused(u8, u32, bool),
    Stale(u32),
    Wait(u64),
    Restart(u32),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (1_u64..3000).prop_map(Step::Delivered),
        1 => Just(Step::Answered),
        2 => (0_u8..4, 0_u32..200, any::<bool>()).prop_map(|(k, n, o)| Step::Refused(k, n, o)),
        1 => (0_u32..200).prop_map(Step::Stale),
        2 => (0_u64..100_000).prop_map(Step::Wait),
        1 => (0_u32..500).prop_map(Step::Restart),
    ]
}

proptest! {
    #[test]
    fn whatever_happens_the_window_stays_in_bounds_and_nobody_is_shut_out(
        steps in prop::collection::vec(step(), 0..300)
    ) {
        let mut now = ms(1);
        let mut ramp = Ramp::new(now);
        let mut old = ramp.sent(now);
        for step in steps {
            now += ms(7);
            let mark = ramp.sent(now);
            match step {
                Step::Delivered(latency) => ramp.delivered(ms(latency), latency * 400, ramp.window(now), now),
                Step::Answered => ramp.answered(now),
                Step::Refused(kind, n, at_opening) => {
                    let kind = match kind {
                        0 => Overload::Concurrency,
                        1 => Overload::Rate,
                        2 => Overload::Resource,
                        _ => Overload::Unspecified,
                    };
                    ramp.refused(mark, kind, n, at_opening, now);
                }
                Step::Stale(n) => ramp.refused(old, Overload::Unspecified, n, false, now),
                Step::Wait(time) => now += ms(time),
                Step::Restart(max) => ramp.restart(SlowStartPlan::from_one(max), now),
            }
            old = mark;
            let window = ramp.window(now);
            prop_assert!((1..=WINDOW_MAX_PROVEN).contains(&window), "{}", window);
            prop_assert!(ramp.pace().is_none_or(|pace| pace.is_finite() && pace > 0.0));
            // With nothing in flight a message may go at a time that is named and not far away.
            match ramp.gate(0, now) {
                Gate::Open => {}
                Gate::Until(at) => prop_assert!(at > now && at <= now + ms(130_000), "{:?}", at),
                Gate::Full => prop_assert!(false, "full with nothing in flight"),
            }
            prop_assert!(matches!(ramp.gate(window, now), Gate::Full | Gate::Until(_)));
        }
    }
}
