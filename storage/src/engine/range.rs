//! The keys that a scan looks at.

use std::ops::Bound;

use bytes::Bytes;

/// The two ends of the keys a scan looks at.
pub type KeyRange = (Bound<Bytes>, Bound<Bytes>);

/// Whether a range can hold no key at all; ordered maps refuse to look at some of those.
pub(super) fn is_empty((start, end): &KeyRange) -> bool {
    match (start, end) {
        (Bound::Unbounded, _) | (_, Bound::Unbounded) => false,
        (Bound::Included(start), Bound::Included(end)) => start > end,
        (Bound::Included(start) | Bound::Excluded(start), Bound::Excluded(end))
        | (Bound::Excluded(start), Bound::Included(end)) => start >= end,
    }
}
