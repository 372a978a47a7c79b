//! Delivery against a scripted destination, under a paused clock and over duplex streams.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests may fail the test"
)]

#[path = "../support/mod.rs"]
mod support;

mod callout;
mod control;
mod conversation;
mod crash;
mod mx;
mod outage;
mod replies;
mod sts;
