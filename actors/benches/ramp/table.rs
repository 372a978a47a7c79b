//! The table: ours over all seeds, the usual rules with the first one.

use std::fmt;
use std::time::Duration;

use crate::destination::UP_AT;
use crate::models;
use crate::node;
use crate::recovery::quantile;
use crate::references::{self, Rule};
use crate::report::Report;
use crate::suite::Case;

/// Simulated time after which a drain counts as never ending.
const LIMIT: Duration = Duration::from_secs(4 * 3600);

pub(crate) const HEAD: &str = "\
| destination | ideal, min | speed: mean (lowest) | refusals: mean (highest) | most in 10 s | also | Postfix ±1: speed, refusals | KumoMTA 32: speed, refusals |
|---|---|---|---|---|---|---|---|
";

/// One model.
pub(crate) struct Row<'a> {
    case: &'a Case,
    reports: &'a [Report],
}

impl<'a> Row<'a> {
    pub(crate) const fn of(case: &'a Case, reports: &'a [Report]) -> Self {
        Self { case, reports }
    }

    fn each(&self, figure: impl Fn(&Report) -> f64) -> Spread {
        let figures: Vec<f64> = self.reports.iter().map(figure).collect();
        Spread {
            mean: figures.iter().sum::<f64>() / figures.len() as f64,
            lowest: figures.iter().copied().fold(f64::INFINITY, f64::min),
            highest: figures.iter().copied().fold(0.0, f64::max),
        }
    }

    /// What else the model is about.
    fn also(&self) -> String {
        match self.case.letter {
            "G" => format!(
                "{:.0} sessions broken in all",
                self.each(|one| one.broken as f64).mean
            ),
            "H" => format!(
                "{:.0} attempts lost at most",
                self.each(|one| one.broken as f64).highest
            ),
            "I" => format!(
                "{:.0} bounced, {:.0} refused with 5yz at most",
                self.each(|one| one.bounced as f64).highest,
                self.each(|one| one.rejected as f64).highest
            ),
            "J" => {
                let from = UP_AT + Duration::from_secs(60);
                let jain = self.each(|one| one.fairness(from, from + Duration::from_secs(60)));
                format!("Jain at least {:.4}", jain.lowest)
            }
            "K" => {
                let p95 = self.each(|one| one.waits[one.waits.len() * 95 / 100].as_secs_f64());
                format!("fresh p95 {:.1} s (highest {:.1} s)", p95.mean, p95.highest)
            }
            _ => String::new(),
        }
    }

    fn reference(&self, rule: Rule) -> String {
        if self.case.beside.is_some() || self.case.fresh > 0.0 {
            return "–".to_owned();
        }
        let messages = self.case.messages * u64::from(self.case.domains);
        let report = references::run(&self.case.model, messages, rule, 1, LIMIT);
        if report.bounced > 0 {
            return format!("{} bounced", report.bounced);
        }
        let refused = percent(report.overload());
        match report.nearly_all {
            Some(_) => format!(
                "{}, {refused}",
                percent(report.efficiency(&self.case.model))
            ),
            None => format!("not within 4 h, {refused}"),
        }
    }
}

struct Spread {
    mean: f64,
    lowest: f64,
    highest: f64,
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

impl fmt::Display for Row<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let case = self.case;
        let all = (case.messages * u64::from(case.domains)) as f64 * 0.95;
        let ideal = case.model.ideal(all).as_secs_f64() / 60.0;
        // Fresh mail comes in for as long as the backlog lasts; the model says how much of the
        // capacity it takes.
        let speed = self.each(|one| match case.fresh {
            share if share > 0.0 => {
                let whole = case.model.ideal(case.messages as f64).as_secs_f64() / (1.0 - share);
                whole / one.ended_at.saturating_sub(UP_AT).as_secs_f64()
            }
            _ => one.efficiency(&case.model),
        });
        let refused = self.each(Report::overload);
        let worst = self.each(|one| one.worst_ten_seconds() as f64).highest;
        writeln!(
            out,
            "| {} | {ideal:.0} | {:.1} ({:.1}) % | {:.3} ({:.3}) % | {worst:.0} | {} | {} | {} |",
            case.model.name,
            speed.mean * 100.0,
            speed.lowest * 100.0,
            refused.mean * 100.0,
            refused.highest * 100.0,
            self.also(),
            self.reference(references::POSTFIX),
            self.reference(references::KUMOMTA),
        )
    }
}

/// Many routes of one node whose destinations return together.
pub(crate) fn many(name: &str, count: u32) -> String {
    let reports = node::run(&models::l_one_of_many(), 20, count, LIMIT);
    let mut first: Vec<_> = reports.iter().map(Report::first_after).collect();
    let (p50, p99) = (quantile(&mut first, 0.5), quantile(&mut first, 0.99));
    let mut probes = vec![0_u32; 600];
    for at in reports.iter().flat_map(|report| &report.probes_at) {
        probes[at.as_secs() as usize] += 1;
    }
    let refused: u64 = reports.iter().map(|report| report.refused).sum();
    format!(
        "| {name} | – | – | {refused} | – | first delivery p50 {:.1} s, p99 {:.1} s; {} probes in the busiest second | – | – |\n",
        p50.as_secs_f64(),
        p99.as_secs_f64(),
        probes.iter().max().unwrap(),
    )
}
