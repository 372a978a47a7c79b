//! The layout of the store: one file per family of keyspaces.
//!
//! Each file's header states the key, the value, the one writer and the rule of expiry. All
//! numbers in keys are big-endian, so that the order of bytes is the order of numbers.

pub(crate) mod accounts;
pub(crate) mod aside;
pub(crate) mod audit;
pub(crate) mod callout;
pub(crate) mod directory;
pub(crate) mod domains;
pub(crate) mod drafts;
pub(crate) mod heads;
pub(crate) mod intents;
pub(crate) mod learned;
pub(crate) mod log;
pub(crate) mod message;
pub(crate) mod meta;
pub(crate) mod moved;
pub(crate) mod outbox;
pub(crate) mod queue;
pub(crate) mod sender_rules;
pub(crate) mod transit;
pub(crate) mod undo;
pub(crate) mod view;

use std::ops::Bound;

use bytes::Bytes;

use crate::engine::KeyRange;
use crate::model::DomainId;

/// Puts the parts of a key one behind the other; they are `N` bytes together.
fn joined<const N: usize>(parts: &[&[u8]]) -> [u8; N] {
    let mut key = [0; N];
    let source = parts.iter().flat_map(|part| part.iter());
    for (byte, from) in key.iter_mut().zip(source) {
        *byte = *from;
    }
    key
}

fn u32_at(key: &[u8], at: usize) -> Option<u32> {
    let bytes = key.get(at..at + 4)?;
    Some(u32::from_be_bytes(bytes.try_into().ok()?))
}

fn u64_at(key: &[u8], at: usize) -> Option<u64> {
    let bytes = key.get(at..at + 8)?;
    Some(u64::from_be_bytes(bytes.try_into().ok()?))
}

fn domain_at(key: &[u8], at: usize) -> Option<DomainId> {
    u32_at(key, at).map(DomainId)
}

/// From `first` to `last`, both included.
fn between(first: &[u8], last: &[u8]) -> KeyRange {
    (
        Bound::Included(Bytes::copy_from_slice(first)),
        Bound::Included(Bytes::copy_from_slice(last)),
    )
}

/// Every key that begins with `prefix`.
fn prefix_range(prefix: &[u8]) -> KeyRange {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if let Some(next) = last.checked_add(1) {
            end.push(next);
            break;
        }
    }
    let start = Bound::Included(Bytes::copy_from_slice(prefix));
    if end.is_empty() {
        return (start, Bound::Unbounded);
    }
    (start, Bound::Excluded(end.into()))
}

/// The whole keyspace.
pub(crate) const fn everything() -> KeyRange {
    (Bound::Unbounded, Bound::Unbounded)
}
