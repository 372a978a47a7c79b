mod shell;

use std::collections::BTreeSet;

use proptest::prelude::*;

use self::shell::Shell;

use super::super::classify::{Overload, ReplyKey, Signal};
use super::super::health::Trouble;
use super::super::ramp::WINDOW_MAX_PROVEN;
use super::*;
use storage::model::HostLimits;

const DOMAIN: DomainId = DomainId(1);
const ONE: [EndpointShape; 1] = [EndpointShape {
    priority: 10,
    weight: 1,
    limits: HostLimits::NONE,
}];

fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

const READY: ProbeOutcome = ProbeOutcome::Ready {
    looks_like_exchange: false,
};

#[test]
fn s12_the_first_demand_probes_and_the_probes_own_connection_carries_the_canary() {
    let mut shell = Shell::new(&ONE, 1);
    assert!(shell.probes.is_empty(), "nobody wants to send");
    shell.demand(5);
    assert_eq!(shell.probes.len(), 1);
    assert!(shell.permits.is_empty());
    let connection = shell.probes.values().next().unwrap().1;
    shell.answer_probe(READY);
    for n in 0..3 {
        let granted: Vec<_> = shell.permits.values().copied().collect();
        assert_eq!(granted.len(), 1, "one canary at a time");
        assert_eq!(granted[0].1, Via::Reuse(connection), "{n}");
        assert_eq!(granted[0].2, Pick::Canary);
        shell.finish(Signal::Delivered, true);
    }
    assert_eq!(shell.states, [Health::Canary, Health::Ramp]);
    assert_eq!(shell.permits.values().next().unwrap().2, Pick::Next);
}

#[test]
fn s9a_one_failure_and_a_failed_confirmation_are_down_within_a_second() {
    let mut shell = Shell::new(&ONE, 2);
    shell.recover();
    shell.pass_for(Duration::from_secs(3));
    let failed_at = shell.now;
    while shell.finish(Signal::Connection, false) {}
    assert_eq!(shell.governor.health(), Health::Suspect);
    shell.pass_for(ms(500));
    assert!(shell.answer_probe(ProbeOutcome::Unreachable));
    assert_eq!(shell.governor.health(), Health::Down);
    assert!(shell.now <= failed_at + ms(1000));
    assert!(shell.permits.is_empty() && shell.idle.is_empty());
    assert!(
        shell
            .alerts
            .contains(&GovernorAlert::Down(Trouble::Unreachable))
    );
}

#[test]
fn s11_s15_while_down_only_probes_go_out_and_the_first_one_that_succeeds_delivers() {
    let mut shell = Shell::new(&ONE, 3);
    shell.demand(100);
    shell.answer_probe(ProbeOutcome::Unreachable);
    let mut probes = 0;
    while shell.now < Duration::from_secs(3600) {
        shell.pass_for(ms(100));
        shell.demand(100);
        probes += u32::from(shell.answer_probe(ProbeOutcome::Unreachable));
        assert!(shell.permits.is_empty());
    }
    assert!((900..=1100).contains(&probes), "{probes} in an hour");
    while shell.probes.is_empty() {
        shell.pass_for(ms(100));
    }
    shell.answer_probe(READY);
    assert_eq!(shell.permits.len(), 1, "no timer stands in between");
}

#[test]
fn s9b_a_host_that_refuses_everybody_holds_the_mail_and_alerts_once() {
    let mut shell = Shell::new(&ONE, 4);
    let reply = ReplyKey {
        code: 554,
        enhanced: None,
    };
    shell.demand(10);
    while shell.now < Duration::from_secs(600) {
        shell.answer_probe(ProbeOutcome::Policy(reply));
        shell.pass_for(ms(500));
    }
    assert_eq!(shell.governor.health(), Health::Degraded(Trouble::Policy));
    let policies = shell
        .alerts
        .iter()
        .filter(|alert| matches!(alert, GovernorAlert::Policy { .. }));
    assert_eq!(policies.count(), 1);
    let probes = shell.governor.status(shell.now).probes;
    assert!((10..=40).contains(&probes), "{probes} in ten minutes");
    assert!(shell.permits.is_empty());
    while !shell.answer_probe(READY) {
        shell.pass_for(ms(500));
    }
    assert_eq!(
        shell.governor.health(),
        Health::Canary,
        "no human is needed"
    );
}

#[test]
fn s9d_a_full_destination_gets_the_smallest_message_now_and_then() {
    let mut shell = Shell::new(&ONE, 5);
    shell.recover();
    let full = Signal::Overloaded(Overload::Resource);
    let mut tries = 0;
    let from = shell.now;
    while shell.now < from + Duration::from_secs(300) {
        tries += u32::from(shell.finish(full, true));
        shell.pass_for(ms(500));
        shell.demand(1000);
    }
    assert_eq!(
        shell.alerts.last(),
        Some(&GovernorAlert::ResourceFull {
            endpoint: EndpointId(0)
        })
    );
    assert!(tries <= 12, "{tries} in five minutes");
    while shell.permits.is_empty() {
        shell.pass_for(ms(500));
    }
    assert_eq!(shell.permits.values().next().unwrap().2, Pick::Smallest);
}

