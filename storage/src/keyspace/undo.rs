//! `undo`: how a change of many messages is taken back.
//!
//! ```text
//! scope | undo id 12 | turn u32 → version | how each message was
//! ```
//! Writer: the commit that makes the change. Expiry: with the change being taken back, or after an
//! hour in small turns. Names no content, so nothing is sealed.

use super::joined;
use super::view::prefix_range;
use crate::engine::KeyRange;
use crate::model::MessageId;

/// Key of one turn.
pub(crate) fn key(scope: &[u8], undo: MessageId, turn: u32) -> Vec<u8> {
    let tail: [u8; 16] = joined(&[undo.as_bytes(), &turn.to_be_bytes()]);
    [scope, &tail].concat()
}

/// All turns of a change.
pub(crate) fn range(scope: &[u8], undo: MessageId) -> KeyRange {
    prefix_range(&[scope, undo.as_bytes()].concat())
}

/// The change of a key.
pub(crate) fn parse_id(key: &[u8]) -> Option<MessageId> {
    let at = key.len().checked_sub(16)?;
    let id = key.get(at..at + 12)?.try_into().ok()?;
    Some(MessageId::from_bytes(id))
}
