//! How often one account may ask for suggestions: as fast as somebody types, not as fast as a program
//! lists a directory. Bounded in memory.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use storage::model::{AccountId, Timestamp};

/// The length of a window.
const WINDOW: Duration = Duration::from_secs(60);
/// Questions in a window.
const ASKED_MAX: u32 = 120;
/// Accounts that are remembered.
const REMEMBERED_MAX: usize = 20_000;

/// What has been asked lately. Clones share it.
#[derive(Debug, Clone, Default)]
pub(in crate::portal) struct AskLimit {
    windows: Arc<Mutex<HashMap<AccountId, (Timestamp, u32)>>>,
}

impl AskLimit {
    /// Counts a question; how long to wait when there were too many.
    pub(super) fn note(&self, account: &AccountId, now: Timestamp) -> Option<Duration> {
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        let is_open = |since: Timestamp| now.saturating_since(since) < WINDOW;
        if windows.len() >= REMEMBERED_MAX {
            windows.retain(|_, (since, _)| is_open(*since));
            if windows.len() >= REMEMBERED_MAX {
                windows.clear();
            }
        }
        let (since, count) = windows.entry(account.clone()).or_insert((now, 0));
        if !is_open(*since) {
            (*since, *count) = (now, 0);
        }
        *count = count.saturating_add(1);
        (*count > ASKED_MAX).then(|| WINDOW.saturating_sub(now.saturating_since(*since)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use storage::model::DomainId;

    #[test]
    fn a_typist_is_never_stopped_and_a_program_is() {
        let limit = AskLimit::default();
        let account = AccountId::user(DomainId(1), &"a@x.example".parse().unwrap());
        let at = Timestamp::from_secs;
        assert!((0..ASKED_MAX).all(|_| limit.note(&account, at(10)).is_none()));
        assert_eq!(limit.note(&account, at(30)), Some(Duration::from_secs(40)));
        assert_eq!(limit.note(&account, at(70)), None);
        let other = AccountId::user(DomainId(1), &"b@x.example".parse().unwrap());
        assert_eq!(limit.note(&other, at(10)), None);
    }
}
