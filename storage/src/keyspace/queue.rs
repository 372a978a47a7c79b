//! `queue`, `deferred` and `due`: one row per (message, destination domain) that is still open.
//!
//! ```text
//! queue     domain id u32 | sequence u64                 → entry, ready for an attempt
//! deferred  domain id u32 | sequence u64                 → entry that waits for a time of its own
//! due       domain id u32 | due time ms u64 | sequence   → version; the index of `deferred`
//!
//! entry     version u8 | open recipients u16 | size u64 | message id 12 | record | authentication
//! ```
//! An entry is in `queue` when its `due_at` is zero and in `deferred` otherwise. The fields in
//! front of the record are readable when the record is not: the ledger can be counted again
//! without decoding, and a damaged row still says how many recipients it had.
//!
//! The authentication behind the record is a version byte and a record of its own, absent when
//! nothing was evaluated; it may change without the entry.
//!
//! Writer: intake adds to `queue`; after that only the domain's DeliveryActor, through
//! `Spool::settle`. Expiry: an entry goes with its last open recipient. `queue` is read from the
//! domain's head watermark (see [`heads`](super::heads)), never from the start of the prefix,
//! which is full of deleted rows.

use std::borrow::Cow;

use bytes::{Buf, BufMut, BytesMut};
use serde::{Deserialize, Serialize};

use super::{between, domain_at, joined, u64_at};
use crate::codec::{self, ROW_VERSION, RowError};
use crate::engine::KeyRange;
use crate::model::{
    Authentication, BodyKind, BodyPlace, ClientFacts, DomainId, DsnReturn, Envelope, MessageId,
    QueueEntry, RecipientState, ReversePath, Sequence, Timestamp,
};

/// Length of a key of `queue` and `deferred`.
pub(crate) const KEY_BYTES: usize = 12;
/// Length of a key of `due`.
pub(crate) const DUE_KEY_BYTES: usize = 20;
/// Bytes in front of the record.
const HEADER_BYTES: usize = 23;

/// Key in `queue` and `deferred`.
pub(crate) fn key(domain: DomainId, sequence: Sequence) -> [u8; KEY_BYTES] {
    joined(&[&domain.0.to_be_bytes(), &sequence.0.to_be_bytes()])
}

/// What a key of `queue` or `deferred` says.
pub(crate) fn parse_key(key: &[u8]) -> Option<(DomainId, Sequence)> {
    (key.len() == KEY_BYTES).then_some(())?;
    Some((domain_at(key, 0)?, Sequence(u64_at(key, 4)?)))
}

/// A domain's rows from a position on.
pub(crate) fn range(domain: DomainId, from: Sequence) -> KeyRange {
    between(&key(domain, from), &key(domain, Sequence(u64::MAX)))
}

/// Key in `due`.
pub(crate) fn due_key(
    domain: DomainId,
    due_at: Timestamp,
    sequence: Sequence,
) -> [u8; DUE_KEY_BYTES] {
    joined(&[
        &domain.0.to_be_bytes(),
        &due_at.as_millis().to_be_bytes(),
        &sequence.0.to_be_bytes(),
    ])
}

/// What a key of `due` says.
pub(crate) fn parse_due_key(key: &[u8]) -> Option<(DomainId, Timestamp, Sequence)> {
    (key.len() == DUE_KEY_BYTES).then_some(())?;
    Some((
        domain_at(key, 0)?,
        Timestamp::from_millis(u64_at(key, 4)?),
        Sequence(u64_at(key, 12)?),
    ))
}

/// A domain's rows of `due` between two times, both included.
pub(crate) fn due_range(domain: DomainId, from: Timestamp, until: Timestamp) -> KeyRange {
    between(
        &due_key(domain, from, Sequence(0)),
        &due_key(domain, until, Sequence(u64::MAX)),
    )
}

/// What can be read without decoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct EntryHeader {
    /// Recipients that are not settled.
    pub(crate) open_recipients: u16,
    /// Bytes of the stored body.
    pub(crate) size_bytes: u64,
    /// The message.
    pub(crate) message: MessageId,
}

/// The header of a row, whatever stands behind it.
pub(crate) fn header(row: &[u8]) -> Option<EntryHeader> {
    let mut fields = row.get(1..HEADER_BYTES)?;
    let open_recipients = fields.get_u16();
    let size_bytes = fields.get_u64();
    let message = MessageId::from_bytes(fields.try_into().ok()?);
    Some(EntryHeader {
        open_recipients,
        size_bytes,
        message,
    })
}

