//! Many routes of one node in one virtual time: what they share is the node's budget of probes.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use actors::delivery::probe_budget::ProbeBudget;

use super::destination::Model;
use super::report::Report;
use super::shell::Simulation;

/// So many destinations alike with so many messages each, until all is delivered or the time is over.
pub(crate) fn run(model: &Model, messages: u64, count: u32, limit: Duration) -> Vec<Report> {
    let probes = ProbeBudget::default();
    let one = |number: u32| {
        let place = f64::from(number) / f64::from(count);
        Simulation::new(model.clone(), messages, 1, u64::from(number) + 1).of_node(&probes, place)
    };
    let mut routes: Vec<_> = (0..count).map(one).collect();
    let mut queue = BinaryHeap::new();
    for (place, route) in routes.iter_mut().enumerate() {
        route.begin();
        queue.extend(route.next_at().map(|at| Reverse((at, place))));
    }
    while let Some(Reverse((at, place))) = queue.pop() {
        if at > limit {
            break;
        }
        let route = &mut routes[place];
        route.step();
        if !route.is_complete() {
            queue.extend(route.next_at().map(|at| Reverse((at, place))));
        }
    }
    routes.into_iter().map(Simulation::finish).collect()
}
