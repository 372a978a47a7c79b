//! What was changed lately, for those who read the engine while a commit is still on its way.
//!
//! A decision that depends on a row reads it from the engine first and is taken under the lock
//! later. In between another commit may have changed the row, or have been given to the engine
//! without being visible yet. [`Recent`] remembers every change at least until the engine shows it,
//! and says with [`Recent::forgot_since`] whether something read earlier can still be trusted.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

/// Changes that are kept although the engine shows them, so that ordinary readers, who read long
/// after the change or shortly before it, need not read twice.
const KEPT_MIN: usize = 1_024;

/// The latest state of rows that changed, by key; tickets number the commits.
#[derive(Debug)]
pub(crate) struct Recent<K, V> {
    latest: HashMap<K, (u64, V)>,
    order: VecDeque<(u64, K)>,
    forgotten: u64,
}

impl<K: Hash + Eq + Copy, V> Recent<K, V> {
    pub(crate) fn new() -> Self {
        Self {
            latest: HashMap::new(),
            order: VecDeque::new(),
            forgotten: 0,
        }
    }

    /// The state of a row, when it changed lately.
    pub(crate) fn get(&self, key: &K) -> Option<&V> {
        self.latest.get(key).map(|(_, value)| value)
    }

    /// Notes that the commit with this ticket changes a row. `completed` is the latest ticket whose
    /// commit is known to be visible, and with it all before it.
    pub(crate) fn note(&mut self, ticket: u64, completed: u64, key: K, value: V) {
        self.latest.insert(key, (ticket, value));
        self.order.push_back((ticket, key));
        while self.order.len() > KEPT_MIN {
            let Some((oldest, key)) = self.order.front().copied() else {
                return;
            };
            if oldest > completed {
                return;
            }
            self.order.pop_front();
            self.forgotten = self.forgotten.max(oldest);
            // A later change of the same row keeps it.
            if self.latest.get(&key).is_some_and(|(at, _)| *at == oldest) {
                self.latest.remove(&key);
            }
        }
    }

    /// Whether changes were forgotten that somebody who read when `completed` was visible may have
    /// missed. If so, what was read has to be read again.
    pub(crate) const fn forgot_since(&self, completed: u64) -> bool {
        self.forgotten > completed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_remembered_until_the_engine_shows_it() {
        let mut recent = Recent::new();
        for ticket in 1..=5_000_u64 {
            recent.note(ticket, 0, ticket, ());
        }
        assert!(recent.get(&1).is_some(), "nothing is visible yet");
        recent.note(5_001, 4_500, 5_001, ());
        assert!(recent.get(&1).is_none());
        assert!(recent.get(&4_500).is_some(), "kept for ordinary readers");
        assert!(recent.forgot_since(3_000));
        assert!(!recent.forgot_since(4_500));
    }

    #[test]
    fn a_row_that_changed_again_is_not_forgotten_with_its_first_change() {
        let mut recent = Recent::new();
        recent.note(1, 0, 7, "first");
        recent.note(2, 0, 7, "second");
        for ticket in 3..2_000 {
            recent.note(ticket, 1, 10_000 + ticket, "other");
        }
        assert_eq!(recent.get(&7), Some(&"second"));
    }
}
