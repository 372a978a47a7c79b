//! `heads`: where a domain's queue begins and what its ledger says.
//!
//! ```text
//! domain id u32 → version | DomainHead
//! ```
//! Writer: every commit that touches a domain's mail rewrites its row with absolute values; the
//! order of commits is total, so the last one is right. Expiry: removed with the domain.

use serde::{Deserialize, Serialize};

use super::u32_at;
use crate::model::{Counters, DomainId, Sequence};

/// What is known about a domain's queue without looking into it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct DomainHead {
    /// The ledger.
    pub(crate) counters: Counters,
    /// The next position to be given.
    pub(crate) next: Sequence,
    /// No row of `queue` has a smaller position.
    pub(crate) head: Sequence,
}

/// Key of a domain.
pub(crate) const fn key(domain: DomainId) -> [u8; 4] {
    domain.0.to_be_bytes()
}

/// The domain of a key.
pub(crate) fn parse_key(key: &[u8]) -> Option<DomainId> {
    (key.len() == 4).then_some(())?;
    u32_at(key, 0).map(DomainId)
}
