//! `message`: what all entries of a message share.
//!
//! ```text
//! message id 12 → version | MessageRow
//! ```
//! Writer: intake adds; `Spool::settle` and the decisions about what is aside rewrite the list of
//! open entries. Expiry: deleted, with the body, by the commit that closes the last open entry.

use crate::model::MessageId;

/// The message of a key.
pub(crate) fn parse_key(key: &[u8]) -> Option<MessageId> {
    key.try_into().ok().map(MessageId::from_bytes)
}
