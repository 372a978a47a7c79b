//! The demo and its peers: a destination that comes and goes, and a sender of real messages.
//!
//! The peers speak SMTP with code of their own, so that what they find says something about the
//! relay; tests and benchmarks use them too.

pub mod destination;
mod figures;
mod play;
mod relay;
pub mod sample;
mod scene;
pub mod sender;
mod stage;
mod summary;
mod user;
mod view;

use std::time::Duration;

use storage::model::AddressError;
use storage::spool::{ChangeError, SpoolError};
use web::auth::SignInError;

use crate::config::ConfigError;
use crate::node::StartError;
use stage::Stage;

pub use summary::Summary;
pub use user::Story;

/// What the demo is asked to do.
#[derive(Debug, Clone)]
pub struct DemoOptions {
    /// Messages to send.
    pub messages: u64,
    /// How long the customer's server is away.
    pub outage: Duration,
    /// What everything random is drawn from.
    pub seed: u64,
    /// Whether it goes on, with one outage after the other, until it is interrupted.
    pub keep_running: bool,
}

impl Default for DemoOptions {
    fn default() -> Self {
        Self {
            messages: 3000,
            outage: Duration::from_secs(12),
            seed: 1,
            keep_running: false,
        }
    }
}

/// Why a demo could not be shown.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// A socket, the temporary folder or the terminal.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// The relay did not start.
    #[error("the relay did not start: {0}")]
    Start(#[from] StartError),
    /// The demo's own configuration is faulty.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The relay started without a listener for mail.
    #[error("the relay has no listener")]
    NoListener,
    /// The demo's own addresses are faulty.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// The demo's domain could not be added.
    #[error(transparent)]
    Change(#[from] ChangeError),
    /// The user could not be given a password.
    #[error(transparent)]
    Password(#[from] SignInError),
    /// The user's choices could not be kept.
    #[error(transparent)]
    Store(#[from] SpoolError),
    /// The user has no browser.
    #[error("no browser: {0}")]
    Browser(String),
}

/// Shows the demo and tells how it ended. It is as it should be when
/// [`Summary::is_success`].
///
/// # Errors
/// When it cannot be shown; a demo that loses mail is no error but a summary that says so.
pub async fn run(options: &DemoOptions) -> Result<Summary, DemoError> {
    Stage::set(options).await?.play(options).await
}
