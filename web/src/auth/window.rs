//! Counting in windows of a fixed length: enough to slow somebody down, and cheap to keep.

use std::net::IpAddr;
use std::time::Duration;

use storage::model::Timestamp;

/// Prefix lengths for IPv4 and IPv6, and how many times the failures of one address they may have.
pub(super) const LEVELS: [(u32, u32, u32); 3] = [(32, 64, 1), (26, 48, 3), (21, 32, 9)];

/// What has happened since the window opened.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window {
    since: Timestamp,
    count: u32,
}

impl Window {
    /// A window in which nothing has happened.
    pub(crate) const fn new(now: Timestamp) -> Self {
        Self {
            since: now,
            count: 0,
        }
    }

    /// Whether it still counts.
    pub(crate) fn is_open(&self, length: Duration, now: Timestamp) -> bool {
        now.saturating_since(self.since) < length
    }

    /// Counts one more, in a new window when the old one is over.
    pub(crate) fn note(&mut self, length: Duration, now: Timestamp) {
        if !self.is_open(length, now) {
            self.since = now;
            self.count = 0;
        }
        self.count = self.count.saturating_add(1);
    }

    /// How long to wait when only `max` may happen in a window.
    pub(crate) fn wait(&self, length: Duration, max: u32, now: Timestamp) -> Duration {
        if self.count < max {
            return Duration::ZERO;
        }
        length.saturating_sub(now.saturating_since(self.since))
    }
}

/// The network of an address at a level.
pub(super) fn prefix(level: usize, from: IpAddr) -> (usize, u128) {
    let (v4, v6, _) = LEVELS.get(level).copied().unwrap_or_default();
    let (bits, shift) = match from.to_canonical() {
        IpAddr::V4(address) => (u128::from(address.to_bits()), 32 - v4),
        IpAddr::V6(address) => (address.to_bits(), 128 - v6),
    };
    let family = usize::from(from.to_canonical().is_ipv6());
    (level * 2 + family, bits >> shift)
}