#[derive(Serialize, Deserialize)]
struct Record<'a> {
    chunks: u32,
    place: BodyPlace,
    accepted_at: Timestamp,
    reverse_path: Cow<'a, ReversePath>,
    recipients: Cow<'a, [RecipientState]>,
    body: BodyKind,
    smtputf8: bool,
    dsn_return: Option<DsnReturn>,
    envelope_id: Option<Cow<'a, str>>,
    client: Cow<'a, ClientFacts>,
    bulk: bool,
    shared: bool,
    revision: u32,
}

fn put(
    out: &mut BytesMut,
    header: EntryHeader,
    record: &Record<'_>,
    authentication: Option<&Authentication>,
) -> Result<(), RowError> {
    out.put_u8(ROW_VERSION);
    out.put_u16(header.open_recipients);
    out.put_u64(header.size_bytes);
    out.put_slice(header.message.as_bytes());
    codec::encode_bare(out, record)?;
    authentication.map_or(Ok(()), |found| codec::encode(out, found))
}

/// Appends the row of an entry.
pub(crate) fn encode(out: &mut BytesMut, entry: &QueueEntry) -> Result<(), RowError> {
    let header = EntryHeader {
        open_recipients: u16::try_from(entry.open_recipients().count()).unwrap_or(u16::MAX),
        size_bytes: entry.size_bytes,
        message: entry.message,
    };
    let record = Record {
        chunks: entry.chunks,
        place: entry.place,
        accepted_at: entry.accepted_at,
        reverse_path: Cow::Borrowed(&entry.reverse_path),
        recipients: Cow::Borrowed(&entry.recipients),
        body: entry.body,
        smtputf8: entry.smtputf8,
        dsn_return: entry.dsn_return,
        envelope_id: entry.envelope_id.as_deref().map(Cow::Borrowed),
        client: Cow::Borrowed(&entry.client),
        bulk: entry.bulk,
        shared: entry.shared,
        revision: entry.revision,
    };
    put(out, header, &record, entry.authentication.as_ref())
}

/// What a new entry has besides its recipients and its envelope.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fresh {
    pub(crate) message: MessageId,
    pub(crate) size_bytes: u64,
    pub(crate) chunks: u32,
    pub(crate) place: BodyPlace,
    pub(crate) accepted_at: Timestamp,
    pub(crate) bulk: bool,
    pub(crate) shared: bool,
}

/// Appends the row of an entry that nobody has tried yet, straight from its envelope.
pub(crate) fn encode_fresh(
    out: &mut BytesMut,
    fresh: Fresh,
    envelope: &Envelope,
    recipients: &[RecipientState],
) -> Result<(), RowError> {
    let header = EntryHeader {
        open_recipients: u16::try_from(recipients.len()).unwrap_or(u16::MAX),
        size_bytes: fresh.size_bytes,
        message: fresh.message,
    };
    let record = Record {
        chunks: fresh.chunks,
        place: fresh.place,
        accepted_at: fresh.accepted_at,
        reverse_path: Cow::Borrowed(&envelope.reverse_path),
        recipients: Cow::Borrowed(recipients),
        body: envelope.body,
        smtputf8: envelope.smtputf8,
        dsn_return: envelope.dsn_return,
        envelope_id: envelope.envelope_id.as_deref().map(Cow::Borrowed),
        client: Cow::Borrowed(&envelope.client),
        bulk: fresh.bulk,
        shared: fresh.shared,
        revision: 0,
    };
    put(out, header, &record, envelope.authentication.as_ref())
}

