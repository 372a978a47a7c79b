//! Why a process ends, as an exit status of sysexits.

use std::fmt;

/// Why the tree has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exit {
    /// Somebody asked for it: status 0.
    Requested,
    /// A part died too often: status 70 (`EX_SOFTWARE`).
    Software(String),
    /// The store cannot be trusted any more: status 74 (`EX_IOERR`). A restart recovers it.
    Storage(String),
}

impl Exit {
    /// The exit status of the process.
    #[must_use]
    pub const fn status(&self) -> u8 {
        match self {
            Self::Requested => 0,
            Self::Software(_) => 70,
            Self::Storage(_) => 74,
        }
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Requested => f.write_str("stopped as asked"),
            Self::Software(why) => write!(f, "stopped: {why}"),
            Self::Storage(why) => write!(f, "stopped, the store failed: {why}"),
        }
    }
}
