//! How long a session waits for its peer (IN4, Q17): pure bookkeeping over a monotonic clock.
//!
//! A command has five minutes from its first octet to its last, however it trickles in. In a message
//! each read has five minutes. While the node is short of connections both have ten seconds, and a
//! message has to bring 5,000 octets in that time.

use std::time::Duration;

use crate::smtp::limits::{IDLE_TIMEOUT, IDLE_TIMEOUT_STRESS, STRESS_PROGRESS_MIN};

/// What the peer is expected to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Awaited {
    /// A command line.
    Command,
    /// Part of a message.
    Body,
}

/// The wait for the present record.
#[derive(Debug)]
pub(super) struct Patience {
    since: Duration,
    octets: u64,
    records: u64,
}

impl Patience {
    /// The wait begins now.
    pub(super) const fn new(now: Duration) -> Self {
        Self {
            since: now,
            octets: 0,
            records: 0,
        }
    }

    /// Something came. `records` counts the command lines and messages that ended so far.
    pub(super) const fn on_read(
        &mut self,
        octets: usize,
        records: u64,
        awaited: Awaited,
        is_under_stress: bool,
        now: Duration,
    ) {
        self.octets += octets as u64;
        let has_ended = records != self.records;
        let has_progressed = match awaited {
            Awaited::Command => false,
            Awaited::Body => !is_under_stress || self.octets >= STRESS_PROGRESS_MIN,
        };
        if has_ended || has_progressed {
            self.records = records;
            self.octets = 0;
            self.since = now;
        }
    }

    /// An answer went out: the peer's time begins now.
    pub(super) const fn restart(&mut self, now: Duration) {
        self.octets = 0;
        self.since = now;
    }

    /// What is left of it.
    pub(super) fn left(&self, is_under_stress: bool, now: Duration) -> Duration {
        let whole = if is_under_stress {
            IDLE_TIMEOUT_STRESS
        } else {
            IDLE_TIMEOUT
        };
        whole.saturating_sub(now.saturating_sub(self.since))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    #[test]
    fn in4_a_command_that_trickles_in_has_five_minutes_as_a_whole() {
        let mut patience = Patience::new(at(0));
        for second in 1..=200 {
            patience.on_read(1, 0, Awaited::Command, false, at(second));
        }
        assert_eq!(patience.left(false, at(200)), at(100));
        patience.on_read(1, 1, Awaited::Command, false, at(201));
        assert_eq!(patience.left(false, at(201)), at(300));
    }

    #[test]
    fn in4_a_message_may_come_slowly_unless_the_node_is_short_of_connections() {
        let mut patience = Patience::new(at(0));
        patience.on_read(1, 0, Awaited::Body, false, at(100));
        assert_eq!(patience.left(false, at(100)), at(300));
        patience.on_read(100, 0, Awaited::Body, true, at(105));
        assert_eq!(patience.left(true, at(105)), at(5));
        patience.on_read(5_000, 0, Awaited::Body, true, at(109));
        assert_eq!(patience.left(true, at(109)), at(10));
    }

    #[test]
    fn in4_who_has_been_silent_for_ten_seconds_goes_when_stress_begins() {
        let patience = Patience::new(at(0));
        assert_eq!(patience.left(false, at(11)), at(289));
        assert_eq!(patience.left(true, at(11)), Duration::ZERO);
    }
}
