//! Addresses of images that need no cookie: what they stand for, sealed with HMAC-SHA256 (H13).
//!
//! A frame with an opaque origin sends no cookies, so the address itself is the permission: for one
//! image of one message, in one session, for a quarter of an hour. Who answers a request still asks
//! whether the session lives.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use storage::model::Timestamp;

use super::limits::{CAPABILITY_LIFETIME, REMOTE_URL_MAX};

/// Separates this use of the key from all others.
const PURPOSE: &[u8] = b"mailhold image capability 1";
/// Octets of the seal.
const SEAL: usize = 32;
/// Octets of an address, at most.
const TOKEN_MAX: usize = 8 * 1024;

/// Which image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Image {
    /// A part of the message, by its place.
    Part(String),
    /// An image elsewhere, by its address.
    Remote(String),
}

/// What an address stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// SHA-256 of the session's id: when the session is gone, so is the permission.
    pub session: [u8; 32],
    /// The message, in the words of whoever made the address.
    pub message: Vec<u8>,
    /// The image.
    pub image: Image,
}

/// Seals and opens addresses; one key for the whole site.
#[derive(Clone)]
pub struct Capabilities {
    key: [u8; 32],
}

impl std::fmt::Debug for Capabilities {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Capabilities")
    }
}

impl Capabilities {
    /// Derives the key of this purpose from a secret of the node.
    #[must_use]
    pub fn new(secret: &[u8; 32]) -> Self {
        let mut hash = Sha256::new();
        hash.update(PURPOSE);
        hash.update(secret);
        Self {
            key: hash.finalize().into(),
        }
    }

    /// The path of an image, good from `now` for a quarter of an hour. None when the claim is too long.
    #[must_use]
    pub fn path(&self, claim: &Claim, now: Timestamp) -> Option<String> {
        let expires = now.saturating_add(CAPABILITY_LIFETIME);
        let mut token = expires.as_millis().to_be_bytes().to_vec();
        token.extend(claim.session);
        let (kind, image) = match &claim.image {
            Image::Part(place) => (0, place),
            Image::Remote(url) if url.len() <= REMOTE_URL_MAX => (1, url),
            Image::Remote(_) => return None,
        };
        token.push(kind);
        token.extend(u16::try_from(claim.message.len()).ok()?.to_be_bytes());
        token.extend(&claim.message);
        token.extend(image.as_bytes());
        let seal = self.seal(&token)?;
        token.extend(seal);
        Some(format!("/c/{}", BASE64_URL_SAFE_NO_PAD.encode(token)))
    }

    /// What the token of an address stands for; none when it is not ours, was changed or is too old.
    #[must_use]
    pub fn open(&self, token: &str, now: Timestamp) -> Option<Claim> {
        if token.len() > TOKEN_MAX {
            return None;
        }
        let token = BASE64_URL_SAFE_NO_PAD.decode(token).ok()?;
        let (sealed, seal) = token.split_at_checked(token.len().checked_sub(SEAL)?)?;
        self.mac(sealed)?.verify_slice(seal).ok()?;
        let (expires, rest) = sealed.split_first_chunk::<8>()?;
        let (session, rest) = rest.split_first_chunk::<32>()?;
        let (kind, rest) = rest.split_first()?;
        let (length, rest) = rest.split_first_chunk::<2>()?;
        let (message, image) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        if now.as_millis() >= u64::from_be_bytes(*expires) {
            return None;
        }
        let image = std::str::from_utf8(image).ok()?.to_owned();
        Some(Claim {
            session: *session,
            message: message.to_vec(),
            image: match kind {
                0 => Image::Part(image),
                1 => Image::Remote(image),
                _ => return None,
            },
        })
    }

    fn mac(&self, sealed: &[u8]) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).ok()?;
        mac.update(sealed);
        Some(mac)
    }

    fn seal(&self, sealed: &[u8]) -> Option<[u8; SEAL]> {
        Some(self.mac(sealed)?.finalize().into_bytes().into())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

    fn claim(image: Image) -> Claim {
        Claim {
            session: [7; 32],
            message: b"inbox/42".to_vec(),
            image,
        }
    }

    fn token(path: &str) -> &str {
        path.strip_prefix("/c/").unwrap()
    }

    #[test]
    fn h13_an_address_opens_for_a_quarter_of_an_hour() {
        let site = Capabilities::new(&[1; 32]);
        for image in [
            Image::Part("3.1".to_owned()),
            Image::Remote("https://a.example/x".to_owned()),
        ] {
            let claim = claim(image);
            let path = site.path(&claim, NOW).unwrap();
            assert_eq!(site.open(token(&path), NOW).as_ref(), Some(&claim));
            let last = NOW.saturating_add(CAPABILITY_LIFETIME - Duration::from_millis(1));
            assert!(site.open(token(&path), last).is_some());
            assert_eq!(
                site.open(token(&path), NOW.saturating_add(CAPABILITY_LIFETIME)),
                None
            );
        }
        let long = claim(Image::Remote("x".repeat(REMOTE_URL_MAX + 1)));
        assert_eq!(site.path(&long, NOW), None);
    }

    #[test]
    fn h13_a_changed_or_foreign_address_opens_nothing() {
        let site = Capabilities::new(&[1; 32]);
        let path = site.path(&claim(Image::Part("3".to_owned())), NOW).unwrap();
        let good = BASE64_URL_SAFE_NO_PAD.decode(token(&path)).unwrap();
        for at in 0..good.len() {
            let mut changed = good.clone();
            changed[at] ^= 1;
            assert_eq!(
                site.open(&BASE64_URL_SAFE_NO_PAD.encode(changed), NOW),
                None,
                "{at}"
            );
        }
        for length in 0..good.len() {
            assert_eq!(
                site.open(&BASE64_URL_SAFE_NO_PAD.encode(&good[..length]), NOW),
                None
            );
        }
        assert_eq!(Capabilities::new(&[2; 32]).open(token(&path), NOW), None);
        assert_eq!(site.open("", NOW), None);
        assert_eq!(site.open(&"A".repeat(TOKEN_MAX + 1), NOW), None);
    }
}