/// Reads a row of `queue` or `deferred`; the position is in its key.
pub(crate) fn decode(
    domain: DomainId,
    sequence: Sequence,
    row: &[u8],
) -> Result<QueueEntry, RowError> {
    codec::versioned(row)?;
    let header = header(row).ok_or(RowError::Truncated(row.len()))?;
    let (record, rest): (Record<'_>, _) =
        codec::decode_front(row.get(HEADER_BYTES..).unwrap_or_default())?;
    let authentication = match rest {
        [] => None,
        rest => Some(codec::decode(rest)?),
    };
    let entry = QueueEntry {
        domain,
        sequence,
        message: header.message,
        size_bytes: header.size_bytes,
        chunks: record.chunks,
        place: record.place,
        accepted_at: record.accepted_at,
        reverse_path: record.reverse_path.into_owned(),
        recipients: record.recipients.into_owned(),
        body: record.body,
        smtputf8: record.smtputf8,
        dsn_return: record.dsn_return,
        envelope_id: record.envelope_id.map(Cow::into_owned),
        client: record.client.into_owned(),
        authentication,
        bulk: record.bulk,
        shared: record.shared,
        revision: record.revision,
    };
    let open = entry.open_recipients().count();
    if open == 0 || open != usize::from(header.open_recipients) {
        return Err(RowError::Malformed(format!(
            "{open} open recipients where the header says {}",
            header.open_recipients
        )));
    }
    Ok(entry)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Disposition, ForwardPath, Recipient};
    use proptest::prelude::*;

    fn entry(paths: &[&str]) -> QueueEntry {
        QueueEntry {
            domain: DomainId(7),
            sequence: Sequence(9),
            message: MessageId::from_parts(Timestamp::from_secs(1), 1, 2),
            size_bytes: 4_096,
            chunks: 1,
            place: BodyPlace::Transit,
            accepted_at: Timestamp::from_secs(1_790_000_000),
            reverse_path: ReversePath::Null,
            recipients: paths
                .iter()
                .map(|path| {
                    RecipientState::new(Recipient::new(path.parse::<ForwardPath>().unwrap()))
                })
                .collect(),
            body: BodyKind::EightBitMime,
            smtputf8: true,
            dsn_return: Some(DsnReturn::Headers),
            envelope_id: Some("id+1".into()),
            client: ClientFacts {
                ip: "2001:db8::1".parse().unwrap(),
                helo: "mail.example".into(),
                reverse_name: None,
                tls_version: Some("TLSv1.3".into()),
                tls_cipher: None,
                authenticated_sender: false,
            },
            authentication: None,
            bulk: true,
            shared: false,
            revision: 3,
        }
    }

    fn row(entry: &QueueEntry) -> BytesMut {
        let mut out = BytesMut::new();
        encode(&mut out, entry).unwrap();
        out
    }

    #[test]
    fn an_entry_comes_back_as_it_was_and_its_header_tells_without_decoding() {
        let mut entry = entry(&["a@x.example", "b@x.example"]);
        entry.recipients[0].settled = Some(Disposition::Delivered);
        let row = row(&entry);
        assert_eq!(decode(entry.domain, entry.sequence, &row), Ok(entry));
        let header = header(&row).unwrap();
        assert_eq!((header.open_recipients, header.size_bytes), (1, 4_096));
    }

    #[test]
    fn d2_what_authentication_found_out_stays_with_the_entry() {
        let mut entry = entry(&["a@x.example"]);
        let without = row(&entry).len();
        entry.authentication = Some(Authentication::default());
        let with = row(&entry);
        assert!(with.len() > without);
        let read = decode(entry.domain, entry.sequence, &with).unwrap();
        assert_eq!(read.authentication, entry.authentication);
        let mut unknown = with;
        unknown[without] = 99;
        let refused = decode(entry.domain, entry.sequence, &unknown);
        assert_eq!(refused, Err(RowError::Version(99)));
    }

    #[test]
    fn an_entry_of_nobody_is_no_entry() {
        let row = row(&entry(&[]));
        assert!(decode(DomainId(7), Sequence(9), &row).is_err());
    }

    proptest! {
        #[test]
        fn keys_keep_the_order_of_their_numbers(a in any::<(u32, u64)>(), b in any::<(u32, u64)>()) {
            let of = |(domain, sequence)| key(DomainId(domain), Sequence(sequence));
            prop_assert_eq!(a.cmp(&b), of(a).cmp(&of(b)));
            prop_assert_eq!(parse_key(&of(a)), Some((DomainId(a.0), Sequence(a.1))));
        }

        #[test]
        fn damaged_rows_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = decode(DomainId(1), Sequence(1), &bytes);
            let mut damaged = row(&entry(&["a@x.example"]));
            let len = damaged.len();
            for (at, byte) in bytes.iter().enumerate() {
                damaged[(at * 31 + usize::from(*byte)) % len] ^= byte;
            }
            let _ = decode(DomainId(1), Sequence(1), &damaged);
        }
    }
}
