//! The governor against simulated destinations: a backlog after an outage, virtual time, no sockets.
//!
//! Every run is deterministic, so its figures can be asserted. `SIMULATION_SEEDS=20` runs more seeds
//! than the two of the ordinary tests, `--nocapture` prints the figures.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod destination;
mod domains;
mod fresh;
mod models;
mod node;
mod recovery;
mod references;
mod report;
mod shell;
mod suite;

use std::time::Duration;

use destination::Model;
use report::Report;
use shell::Simulation;

const HOUR: Duration = Duration::from_secs(3600);

fn seeds() -> u64 {
    let seeds = std::env::var("SIMULATION_SEEDS");
    seeds.map_or(2, |count| count.parse().expect("a number of seeds"))
}

fn run(model: &Model, messages: u64, seed: u64) -> Report {
    let report = Simulation::new(model.clone(), messages, 1, seed).run(10 * HOUR);
    println!(
        "{:40} seed {seed:2}: {:5.1} % of the ideal speed, {:.3} % refused ({}, at worst {} in 10 s), first after {:.1} s, most in flight {}, all after {:.1} s",
        model.name,
        report.efficiency(model) * 100.0,
        report.overload() * 100.0,
        report.refused,
        report.worst_ten_seconds(),
        report.first_after().as_secs_f64(),
        report.most_in_flight,
        report
            .all
            .unwrap_or_default()
            .saturating_sub(destination::UP_AT)
            .as_secs_f64(),
    );
    report
}

/// The bounds of every model: refusals for overload of 0.25 % on average, 0.5 % for any seed and six in
/// any ten seconds, no stampede at the return, and the speed that is asked for.
fn gate(letter: &str, speed: f64) -> Vec<Report> {
    let case = suite::case(letter);
    let mut reports = Vec::new();
    for seed in 1..=seeds() {
        let report = case.run(seed);
        println!(
            "{:40} seed {seed:2}: {:5.1} % of the ideal speed, {:.3} % refused ({}, at worst {} in 10 s), first after {:.1} s",
            case.model.name,
            report.efficiency(&case.model) * 100.0,
            report.overload() * 100.0,
            report.refused,
            report.worst_ten_seconds(),
            report.first_after().as_secs_f64(),
        );
        assert!(report.is_complete(), "seed {seed}: {report:?}");
        assert!(report.overload() <= 0.005, "seed {seed}");
        assert!(report.worst_ten_seconds() <= 6, "seed {seed}");
        assert!(report.most_in_flight_early() <= 1, "s13, seed {seed}");
        let willing = case.model.refuses_until.max(destination::UP_AT);
        let first = report.first_delivery.unwrap().saturating_sub(willing);
        // One that refuses everybody is asked every five minutes.
        let patience = if letter == "I" { 300 } else { 6 };
        assert!(first <= Duration::from_secs(patience), "{first:?}");
        reports.push(report);
    }
    let mean =
        |of: &dyn Fn(&Report) -> f64| reports.iter().map(of).sum::<f64>() / reports.len() as f64;
    assert!(mean(&Report::overload) <= 0.0025);
    let reached = mean(&|report| report.efficiency(&case.model));
    assert!(reached >= speed, "{reached}");
    reports
}

#[test]
fn s14_s15_a_destination_that_limits_connections() {
    gate("A", 0.95);
}

#[test]
fn s14_s15_a_destination_that_runs_out_of_cores() {
    gate("B", 0.95);
}

#[test]
fn s14_s15_a_destination_that_limits_its_rate() {
    gate("C", 0.95);
    let report = run(&models::c_rate(), 3_000, 1);
    let paced = |pace: f64| (8.0..=20.0).contains(&pace);
    let last = report.samples.last().unwrap();
    assert!(last.pace.is_some_and(paced), "{last:?}");
    assert!(last.in_flight <= last.window, "{last:?}");
}

#[test]
fn s14_s15_a_destination_that_is_cold_and_has_a_dip() {
    gate("D", 0.95);
}

#[test]
fn s14_s15_a_weak_destination() {
    gate("E", 0.95);
}

#[test]
fn s14_s15_a_big_destination() {
    gate("F", 0.95);
    // A minute at 64 comes before more than 64 are tried: half the mail, half the time.
    let report = run(&models::f_big(), 100_000, 1);
    assert!(report.efficiency(&models::f_big()) >= 0.90);
}

#[test]
fn q7_forty_a_second_after_an_outage_with_three_thousand_held() {
    let model = models::forty();
    for seed in 1..=seeds() {
        let report = run(&model, 3_000, seed);
        let drained = report.all.expect("all were delivered") - destination::UP_AT;
        assert!(
            drained <= Duration::from_secs(90),
            "seed {seed}: {drained:?}"
        );
        assert!(report.overload() <= 0.05, "seed {seed}: {}", report.refused);
    }
}

