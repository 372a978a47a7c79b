//! The administration API through its router, on a store in memory.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets what it did not expect has failed"
)]

mod access;
mod browser;
mod description;
mod directory;
mod dkim;
mod import;
mod listener;
mod log;
mod operations;
mod panel;
mod people;
mod queue;
mod site;
