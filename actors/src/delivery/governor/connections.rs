//! The connections to one endpoint: which are idle, how many there may be, when one is too old.
//!
//! A connection is reused for a time, never for a number of messages, and is given up before the
//! peer would (its timeout is longer than [`IDLE_MAX`]). Their number grows by at most ten a second;
//! replacing one that the peer closed after a message is no growth, unless an administrator has set
//! how many may be opened a second: then each counts.

use std::collections::BTreeMap;
use std::time::Duration;

use super::event::{ConnectionId, Via};

/// A connection is not reused when it is older than this.
pub const AGE_MAX: Duration = Duration::from_secs(300);
/// An idle connection is closed after this time.
pub const IDLE_MAX: Duration = Duration::from_secs(20);
/// Time between two connections that add to their number.
const GROWTH_INTERVAL: Duration = Duration::from_millis(100);

#[derive(Debug, Default)]
pub(super) struct Connections {
    /// The one used last is at the end, and is taken first: the others can go idle.
    idle: Vec<Idle>,
    busy: BTreeMap<ConnectionId, Duration>,
    /// As many as the endpoint has shown to hold at the same time.
    proven: usize,
    next_growth_at: Duration,
    /// Time between any two, when an administrator has set it.
    interval: Option<Duration>,
}

#[derive(Debug)]
struct Idle {
    id: ConnectionId,
    opened_at: Duration,
    since: Duration,
}

impl Connections {
    /// None yet, and this many new ones a second at most.
    pub(super) fn limited(per_second: Option<u16>) -> Self {
        let interval = per_second.map(|count| Duration::from_secs(1) / u32::from(count.max(1)));
        Self {
            interval,
            ..Self::default()
        }
    }

    /// Idle and busy ones.
    pub(super) fn count(&self) -> usize {
        self.idle.len() + self.busy.len()
    }

    /// When a message can get a connection; none when it can now.
    pub(super) fn wait(&self, now: Duration) -> Option<Duration> {
        let replaces = self.interval.is_none() && self.count() < self.proven;
        let free = !self.idle.is_empty() || replaces;
        (!free && now < self.next_growth_at).then_some(self.next_growth_at)
    }

    /// Takes a connection for a message; `new` is the name of one that has to be opened.
    pub(super) fn take(&mut self, new: ConnectionId, now: Duration) -> Via {
        if let Some(idle) = self.idle.pop() {
            self.busy.insert(idle.id, idle.opened_at);
            return Via::Reuse(idle.id);
        }
        if self.interval.is_some() || self.count() >= self.proven {
            self.next_growth_at = now + self.interval.unwrap_or(GROWTH_INTERVAL);
        }
        self.busy.insert(new, now);
        Via::Open(new)
    }

    /// A probe has opened a connection.
    pub(super) fn adopt(&mut self, id: ConnectionId, now: Duration) {
        self.idle.push(Idle {
            id,
            opened_at: now,
            since: now,
        });
    }

    /// A message is done and its connection is fit for another one. False when the books do not
    /// know it.
    pub(super) fn kept(&mut self, id: ConnectionId, now: Duration) -> bool {
        self.proven = self.proven.max(self.count());
        match self.busy.remove(&id) {
            Some(opened_at) => {
                let since = now;
                self.idle.push(Idle {
                    id,
                    opened_at,
                    since,
                });
                true
            }
            None => false,
        }
    }

    /// A connection is gone.
    pub(super) fn closed(&mut self, id: ConnectionId) {
        self.busy.remove(&id);
        self.idle.retain(|idle| idle.id != id);
    }

    /// Takes out what should be closed: too old, idle for too long, more than `window`.
    pub(super) fn superfluous(&mut self, window: usize, now: Duration) -> Vec<ConnectionId> {
        let mut closing = Vec::new();
        self.idle.retain(|idle| {
            let expired = now >= idle.since + IDLE_MAX || now >= idle.opened_at + AGE_MAX;
            if expired {
                closing.push(idle.id);
            }
            !expired
        });
        while self.count() > window && !self.idle.is_empty() {
            closing.push(self.idle.remove(0).id);
        }
        if !closing.is_empty() {
            self.proven = self.proven.min(self.count());
        }
        closing
    }

    /// Takes out all idle ones; the endpoint is gone or has shown that they are dead.
    pub(super) fn abandon(&mut self) -> Vec<ConnectionId> {
        self.proven = 0;
        std::mem::take(&mut self.idle)
            .into_iter()
            .map(|idle| idle.id)
            .collect()
    }

    /// When the next idle connection has to be closed.
    pub(super) fn next_expiry(&self) -> Option<Duration> {
        let ends = |idle: &Idle| (idle.since + IDLE_MAX).min(idle.opened_at + AGE_MAX);
        self.idle.iter().map(ends).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn s(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn the_number_grows_by_ten_a_second_and_replacements_are_free() {
        let mut connections = Connections::default();
        assert_eq!(connections.wait(s(1)), None);
        connections.take(ConnectionId(1), s(1));
        assert_eq!(connections.wait(s(1)), Some(s(1) + GROWTH_INTERVAL));
        connections.take(ConnectionId(2), s(2));
        assert!(connections.kept(ConnectionId(1), s(3)));
        connections.take(ConnectionId(9), s(3));
        // The peer closes after each message.
        connections.closed(ConnectionId(1));
        assert_eq!(connections.wait(s(3)), None);
        assert_eq!(
            connections.take(ConnectionId(3), s(3)),
            Via::Open(ConnectionId(3))
        );
        connections.closed(ConnectionId(3));
        assert_eq!(connections.wait(s(3)), None);
    }

    #[test]
    fn a_rate_that_was_set_counts_replacements_too() {
        let mut connections = Connections::limited(Some(2));
        let half = Duration::from_millis(500);
        connections.take(ConnectionId(1), s(1));
        connections.kept(ConnectionId(1), s(1));
        assert_eq!(connections.wait(s(1)), None, "it is idle");
        connections.closed(ConnectionId(1));
        assert_eq!(connections.wait(s(1)), Some(s(1) + half));
        connections.take(ConnectionId(2), s(2));
        connections.closed(ConnectionId(2));
        assert_eq!(connections.wait(s(2)), Some(s(2) + half));
        assert_eq!(connections.wait(s(2) + half), None);
    }

    #[test]
    fn out20_idle_connections_are_closed_before_the_peer_does_and_old_ones_too() {
        let mut connections = Connections::default();
        connections.adopt(ConnectionId(1), s(0));
        assert_eq!(connections.next_expiry(), Some(s(20)));
        assert!(connections.superfluous(9, s(19)).is_empty());
        assert_eq!(connections.superfluous(9, s(20)), [ConnectionId(1)]);
        connections.adopt(ConnectionId(2), s(20));
        for second in 21..330 {
            connections.take(ConnectionId(99), s(second));
            connections.kept(ConnectionId(2), s(second));
        }
        assert_eq!(connections.superfluous(9, s(330)), [ConnectionId(2)]);
        assert_eq!(connections.count(), 0);
    }

    #[test]
    fn a_smaller_window_closes_the_ones_that_idled_longest() {
        let mut connections = Connections::default();
        for n in 0..4 {
            connections.adopt(ConnectionId(n), s(n));
        }
        assert_eq!(
            connections.superfluous(2, s(4)),
            [ConnectionId(0), ConnectionId(1)]
        );
        assert_eq!(
            connections.take(ConnectionId(9), s(4)),
            Via::Reuse(ConnectionId(3))
        );
    }
}
