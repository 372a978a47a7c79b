//! A browser that has signed in.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::credentials::AccountId;
use super::time::Timestamp;

/// Which site a session opens. One site's session is worthless on the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum SessionKind {
    /// The users' portal.
    Portal,
    /// The administration.
    Admin,
}

impl SessionKind {
    /// How long a session lives without a request.
    #[must_use]
    pub const fn idle_max(self) -> Duration {
        match self {
            Self::Portal => Duration::from_secs(12 * 3600),
            Self::Admin => Duration::from_secs(30 * 60),
        }
    }

    /// How long a session lives at all.
    #[must_use]
    pub const fn age_max(self) -> Duration {
        match self {
            Self::Portal => Duration::from_secs(7 * 86_400),
            Self::Admin => Duration::from_secs(12 * 3600),
        }
    }
}

/// One session. Its id is known to the browser only; the store knows the id's digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Whose it is.
    pub account: AccountId,
    /// For which site.
    pub kind: SessionKind,
    /// When it began.
    pub created_at: Timestamp,
    /// The last request.
    pub seen_at: Timestamp,
    /// When the person last proved who they are: for acts that ask for it again.
    pub proven_at: Timestamp,
    /// From where it began, for display only.
    pub from: String,
    /// What the browser said it was, for display only.
    pub agent: String,
}

impl Session {
    /// Whether it still opens anything.
    #[must_use]
    pub fn is_alive(&self, now: Timestamp) -> bool {
        now.saturating_since(self.seen_at) < self.kind.idle_max()
            && now.saturating_since(self.created_at) < self.kind.age_max()
    }
}
