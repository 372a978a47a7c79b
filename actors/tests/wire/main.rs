//! Delivery over real sockets: the classification table (delivery states, RFC 5321 §4.2) against a
//! scripted peer, through the actors that ship.
//!
//! `still` is the clock, `script`, `session` and `peer` are the destination, `stage` is a node in
//! front of it, and `row` is one line of a table and how it is tried.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests may fail the test"
)]

#[path = "../../../tests/support/loopback.rs"]
#[allow(unreachable_pub, reason = "it is public for another crate's tests")]
mod loopback;
#[path = "../support/mod.rs"]
#[allow(dead_code, reason = "each test binary uses its part of it")]
mod support;

mod doors;
mod guard;
mod loops;
mod next_hop;
mod notices;
mod opening;
mod peer;
mod relay;
mod row;
mod script;
mod sequences;
mod session;
mod stage;
mod still;
mod transaction;
