//! The filter: sender authentication against vectors of our own for each branch of the standards,
//! a name server that lies, and what the intake makes of the verdicts.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests may fail the test"
)]

#[path = "../intake/dialogue.rs"]
#[allow(dead_code, reason = "shared with the tests of intake")]
mod dialogue;
#[path = "../support/dns/mod.rs"]
mod dns;

mod intake;
mod judgement;
mod lying_dns;
mod signatures;
mod signed;
mod spf;
