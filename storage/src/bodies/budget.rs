//! Memory for bodies on their way in and out, all sessions and connections of the node together.
//!
//! Intake never waits for it: who gets nothing writes what it has to the disk early. Delivery waits
//! a while and then goes on without, so that peers that take nothing do not stop all others.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes that one permit stands for.
const PERMIT_BYTES: usize = 1_024;
/// How long delivery waits for its share.
const PATIENCE: Duration = Duration::from_secs(10);

/// The budget of one direction; a cheap clone.
#[derive(Debug, Clone)]
pub(crate) struct Budget {
    permits: Arc<Semaphore>,
}

/// A share of the budget, given back when this is dropped.
#[derive(Debug, Default)]
pub(crate) struct Held {
    permit: Option<OwnedSemaphorePermit>,
}

impl Budget {
    pub(crate) fn new(bytes: usize) -> Self {
        Self {
            permits: Arc::new(Semaphore::new(bytes / PERMIT_BYTES)),
        }
    }

    /// Enlarges a share to `bytes`, or says that there is no room now.
    pub(crate) fn grow(&self, held: &mut Held, bytes: usize) -> bool {
        let has = held
            .permit
            .as_ref()
            .map_or(0, OwnedSemaphorePermit::num_permits);
        let wanted = bytes.div_ceil(PERMIT_BYTES).saturating_sub(has);
        let more = u32::try_from(wanted)
            .ok()
            .and_then(|more| Arc::clone(&self.permits).try_acquire_many_owned(more).ok());
        match (more, &mut held.permit) {
            (None, _) => return false,
            (Some(more), Some(permit)) => permit.merge(more),
            (Some(more), none) => *none = Some(more),
        }
        true
    }

    /// A share of `bytes`; an empty one when none has become free for a while.
    pub(crate) async fn hold(&self, bytes: usize) -> Held {
        let wanted = u32::try_from(bytes.div_ceil(PERMIT_BYTES)).unwrap_or(u32::MAX);
        let share = Arc::clone(&self.permits).acquire_many_owned(wanted);
        let permit = tokio::time::timeout(PATIENCE, share).await;
        Held {
            permit: permit.ok().and_then(Result::ok),
        }
    }
}

/// A piece of a body with the share that it takes.
struct Owned {
    data: Bytes,
    _held: Held,
}

impl AsRef<[u8]> for Owned {
    fn as_ref(&self) -> &[u8] {
        &self.data
    }
}

impl Held {
    /// Ties the share to a piece: it comes back when the last part of the piece is dropped.
    pub(crate) fn tie_to(self, data: Bytes) -> Bytes {
        if self.permit.is_none() {
            return data;
        }
        Bytes::from_owner(Owned { data, _held: self })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn q16_shares_are_bounded_grow_and_come_back() {
        let budget = Budget::new(64 * 1024);
        let mut first = Held::default();
        assert!(budget.grow(&mut first, 16 * 1024));
        assert!(budget.grow(&mut first, 48 * 1024));
        assert!(budget.grow(&mut first, 20 * 1024), "it has more already");
        let mut second = Held::default();
        assert!(!budget.grow(&mut second, 17 * 1024));
        assert!(budget.grow(&mut second, 16 * 1024));
        drop(first);
        let piece = budget
            .hold(48 * 1024)
            .await
            .tie_to(Bytes::from_static(b"body"));
        assert!(!budget.grow(&mut Held::default(), 1));
        let part = piece.slice(1..2);
        drop(piece);
        assert!(
            !budget.grow(&mut Held::default(), 1),
            "a part is still there"
        );
        drop(part);
        assert!(budget.grow(&mut Held::default(), 48 * 1024));
    }

    #[tokio::test(start_paused = true)]
    async fn delivery_does_not_wait_for_ever() {
        let budget = Budget::new(1024);
        let mut all = Held::default();
        assert!(budget.grow(&mut all, 1024));
        let without = budget.hold(1024).await;
        assert!(without.permit.is_none());
    }
}
