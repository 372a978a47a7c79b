//! `mailhold demo`: the demonstration, with an exit code that says whether the ledger adds up and the
//! user's answer has arrived.

use std::time::Duration;

use super::args::DemoArguments;
use super::exit::{Failure, SOFTWARE};
use crate::demo::{self, DemoOptions};

/// Shows the demo to its end.
pub(super) fn demo(arguments: &DemoArguments) -> Result<(), Failure> {
    let options = DemoOptions {
        messages: arguments.messages,
        outage: Duration::from_secs(arguments.outage),
        seed: arguments.seed,
        keep_running: arguments.keep_running,
    };
    let broken = |error: &dyn std::fmt::Display| Failure::new(SOFTWARE, error.to_string());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| broken(&error))?;
    let summary = runtime.block_on(demo::run(&options));
    let summary = summary.map_err(|error| broken(&error))?;
    if summary.is_success() {
        return Ok(());
    }
    let what = if summary.is_balanced() {
        "the user's answer did not arrive, or she could not see that it did"
    } else {
        "the demo's ledger does not add up"
    };
    Err(Failure::new(SOFTWARE, what))
}