#[test]
fn forty_a_second_at_any_latency() {
    for work in [1, 30, 100, 400, 1500] {
        let model = models::forty_far(work);
        for seed in 1..=seeds() {
            let report = run(&model, 3_000, seed);
            let drained = report.all.expect("all were delivered") - destination::UP_AT;
            assert!(
                drained <= Duration::from_secs(150),
                "{work} ms: {drained:?}"
            );
            assert!(report.overload() <= 0.005, "{work} ms: {}", report.refused);
            assert!(report.worst_ten_seconds() <= 6, "{work} ms");
        }
    }
}

#[test]
fn s15_a_destination_that_flaps_gets_its_mail_all_the_same() {
    // Five percent of what is left of two minutes are 5.25 s: to notice the return, for canaries, and
    // for the two steps of a host that is still warm.
    for report in gate("G", 0.95) {
        // Each crash costs what was in flight, and a probe or two.
        assert!(report.broken <= 20 * 20, "{}", report.broken);
    }
}

#[test]
fn s14_a_destination_that_returns_at_once_but_with_less_is_not_knocked_over() {
    let model = models::restarted_cold();
    for seed in 1..=seeds() {
        let report = run(&model, 12_000, seed);
        assert!(report.is_complete());
        assert!(report.overload() <= 0.0025, "{}", report.refused);
        assert!(report.worst_ten_seconds() <= 6, "seed {seed}");
    }
}

#[test]
fn d1_a_destination_that_refuses_everybody_when_it_comes_back_bounces_nothing() {
    for report in gate("I", 0.95) {
        assert_eq!(report.bounced, 0);
        assert!(report.rejected <= 12, "{}", report.rejected);
    }
}

#[test]
fn q8_five_hundred_domains_behind_one_server_share_it_evenly() {
    let from = destination::UP_AT + Duration::from_secs(60);
    for report in gate("J", 0.95) {
        let fairness = report.fairness(from, from + Duration::from_secs(60));
        println!("500 domains on one server: fairness {fairness:.4}");
        assert!(fairness >= 0.98, "{fairness}");
    }
}

#[test]
fn the_same_seed_gives_the_same_trace_and_another_one_another() {
    let trace = |seed| {
        Simulation::new(models::d_cold(), 2_000, 2, seed)
            .run(HOUR)
            .trace
    };
    assert_eq!(trace(7), trace(7));
    assert_ne!(trace(7), trace(8));
}

#[test]
fn s11_fifteen_days_of_outage_cost_a_thousand_probes_an_hour_and_nothing_else() {
    let days = Duration::from_secs(15 * 86_400);
    let model = Model {
        down: vec![(Duration::ZERO, days)],
        ..Model::new("away for 15 days", Duration::from_millis(100))
    };
    let report = Simulation::new(model, 100, 1, 1).run(days);
    let per_hour = report.probes as f64 / (15.0 * 24.0);
    assert!((900.0..=1100.0).contains(&per_hour), "{per_hour}");
    assert_eq!((report.delivered, report.broken), (0, 0));
}

#[test]
fn s15_a_quick_destination_is_not_kept_waiting_by_the_slow_start() {
    let model = models::quick();
    for seed in 1..=seeds() {
        let report = run(&model, 20_000, seed);
        let drained = report.all.expect("all were delivered") - destination::UP_AT;
        assert!(
            drained <= Duration::from_secs(15),
            "seed {seed}: {drained:?}"
        );
    }
}

#[test]
fn d4_q9_fresh_mail_waits_seconds_while_the_backlog_drains_in_order() {
    let case = suite::case("K");
    let capacity = case.model.capacity(Duration::ZERO);
    for report in gate("K", 0.0) {
        let p95 = report.waits[report.waits.len() * 95 / 100];
        let ended = report.ended_at - destination::UP_AT;
        println!("p95 {p95:?} of {}, all after {ended:?}", report.waits.len());
        assert!(p95 <= Duration::from_secs(5), "{p95:?}");
        assert_eq!(report.inversions, 0, "q9");
        // The backlog gets at least a quarter.
        let longest = Duration::from_secs_f64(case.messages as f64 / capacity * 4.0);
        assert!(ended <= longest, "{ended:?}");
    }
}

#[test]
fn s14_of_two_hosts_one_in_a_black_hole_the_other_one_takes_everything() {
    for report in gate("H", 0.95) {
        assert!(report.broken <= 2, "{}", report.broken);
    }
}

