//! Reading a message: the page around it, the frame in which its HTML is shown, its images, files,
//! source, and its print.
//!
//! Whoever asks gets what lies in the own mailbox and nothing else: every way begins with
//! [`Opened::of`] or with the capability of an image. What is drawn from the mail itself comes from
//! [`crate::reader`] and [`crate::sanitize`].

mod bars;
mod body;
mod files;
mod frame;
mod opened;
mod original;
mod page;
mod thread;
mod way;
mod words;

use std::sync::Arc;

use tokio::sync::Semaphore;

use super::export::ExportLinks;
use super::suggest::AskLimit;
use crate::reader::capability::Capabilities;
use crate::sanitize::Sanitiser;

pub(super) use files::{all, eml, image, one, source};
pub(super) use frame::{framed, print};
pub(super) use opened::Opened;
pub(super) use original::original;
pub(super) use page::show;

/// Messages that are held in memory for readers at one time.
const OPENED_AT_ONCE_MAX: usize = 16;
/// Exports that are written at one time.
const EXPORTS_AT_ONCE_MAX: usize = 4;

/// What reading needs besides the store. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Reading {
    sanitiser: Sanitiser,
    capabilities: Capabilities,
    /// One permit per message in memory.
    opened: Arc<Semaphore>,
    /// Links to exports.
    pub(super) exports: ExportLinks,
    /// One permit per export that is being written.
    pub(super) exporting: Arc<Semaphore>,
    /// How often suggestions were asked for.
    pub(super) asked: AskLimit,
}

impl Reading {
    /// With a secret of its own.
    ///
    /// # Errors
    /// When the operating system gives no random bytes.
    pub fn fresh() -> Result<Self, getrandom::Error> {
        let mut secret = [0; 32];
        getrandom::fill(&mut secret)?;
        Ok(Self::new(&secret))
    }

    /// `secret` seals the addresses of images; a new one at every start is enough, because they are
    /// good for a quarter of an hour.
    #[must_use]
    pub fn new(secret: &[u8; 32]) -> Self {
        Self {
            sanitiser: Sanitiser::default(),
            capabilities: Capabilities::new(secret),
            opened: Arc::new(Semaphore::new(OPENED_AT_ONCE_MAX)),
            exports: ExportLinks::new(secret),
            exporting: Arc::new(Semaphore::new(EXPORTS_AT_ONCE_MAX)),
            asked: AskLimit::default(),
        }
    }
}
