//! One outage.

use serde::{Deserialize, Serialize};
use std::time::Duration;
use storage::model::Timestamp;

/// What stopped delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutageKind {
    /// The destination took no mail.
    Outage,
    /// A person stopped delivery.
    Planned,
}

/// One outage of a domain's destination. Times are those of the node's clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outage {
    /// What it was.
    pub kind: OutageKind,
    /// Why, as it was known at its beginning.
    pub reason: String,
    /// When the destination was first in trouble.
    pub started_at: Timestamp,
    /// When it was known to be down, and mail was held.
    pub noticed_at: Timestamp,
    /// When it had taken mail again (S12), or the hold was released.
    pub ended_at: Option<Timestamp>,
    /// When everything that had come in before its end was gone from the queue.
    pub drained_at: Option<Timestamp>,
    /// Recipients that waited at most at one time.
    pub held_max: u64,
    /// The longest that a message waited, in milliseconds.
    pub wait_max_millis: u64,
}

impl Outage {
    /// Whether it goes on.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.ended_at.is_none()
    }

    /// How long it lasted, or has lasted.
    #[must_use]
    pub fn lasted(&self, now: Timestamp) -> Duration {
        let end = self.ended_at.unwrap_or(now);
        end.saturating_since(self.started_at)
    }

    /// The longest that a message waited.
    #[must_use]
    pub const fn wait_max(&self) -> Duration {
        Duration::from_millis(self.wait_max_millis)
    }
}