#[test]
fn s12_after_an_outage_mail_goes_within_seconds_of_the_return() {
    let outages = if seeds() > 2 { 200 } else { 20 };
    let all: Vec<_> = (1..=outages).map(recovery::outage).collect();
    let mut first: Vec<_> = all.iter().map(|one| one.first_after).collect();
    let p50 = recovery::quantile(&mut first, 0.5);
    let p99 = recovery::quantile(&mut first, 0.99);
    println!("{outages} outages: back to first delivery p50 {p50:?}, p99 {p99:?}");
    for silent in [false, true] {
        let of_kind = all.iter().filter(|one| one.silent == silent);
        let mut first: Vec<_> = of_kind.map(|one| one.first_after).collect();
        let p50 = recovery::quantile(&mut first, 0.5);
        println!("silent {silent}: p50 {p50:?}");
    }
    // A median of twenty is chance.
    assert!(outages < 200 || p50 <= Duration::from_secs(2), "{p50:?}");
    assert!(p99 <= Duration::from_secs(5), "{p99:?}");
    for (silent, limit) in [(false, 1), (true, 6)] {
        let kind = all.iter().filter(|one| one.silent == silent);
        let slowest = kind.map(|one| one.down_after).max().unwrap();
        println!("silent {silent}: suspicion to down at most {slowest:?}");
        assert!(slowest <= Duration::from_secs(limit), "{slowest:?}");
    }
}

#[test]
fn s11_s12_ten_thousand_destinations_that_come_back_in_the_same_second() {
    let count = if seeds() > 2 { 10_000 } else { 4_000 };
    let reports = node::run(&models::l_one_of_many(), 20, count, HOUR);
    let mut probes = vec![0_u32; 120];
    for report in &reports {
        assert!(report.is_complete());
        assert_eq!(report.refused, 0);
        assert!(report.most_in_flight_early() <= 1, "s13");
        for at in &report.probes_at {
            probes[at.as_secs() as usize] += 1;
        }
    }
    let mut first: Vec<_> = reports.iter().map(Report::first_after).collect();
    let p50 = recovery::quantile(&mut first, 0.5);
    let p99 = recovery::quantile(&mut first, 0.99);
    let busiest = *probes.iter().max().unwrap();
    println!(
        "L: {count} at once: first delivery p50 {p50:?}, p99 {p99:?}; {busiest} probes in the busiest second"
    );
    assert!(busiest <= 1_000, "{busiest}");
    assert!(p99 <= Duration::from_secs(25), "{p99:?}");
}

#[test]
fn s12_three_thousand_destinations_that_come_back_in_the_same_second_are_within_the_budget() {
    let reports = node::run(&models::l_one_of_many(), 20, 3_000, HOUR);
    let mut first: Vec<_> = reports.iter().map(Report::first_after).collect();
    let p50 = recovery::quantile(&mut first, 0.5);
    let p99 = recovery::quantile(&mut first, 0.99);
    println!("L: 3,000 at once: first delivery p50 {p50:?}, p99 {p99:?}");
    assert!(p50 <= Duration::from_secs(3), "{p50:?}");
    assert!(p99 <= Duration::from_secs(5), "{p99:?}");
}

#[test]
fn a_relay_that_is_busy_itself_does_not_take_that_for_the_destinations_queue() {
    let model = models::busy_relay();
    for seed in 1..=seeds() {
        let report = run(&model, 20_000, seed);
        assert!(report.is_complete());
        let settled = report
            .samples
            .iter()
            .skip_while(|one| one.at < destination::UP_AT + Duration::from_secs(30));
        let narrowest = settled.map(|one| one.window).min().unwrap();
        println!("busy relay: window at least {narrowest} after 30 s");
        let drained = report.all.unwrap() - destination::UP_AT;
        assert!(
            drained <= Duration::from_secs(120),
            "seed {seed}: {drained:?}"
        );
        assert!(narrowest >= 8, "seed {seed}: {narrowest}");
    }
}

#[test]
fn the_usual_rules_are_refused_far_more_often_and_are_no_quicker() {
    for (model, messages) in [
        (models::a_connections(), 10_000),
        (models::c_rate(), 3_000),
        (models::d_cold(), 10_000),
        (models::e_weak(), 600),
        (models::forty(), 3_000),
    ] {
        let ours = run(&model, messages, 1);
        for (name, rule) in [
            ("Postfix ±1", references::POSTFIX),
            ("KumoMTA 32", references::KUMOMTA),
        ] {
            let other = references::run(&model, messages, rule, 1, HOUR);
            println!(
                "{:40} {name}: {:5.1} % of the ideal speed, {:.1} % refused",
                model.name,
                other.efficiency(&model) * 100.0,
                other.overload() * 100.0
            );
            assert!(ours.refused * 10 <= other.refused, "{name}");
            let (ours, other) = (ours.nearly_all.unwrap(), other.nearly_all);
            assert!(
                other.is_none_or(|other| ours <= other.mul_f64(1.1)),
                "{name}"
            );
        }
    }
}
