//! How a command ends: `sysexits.h` where it has a number.

use std::process::ExitCode;

use crate::config::ConfigError;

/// The command line itself is wrong.
pub(super) const USAGE: u8 = 64;
/// A file or the disk.
pub(super) const INPUT_OUTPUT: u8 = 74;
/// The configuration.
pub(super) const CONFIGURATION: u8 = 78;

/// Why a command did not do what it was asked to.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(super) struct Failure {
    code: u8,
    message: String,
}

impl Failure {
    /// A failure with its exit code.
    pub(super) fn new(code: u8, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }

    /// What the process exits with.
    pub(super) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.code)
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::new(CONFIGURATION, error.to_string())
    }
}
