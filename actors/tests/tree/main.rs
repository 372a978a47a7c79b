//! The supervision tree: starts, deaths, restarts and stops.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests may fail the test"
)]

mod supervisor;
#[path = "../support/mod.rs"]
#[allow(dead_code, reason = "shared with the tests of delivery")]
mod support;
mod whole;
