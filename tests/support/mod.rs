//! What the end-to-end and crash tests and the load benchmark stand on.
#![allow(
    dead_code,
    missing_docs,
    unreachable_pub,
    clippy::panic,
    clippy::unwrap_used,
    reason = "each binary uses its part of it"
)]

pub mod loopback;
pub mod node;
pub mod postfix;
pub mod processes;
pub mod world;
