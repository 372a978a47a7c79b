//! Answers to callouts, in `learned`: what a destination said when it was asked for a recipient.
//!
//! ```text
//! "callout/" | domain id u32 | local part, key → version | CalloutAnswer
//! ```
//! Writer: the callout actor, without waiting for the disk. Expiry: swept by age; nothing depends
//! on it, and a domain's number is never given again.

use std::ops::Bound;

use bytes::Bytes;

use crate::engine::KeyRange;
use crate::model::DomainId;

const PREFIX: &[u8; 8] = b"callout/";

/// Key of an answer.
pub(crate) fn key(domain: DomainId, local_part: &str) -> Vec<u8> {
    let mut key = Vec::with_capacity(PREFIX.len() + 4 + local_part.len());
    key.extend_from_slice(PREFIX);
    key.extend_from_slice(&domain.0.to_be_bytes());
    key.extend_from_slice(local_part.as_bytes());
    key
}

/// Whether a key of `learned` is one of ours.
pub(crate) fn is_key(key: &[u8]) -> bool {
    key.len() >= PREFIX.len() + 4 && key.starts_with(PREFIX)
}

/// All answers behind a key; from the first one when it is none.
pub(crate) fn behind(key: Option<Bytes>) -> KeyRange {
    let first = Bound::Included(Bytes::from_static(PREFIX));
    // '0' follows '/', so this is the first key that is not ours.
    let end = Bound::Excluded(Bytes::from_static(b"callout0"));
    (key.map_or(first, Bound::Excluded), end)
}
