//! `log-<day>`: what happened to messages on one day.
//!
//! ```text
//! message id 12 | time ms u64 | ticket u32 | number u16 → version | (domain id, LogEvent)
//! ```
//! The id comes first, so that a message's life is one short range per day, and ids are in the order
//! in which messages came in, so that a period is a range as well. Ticket and number of the commit
//! tell events of one millisecond apart.
//!
//! Writer: the commit that makes the change adds its row. Expiry: the whole keyspace, 30 days after
//! its day.

use bytes::BytesMut;

use super::{between, joined, u64_at};
use crate::codec::{self, RowError};
use crate::engine::{DayKind, KeyRange, KeyspaceId};
use crate::model::view::day_of;
use crate::model::{DomainId, LogEvent, LogRow, MessageId, Timestamp};

/// Length of a key.
pub(crate) const KEY_BYTES: usize = 26;

/// A key as it is stored.
pub(crate) type LogKey = [u8; KEY_BYTES];

/// The keyspace of the day on which something happens.
pub(crate) fn keyspace(at: Timestamp) -> KeyspaceId {
    of_day(day_of(at))
}

/// The keyspace of a day.
pub(crate) const fn of_day(day: u32) -> KeyspaceId {
    let kind = DayKind::Log;
    KeyspaceId::Day { kind, day }
}

/// Key of an event.
pub(crate) fn key(message: MessageId, at: Timestamp, ticket: u64, number: u16) -> LogKey {
    // The low half of the ticket tells the commits of one millisecond apart.
    let ticket = (ticket & u64::from(u32::MAX)) as u32;
    joined(&[
        message.as_bytes(),
        &at.as_millis().to_be_bytes(),
        &ticket.to_be_bytes(),
        &number.to_be_bytes(),
    ])
}

/// Events of the messages between two, both included.
pub(crate) fn range(first: MessageId, last: MessageId) -> KeyRange {
    let end = Timestamp::from_millis(u64::MAX);
    between(
        &key(first, Timestamp::default(), 0, 0),
        &key(last, end, u64::MAX, u16::MAX),
    )
}

/// Appends a row.
///
/// # Errors
/// As [`codec::encode`].
pub(crate) fn encode(
    out: &mut BytesMut,
    domain: DomainId,
    event: &LogEvent,
) -> Result<(), RowError> {
    codec::encode(out, &(domain, event))
}

/// Reads a row.
///
/// # Errors
/// Any [`RowError`].
pub(crate) fn decode(key: &[u8], row: &[u8]) -> Result<LogRow, RowError> {
    let malformed = || RowError::Malformed("its key is none of this keyspace".to_owned());
    if key.len() != KEY_BYTES {
        return Err(malformed());
    }
    let message = key
        .first_chunk::<12>()
        .map(|bytes| MessageId::from_bytes(*bytes));
    let (domain, event) = codec::decode(row)?;
    Ok(LogRow {
        message: message.ok_or_else(malformed)?,
        at: Timestamp::from_millis(u64_at(key, 12).ok_or_else(malformed)?),
        domain,
        event,
    })
}
