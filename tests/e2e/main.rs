//! The stories: the real binary, real sockets, real peers; one story per file.
//!
//! Every node, destination and Postfix has addresses of its own, so the stories run side by side.
//! Nothing waits by sleeping: stories wait for the ledger of the destination, for the readiness of
//! the node or for the end of a process.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a story that is not as told fails"
)]

#[path = "../support/mod.rs"]
mod support;

#[path = "../../actors/tests/support/dns/mod.rs"]
mod dns;

mod backup;
mod demo;
mod disk_full;
mod filter;
mod first_message;
mod hold_and_release;
mod large_messages;
mod lifecycle;
mod outage;
mod postfix_behind;
mod queue;
mod refused_starts;
mod senders;

/// The binary under test.
fn binary() -> &'static std::path::Path {
    std::path::Path::new(env!("CARGO_BIN_EXE_mailhold"))
}
