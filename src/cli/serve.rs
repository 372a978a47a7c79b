//! `mailhold serve`: the node as a process.

use std::path::Path;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::exit::{Failure, SOFTWARE};
use crate::config::Config;
use crate::lifecycle;
use crate::telemetry::Telemetry;

/// Runs the node until it is told to stop.
pub(super) fn serve(file: Option<&Path>) -> Result<(), Failure> {
    let config = Config::load(file)?;
    let broken = |error: &dyn std::fmt::Display| Failure::new(SOFTWARE, error.to_string());
    let telemetry = Telemetry::start(&config.log).map_err(|error| broken(&error))?;
    // Whatever is written later is for the owner alone (Q42).
    rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
    raise_open_files();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| broken(&error))?;
    let ended = runtime.block_on(lifecycle::serve(config, telemetry));
    let exit = ended.map_err(|error| Failure::new(error.status(), error.to_string()))?;
    match exit.status() {
        0 => Ok(()),
        status => Err(Failure::new(status, exit.to_string())),
    }
}

/// Takes as many file descriptors as the system grants: each connection needs one.
fn raise_open_files() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::warn!(%error, "the limit on open files stays as it is");
    }
}
