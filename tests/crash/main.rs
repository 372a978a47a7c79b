//! Q1, Q2, S23: the process is killed again and again under load, and every 250 is accounted for.
//!
//! `MAILHOLD_KILLS=1000 cargo test --release --test crash` is the long run for a release.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a check that does not hold fails"
)]

#[path = "../support/mod.rs"]
mod support;

mod kill;
mod postfix;

/// The binary under test.
fn binary() -> &'static std::path::Path {
    std::path::Path::new(env!("CARGO_BIN_EXE_mailhold"))
}
