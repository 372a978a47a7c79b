//! Mailhold: how the parts start.
//!
//! `config` reads the node's file, `node` opens everything in order and starts the supervision tree,
//! `lifecycle` is the life of the process, `cli` the command line, `telemetry` log and metrics,
//! `demo` the demonstration.

pub mod cli;
pub mod config;
pub mod demo;
pub mod lifecycle;
pub mod node;
pub mod telemetry;

pub use lifecycle::run;
