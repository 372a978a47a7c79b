//! What is wrong with a configuration, in words that lead to the place.

use std::fmt;
use std::path::PathBuf;

/// One fault of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Line, counted from 1.
    pub line: usize,
    /// The key with its section, e.g. `limits.connections`; empty when the line is no TOML.
    pub key: String,
    /// What was expected there, e.g. `a size such as "50MiB"`.
    pub expected: String,
    /// What stands there instead, when something does.
    pub found: Option<String>,
}

impl Fault {
    /// The fault of a file that says nothing.
    pub(super) fn empty() -> Self {
        Self {
            line: 1,
            key: String::new(),
            expected: "at least one setting (start without --config for the defaults)".to_owned(),
            found: Some("none".to_owned()),
        }
    }
}

impl fmt::Display for Fault {
    /// `limits.connections: expected a number from 1, found "x"`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        write!(f, "expected {}", self.expected)?;
        match &self.found {
            Some(found) => write!(f, ", found {found}"),
            None => Ok(()),
        }
    }
}

/// Why there is no configuration. The process exits with 78.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration file {}: {source}", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// The file has faults; each is a line `file:line: key: expected …, found …`.
    #[error("{}", listed(file, faults))]
    Faulty {
        /// The file; empty when the defaults were asked for.
        file: PathBuf,
        /// All of them, in the order of the file.
        faults: Vec<Fault>,
    },
}

fn listed(file: &std::path::Path, faults: &[Fault]) -> String {
    let name = file.display();
    let lines: Vec<String> = faults
        .iter()
        .map(|fault| format!("{name}:{}: {fault}", fault.line))
        .collect();
    lines.join("\n")
}
