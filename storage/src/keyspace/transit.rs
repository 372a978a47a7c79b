//! `transit` and `kept/<day>`: bodies.
//!
//! ```text
//! message id 12 | chunk u32 → codec::chunk, at most 1 MiB of data each
//! ```
//! A body with a continuity copy lies in `kept/<day>`, once for the queue and all mailboxes, any
//! other in `transit`.
//! Writer: the body's writer in intake, once. Expiry: in `transit` deleted by the commit that closes
//! the message's last open entry; a day of `kept` is dropped whole when it is over, after what is
//! still wanted has moved on (see [`moved`](super::moved)); chunks whose message was never
//! accepted by `Spool::sweep_orphans`.

use super::{joined, u32_at};
use crate::engine::{DayKind, KeyspaceId};
use crate::model::{BodyPlace, MessageId};

/// The keyspace of a place.
pub(crate) const fn keyspace(place: BodyPlace) -> KeyspaceId {
    match place {
        BodyPlace::Transit => KeyspaceId::Transit,
        BodyPlace::Kept { day } => KeyspaceId::Day {
            kind: DayKind::Kept,
            day,
        },
    }
}

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
