//! At most one notification per sender and hour and domain: a sender whose address somebody else
//! uses must not drown. Kept in memory; a restart forgets it.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use storage::model::{Mailbox, Timestamp};

/// Time between two notifications to one sender.
const INTERVAL: Duration = Duration::from_secs(3600);
/// Senders that are remembered; while all of them are recent, nobody else is told.
const SENDERS_MAX: usize = 10_000;

/// When each sender was told last, for one destination domain.
#[derive(Debug, Default)]
pub struct DsnLimit {
    told: Mutex<BTreeMap<String, Timestamp>>,
}

impl DsnLimit {
    /// Whether a sender may be told now; if so it counts as told.
    pub fn take(&self, sender: &Mailbox, now: Timestamp) -> bool {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let recent = |at: &Timestamp| now.saturating_since(*at) < INTERVAL;
        let key = sender.to_string().to_lowercase();
        if told.get(&key).is_some_and(recent) {
            return false;
        }
        if told.len() >= SENDERS_MAX {
            told.retain(|_, at| recent(at));
        }
        if told.len() >= SENDERS_MAX {
            return false;
        }
        told.insert(key, now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d2_a_sender_is_told_once_an_hour() {
        let limit = DsnLimit::default();
        let at = Timestamp::from_secs;
        let alice = "Alice@sender.example".parse().unwrap();
        let same = "alice@SENDER.example".parse().unwrap();
        let bob = "bob@sender.example".parse().unwrap();
        assert!(limit.take(&alice, at(0)));
        assert!(!limit.take(&same, at(3_599)));
        assert!(limit.take(&bob, at(3_599)));
        assert!(limit.take(&alice, at(3_600)));
    }

    #[test]
    fn what_is_remembered_is_bounded_and_full_means_silence() {
        let limit = DsnLimit::default();
        let sender = |n: usize| format!("u{n}@sender.example").parse().unwrap();
        for n in 0..SENDERS_MAX {
            assert!(limit.take(&sender(n), Timestamp::from_secs(0)));
        }
        assert!(!limit.take(&sender(SENDERS_MAX), Timestamp::from_secs(1)));
        assert!(limit.take(&sender(SENDERS_MAX), Timestamp::from_secs(3_600)));
    }
}
