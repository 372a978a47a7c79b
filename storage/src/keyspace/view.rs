//! `continuity/<day>`: what continuity mailboxes show of one day.
//!
//! ```text
//! counts   0 | scope                                        → version | ViewCounts of this day
//! line     1 | scope | folder u8 | time↓ u64 | message 12   → version | flags u8 | kept day u32
//!                                                              | chunks u32 | size u64
//!                                                              | bytes of line u32 | line | text
//! thread   2 | scope | name u64 | time↓ u64 | message 12    → version
//! starred  3 | scope | time↓ u64 | message 12               → version
//!
//! scope    domain id u32 | length u8 | local part, key
//! ```
//! The day is that of the time. Times are stored inverted, so that a scan meets the newest first.
//! Line and search text are sealed; what stands in front of them is what is changed or needed
//! without opening them.
//!
//! Writer: the commit that accepts a message adds; after that whoever reads the mailbox files and
//! flags, through the spool. Expiry: a whole day at once, when no domain shows it any more; for
//! domains with a shorter retention in small turns before.

use bytes::{Buf, BufMut, Bytes, BytesMut};

use super::{between, joined, u64_at};
use crate::codec::{self, ROW_VERSION, RowError};
use crate::engine::{DayKind, KeyRange, KeyspaceId};
use crate::model::{BodyPlace, DomainId, Flags, Folder, LineId, MessageId, Scope, Timestamp};

const COUNTS: u8 = 0;
const LINE: u8 = 1;
const THREAD: u8 = 2;
const STARRED: u8 = 3;

/// Bytes of time and message at the end of a key.
const TAIL_BYTES: usize = 20;
/// Bytes in front of the sealed parts: version, flags, place, chunks, size, length.
const HEADER_BYTES: usize = 22;

const READ: u8 = 1;
const STARRED_FLAG: u8 = 2;
const ANSWERED: u8 = 4;

/// The keyspace of a day.
pub(crate) const fn keyspace(day: u32) -> KeyspaceId {
    KeyspaceId::Day {
        kind: DayKind::Continuity,
        day,
    }
}

/// A mailbox as it stands in keys.
pub(crate) fn scope_key(scope: &Scope) -> Bytes {
    let local = scope.mailbox().as_bytes();
    let mut key = BytesMut::with_capacity(5 + local.len());
    key.put_u32(scope.domain().0);
    // A key of a mailbox has at most 64 octets, lower case included (RFC 5321 §4.5.3.1.1).
    key.put_u8(u8::try_from(local.len()).unwrap_or(u8::MAX));
    key.put_slice(local);
    key.freeze()
}

/// Key of a mailbox's counts.
pub(crate) fn counts_key(scope: &[u8]) -> Vec<u8> {
    [&[COUNTS], scope].concat()
}

/// All counts of a domain.
pub(crate) fn counts_range(domain: DomainId) -> KeyRange {
    prefix_range(&[&[COUNTS], domain.0.to_be_bytes().as_slice()].concat())
}

/// Everything of a domain of one kind: counts, lines, threads, stars.
pub(crate) fn domain_ranges(domain: DomainId) -> [KeyRange; 4] {
    let prefix = domain.0.to_be_bytes();
    [COUNTS, LINE, THREAD, STARRED].map(|kind| prefix_range(&[&[kind], prefix.as_slice()].concat()))
}

/// Every key that begins with this.
pub(crate) fn prefix_range(prefix: &[u8]) -> KeyRange {
    // No key is longer than a prefix by more than this.
    let last = [prefix, [u8::MAX; 96].as_slice()].concat();
    between(prefix, &last)
}

fn tail(id: LineId) -> [u8; TAIL_BYTES] {
    let inverted = u64::MAX - id.at.as_millis();
    joined(&[&inverted.to_be_bytes(), id.message.as_bytes()])
}