#[test]
fn a_window_that_an_administrator_has_set_is_reached_and_kept() {
    let shapes = [EndpointShape {
        limits: HostLimits {
            window: Some(3),
            ..HostLimits::NONE
        },
        ..ONE[0]
    }];
    let mut shell = Shell::new(&shapes, 5);
    shell.recover();
    let mut most = 0;
    while shell.now < Duration::from_secs(200) {
        shell.demand(1000);
        most = most.max(shell.permits.len());
        for _ in 0..shell.permits.len() {
            shell.finish(Signal::Delivered, true);
        }
        shell.pass_for(ms(100));
    }
    assert_eq!(most, 3);
}

#[test]
fn a_black_hole_that_swallows_live_sessions_is_noticed() {
    let mut shell = Shell::new(&ONE, 6);
    shell.recover();
    assert!(!shell.permits.is_empty());
    shell.pass_for(Duration::from_secs(31));
    assert_eq!(shell.governor.health(), Health::Suspect);
    shell.answer_probe(ProbeOutcome::Unreachable);
    assert_eq!(shell.governor.health(), Health::Down);
}

#[test]
fn a_relapse_makes_the_next_ramp_slower() {
    let mut shell = Shell::new(&ONE, 7);
    shell.recover();
    shell.pass_for(Duration::from_secs(3));
    while shell.finish(Signal::Connection, false) {}
    shell.pass_for(ms(500));
    shell.answer_probe(ProbeOutcome::Unreachable);
    shell.demand(1000);
    while shell.governor.health() != Health::Ramp {
        if !shell.answer_probe(READY) && !shell.finish(Signal::Delivered, true) {
            shell.pass_for(ms(500));
        }
    }
    // One message every 200 ms for eight seconds: a step of 5 s would have ended.
    for _ in 0..40 {
        shell.pass_for(ms(200));
        shell.finish(Signal::Delivered, true);
        shell.demand(1000);
    }
    assert_eq!(shell.governor.status(shell.now).window, 1);
}

#[test]
fn a_lower_tier_is_used_only_while_every_host_above_is_down_and_traffic_returns() {
    let shapes = [
        EndpointShape {
            priority: 10,
            weight: 1,
            limits: HostLimits::NONE,
        },
        EndpointShape {
            priority: 20,
            weight: 1,
            limits: HostLimits::NONE,
        },
    ];
    let mut shell = Shell::new(&shapes, 8);
    shell.demand(10_000);
    let first = |shell: &Shell| shell.probes.values().next().unwrap().0;
    assert_eq!(first(&shell), EndpointId(0));
    shell.answer_probe(ProbeOutcome::Unreachable);
    shell.pass_for(ms(500));
    shell.answer_probe(ProbeOutcome::Unreachable);
    assert_eq!(first(&shell), EndpointId(1), "now the backup is asked");
    let mut used = BTreeSet::new();
    let mut back_at = None;
    while shell.now < Duration::from_secs(300) {
        let outcome = match shell.probes.values().next() {
            Some((EndpointId(0), _)) if shell.now < Duration::from_secs(100) => {
                ProbeOutcome::Unreachable
            }
            _ => READY,
        };
        shell.answer_probe(outcome);
        let canaries = [Pick::Canary];
        for (endpoint, _, pick) in shell.permits.values() {
            if canaries.contains(pick) {
                continue;
            }
            used.insert(*endpoint);
            if *endpoint == EndpointId(0) {
                back_at.get_or_insert(shell.now);
            }
        }
        while shell.finish(Signal::Delivered, true) {
            if shell.permits.len() > 4 {
                break;
            }
            shell.pass_for(ms(1));
        }
        shell.pass_for(ms(100));
        shell.demand(10_000);
    }
    assert!(used.contains(&EndpointId(1)));
    let back_at = back_at.expect("traffic returned");
    assert!(back_at >= Duration::from_secs(160), "{back_at:?}");
}

#[test]
fn one_of_two_hosts_in_a_black_hole_costs_nothing_and_is_shown() {
    let shapes = [EndpointShape {
        priority: 10,
        weight: 1,
        limits: HostLimits::NONE,
    }; 2];
    let mut shell = Shell::new(&shapes, 9);
    shell.demand(200);
    let mut delivered = 0;
    while shell.now < Duration::from_secs(200) {
        let outcome = match shell.probes.values().next() {
            Some((EndpointId(1), _)) => ProbeOutcome::Unreachable,
            _ => READY,
        };
        shell.answer_probe(outcome);
        assert!(
            shell
                .permits
                .values()
                .all(|permit| permit.0 == EndpointId(0))
        );
        while delivered < 200 && shell.finish(Signal::Delivered, true) {
            delivered += 1;
            shell.pass_for(ms(20));
        }
        shell.pass_for(ms(20));
    }
    assert_eq!(delivered, 200);
    assert_eq!(
        shell.governor.health(),
        Health::Degraded(Trouble::EndpointDown)
    );
    assert!(shell.states.iter().all(|health| *health != Health::Down));
    assert!(shell.alerts.is_empty(), "{:?}", shell.alerts);
}

