//! Callout verification: whether a recipient exists is asked of the domain's own server, and the
//! answer is remembered (requirement D6, delivery.md B8).
//!
//! A yes holds for seven days and is asked again after one, behind the answer; a no holds for two
//! hours. A host is asked on one connection that stays open for a while, at most five times a
//! second. While it is down nobody asks: who is known to exist is taken, and of the others as many
//! an hour as the configuration permits, because refusing them would defeat the purpose of a relay
//! that holds mail.

mod answer;
mod asker;
mod callouts;
mod desk;
mod quota;

pub use callouts::{CalloutOptions, Callouts, Verified};
pub use desk::{CalloutContext, child_spec};
