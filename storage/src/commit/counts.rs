//! Counts of continuity mailboxes, one row per mailbox and day, changed by the commits that change
//! the lines.
//!
//! A commit writes absolute values, so it has to know the latest ones, including those of commits
//! that are still on their way. They are read from the engine before the lock is taken and kept
//! here while they change; what was not touched lately is forgotten.

use std::collections::HashMap;

use bytes::Bytes;

use crate::model::ViewCounts;

/// Counts that are kept, at most, while nothing on its way needs them. One takes about 150 bytes.
const KEPT_MAX: usize = 65_536;

/// A day and a mailbox, as it stands in keys.
pub(crate) type CountsKey = (u32, Bytes);

/// The latest counts by mailbox and day.
#[derive(Debug, Default)]
pub(crate) struct CountsBoard {
    latest: HashMap<CountsKey, (u64, ViewCounts)>,
    forgotten: u64,
}

impl CountsBoard {
    /// The latest counts, to be changed by the commit with this ticket; none when they have to be
    /// read first.
    pub(crate) fn get_mut(&mut self, ticket: u64, key: &CountsKey) -> Option<&mut ViewCounts> {
        let (changed, counts) = self.latest.get_mut(key)?;
        *changed = ticket;
        Some(counts)
    }

    /// Whether they are known.
    pub(crate) fn knows(&self, key: &CountsKey) -> bool {
        self.latest.contains_key(key)
    }

    /// Takes what was read from the engine when `completed` was visible; whether it can be trusted.
    pub(crate) fn load(&mut self, completed: u64, key: CountsKey, counts: ViewCounts) -> bool {
        if self.knows(&key) {
            return true;
        }
        if self.forgotten > completed {
            return false;
        }
        self.latest.insert(key, (completed, counts));
        true
    }

    /// Forgets what the engine shows, when there is too much.
    pub(crate) fn forget(&mut self, completed: u64) {
        if self.latest.len() <= KEPT_MAX {
            return;
        }
        let mut forgotten = self.forgotten;
        self.latest.retain(|_, (changed, _)| {
            let keep = *changed > completed;
            if !keep {
                forgotten = forgotten.max(*changed);
            }
            keep
        });
        self.forgotten = forgotten;
    }

    /// A day was dropped.
    pub(crate) fn forget_day(&mut self, day: u32) {
        self.latest.retain(|(of, _), _| *of != day);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(n: u32) -> CountsKey {
        (1, Bytes::copy_from_slice(&n.to_be_bytes()))
    }

    #[test]
    fn what_was_read_before_a_forgotten_change_is_not_trusted() {
        let mut board = CountsBoard::default();
        for n in 0..=u32::try_from(KEPT_MAX).unwrap() {
            assert!(board.load(0, key(n), ViewCounts::default()));
        }
        assert!(board.get_mut(7, &key(3)).is_some());
        board.forget(6);
        assert!(board.knows(&key(3)), "its commit is on its way");
        assert!(!board.knows(&key(4)));
        for n in 0..=u32::try_from(KEPT_MAX).unwrap() {
            board.load(6, key(n), ViewCounts::default());
        }
        board.forget(7);
        assert!(!board.load(6, key(3), ViewCounts::default()));
        assert!(board.load(7, key(3), ViewCounts::default()));
    }
}