#[derive(Debug, Clone)]
enum Step {
    Demand(u32),
    Finish(u8, bool),
    Return(bool),
    Probe(u8),
    Pass(u64),
    Closed,
    ProbeNow,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => (0_u32..50).prop_map(Step::Demand),
        8 => (0_u8..16, any::<bool>()).prop_map(|(signal, kept)| Step::Finish(signal, kept)),
        1 => any::<bool>().prop_map(Step::Return),
        4 => (0_u8..8).prop_map(Step::Probe),
        4 => (1_u64..8000).prop_map(Step::Pass),
        1 => Just(Step::Closed),
        1 => Just(Step::ProbeNow),
    ]
}

fn signal(n: u8) -> Signal {
    let key = ReplyKey {
        code: 451,
        enhanced: None,
    };
    match n {
        0 => Signal::Answered,
        1 => Signal::Deferred(key),
        2 => Signal::Overloaded(Overload::Concurrency),
        3 => Signal::Overloaded(Overload::Resource),
        4 => Signal::Overloaded(Overload::Rate),
        5 => Signal::Connection,
        6 => Signal::Stale,
        7 => Signal::Policy,
        8 => Signal::Tls,
        9 => Signal::Nothing,
        _ => Signal::Delivered,
    }
}

fn run(steps: &[Step], seed: u64) -> (Vec<Health>, u64) {
    let shapes = [EndpointShape {
        priority: 10,
        weight: 1,
        limits: HostLimits::NONE,
    }; 2];
    let mut shell = Shell::new(&shapes, seed);
    for step in steps {
        match *step {
            Step::Demand(ready) => shell.demand(ready),
            Step::Finish(n, kept) => {
                let kept = kept && !matches!(n, 5..=9);
                shell.finish(signal(n), kept);
            }
            Step::Return(kept) => {
                if let Some((permit, (_, via, _))) = shell.permits.pop_first() {
                    let (Via::Open(connection) | Via::Reuse(connection)) = via;
                    let conveyance = if kept {
                        shell.idle.insert(connection);
                        Conveyance::Kept
                    } else {
                        Conveyance::Closed
                    };
                    shell.on(GovernorEvent::Returned { permit, conveyance });
                }
            }
            Step::Probe(n) => {
                let key = ReplyKey {
                    code: 421,
                    enhanced: None,
                };
                shell.answer_probe(match n {
                    0 => ProbeOutcome::Unreachable,
                    1 => ProbeOutcome::Refused(key),
                    2 => ProbeOutcome::Policy(key),
                    3 => ProbeOutcome::Tls,
                    _ => READY,
                });
            }
            Step::Pass(time) => shell.pass_for(ms(time)),
            Step::Closed => {
                if let Some(connection) = shell.idle.pop_first() {
                    shell.on(GovernorEvent::ConnectionClosed { connection });
                }
            }
            Step::ProbeNow => shell.on(GovernorEvent::ProbeNow),
        }
        let health = shell.governor.health();
        let status = shell.governor.status(shell.now);
        assert!(shell.permits.len() <= 2 * WINDOW_MAX_PROVEN as usize);
        assert!(status.window <= 2 * WINDOW_MAX_PROVEN);
        if health == Health::Canary {
            let mut endpoints = shell.governor.endpoints.iter();
            let single = |e: &Endpoint| {
                !matches!(e.health, EndpointHealth::Canary { .. }) || e.in_flight <= 1
            };
            assert!(endpoints.all(single), "one at a time");
        }
    }
    // Liveness: whatever happened, a destination that is well again gets everything.
    while !shell.permits.is_empty() {
        shell.finish(Signal::Nothing, false);
    }
    let mut left = 200;
    let limit = shell.now + Duration::from_secs(1200);
    while left > 0 {
        shell.demand(left);
        let mut moved = shell.answer_probe(READY);
        while shell.permits.len() > 20 || (!moved && !shell.permits.is_empty()) {
            shell.finish(Signal::Delivered, true);
            left = left.saturating_sub(1);
            moved = true;
        }
        if !moved {
            let at = shell.wake_at.expect("something is waited for");
            shell.pass(at);
        }
        assert!(shell.now < limit, "stuck: {:?}", shell.governor);
    }
    let status = shell.governor.status(shell.now);
    (shell.states, status.probes)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_grant_is_lost_no_window_exceeded_and_a_destination_that_is_well_gets_everything(
        steps in prop::collection::vec(step(), 0..200), seed in any::<u64>()
    ) {
        let once = run(&steps, seed);
        let twice = run(&steps, seed);
        prop_assert_eq!(once, twice);
    }
}
