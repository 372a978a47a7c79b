//! The key of one message's body, wrapped for every domain that the message is for.
//!
//! ```text
//! in front of the first chunk's data:
//! count u16 | count × (domain u32 | key u32 | nonce 12 | wrapped key 32 + tag 16)
//! ```

use bytes::{Buf, BufMut, BytesMut};
use ring::aead::{Aad, LessSafeKey, Nonce};

use super::domain_keys::aead;
use super::{KEY_BYTES, Keyring, NONCE_BYTES, SealError, Sealer, TAG_BYTES, random};
use crate::model::{DomainId, MessageId};

/// Bytes of one domain's share.
const SHARE_BYTES: usize = 8 + NONCE_BYTES + KEY_BYTES + TAG_BYTES;

/// A body's key.
pub(crate) struct BodyKey {
    key: LessSafeKey,
}

impl std::fmt::Debug for BodyKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("BodyKey")
    }
}

impl BodyKey {
    /// A new key and its shares; none when sealing is off.
    ///
    /// # Errors
    /// [`SealError::NoKey`] for a domain without one, [`SealError::Random`].
    pub(crate) fn make(
        ring: &Keyring,
        message: MessageId,
        domains: &[DomainId],
    ) -> Result<Option<(Self, BytesMut)>, SealError> {
        if !ring.is_on() || domains.is_empty() {
            return Ok(None);
        }
        let secret: [u8; KEY_BYTES] = random(ring.random())?;
        let mut shares = BytesMut::with_capacity(2 + domains.len() * SHARE_BYTES);
        shares.put_u16(u16::try_from(domains.len()).map_err(|_| SealError::Damaged)?);
        for domain in domains {
            let Sealer::On(keys) = ring.sealer(*domain)? else {
                return Ok(None);
            };
            let nonce: [u8; NONCE_BYTES] = random(ring.random())?;
            let mut wrapped = secret;
            let place = place(*domain, message);
            let tag = keys
                .current_key()?
                .wrapping()
                .seal_in_place_separate_tag(
                    Nonce::assume_unique_for_key(nonce),
                    Aad::from(place),
                    &mut wrapped,
                )
                .map_err(|_| SealError::Damaged)?;
            shares.put_u32(domain.0);
            shares.put_u32(keys.current);
            shares.put_slice(&nonce);
            shares.put_slice(&wrapped);
            shares.put_slice(tag.as_ref());
        }
        Ok(Some((
            Self {
                key: aead(&secret)?,
            },
            shares,
        )))
    }

    /// The key from the shares in front of the first chunk, opened in the name of a domain, and how
    /// many bytes they take.
    ///
    /// # Errors
    /// [`SealError`]; [`SealError::Damaged`] also when the message is not for this domain.
    pub(crate) fn open(
        ring: &Keyring,
        message: MessageId,
        domain: DomainId,
        stored: &[u8],
    ) -> Result<(Self, usize), SealError> {
        let mut rest = stored;
        let count = usize::from(rest.try_get_u16().map_err(|_| SealError::Damaged)?);
        let bytes = 2 + count * SHARE_BYTES;
        let shares = stored.get(2..bytes).ok_or(SealError::Damaged)?;
        for mut share in shares.chunks_exact(SHARE_BYTES) {
            if share.get_u32() != domain.0 {
                continue;
            }
            let Sealer::On(keys) = ring.sealer(domain)? else {
                return Err(SealError::NoKey(domain));
            };
            let key = keys.key(share.get_u32())?;
            let (nonce, wrapped) = share.split_first_chunk().ok_or(SealError::Damaged)?;
            let mut wrapped = wrapped.to_vec();
            let secret = key
                .wrapping()
                .open_in_place(
                    Nonce::assume_unique_for_key(*nonce),
                    Aad::from(place(domain, message)),
                    &mut wrapped,
                )
                .map_err(|_| SealError::Damaged)?;
            let secret = secret.first_chunk().ok_or(SealError::Damaged)?;
            return Ok((Self { key: aead(secret)? }, bytes));
        }
        Err(SealError::Damaged)
    }

    /// Seals the data of a chunk in place, and answers the tag that goes behind it.
    ///
    /// # Errors
    /// [`SealError::Damaged`] when there is too much of it, which a chunk never is.
    pub(crate) fn seal(
        &self,
        message: MessageId,
        chunk: u32,
        codec: u8,
        data: &mut [u8],
    ) -> Result<[u8; TAG_BYTES], SealError> {
        let tag = self
            .key
            .seal_in_place_separate_tag(nonce(chunk), Aad::from(aad(message, codec)), data)
            .map_err(|_| SealError::Damaged)?;
        tag.as_ref().try_into().map_err(|_| SealError::Damaged)
    }

    /// Opens the data of a chunk in place.
    ///
    /// # Errors
    /// [`SealError::Damaged`].
    pub(crate) fn open_chunk(
        &self,
        message: MessageId,
        chunk: u32,
        codec: u8,
        data: &mut Vec<u8>,
    ) -> Result<(), SealError> {
        let opened = self
            .key
            .open_in_place(
                nonce(chunk),
                Aad::from(aad(message, codec)),
                data.as_mut_slice(),
            )
            .map_err(|_| SealError::Damaged)?
            .len();
        data.truncate(opened);
        Ok(())
    }
}

/// The number of a chunk is its nonce: a key seals each once.
fn nonce(chunk: u32) -> Nonce {
    let mut bytes = [0; NONCE_BYTES];
    for (byte, from) in bytes.iter_mut().skip(8).zip(chunk.to_be_bytes()) {
        *byte = from;
    }
    Nonce::assume_unique_for_key(bytes)
}

fn aad(message: MessageId, codec: u8) -> [u8; 13] {
    let mut bytes = [codec; 13];
    for (byte, from) in bytes.iter_mut().zip(message.as_bytes()) {
        *byte = *from;
    }
    bytes
}

fn place(domain: DomainId, message: MessageId) -> [u8; 16] {
    let mut bytes = [0; 16];
    let parts = domain
        .0
        .to_be_bytes()
        .into_iter()
        .chain(*message.as_bytes());
    for (byte, from) in bytes.iter_mut().zip(parts) {
        *byte = from;
    }
    bytes
}
