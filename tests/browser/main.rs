//! Stories in a real browser: Debian's Chromium, driven by the scripts beside this file.
//!
//! Needs `chromium`, `node` and `npm ci` in this folder, all of which `tests/run` sees to. Without them
//! the stories say that they did not run. `PICTURES=folder` keeps screenshots.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

mod attacks;
#[path = "../../web/tests/hostile/corpus.rs"]
mod corpus;
mod passkey;
mod portal;
mod script;
#[path = "../support/mod.rs"]
mod support;
