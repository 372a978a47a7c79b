//! Mailhold: how the parts start.
//!
//! `config` reads the node's file, `cli` is the command line, `telemetry` log and metrics, `demo`
//! the demonstration.

pub mod cli;
pub mod config;
pub mod demo;
pub mod telemetry;
