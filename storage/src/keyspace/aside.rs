//! `aside`: entries that delivery no longer touches, and the index by age of those that expire.
//!
//! ```text
//! 0 | domain id u32 | sequence u64                   → version u8 | kind u8 | recipients u16 | record
//! 1 | set aside ms u64 | domain id u32 | sequence    → version; parked, expired and quarantined ones
//! ```
//! Writer: intake (quarantined) and the domain's DeliveryActor (the rest) add; an administrator's
//! release or delete takes away. Expiry: after 30 days (`Spool::sweep_aside`);
//! damaged entries stay until a person decides.

use std::borrow::Cow;

use bytes::{BufMut, Bytes, BytesMut};
use serde::{Deserialize, Serialize};

use super::{between, domain_at, joined, queue, u64_at};
use crate::codec::{self, ROW_VERSION, RowError};
use crate::engine::KeyRange;
use crate::model::{AsideEntry, AsideKind, DomainId, Sequence, Timestamp};

const ROWS: u8 = 0;
const BY_AGE: u8 = 1;
const HEADER_BYTES: usize = 4;

/// Key of a row.
pub(crate) fn key(domain: DomainId, sequence: Sequence) -> [u8; 13] {
    joined(&[&[ROWS], &domain.0.to_be_bytes(), &sequence.0.to_be_bytes()])
}

/// What the key of a row says; none for the index.
pub(crate) fn parse_key(key: &[u8]) -> Option<(DomainId, Sequence)> {
    (key.len() == 13 && key.first() == Some(&ROWS)).then_some(())?;
    Some((domain_at(key, 1)?, Sequence(u64_at(key, 5)?)))
}

/// A domain's rows from a position on.
pub(crate) fn range(domain: DomainId, from: Sequence) -> KeyRange {
    between(&key(domain, from), &key(domain, Sequence(u64::MAX)))
}

/// Key in the index by age.
pub(crate) fn age_key(at: Timestamp, domain: DomainId, sequence: Sequence) -> [u8; 21] {
    joined(&[
        &[BY_AGE],
        &at.as_millis().to_be_bytes(),
        &domain.0.to_be_bytes(),
        &sequence.0.to_be_bytes(),
    ])
}

/// What a key of the index says.
pub(crate) fn parse_age_key(key: &[u8]) -> Option<(Timestamp, DomainId, Sequence)> {
    (key.len() == 21 && key.first() == Some(&BY_AGE)).then_some(())?;
    Some((
        Timestamp::from_millis(u64_at(key, 1)?),
        domain_at(key, 9)?,
        Sequence(u64_at(key, 13)?),
    ))
}

/// The index between two times, both included.
pub(crate) fn age_range(from: Timestamp, until: Timestamp) -> KeyRange {
    between(
        &age_key(from, DomainId(0), Sequence(0)),
        &age_key(until, DomainId(u32::MAX), Sequence(u64::MAX)),
    )
}

/// Whether entries of this kind are dropped after a time, and so stand in the index.
pub(crate) const fn expires(kind: AsideKind) -> bool {
    !matches!(kind, AsideKind::Corrupt)
}

/// What a new row says about its entry.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AsideHead<'a> {
    pub(crate) kind: AsideKind,
    pub(crate) at: Timestamp,
    pub(crate) reason: &'a str,
    pub(crate) recipients: u16,
    /// Whether the entry's row is kept as found because it does not decode.
    pub(crate) raw: bool,
}

#[derive(Serialize, Deserialize)]
struct Record<'a> {
    at: Timestamp,
    reason: Cow<'a, str>,
    raw: bool,
    row: Cow<'a, [u8]>,
}

/// Appends a row: its head, and the entry's own row as in `queue`.
pub(crate) fn encode(
    out: &mut BytesMut,
    head: AsideHead<'_>,
    entry_row: &[u8],
) -> Result<(), RowError> {
    out.put_u8(ROW_VERSION);
    out.put_u8(kind_number(head.kind));
    out.put_u16(head.recipients);
    codec::encode_bare(
        out,
        &Record {
            at: head.at,
            reason: Cow::Borrowed(head.reason),
            raw: head.raw,
            row: Cow::Borrowed(entry_row),
        },
    )
}

/// Kind and number of recipients, without decoding.
pub(crate) fn header(row: &[u8]) -> Option<(AsideKind, u16)> {
    let kind = kind_of(*row.get(1)?)?;
    let recipients = u16::from_be_bytes(row.get(2..HEADER_BYTES)?.try_into().ok()?);
    Some((kind, recipients))
}

/// Reads a row; the position is in its key.
pub(crate) fn decode(
    domain: DomainId,
    sequence: Sequence,
    row: &[u8],
) -> Result<AsideEntry, RowError> {
    codec::versioned(row)?;
    let (kind, recipients) = header(row).ok_or(RowError::Truncated(row.len()))?;
    let record: Record<'_> = codec::decode_bare(row.get(HEADER_BYTES..).unwrap_or_default())?;
    let (entry, raw) = if record.raw {
        (None, Bytes::copy_from_slice(&record.row))
    } else {
        (
            Some(queue::decode(domain, sequence, &record.row)?),
            Bytes::new(),
        )
    };
    Ok(AsideEntry {
        domain,
        sequence,
        kind,
        reason: record.reason.into_owned(),
        at: record.at,
        recipients,
        entry,
        raw,
    })
}

const fn kind_number(kind: AsideKind) -> u8 {
    match kind {
        AsideKind::Parked => 1,
        AsideKind::Expired => 2,
        AsideKind::Quarantined => 3,
        AsideKind::Corrupt => 4,
    }
}

const fn kind_of(number: u8) -> Option<AsideKind> {
    Some(match number {
        1 => AsideKind::Parked,
        2 => AsideKind::Expired,
        3 => AsideKind::Quarantined,
        4 => AsideKind::Corrupt,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_that_did_not_decode_is_kept_as_it_was_found() {
        let mut row = BytesMut::new();
        let head = AsideHead {
            kind: AsideKind::Corrupt,
            at: Timestamp::from_secs(5),
            reason: "the row is cut off",
            recipients: 2,
            raw: true,
        };
        encode(&mut row, head, b"\x01rubbish").unwrap();
        assert_eq!(header(&row), Some((AsideKind::Corrupt, 2)));
        let entry = decode(DomainId(1), Sequence(2), &row).unwrap();
        assert_eq!(entry.raw, Bytes::from_static(b"\x01rubbish"));
        assert_eq!(entry.entry, None);
    }

    #[test]
    fn rows_and_index_do_not_mix() {
        let (domain, sequence) = (DomainId(u32::MAX), Sequence(u64::MAX));
        assert!(
            key(domain, sequence).as_slice()
                < age_key(Timestamp::default(), DomainId(0), Sequence(0)).as_slice()
        );
        assert_eq!(parse_key(&key(domain, sequence)), Some((domain, sequence)));
        let age = age_key(Timestamp::from_millis(77), DomainId(3), Sequence(4));
        assert_eq!(parse_key(&age), None);
        assert_eq!(
            parse_age_key(&age),
            Some((Timestamp::from_millis(77), DomainId(3), Sequence(4)))
        );
    }
}
