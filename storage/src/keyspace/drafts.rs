//! `drafts`: messages that are being written.
//!
//! ```text
//! scope | draft 12 | 0 u16               → version | revision u64 | saved ms u64 | bytes u64 | label, sealed
//! scope | draft 12 | part u16 | piece u32 → version | at most 1 MiB, sealed
//! ```
//! Writer: whoever writes the draft, through the spool. Expiry: when it is sent or discarded, and
//! with the domain.

use super::view::prefix_range;
use crate::engine::KeyRange;
use crate::model::MessageId;

/// Key of a draft's head.
pub(crate) fn head_key(scope: &[u8], draft: MessageId) -> Vec<u8> {
    [scope, draft.as_bytes(), &0_u16.to_be_bytes()].concat()
}

/// Key of a piece.
pub(crate) fn piece_key(scope: &[u8], draft: MessageId, part: u16, piece: u32) -> Vec<u8> {
    let part = part.to_be_bytes();
    [scope, draft.as_bytes(), &part, &piece.to_be_bytes()].concat()
}

/// All rows of a draft.
pub(crate) fn draft_range(scope: &[u8], draft: MessageId) -> KeyRange {
    prefix_range(&[scope, draft.as_bytes()].concat())
}

/// All pieces of a part.
pub(crate) fn part_range(scope: &[u8], draft: MessageId, part: u16) -> KeyRange {
    prefix_range(&[scope, draft.as_bytes(), &part.to_be_bytes()].concat())
}

/// The draft and the part of a key.
pub(crate) fn parse(scope: &[u8], key: &[u8]) -> Option<(MessageId, u16)> {
    let rest = key.strip_prefix(scope)?;
    let (id, rest) = rest.split_first_chunk::<12>()?;
    let (part, _) = rest.split_first_chunk::<2>()?;
    Some((MessageId::from_bytes(*id), u16::from_be_bytes(*part)))
}
