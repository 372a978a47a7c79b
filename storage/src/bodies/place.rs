//! What stands in `transit` instead of a body that has a file of its own.
//!
//! ```text
//! 0x81 | postcard (slot u64, frames u32, bytes u64)
//! ```
//! The first byte has its highest bit set; no version of a chunk has.

use bytes::{BufMut, Bytes, BytesMut};
use serde::{Deserialize, Serialize};

use crate::codec::{self, RowError};

/// Version of a place, told from a chunk by its highest bit.
const VERSION: u8 = 0x81;

/// Where a body lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FilePlace {
    /// The file.
    pub(crate) slot: u64,
    /// Frames of the body in it.
    pub(crate) frames: u32,
    /// Bytes of these frames; what stands behind them is older.
    pub(crate) bytes: u64,
}

impl FilePlace {
    /// The place in a stored row; none when the row is a chunk.
    pub(crate) fn decode(row: &[u8]) -> Option<Result<Self, RowError>> {
        match row.split_first() {
            Some((&VERSION, rest)) => Some(codec::decode_bare(rest)),
            _ => None,
        }
    }

    /// The row.
    pub(crate) fn encode(&self) -> Result<Bytes, RowError> {
        let mut row = BytesMut::with_capacity(24);
        row.put_u8(VERSION);
        codec::encode_bare(&mut row, self)?;
        Ok(row.freeze())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::chunk::ChunkBuilder;

    #[test]
    fn a_place_comes_back_and_no_chunk_is_one() {
        let place = FilePlace {
            slot: 70_000,
            frames: 191,
            bytes: 50_000_000,
        };
        let row = place.encode().unwrap();
        assert_eq!(FilePlace::decode(&row), Some(Ok(place)));
        assert!(matches!(FilePlace::decode(&row[..3]), Some(Err(_))));
        let chunk = ChunkBuilder::with_capacity(8).finish();
        assert_eq!(FilePlace::decode(&chunk), None);
        assert_eq!(FilePlace::decode(b""), None);
    }
}
