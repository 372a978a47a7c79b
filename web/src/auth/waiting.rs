//! What waits for the second half of an act: a sign-in for its second factor, a second factor for
//! its first code. In memory, for minutes: whoever loses it starts again.
//!
//! Bounded: when it is full, the oldest go.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use storage::model::{SecretDigest, Timestamp};

/// Entries at one time.
const ENTRIES_MAX: usize = 10_000;

/// Values that are found by the digest of a secret, for a time.
pub(super) struct Waiting<T> {
    life: Duration,
    entries: Mutex<HashMap<SecretDigest, (Timestamp, T)>>,
}

impl<T> fmt::Debug for Waiting<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Waiting {{ {} }}", self.lock().len())
    }
}

impl<T> Waiting<T> {
    /// Values that live so long.
    pub(super) fn new(life: Duration) -> Self {
        Self {
            life,
            entries: Mutex::default(),
        }
    }

    /// Keeps a value, instead of one from before.
    pub(super) fn put(&self, digest: SecretDigest, value: T, now: Timestamp) {
        let mut entries = self.lock();
        if entries.len() >= ENTRIES_MAX {
            entries.retain(|_, (since, _)| now.saturating_since(*since) < self.life);
        }
        if entries.len() >= ENTRIES_MAX {
            let oldest = entries.iter().min_by_key(|(_, (since, _))| *since);
            if let Some(oldest) = oldest.map(|(digest, _)| *digest) {
                entries.remove(&oldest);
            }
        }
        entries.insert(digest, (now, value));
    }

    /// Looks at a value, and may change it.
    pub(super) fn with<R>(
        &self,
        digest: &SecretDigest,
        now: Timestamp,
        look: impl FnOnce(&mut T) -> R,
    ) -> Option<R> {
        let mut entries = self.lock();
        let (since, value) = entries.get_mut(digest)?;
        (now.saturating_since(*since) < self.life).then(|| look(value))
    }

    /// Takes a value out.
    pub(super) fn take(&self, digest: &SecretDigest) -> Option<T> {
        self.lock().remove(digest).map(|(_, value)| value)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SecretDigest, (Timestamp, T)>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::from_secs(1_800_000_000);

    fn digest(number: usize) -> SecretDigest {
        SecretDigest::of(&number.to_be_bytes())
    }

    #[test]
    fn a_value_has_its_time_and_is_taken_once() {
        let waiting = Waiting::new(Duration::from_secs(300));
        waiting.put(digest(1), 7, START);
        let late = START.saturating_add(Duration::from_secs(300));
        assert_eq!(waiting.with(&digest(1), START, |value| *value), Some(7));
        assert_eq!(waiting.with(&digest(1), late, |value| *value), None);
        assert_eq!(waiting.take(&digest(1)), Some(7));
        assert_eq!(waiting.take(&digest(1)), None);
    }

    #[test]
    fn memory_is_bounded() {
        let waiting = Waiting::new(Duration::from_secs(300));
        for number in 0..ENTRIES_MAX + 10 {
            let at = START.saturating_add(Duration::from_millis(number as u64));
            waiting.put(digest(number), number, at);
        }
        assert_eq!(waiting.lock().len(), ENTRIES_MAX);
        assert_eq!(waiting.take(&digest(0)), None, "the oldest made room");
    }
}
