//! The command line.
//!
//! `serve`, `demo`, `check` and some of `store` work on their own; all other commands are clients
//! of the running node's API. Documents and tables go to standard output, messages to standard
//! error, and the exit code tells what happened (`exit`).

mod admin;
mod alias;
mod args;
mod check;
mod client;
mod continuity;
mod demo;
mod destination;
mod dkim;
mod dns;
mod domain;
mod domain_alias;
mod exit;
mod log;
mod mailbox;
mod outages;
mod output;
mod pin;
mod quarantine;
mod queue;
mod sender_rules;
mod serve;
mod status;
mod store;
mod table;

use std::ffi::OsString;
use std::future::Future;
use std::path::Path;
use std::process::ExitCode;

use clap::Parser as _;
use clap::error::ErrorKind;

use args::{Arguments, Command, StoreCommand};
use client::Client;
use exit::{Failure, SOFTWARE};
use output::Output;

use crate::config::Config;

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
        Command::Serve => serve::serve(file),
        Command::Demo(arguments) => demo::demo(&arguments),
        Command::Check(options) => check::check(file, &options, &output),
        Command::Store(StoreCommand::Recover) => store::recover(&Config::load(file)?, output),
        Command::Store(StoreCommand::Check) => {
            let config = Config::load(file)?;
            blocking(store::check(&config, output))
        }
        command => blocking(ask(command, file, output)),
    }
}

/// Commands that a running node carries out.
async fn ask(command: Command, file: Option<&Path>, output: Output) -> Result<(), Failure> {
    let client = Client::new(&Config::load(file)?)?;
    match command {
        Command::Status => status::status(&client, output).await,
        Command::Audit { limit } => status::audit(limit, &client, output).await,
        Command::Domain(command) => domain::run(command, &client, output).await,
        Command::Continuity(command) => continuity::run(command, &client, output).await,
        Command::Hold(arguments) => domain::hold(arguments, &client, output).await,
        Command::Release { domain } => domain::release(&domain, &client, output).await,
        Command::Mailbox(command) => mailbox::run(command, &client, output).await,
        Command::Admin(command) => admin::run(command, &client, output).await,
        Command::Readiness { domain } => admin::readiness(&domain, &client, output).await,
        Command::Dkim(command) => dkim::run(command, &client, output).await,
        Command::Users { domain } => admin::users(&domain, &client, output).await,
        Command::Alias(command) => alias::run(command, &client, output).await,
        Command::Log(command) => log::run(command, &client, output).await,
        Command::Queue(command) => queue::run(command, &client, output).await,
        Command::Quarantine(command) => quarantine::run(command, &client, output).await,
        Command::Allow(rule) => sender_rules::add("allow", rule, &client, output).await,
        Command::Block(rule) => sender_rules::add("block", rule, &client, output).await,
        Command::Rule(command) => sender_rules::run(command, &client, output).await,
        Command::Store(StoreCommand::Stats) => store::stats(&client, output).await,
        Command::Store(StoreCommand::Backup { directory }) => {
            store::backup(&directory, &client, output).await
        }
        Command::Serve
        | Command::Demo(_)
        | Command::Check(_)
        | Command::Store(StoreCommand::Check | StoreCommand::Recover) => {
            Err(Failure::new(SOFTWARE, "this command needs no server"))
        }
    }
}

fn blocking(command: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(SOFTWARE, error.to_string()))?;
    runtime.block_on(command)
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
