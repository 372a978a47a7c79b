//! A piece of a stored body: version, codec, seal, BLAKE3, data.
//!
//! ```text
//! offset 0   version      1
//!        1   codec        0 none, 1 zstd
//!        2   seal         0 none, 1 AES-256-GCM
//!        3   BLAKE3       32 bytes over bytes 0–2 and the data as stored
//!        35  data         sealed: for the first chunk the key's shares, then ciphertext and tag
//! ```
//! The checksum is over what is stored, so it is verified without a key whenever a body is
//! delivered, shown or checked. What does not become smaller is not compressed.

use std::cell::RefCell;
use std::sync::{Mutex, PoisonError};

use bytes::{BufMut, Bytes, BytesMut};

use crate::limits::BODY_CHUNK_BYTES;
use crate::model::MessageId;
use crate::seal::{BodyKey, SealError};

/// Bytes in front of a chunk's data.
pub(crate) const HEADER_BYTES: usize = 35;

const VERSION: u8 = 1;
const CODEC_NONE: u8 = 0;
const CODEC_ZSTD: u8 = 1;
const SEAL_NONE: u8 = 0;
const SEAL_AES_256_GCM: u8 = 1;
const HASH_AT: usize = 3;

/// Fast, and half of what the slowest level saves on mail.
const ZSTD_LEVEL: i32 = 1;
/// Smaller data is not worth a compressor.
const COMPRESSED_MIN: usize = 256;
/// Compressors kept for the next chunk; one takes about 600 KiB.
const COMPRESSORS_KEPT: usize = 4;

/// Why a chunk cannot be used.
#[derive(Debug, thiserror::Error)]
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
    /// It does not decompress to a chunk.
    #[error("it does not decompress")]
    Compressed,
    /// It cannot be opened.
    #[error(transparent)]
    Seal(#[from] SealError),
}

/// A chunk under construction: data is appended behind the room for the header, so that finishing
/// an unsealed one copies nothing.
#[derive(Debug)]
pub(crate) struct ChunkBuilder {
    bytes: BytesMut,
}

/// How a chunk is sealed.
#[derive(Debug)]
pub(crate) struct ChunkSeal<'a> {
    pub(crate) message: MessageId,
    pub(crate) chunk: u32,
    pub(crate) key: &'a BodyKey,
    /// The shares of the key, which stand in the first chunk.
    pub(crate) shares: &'a [u8],
}

/// Compressors that wait for the next chunk: making one costs more than using it.
#[derive(Default)]
pub(crate) struct Compressors {
    idle: Mutex<Vec<zstd::bulk::Compressor<'static>>>,
}

impl std::fmt::Debug for Compressors {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Compressors")
    }
}

impl Compressors {
    /// The data in less room; none when it takes as much.
    fn compress(&self, data: &[u8]) -> Option<Vec<u8>> {
        if data.len() < COMPRESSED_MIN {
            return None;
        }
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = idle().pop();
        let mut compressor = match kept {
            Some(compressor) => compressor,
            None => zstd::bulk::Compressor::new(ZSTD_LEVEL).ok()?,
        };
        let compressed = compressor.compress(data).ok();
        let mut idle = idle();
        if idle.len() < COMPRESSORS_KEPT {
            idle.push(compressor);
        }
        compressed.filter(|compressed| compressed.len() < data.len())
    }
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

    /// The data so far.
    pub(crate) fn data(&self) -> &[u8] {
        self.bytes.get(HEADER_BYTES..).unwrap_or_default()
    }

    /// Appends data.
    pub(crate) fn extend(&mut self, data: &[u8]) {
        self.bytes.extend_from_slice(data);
    }

    /// Makes room for `capacity` bytes of data in all.
    pub(crate) fn reserve(&mut self, capacity: usize) {
        self.bytes.reserve(capacity.saturating_sub(self.len()));
    }

    /// The chunk with its checksum, neither compressed nor sealed.
    pub(crate) fn finish(mut self) -> Bytes {
        put_checksum(&mut self.bytes);
        self.bytes.freeze()
    }

