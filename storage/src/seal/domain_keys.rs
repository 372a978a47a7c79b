//! The keys of one domain, ready for use.

use std::collections::HashMap;
use std::sync::Arc;

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::rand::SystemRandom;

use super::{KEY_BYTES, NONCE_BYTES, SealError, random};
use crate::model::DomainId;

/// Not sealed.
const OPEN: u8 = 0;
/// AES-256-GCM: key u32, nonce, data, tag.
const AES_256_GCM_SEAL: u8 = 1;
/// Bytes in front of sealed data.
const HEADER_BYTES: usize = 5 + NONCE_BYTES;

/// One key of a domain and what is derived from it.
pub(super) struct DomainKey {
    rows: LessSafeKey,
    wrap: LessSafeKey,
    blind: [u8; KEY_BYTES],
}

/// All keys of a domain.
pub(crate) struct DomainKeys {
    pub(super) domain: DomainId,
    pub(super) current: u32,
    pub(super) keys: HashMap<u32, DomainKey>,
    /// What they are made from, oldest first.
    pub(super) secrets: super::key_file::Secrets,
    pub(super) random: SystemRandom,
}

/// Seals and opens rows of one domain; a cheap clone.
#[derive(Clone)]
pub(crate) enum Sealer {
    /// Sealing is off in this store.
    Off,
    /// The domain's keys.
    On(Arc<DomainKeys>),
}

/// A key for AES-256-GCM; ring refuses none of this length.
pub(super) fn aead(key: &[u8; KEY_BYTES]) -> Result<LessSafeKey, SealError> {
    let key = UnboundKey::new(&AES_256_GCM, key).map_err(|_| SealError::Damaged)?;
    Ok(LessSafeKey::new(key))
}

impl DomainKey {
    /// Derives the keys of each purpose.
    pub(super) fn new(secret: &[u8; KEY_BYTES]) -> Result<Self, SealError> {
        let derive = |purpose| blake3::derive_key(purpose, secret);
        Ok(Self {
            rows: aead(&derive("mailhold 2026 domain key: rows"))?,
            wrap: aead(&derive("mailhold 2026 domain key: body keys"))?,
            blind: derive("mailhold 2026 domain key: conversation names"),
        })
    }

    pub(super) const fn wrapping(&self) -> &LessSafeKey {
        &self.wrap
    }
}

impl DomainKeys {
    pub(super) fn key(&self, key: u32) -> Result<&DomainKey, SealError> {
        self.keys.get(&key).ok_or(SealError::KeyGone {
            domain: self.domain,
            key,
        })
    }

    pub(super) fn current_key(&self) -> Result<&DomainKey, SealError> {
        self.key(self.current)
    }
}

impl Sealer {
    /// Data sealed for the place that `place` names.
    ///
    /// # Errors
    /// [`SealError::Random`].
    pub(crate) fn seal(&self, place: &[u8], data: &[u8]) -> Result<Vec<u8>, SealError> {
        let Self::On(keys) = self else {
            return Ok([&[OPEN], data].concat());
        };
        let nonce: [u8; NONCE_BYTES] = random(&keys.random)?;
        let mut sealed = Vec::with_capacity(HEADER_BYTES + data.len() + super::TAG_BYTES);
        sealed.push(AES_256_GCM_SEAL);
        sealed.extend_from_slice(&keys.current.to_be_bytes());
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(data);
        let (_, content) = sealed
            .split_at_mut_checked(HEADER_BYTES)
            .ok_or(SealError::Damaged)?;
        let tag = keys
            .current_key()?
            .rows
            .seal_in_place_separate_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(place),
                content,
            )
            .map_err(|_| SealError::Damaged)?;
        sealed.extend_from_slice(tag.as_ref());
        Ok(sealed)
    }

    /// What was sealed for this place, appended to `out`, which is cleared first.
    ///
    /// # Errors
    /// [`SealError::KeyGone`], [`SealError::Damaged`].
    pub(crate) fn open_into(
        &self,
        place: &[u8],
        sealed: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), SealError> {
        out.clear();
        let (kind, rest) = sealed.split_first().ok_or(SealError::Damaged)?;
        match (*kind, self) {
            (OPEN, _) => {
                out.extend_from_slice(rest);
                Ok(())
            }
            (AES_256_GCM_SEAL, Self::On(keys)) => {
                let (key, rest) = rest.split_first_chunk().ok_or(SealError::Damaged)?;
                let (nonce, rest) = rest.split_first_chunk().ok_or(SealError::Damaged)?;
                out.extend_from_slice(rest);
                let opened = keys
                    .key(u32::from_be_bytes(*key))?
                    .rows
                    .open_in_place(
                        Nonce::assume_unique_for_key(*nonce),
                        Aad::from(place),
                        out.as_mut_slice(),
                    )
                    .map_err(|_| SealError::Damaged)?
                    .len();
                out.truncate(opened);
                Ok(())
            }
            _ => Err(SealError::Damaged),
        }
    }

    /// What was sealed for this place.
    ///
    /// # Errors
    /// As [`Self::open_into`].
    pub(crate) fn open(&self, place: &[u8], sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        let mut out = Vec::with_capacity(sealed.len());
        self.open_into(place, sealed, &mut out)?;
        Ok(out)
    }

    /// The name of a conversation as it stands in keys: without the domain's key nobody can tell
    /// whether a guessed Message-ID is among them.
    pub(crate) fn blind(&self, name: u64) -> u64 {
        let Self::On(keys) = self else {
            return name;
        };
        // The first key there ever was: names have to stay comparable when keys change.
        let oldest = keys.keys.iter().min_by_key(|(id, _)| **id);
        let Some((_, key)) = oldest else {
            return name;
        };
        let hash = blake3::keyed_hash(&key.blind, &name.to_be_bytes());
        hash.as_bytes()
            .first_chunk()
            .map_or(name, |bytes| u64::from_be_bytes(*bytes))
    }
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Off => "Sealer::Off",
            Self::On(_) => "Sealer::On",
        })
    }
}
