//! Intake as a peer sees it: sessions over in-memory streams, listeners over real sockets, and what
//! the spool holds afterwards.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests may fail the test"
)]

mod dialogue;
mod failures;
mod limits;
mod listener;
mod proxy;
mod shutdown;
mod starttls;
mod transactions;
