//! `meta`: facts about the store itself.
//!
//! ```text
//! "clock"                  → version | Timestamp: the latest time this store has seen
//! "next-domain"            → version | u32: number of the next domain
//! "backfill/" domain id u32 → version | how far copies of queued mail have come
//! "key/" domain id u32     → version | u32: the domain's key that seals now
//! "upload/" message id 12  → version | Upload: a body that is being written
//! ```
//! Writer: the spool. Expiry: an upload's row goes with the commit that accepts its message, or
//! with the chunks when they are swept. Keys that the engine keeps here for itself are its own.

use super::{between, domain_at, joined};
use crate::engine::KeyRange;
use crate::model::{DomainId, MessageId};

/// The clock's watermark.
pub(crate) const CLOCK: &[u8] = b"clock";
/// The next domain's number.
pub(crate) const NEXT_DOMAIN: &[u8] = b"next-domain";

const BACKFILL: &[u8; 9] = b"backfill/";
const KEY: &[u8; 4] = b"key/";
const UPLOAD: &[u8; 7] = b"upload/";

/// Key of a domain whose queued mail is being copied.
pub(crate) fn backfill_key(domain: DomainId) -> [u8; 13] {
    joined(&[BACKFILL, &domain.0.to_be_bytes()])
}

/// The domain of such a key; none for other keys.
pub(crate) fn parse_backfill_key(key: &[u8]) -> Option<DomainId> {
    domain_at(key.strip_prefix(BACKFILL)?, 0)
}

/// All such keys.
pub(crate) fn backfills() -> KeyRange {
    between(
        &backfill_key(DomainId(0)),
        &backfill_key(DomainId(u32::MAX)),
    )
}

/// Key of what is known about a domain's sealing.
pub(crate) fn seal_key(domain: DomainId) -> [u8; 8] {
    joined(&[KEY, &domain.0.to_be_bytes()])
}

/// Key of an upload.
pub(crate) fn upload_key(message: MessageId) -> [u8; 19] {
    joined(&[UPLOAD, message.as_bytes()])
}

/// The message of an upload's key; none for other keys.
pub(crate) fn parse_upload_key(key: &[u8]) -> Option<MessageId> {
    let id = key.strip_prefix(UPLOAD)?.try_into().ok()?;
    Some(MessageId::from_bytes(id))
}

/// All uploads.
pub(crate) fn uploads() -> KeyRange {
    let (first, last) = ([0; 12], [u8::MAX; 12]);
    between(
        &upload_key(MessageId::from_bytes(first)),
        &upload_key(MessageId::from_bytes(last)),
    )
}