    /// The chunk compressed, sealed and with its checksum.
    ///
    /// # Errors
    /// [`SealError`].
    pub(crate) fn finish_sealed(
        mut self,
        compressors: &Compressors,
        seal: &ChunkSeal<'_>,
    ) -> Result<Bytes, SealError> {
        let data = self.bytes.split_off(HEADER_BYTES);
        let compressed = compressors.compress(&data);
        let (codec, data) = match &compressed {
            Some(compressed) => (CODEC_ZSTD, compressed.as_slice()),
            None => (CODEC_NONE, &*data),
        };
        let mut stored =
            BytesMut::with_capacity(HEADER_BYTES + seal.shares.len() + data.len() + 16);
        stored.put_slice(&[VERSION, codec, SEAL_AES_256_GCM]);
        stored.put_bytes(0, HEADER_BYTES - HASH_AT);
        stored.put_slice(seal.shares);
        let mut content = stored.split_off(stored.len());
        content.put_slice(data);
        let tag = seal
            .key
            .seal(seal.message, seal.chunk, codec, &mut content)?;
        content.put_slice(&tag);
        stored.unsplit(content);
        put_checksum(&mut stored);
        Ok(stored.freeze())
    }
}

/// A stored chunk whose checksum is right.
#[derive(Debug)]
pub(crate) struct Verified<'a> {
    stored: &'a Bytes,
    codec: u8,
    sealed: bool,
}

/// Verifies a stored chunk.
///
/// # Errors
/// [`ChunkError::Truncated`], [`ChunkError::Unknown`], [`ChunkError::Checksum`].
pub(crate) fn verify(stored: &Bytes) -> Result<Verified<'_>, ChunkError> {
    let (header, data) = stored
        .split_at_checked(HEADER_BYTES)
        .ok_or(ChunkError::Truncated)?;
    let (codec, sealed) = match header.get(..HASH_AT) {
        Some(&[VERSION, codec @ (CODEC_NONE | CODEC_ZSTD), SEAL_NONE]) => (codec, false),
        Some(&[VERSION, codec @ (CODEC_NONE | CODEC_ZSTD), SEAL_AES_256_GCM]) => (codec, true),
        _ => return Err(ChunkError::Unknown),
    };
    if header.get(HASH_AT..) != Some(checksum(header, data).as_bytes().as_slice()) {
        return Err(ChunkError::Checksum);
    }
    Ok(Verified {
        stored,
        codec,
        sealed,
    })
}

impl Verified<'_> {
    /// Whether a key is needed.
    pub(crate) const fn is_sealed(&self) -> bool {
        self.sealed
    }

    /// Everything behind the header: of the first sealed chunk, the shares come first.
    pub(crate) fn stored(&self) -> &[u8] {
        self.stored.get(HEADER_BYTES..).unwrap_or_default()
    }

    /// The data of a chunk that is not sealed.
    ///
    /// # Errors
    /// [`ChunkError::Compressed`].
    pub(crate) fn plain(&self) -> Result<Bytes, ChunkError> {
        if self.codec == CODEC_NONE {
            return Ok(self.stored.slice(HEADER_BYTES..));
        }
        decompress(self.stored())
    }

    /// The data of a sealed chunk, whose shares take `skip` bytes.
    ///
    /// # Errors
    /// [`ChunkError::Seal`], [`ChunkError::Compressed`].
    pub(crate) fn opened(
        &self,
        key: &BodyKey,
        message: MessageId,
        chunk: u32,
        skip: usize,
    ) -> Result<Bytes, ChunkError> {
        let mut data = self
            .stored()
            .get(skip..)
            .ok_or(ChunkError::Truncated)?
            .to_vec();
        key.open_chunk(message, chunk, self.codec, &mut data)?;
        if self.codec == CODEC_NONE {
            return Ok(data.into());
        }
        decompress(&data)
    }
}

thread_local! {
    /// What a thread decompresses with: making one takes longer than using it on a small message.
    static DECOMPRESSOR: RefCell<Option<zstd::bulk::Decompressor<'static>>> = const { RefCell::new(None) };
}

