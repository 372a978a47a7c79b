//! What the filter decides about a recipient, and why.

use std::fmt;

/// The decision about one recipient; of several the greatest counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Verdict {
    /// Pass it on.
    #[default]
    Accept,
    /// Pass it on with a field that says what was found.
    Tag,
    /// Put it aside until a person decides.
    Quarantine,
    /// Refuse it at the end of DATA.
    Reject,
}

impl Verdict {
    /// The word in logs, metrics and headers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::Tag => "tag",
            Self::Quarantine => "quarantine",
            Self::Reject => "reject",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whom a finding concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Concerns {
    /// Every recipient.
    All,
    /// The recipient of this index.
    One(usize),
}

/// What one check found: a line of the trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The check's name, as in `docs/filter.md`.
    pub check: &'static str,
    /// What it asks for; [`Verdict::Accept`] for a remark.
    pub verdict: Verdict,
    /// For whom.
    pub concerns: Concerns,
    /// Why, in words for an administrator.
    pub reason: String,
}

impl Finding {
    /// A finding about the whole message.
    #[must_use]
    pub fn of_message(check: &'static str, verdict: Verdict, reason: impl Into<String>) -> Self {
        Self {
            check,
            verdict,
            concerns: Concerns::All,
            reason: reason.into(),
        }
    }

    /// Whether it concerns a recipient.
    #[must_use]
    pub fn is_about(&self, recipient: usize) -> bool {
        match self.concerns {
            Concerns::All => true,
            Concerns::One(index) => index == recipient,
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.check, self.reason)
    }
}
