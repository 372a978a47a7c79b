//! `transit`: bodies of messages on their way.
//!
//! ```text
//! message id 12 | chunk u32 → codec::chunk, at most 1 MiB of data each
//! ```
//! Writer: the body's writer in intake, once. Expiry: deleted by the commit that closes the
//! message's last open entry; chunks whose message was never accepted by `Spool::sweep_orphans`.

use super::{joined, u32_at};
use crate::model::MessageId;

/// Key of a chunk.
pub(crate) fn key(message: MessageId, chunk: u32) -> [u8; 16] {
    joined(&[message.as_bytes(), &chunk.to_be_bytes()])
}

/// What a key says.
pub(crate) fn parse_key(key: &[u8]) -> Option<(MessageId, u32)> {
    (key.len() == 16).then_some(())?;
    let id = key.get(..12)?.try_into().ok()?;
    Some((MessageId::from_bytes(id), u32_at(key, 12)?))
}
