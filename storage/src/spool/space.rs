//! Whether mail may be taken in: free space on the volume, with hysteresis, and the engine's health.
//!
//! Mail is refused before the disk is full, so that a full disk never costs an acknowledged
//! message, and taken again by itself when there is room.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::Spool;
use crate::error::SpoolError;

/// What intake may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IntakeState {
    /// Take everything.
    Open,
    /// Take everything, and tell an administrator: less than 15 % is free.
    Soft,
    /// Answer MAIL with 452 4.3.1: less than 8 % is free, or less than two of the largest messages
    /// and what the store has yet to write out.
    Full,
    /// Answer connections with 421 4.3.2: less than 4 % is free.
    Critical,
    /// Answer MAIL with 451 4.3.0: the store takes no more writes.
    Broken,
}

/// Space on the volume of the store, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Space {
    /// What the volume holds.
    pub total_bytes: u64,
    /// What is free for an ordinary process.
    pub free_bytes: u64,
}

/// Where the figures come from; a test may say anything.
pub trait SpaceProbe: Send + Sync + fmt::Debug + 'static {
    /// The space right now.
    ///
    /// # Errors
    /// What the operating system says.
    fn sample(&self) -> std::io::Result<Space>;
}

/// The volume that holds a directory.
#[derive(Debug)]
pub struct Volume {
    directory: PathBuf,
}

impl Volume {
    /// The volume of `directory`.
    #[must_use]
    pub fn of(directory: &Path) -> Self {
        Self {
            directory: directory.to_owned(),
        }
    }
}

impl SpaceProbe for Volume {
    fn sample(&self) -> std::io::Result<Space> {
        let volume = rustix::fs::statvfs(&self.directory)?;
        Ok(Space {
            total_bytes: volume.f_blocks.saturating_mul(volume.f_frsize),
            free_bytes: volume.f_bavail.saturating_mul(volume.f_frsize),
        })
    }
}

/// Per cent free below which the state begins.
const SOFT_BELOW: u64 = 15;
const FULL_BELOW: u64 = 8;
const CRITICAL_BELOW: u64 = 4;
/// Points above the threshold at which the state ends.
const HYSTERESIS: u64 = 3;

/// Mail taken after which the space is looked at again without waiting for the next second, in
/// bytes: a fast sender must not fill in between what is kept free.
const SAMPLE_BYTES: u64 = 4 * 1024 * 1024;

/// Decides from samples of free space; pure.
#[derive(Debug, Clone)]
pub struct DiskGuard {
    state: IntakeState,
    message_size_limit: u64,
    reserve: u64,
}

impl DiskGuard {
    /// A guard that has seen nothing yet.
    #[must_use]
    pub const fn new(message_size_limit: u64) -> Self {
        Self {
            state: IntakeState::Open,
            message_size_limit,
            reserve: 0,
        }
    }

    /// The same guard for a store that writes out up to `bytes` after it has taken its last
    /// message: what is acknowledged stands in its journals, and is written a second time.
    #[must_use]
    pub const fn with_reserve(self, bytes: u64) -> Self {
        Self {
            reserve: bytes,
            ..self
        }
    }

    /// The same guard with another limit, from the next sample on.
    pub const fn set_message_size_limit(&mut self, message_size_limit: u64) {
        self.message_size_limit = message_size_limit;
    }

    /// The state after one more sample: entered below its threshold, left three points above it.
    pub fn on(&mut self, space: Space) -> IntakeState {
        let entered = self.level(space, 0);
        let not_left = self.level(space, HYSTERESIS);
        // Between the two levels, what was stays.
        self.state = self.state.clamp(entered, not_left.max(entered));
        self.state
    }

    fn level(&self, space: Space, points: u64) -> IntakeState {
        let below = |per_cent: u64| {
            u128::from(space.free_bytes) * 100
                < u128::from(space.total_bytes) * u128::from(per_cent + points)
        };
        let two_messages = self.message_size_limit.saturating_mul(2);
        let wanted = two_messages.saturating_add(self.reserve);
        let margin = wanted.saturating_mul(points) / 100;
        if below(CRITICAL_BELOW) {
            IntakeState::Critical
        } else if below(FULL_BELOW) || space.free_bytes < wanted.saturating_add(margin) {
            IntakeState::Full
        } else if below(SOFT_BELOW) {
            IntakeState::Soft
        } else {
            IntakeState::Open
        }
    }
}

/// The guard with its source and the state that sessions read.
#[derive(Debug)]
pub(crate) struct SpaceWatch {
    probe: Option<Arc<dyn SpaceProbe>>,
    guard: Mutex<DiskGuard>,
    state: AtomicU8,
    /// Bytes of bodies taken since the last sample.
    taken: AtomicU64,
}

impl SpaceWatch {
    pub(crate) fn new(probe: Option<Arc<dyn SpaceProbe>>, guard: DiskGuard) -> Self {
        Self {
            probe,
            guard: Mutex::new(guard),
            state: AtomicU8::new(0),
            taken: AtomicU64::new(0),
        }
    }

