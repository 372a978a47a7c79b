//! What is looked at, one file per check, in the order in which they run.

mod dmarc;
mod from;
mod sender_rules;
mod structure;

use super::engine::Check;

/// The checks in their order: what is cheap and certain comes first.
pub(super) const CHECKS: &[&dyn Check] = &[
    &structure::Structure,
    &from::From,
    &sender_rules::SenderRules,
    &dmarc::Dmarc,
];
