//! The command line.
//!
//! `serve`, `demo` and `check` work on their own; all other commands are clients of the running
//! node's API. Documents and tables go to standard output, messages to standard error, and the
//! exit code tells what happened (`exit`).

mod args;
mod check;
mod exit;
mod output;
mod table;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser as _;
use clap::error::ErrorKind;

use args::{Arguments, Command};
use exit::Failure;
use output::Output;

/// Runs the command in `arguments` (with the program's name in front) and tells how it ended.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => return usage(&error),
    };
    match dispatch(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output::complain(&failure.to_string());
            failure.exit_code()
        }
    }
}

fn dispatch(arguments: Arguments) -> Result<(), Failure> {
    let output = Output::new(arguments.json);
    let file = arguments.config.as_deref();
    match arguments.command {
        Command::Check(options) => check::check(file, &options, &output),
    }
}

/// Help and version are answers; everything else is a usage error (64).
fn usage(error: &clap::Error) -> ExitCode {
    let answered = matches!(
        error.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
    );
    // When not even the terminal can be written to there is nobody left to tell.
    let _ = error.print();
    if answered {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(exit::USAGE)
    }
}
