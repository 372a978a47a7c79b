//! The node's own key for rows that belong to no domain's mail: second factors, and passwords for
//! destinations.
//!
//! It is derived from the master key, so that a copy of the store opens none of them. Destroying a
//! domain's key leaves them alone: people go on signing in.

use ring::aead::{Aad, LessSafeKey, Nonce};

use super::domain_keys::aead;
use super::{KEY_BYTES, KeyError, Keyring, NONCE_BYTES, SealError, random};

/// First byte: stored as it is, where nothing is sealed.
const OPEN: u8 = 0;
/// First byte: AES-256-GCM, a random nonce before the data.
const SEALED: u8 = 1;

/// The key that the master key leads to.
pub(super) fn derive(master: &[u8; KEY_BYTES]) -> Result<LessSafeKey, KeyError> {
    let secret = blake3::derive_key("mailhold 2026 master key: second factors", master);
    aead(&secret).map_err(|_| KeyError::Random)
}

impl Keyring {
    /// Data sealed for the place that `place` names.
    ///
    /// # Errors
    /// [`SealError::Random`].
    pub(crate) fn seal_for_node(&self, place: &[u8], data: &[u8]) -> Result<Vec<u8>, SealError> {
        let Some(key) = self.node_key() else {
            return Ok([&[OPEN], data].concat());
        };
        let nonce: [u8; NONCE_BYTES] = random(self.random())?;
        let mut content = data.to_vec();
        key.seal_in_place_append_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(place),
            &mut content,
        )
        .map_err(|_| SealError::Damaged)?;
        Ok([&[SEALED], nonce.as_slice(), &content].concat())
    }

    /// What was sealed for this place.
    ///
    /// # Errors
    /// [`SealError::Damaged`] also when another master key sealed it.
    pub(crate) fn open_for_node(&self, place: &[u8], sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        match (
            sealed.split_first().ok_or(SealError::Damaged)?,
            self.node_key(),
        ) {
            ((&OPEN, data), _) => Ok(data.to_vec()),
            ((&SEALED, rest), Some(key)) => {
                let (nonce, content) = rest.split_first_chunk().ok_or(SealError::Damaged)?;
                let mut content = content.to_vec();
                let nonce = Nonce::assume_unique_for_key(*nonce);
                let opened = key
                    .open_in_place(nonce, Aad::from(place), &mut content)
                    .map_err(|_| SealError::Damaged)?;
                Ok(opened.to_vec())
            }
            _ => Err(SealError::Damaged),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seal::KeySource;

    fn ring(folder: &std::path::Path) -> Keyring {
        let source = KeySource::Files {
            master: folder.join("master.key"),
            folder: folder.join("keys"),
        };
        Keyring::open(source).unwrap()
    }

    #[test]
    fn a6_a_secret_opens_with_its_node_and_in_its_place_only() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let sealed = ring(one.path()).seal_for_node(b"alice", b"secret").unwrap();
        assert!(!sealed.windows(6).any(|window| window == b"secret"));
        // Another process of the same node.
        let again = ring(one.path());
        assert_eq!(again.open_for_node(b"alice", &sealed).unwrap(), b"secret");
        assert!(again.open_for_node(b"bob", &sealed).is_err());
        assert!(again.open_for_node(b"alice", &[]).is_err());
        assert!(ring(two.path()).open_for_node(b"alice", &sealed).is_err());
    }
}
