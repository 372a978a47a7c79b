//! `outbox`: what users have sent and what has not left yet.
//!
//! ```text
//! leaves ms u64 | message 12 → version | OutboxEntry
//! ```
//! In the order of leaving. Writer: who sends, and the commit by which a message leaves. Expiry: with
//! that commit, or when sending is undone. Addresses only: subject and text lie sealed in the draft.

use std::ops::Bound;

use bytes::Bytes;

use super::joined;
use crate::engine::KeyRange;
use crate::model::{MessageId, Timestamp};

/// Key of an entry.
pub(crate) fn key(leaves_at: Timestamp, id: MessageId) -> [u8; 20] {
    joined(&[&leaves_at.as_millis().to_be_bytes(), id.as_bytes()])
}

/// Everything that leaves until `until`, that moment included.
pub(crate) fn due(until: Timestamp) -> KeyRange {
    let last = key(until, MessageId::from_bytes([u8::MAX; 12]));
    (
        Bound::Unbounded,
        Bound::Included(Bytes::copy_from_slice(&last)),
    )
}
