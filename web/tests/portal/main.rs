//! The portal through its router, on a store in memory.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets what it did not expect has failed"
)]

mod arrival;
mod browser;
mod compose;
mod export;
mod forgot;
mod headers;
mod live;
mod mailbox;
mod matrix;
mod outage;
mod passkeys;
mod reader;
mod second_factor;
mod settings;
mod sign_in;
mod site;
mod suggest;
mod tokens;
