//! The `mailhold` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    mailhold::cli::run(std::env::args_os())
}
