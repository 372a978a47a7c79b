//! `moved`: bodies that are wanted longer than the day they were stored for.
//!
//! ```text
//! message id 12 → version | day u32: where the body lies now
//! ```
//! Rows and entries keep naming the first day; who does not find a body there looks here. Writer:
//! retention, in the commit that writes the body again. Expiry: with that day.

use crate::model::MessageId;

/// The message of a key.
pub(crate) fn parse_key(key: &[u8]) -> Option<MessageId> {
    key.try_into().ok().map(MessageId::from_bytes)
}
