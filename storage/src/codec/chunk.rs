//! A piece of a stored body: version, codec, seal, BLAKE3, data.
//!
//! ```text
//! offset 0   version      1
//!        1   codec        0 none (1 zstd is reserved)
//!        2   seal         0 none (1 AES-256-GCM is reserved)
//!        3   BLAKE3       32 bytes over bytes 0–2 and the data as stored
//!        35  data
//! ```
//! Codec and seal are here from the start, so that sealing can be switched on without a new
//! format. The checksum is verified whenever a body is delivered, shown or checked.

use bytes::{BufMut, Bytes, BytesMut};

/// Bytes in front of a chunk's data.
pub(crate) const HEADER_BYTES: usize = 35;

const VERSION: u8 = 1;
const CODEC_NONE: u8 = 0;
const SEAL_NONE: u8 = 0;
const HASH_AT: usize = 3;

/// Why a chunk cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ChunkError {
    /// Shorter than its header.
    #[error("it is cut off")]
    Truncated,
    /// Written by another version, or compressed or sealed in a way unknown here.
    #[error("its version, codec or seal is unknown")]
    Unknown,
    /// The data is not what was stored.
    #[error("its checksum does not match")]
    Checksum,
}

/// A chunk under construction: data is appended behind the room for the header, so that finishing
/// it copies nothing.
#[derive(Debug)]
pub(crate) struct ChunkBuilder {
    bytes: BytesMut,
}

impl ChunkBuilder {
    /// An empty chunk with room for `capacity` bytes of data.
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        let mut bytes = BytesMut::with_capacity(HEADER_BYTES + capacity);
        bytes.put_slice(&[VERSION, CODEC_NONE, SEAL_NONE]);
        bytes.put_bytes(0, HEADER_BYTES - HASH_AT);
        Self { bytes }
    }

    /// Bytes of data so far.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len() - HEADER_BYTES
    }

    /// Appends data.
    pub(crate) fn extend(&mut self, data: &[u8]) {
        self.bytes.extend_from_slice(data);
    }

    /// Makes room for `capacity` bytes of data in all.
    pub(crate) fn reserve(&mut self, capacity: usize) {
        self.bytes.reserve(capacity.saturating_sub(self.len()));
    }

    /// The chunk with its checksum.
    pub(crate) fn finish(mut self) -> Bytes {
        let hash = {
            let (header, data) = self.bytes.split_at(HEADER_BYTES);
            checksum(header, data)
        };
        if let Some(place) = self.bytes.get_mut(HASH_AT..HEADER_BYTES) {
            place.copy_from_slice(hash.as_bytes());
        }
        self.bytes.freeze()
    }
}

/// The data of a stored chunk, verified.
///
/// # Errors
/// Any [`ChunkError`].
pub(crate) fn open(stored: &Bytes) -> Result<Bytes, ChunkError> {
    let (header, data) = stored
        .split_at_checked(HEADER_BYTES)
        .ok_or(ChunkError::Truncated)?;
    if header.get(..HASH_AT) != Some(&[VERSION, CODEC_NONE, SEAL_NONE]) {
        return Err(ChunkError::Unknown);
    }
    if header.get(HASH_AT..) != Some(checksum(header, data).as_bytes().as_slice()) {
        return Err(ChunkError::Checksum);
    }
    Ok(stored.slice(HEADER_BYTES..))
}

fn checksum(header: &[u8], data: &[u8]) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(header.get(..HASH_AT).unwrap_or_default());
    hasher.update(data);
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn chunk(data: &[u8]) -> Bytes {
        let mut builder = ChunkBuilder::with_capacity(16);
        builder.extend(data);
        builder.finish()
    }

    #[test]
    fn every_flipped_bit_is_found() {
        let stored = chunk(b"Subject: x\r\n\r\nbody\r\n");
        for at in 0..stored.len() {
            let mut damaged = stored.to_vec();
            damaged[at] ^= 0x10;
            assert!(open(&damaged.into()).is_err(), "byte {at}");
        }
        assert_eq!(open(&stored.slice(..34)), Err(ChunkError::Truncated));
    }

    proptest! {
        #[test]
        fn data_comes_back_as_it_was(data in proptest::collection::vec(any::<u8>(), 0..2000)) {
            prop_assert_eq!(open(&chunk(&data)).unwrap(), data);
        }
    }
}
