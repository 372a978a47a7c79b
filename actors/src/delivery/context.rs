//! What every part of delivery needs.

use storage::spool::Spool;

use super::opening::Opener;
use super::probe_budget::ProbeBudget;
use super::routing::Routing;
use crate::status::StatusBoard;

/// Handles that are shared by all actors of delivery. Cheap to clone.
#[derive(Debug, Clone)]
pub struct DeliveryContext {
    /// The store.
    pub spool: Spool,
    /// Where the live state is shown.
    pub board: StatusBoard,
    /// For connections.
    pub opener: Opener,
    /// For the way of a domain's mail.
    pub routing: Routing,
    /// The node's probes.
    pub probes: ProbeBudget,
    /// Seed of everything that is random here, so that a run can be repeated.
    pub seed: u64,
}