    /// Notes that bytes of a body were taken, and looks at the space when they are many.
    pub(super) fn take(&self, bytes: u64) {
        let taken = self.taken.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if taken >= SAMPLE_BYTES
            && let Err(error) = self.sample()
        {
            tracing::warn!(%error, "the free space cannot be sampled");
        }
    }

    fn sample(&self) -> std::io::Result<Option<Space>> {
        self.taken.store(0, Ordering::Relaxed);
        let Some(probe) = &self.probe else {
            return Ok(None);
        };
        let space = probe.sample()?;
        let mut guard = self.guard.lock().unwrap_or_else(PoisonError::into_inner);
        let before = guard.state;
        let state = guard.on(space);
        if state != before {
            tracing::warn!(
                intake.before = ?before,
                intake.state = ?state,
                disk.free_bytes = space.free_bytes,
                disk.total_bytes = space.total_bytes,
                "free space changes what intake may do"
            );
        }
        self.state.store(number(state), Ordering::Release);
        Ok(Some(space))
    }
}

const fn number(state: IntakeState) -> u8 {
    match state {
        IntakeState::Open => 0,
        IntakeState::Soft => 1,
        IntakeState::Full => 2,
        IntakeState::Critical => 3,
        IntakeState::Broken => 4,
    }
}

const fn state_of(number: u8) -> IntakeState {
    match number {
        0 => IntakeState::Open,
        1 => IntakeState::Soft,
        2 => IntakeState::Full,
        3 => IntakeState::Critical,
        _ => IntakeState::Broken,
    }
}

impl Spool {
    /// What intake may do right now. Cheap: read it before every reply that depends on it.
    #[must_use]
    pub fn intake(&self) -> IntakeState {
        if self.inner.failed.borrow().is_some() {
            return IntakeState::Broken;
        }
        state_of(self.inner.space.state.load(Ordering::Acquire))
    }

    /// Puts another message size limit in force: intake stops while two such messages would not
    /// fit. It counts from the next sample on.
    pub fn set_message_size_limit(&self, bytes: u64) {
        let guard = self.inner.space.guard.lock();
        guard
            .unwrap_or_else(PoisonError::into_inner)
            .set_message_size_limit(bytes);
    }

    /// Looks at the free space again, and deletes bodies that were given up or delivered. Call it every second.
    /// Answers the space, when the store is on a volume.
    ///
    /// # Errors
    /// [`SpoolError::Engine`] when the volume cannot be asked or the store takes no writes; the
    /// state stays what it was.
    pub async fn sample_space(&self) -> Result<Option<Space>, SpoolError> {
        let space = self
            .inner
            .space
            .sample()
            .map_err(|source| crate::engine::EngineError::Io {
                action: "asking for the free space of the volume".to_owned(),
                source,
            })?;
        self.delete_abandoned().await?;
        self.free_files().await?;
        self.inner.committer.keep_watermark().await?;
        Ok(space)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use IntakeState::{Critical, Full, Open, Soft};

    fn states(message_size_limit: u64, free: &[u64]) -> Vec<IntakeState> {
        let mut guard = DiskGuard::new(message_size_limit);
        free.iter()
            .map(|free_bytes| {
                guard.on(Space {
                    total_bytes: 1_000,
                    free_bytes: *free_bytes,
                })
            })
            .collect()
    }

    /// Decision "disk": 15 / 8 / 4 per cent, three points of hysteresis.
    #[test]
    fn thresholds_are_entered_below_and_left_three_points_above() {
        let table: [(&[u64], &[IntakeState]); 6] = [
            (&[500, 150, 149], &[Open, Open, Soft]),
            (&[149, 150, 179, 180], &[Soft, Soft, Soft, Open]),
            (&[79, 80, 109, 110], &[Full, Full, Full, Soft]),
            (
                &[39, 40, 69, 70, 109, 110],
                &[Critical, Critical, Critical, Full, Full, Soft],
            ),
            (&[500, 10, 500], &[Open, Critical, Open]),
            (&[79, 179, 180], &[Full, Soft, Open]),
        ];
        for (free, expected) in table {
            assert_eq!(states(1, free), expected, "{free:?}");
        }
    }

    #[test]
    fn two_of_the_largest_messages_must_fit() {
        assert_eq!(states(100, &[201, 199, 205, 206]), [Open, Full, Full, Open]);
    }

    /// Q14: what is acknowledged must still find room in the store's tables.
    #[test]
    fn q14_what_the_store_has_yet_to_write_must_fit_too() {
        let mut guard = DiskGuard::new(50).with_reserve(300);
        let mut state = |free_bytes| {
            guard.on(Space {
                total_bytes: 1_000,
                free_bytes,
            })
        };
        assert_eq!(state(401), Open);
        assert_eq!(state(399), Full);
        assert_eq!(state(411), Full);
        assert_eq!(state(413), Open);
    }

    #[test]
    fn the_volume_of_a_directory_can_be_asked() {
        let directory = tempfile::tempdir().unwrap();
        let space = Volume::of(directory.path()).sample().unwrap();
        assert!(space.total_bytes >= space.free_bytes && space.total_bytes > 0);
    }
}
