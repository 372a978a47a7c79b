//! What can be asked on the command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Keeps an organisation's mail alive when its mail server is not.
#[derive(Debug, Parser)]
#[command(name = "mailhold", version, about, max_term_width = 100)]
pub(super) struct Arguments {
    /// Configuration file of the node; without it everything is on loopback with data in ./data.
    #[arg(long, global = true, value_name = "FILE", env = "MAILHOLD_CONFIG")]
    pub(super) config: Option<PathBuf>,

    /// Print one JSON document instead of text.
    #[arg(long, global = true)]
    pub(super) json: bool,

    /// What to do.
    #[command(subcommand)]
    pub(super) command: Command,
}

/// Commands.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Check the configuration: every fault with file, line, key and what was expected.
    Check(CheckArguments),
}

/// `check`.
#[derive(Debug, Args)]
pub(super) struct CheckArguments {
    /// Print the reference of all keys (Markdown) instead.
    #[arg(long)]
    pub(super) reference: bool,
}