/// Key of a line.
pub(crate) fn line_key(scope: &[u8], folder: Folder, id: LineId) -> Vec<u8> {
    [&[LINE], scope, &[folder.number()], &tail(id)].concat()
}

/// Key of a line's name in a conversation.
pub(crate) fn thread_key(scope: &[u8], name: u64, id: LineId) -> Vec<u8> {
    [&[THREAD], scope, &name.to_be_bytes(), &tail(id)].concat()
}

/// All lines of one name of a conversation.
pub(crate) fn thread_range(scope: &[u8], name: u64) -> KeyRange {
    prefix_range(&[&[THREAD], scope, &name.to_be_bytes()].concat())
}

/// Key of a star.
pub(crate) fn starred_key(scope: &[u8], id: LineId) -> Vec<u8> {
    [&[STARRED], scope, &tail(id)].concat()
}

/// What a key of a line, a thread or a star says at its end.
pub(crate) fn parse_id(key: &[u8]) -> Option<LineId> {
    let at = key.len().checked_sub(TAIL_BYTES)?;
    let inverted = u64_at(key, at)?;
    Some(LineId {
        at: Timestamp::from_millis(u64::MAX - inverted),
        message: MessageId::from_bytes(key.get(at + 8..)?.try_into().ok()?),
    })
}

/// The folder of a line's key.
pub(crate) fn parse_folder(key: &[u8]) -> Option<Folder> {
    let at = key.len().checked_sub(TAIL_BYTES + 1)?;
    Folder::from_number(*key.get(at)?)
}

/// The mailbox of a line's key.
pub(crate) fn parse_scope(key: &[u8]) -> Option<Scope> {
    (*key.first()? == LINE).then_some(())?;
    let domain = super::domain_at(key, 1)?;
    let length = usize::from(*key.get(5)?);
    let local = std::str::from_utf8(key.get(6..6 + length)?).ok()?;
    Some(Scope::new(domain, local))
}

/// Which lines of a day: a folder or the stars, from the newest or behind one, not older than the
/// cut-off.
pub(crate) fn list_range(
    scope: &[u8],
    folder: Option<Folder>,
    newest: Option<LineId>,
    oldest: Option<LineId>,
) -> KeyRange {
    use std::ops::Bound;
    let prefix = match folder {
        Some(folder) => [&[LINE], scope, &[folder.number()]].concat(),
        None => [&[STARRED], scope].concat(),
    };
    let at = |id| Bytes::from([prefix.as_slice(), &tail(id)].concat());
    let first = newest.map_or_else(
        || Bound::Included(Bytes::copy_from_slice(&prefix)),
        |id| Bound::Excluded(at(id)),
    );
    let last = oldest.map_or_else(
        || {
            Bound::Included(Bytes::from(
                [prefix.as_slice(), &[u8::MAX; TAIL_BYTES]].concat(),
            ))
        },
        |id| Bound::Excluded(at(id)),
    );
    (first, last)
}

/// What can be read of a line without opening it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LineHeader {
    /// What was done with it.
    pub(crate) flags: Flags,
    /// The day of `kept` in which its body was stored.
    pub(crate) day: u32,
    /// Chunks of the body.
    pub(crate) chunks: u32,
    /// Bytes of the body.
    pub(crate) size_bytes: u64,
}

impl LineHeader {
    /// Where its body is.
    pub(crate) const fn place(&self) -> BodyPlace {
        BodyPlace::Kept { day: self.day }
    }
}

const fn flag_bits(flags: Flags) -> u8 {
    (if flags.read { READ } else { 0 })
        | (if flags.starred { STARRED_FLAG } else { 0 })
        | (if flags.answered { ANSWERED } else { 0 })
}

