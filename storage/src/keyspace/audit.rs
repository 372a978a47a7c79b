//! `audit`: who changed what.
//!
//! ```text
//! number u64 → version | AuditRow
//! ```
//! Writer: the commit that makes the change adds its row. Expiry: none.

use std::ops::Bound;

use super::u64_at;
use crate::engine::KeyRange;

/// Key of a row.
pub(crate) const fn key(number: u64) -> [u8; 8] {
    number.to_be_bytes()
}

/// The number of a key.
pub(crate) fn parse_key(key: &[u8]) -> Option<u64> {
    (key.len() == 8).then_some(())?;
    u64_at(key, 0)
}

/// Rows older than a number.
pub(crate) fn before(number: Option<u64>) -> KeyRange {
    let end = number.map_or(Bound::Unbounded, |number| {
        Bound::Excluded(key(number).to_vec().into())
    });
    (Bound::Unbounded, end)
}
