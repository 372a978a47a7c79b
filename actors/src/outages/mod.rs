//! The outages of each domain's destination over the last 30 days: when each began, was noticed and
//! ended, when what it had held back was delivered, how much waited and for how long (S21).
//!
//! `outage` is one of them, `history` the pure rules, `watch` looks once a second and keeps the
//! record in the store. A moment is as exact as these looks: to the second.

mod history;
mod outage;
mod watch;

pub use history::History;
pub use outage::{Outage, OutageKind};
pub(crate) use watch::OutageWatch;
