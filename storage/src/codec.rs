//! How records become bytes: a version byte, and [postcard](https://postcard.jamesmunns.com)
//! behind it.
//!
//! Invariants: every row starts with [`ROW_VERSION`]; a row with another version, with bytes left
//! over or with a text that is no address is refused, never guessed at; the body of a message is
//! stored as [`chunk`]s with a header of their own.

pub(crate) mod chunk;

use bytes::{BufMut, BytesMut};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Version of every row written today.
pub(crate) const ROW_VERSION: u8 = 1;

/// Why stored bytes are not the record they should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RowError {
    /// Shorter than the shortest record of its kind.
    #[error("the row is cut off after {0} bytes")]
    Truncated(usize),
    /// Written by another version.
    #[error("the row has version {0}, this program reads version {ROW_VERSION}")]
    Version(u8),
    /// The content is none of this record.
    #[error("the row does not decode: {0}")]
    Malformed(String),
    /// More bytes than the record has.
    #[error("the row has {0} bytes behind its record")]
    Trailing(usize),
}

/// Appends a record with its version byte.
///
/// # Errors
/// [`RowError::Malformed`] when the record cannot be written, which none of ours can fail to be.
pub(crate) fn encode<T: Serialize + ?Sized>(
    out: &mut BytesMut,
    record: &T,
) -> Result<(), RowError> {
    out.put_u8(ROW_VERSION);
    encode_bare(out, record)
}

/// Appends a record behind a header of the caller's.
///
/// # Errors
/// As [`encode`].
pub(crate) fn encode_bare<T: Serialize + ?Sized>(
    out: &mut BytesMut,
    record: &T,
) -> Result<(), RowError> {
    postcard::to_io(record, out.writer())
        .map(|_| ())
        .map_err(|error| RowError::Malformed(error.to_string()))
}

/// Reads a record written by [`encode`].
///
/// # Errors
/// Any [`RowError`].
pub(crate) fn decode<T: DeserializeOwned>(row: &[u8]) -> Result<T, RowError> {
    decode_bare(versioned(row)?)
}

/// What stands behind the version byte.
///
/// # Errors
/// [`RowError::Truncated`] or [`RowError::Version`].
pub(crate) fn versioned(row: &[u8]) -> Result<&[u8], RowError> {
    match row.split_first() {
        Some((&ROW_VERSION, rest)) => Ok(rest),
        Some((&other, _)) => Err(RowError::Version(other)),
        None => Err(RowError::Truncated(0)),
    }
}

/// Reads a record written by [`encode_bare`] and answers what stands behind it.
///
/// # Errors
/// [`RowError::Malformed`].
pub(crate) fn decode_front<'a, T: Deserialize<'a>>(
    bytes: &'a [u8],
) -> Result<(T, &'a [u8]), RowError> {
    postcard::take_from_bytes(bytes).map_err(|error| RowError::Malformed(error.to_string()))
}

/// Reads a record written by [`encode_bare`].
///
/// # Errors
/// Any [`RowError`] but a wrong version.
pub(crate) fn decode_bare<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, RowError> {
    let (record, rest) = decode_front(bytes)?;
    if rest.is_empty() {
        Ok(record)
    } else {
        Err(RowError::Trailing(rest.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{DomainName, MessageRow, Timestamp};

    fn encoded<T: Serialize>(record: &T) -> BytesMut {
        let mut out = BytesMut::new();
        encode(&mut out, record).unwrap();
        out
    }

    #[test]
    fn a_record_comes_back_as_it_was() {
        let row = MessageRow {
            size_bytes: 70_000,
            chunks: 1,
            place: crate::model::BodyPlace::Transit,
            accepted_at: Timestamp::from_secs(1_790_000_000),
            open: Vec::new(),
        };
        assert_eq!(decode::<MessageRow>(&encoded(&row)), Ok(row));
    }

    #[test]
    fn what_is_not_the_record_is_refused_by_its_reason() {
        let name: DomainName = "x.example".parse().unwrap();
        let good = encoded(&name);
        assert_eq!(decode::<DomainName>(&[]), Err(RowError::Truncated(0)));
        let mut other_version = good.clone();
        other_version[0] = 9;
        assert_eq!(
            decode::<DomainName>(&other_version),
            Err(RowError::Version(9))
        );
        let mut longer = good.clone();
        longer.put_u8(0);
        assert_eq!(decode::<DomainName>(&longer), Err(RowError::Trailing(1)));
        assert!(matches!(
            decode::<DomainName>(&good[..4]),
            Err(RowError::Malformed(_))
        ));
        let no_domain = encoded(&"-x..");
        assert!(matches!(
            decode::<DomainName>(&no_domain),
            Err(RowError::Malformed(_))
        ));
    }
}