/// No chunk has more data than [`BODY_CHUNK_BYTES`], whatever its frame says.
fn decompress(data: &[u8]) -> Result<Bytes, ChunkError> {
    DECOMPRESSOR.with_borrow_mut(|kept| {
        let mut decompressor = match kept.take() {
            Some(decompressor) => decompressor,
            None => zstd::bulk::Decompressor::new().map_err(|_| ChunkError::Compressed)?,
        };
        let opened = decompressor.decompress(data, BODY_CHUNK_BYTES);
        *kept = Some(decompressor);
        opened.map(Bytes::from).map_err(|_| ChunkError::Compressed)
    })
}

fn put_checksum(stored: &mut BytesMut) {
    let hash = {
        let (header, data) = stored.split_at(HEADER_BYTES);
        checksum(header, data)
    };
    if let Some(place) = stored.get_mut(HASH_AT..HEADER_BYTES) {
        place.copy_from_slice(hash.as_bytes());
    }
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
    use crate::model::DomainId;
    use crate::seal::{KeySource, Keyring};
    use proptest::prelude::*;

    fn chunk(data: &[u8]) -> Bytes {
        let mut builder = ChunkBuilder::with_capacity(16);
        builder.extend(data);
        builder.finish()
    }

    fn ring() -> Keyring {
        let ring = Keyring::open(KeySource::InMemory).unwrap();
        ring.add_key(DomainId(1)).unwrap();
        ring.add_key(DomainId(2)).unwrap();
        ring
    }

    const MESSAGE: MessageId = MessageId::from_bytes([7; 12]);

    fn sealed(ring: &Keyring, data: &[u8]) -> Bytes {
        let domains = [DomainId(1), DomainId(2)];
        let (key, shares) = BodyKey::make(ring, MESSAGE, &domains).unwrap().unwrap();
        let mut builder = ChunkBuilder::with_capacity(16);
        builder.extend(data);
        let seal = ChunkSeal {
            message: MESSAGE,
            chunk: 0,
            key: &key,
            shares: &shares,
        };
        builder
            .finish_sealed(&Compressors::default(), &seal)
            .unwrap()
    }

    fn opened(ring: &Keyring, domain: u32, stored: &Bytes) -> Result<Bytes, ChunkError> {
        let verified = verify(stored)?;
        let (key, skip) = BodyKey::open(ring, MESSAGE, DomainId(domain), verified.stored())?;
        verified.opened(&key, MESSAGE, 0, skip)
    }

    #[test]
    fn every_flipped_bit_is_found() {
        let stored = chunk(b"Subject: x\r\n\r\nbody\r\n");
        for at in 0..stored.len() {
            let mut damaged = stored.to_vec();
            damaged[at] ^= 0x10;
            assert!(verify(&damaged.into()).is_err(), "byte {at}");
        }
        assert!(matches!(
            verify(&stored.slice(..34)),
            Err(ChunkError::Truncated)
        ));
    }

    /// D8: each domain of a message opens it by its own key, and nobody else does.
    #[test]
    fn d8_every_domain_of_a_message_opens_its_body_and_no_other() {
        let ring = ring();
        let text = b"hello ".repeat(500);
        let stored = sealed(&ring, &text);
        assert!(stored.len() < text.len(), "compressed before sealing");
        for domain in [1, 2] {
            assert_eq!(opened(&ring, domain, &stored).unwrap(), text);
        }
        ring.add_key(DomainId(3)).unwrap();
        assert!(opened(&ring, 3, &stored).is_err());
        ring.add_key(DomainId(1)).unwrap();
        assert_eq!(opened(&ring, 1, &stored).unwrap(), text, "after a rotation");
        ring.destroy(DomainId(1)).unwrap();
        assert!(opened(&ring, 1, &stored).is_err());
        assert_eq!(opened(&ring, 2, &stored).unwrap(), text);
    }

    proptest! {
        #[test]
        fn data_comes_back_as_it_was(data in proptest::collection::vec(any::<u8>(), 0..2000)) {
            prop_assert_eq!(verify(&chunk(&data)).unwrap().plain().unwrap(), &data);
            let ring = ring();
            prop_assert_eq!(opened(&ring, 2, &sealed(&ring, &data)).unwrap(), &data);
        }
    }
}
