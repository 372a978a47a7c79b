//! The supervision tree: starts, deaths, restarts and stops.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests may fail the test"
)]

mod supervisor;
