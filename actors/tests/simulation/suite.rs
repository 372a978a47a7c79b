//! Models A to K as the gate and the benchmark run them: which destination, how much waits.

use std::time::Duration;

use super::destination::Model;
use super::models;
use super::report::Report;
use super::shell::Simulation;

const LIMIT: Duration = Duration::from_secs(10 * 3600);

/// One model with its load.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) letter: &'static str,
    pub(crate) model: Model,
    /// Another host of the same route.
    pub(crate) beside: Option<Model>,
    /// Messages held for each domain, and domains.
    pub(crate) messages: u64,
    pub(crate) domains: u32,
    /// Fresh mail, as a share of the capacity, until the backlog is gone.
    pub(crate) fresh: f64,
}

impl Case {
    const fn new(letter: &'static str, model: Model, messages: u64) -> Self {
        Self {
            letter,
            model,
            beside: None,
            messages,
            domains: 1,
            fresh: 0.0,
        }
    }

    /// Runs one seed.
    pub(crate) fn run(&self, seed: u64) -> Report {
        let mut hosts = vec![self.model.clone()];
        hosts.extend(self.beside.clone());
        let simulation = Simulation::route(hosts, self.messages, self.domains, seed);
        if self.fresh > 0.0 {
            let capacity = self.model.capacity(Duration::ZERO);
            return simulation.with_fresh(capacity * self.fresh).run(LIMIT);
        }
        simulation.run(LIMIT)
    }
}

/// A to K with a backlog whose ideal drain takes twenty minutes. L is many routes at once: see
/// [`super::node`].
pub(crate) fn cases() -> Vec<Case> {
    vec![
        Case::new("A", models::a_connections(), 40_000),
        Case::new("B", models::b_cores(), 40_000),
        Case::new("C", models::c_rate(), 12_000),
        Case::new("D", models::d_cold(), 36_000),
        Case::new("E", models::e_weak(), 2_400),
        Case::new("F", models::f_big(), 200_000),
        Case::new("G", models::g_flapping(), 40_000),
        Case {
            beside: Some(models::black_hole()),
            ..Case::new("H", models::h_good(), 40_000)
        },
        Case::new("I", models::i_directory_down(), 40_000),
        Case {
            domains: 500,
            ..Case::new("J", models::j_shared(), 80)
        },
        Case {
            fresh: 0.7,
            ..Case::new("K", models::k_busy(), 10_000)
        },
    ]
}

/// One of them by its letter.
pub(crate) fn case(letter: &str) -> Case {
    let found = cases().into_iter().find(|case| case.letter == letter);
    found.expect("a letter from A to K")
}
