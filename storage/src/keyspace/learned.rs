//! `learned`: what delivery found out about destinations and would find out again.
//!
//! ```text
//! name (UTF-8, chosen by delivery) → version u8 | bytes (delivery's own record)
//! ```
//! Writer: delivery, without waiting for the disk. Expiry: overwritten; nothing depends on it.

use bytes::{BufMut, Bytes, BytesMut};

use crate::codec::{self, ROW_VERSION, RowError};

/// A row around delivery's record.
pub(crate) fn encode(record: &[u8]) -> Bytes {
    let mut out = BytesMut::with_capacity(record.len() + 1);
    out.put_u8(ROW_VERSION);
    out.put_slice(record);
    out.freeze()
}

/// Delivery's record in a row.
pub(crate) fn decode(row: &Bytes) -> Result<Bytes, RowError> {
    codec::versioned(row)?;
    Ok(row.slice(1..))
}