/// Appends the row of a line; `line` and `text` are sealed already.
pub(crate) fn encode_line(out: &mut BytesMut, header: LineHeader, line: &[u8], text: &[u8]) {
    out.put_u8(ROW_VERSION);
    out.put_u8(flag_bits(header.flags));
    out.put_u32(header.day);
    out.put_u32(header.chunks);
    out.put_u64(header.size_bytes);
    out.put_u32(u32::try_from(line.len()).unwrap_or(u32::MAX));
    out.put_slice(line);
    out.put_slice(text);
}

/// A line with other flags; the rest of the row stays as it is.
pub(crate) fn with_flags(row: &[u8], flags: Flags) -> Bytes {
    let mut row = row.to_vec();
    if let Some(place) = row.get_mut(1) {
        *place = flag_bits(flags);
    }
    row.into()
}

/// The header of a line.
///
/// # Errors
/// [`RowError`].
pub(crate) fn decode_header(row: &[u8]) -> Result<LineHeader, RowError> {
    codec::versioned(row)?;
    let mut fields = row
        .get(1..HEADER_BYTES)
        .ok_or(RowError::Truncated(row.len()))?;
    let bits = fields.get_u8();
    Ok(LineHeader {
        flags: Flags {
            read: bits & READ != 0,
            starred: bits & STARRED_FLAG != 0,
            answered: bits & ANSWERED != 0,
        },
        day: fields.get_u32(),
        chunks: fields.get_u32(),
        size_bytes: fields.get_u64(),
    })
}

/// The two sealed parts of a line: what a list shows, and the text that is searched.
///
/// # Errors
/// [`RowError`].
pub(crate) fn sealed_parts(row: &[u8]) -> Result<(&[u8], &[u8]), RowError> {
    let truncated = || RowError::Truncated(row.len());
    let length = super::u32_at(row, HEADER_BYTES - 4).ok_or_else(truncated)?;
    let rest = row.get(HEADER_BYTES..).ok_or_else(truncated)?;
    rest.split_at_checked(length as usize).ok_or_else(truncated)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn id(at: u64, n: u8) -> LineId {
        LineId {
            at: Timestamp::from_millis(at),
            message: MessageId::from_bytes([n; 12]),
        }
    }

    #[test]
    fn a_row_says_what_was_put_into_it() {
        let header = LineHeader {
            flags: Flags {
                read: false,
                starred: true,
                answered: true,
            },
            day: 20_700,
            chunks: 3,
            size_bytes: 1 << 40,
        };
        let mut row = BytesMut::new();
        encode_line(&mut row, header, b"line", b"text");
        assert_eq!(decode_header(&row), Ok(header));
        assert_eq!(sealed_parts(&row), Ok((&b"line"[..], &b"text"[..])));
        let read = Flags {
            read: true,
            ..Flags::default()
        };
        let changed = with_flags(&row, read);
        assert_eq!(decode_header(&changed).unwrap().flags, read);
        assert_eq!(sealed_parts(&changed), Ok((&b"line"[..], &b"text"[..])));
    }

    proptest! {
        #[test]
        fn the_newest_stands_first_and_keys_lead_back(a in any::<(u32, u8)>(), b in any::<(u32, u8)>()) {
            let scope = Scope::new(DomainId(7), "alice");
            let bytes = scope_key(&scope);
            let (a, b) = (id(u64::from(a.0), a.1), id(u64::from(b.0), b.1));
            let key = |id| line_key(&bytes, Folder::Archive, id);
            if a.at > b.at {
                prop_assert!(key(a) < key(b));
            }
            prop_assert_eq!(parse_id(&key(a)), Some(a));
            prop_assert_eq!(parse_folder(&key(a)), Some(Folder::Archive));
            prop_assert_eq!(parse_scope(&key(a)), Some(scope));
        }

        #[test]
        fn damaged_rows_never_panic(row in proptest::collection::vec(any::<u8>(), 0..60)) {
            let _ = decode_header(&row);
            let _ = sealed_parts(&row);
            let _ = parse_scope(&row);
            let _ = parse_id(&row);
        }
    }
}
