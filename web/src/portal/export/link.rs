//! Links to an export: format, session and end, sealed with HMAC-SHA256.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use storage::model::{SecretDigest, Timestamp};

/// How long a link is good.
pub(in crate::portal) const LIFETIME: Duration = Duration::from_secs(3600);
/// Separates this use of the key from all others.
const PURPOSE: &[u8] = b"mailhold export link 1";
/// Octets of the seal.
const SEAL: usize = 32;
/// Characters of a link, at most.
const TOKEN_MAX: usize = 256;

/// What the file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// One file of mboxrd.
    Mbox,
    /// A zip with one `.eml` per message.
    Zip,
}

impl Format {
    pub(super) const ALL: [Self; 2] = [Self::Zip, Self::Mbox];

    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Mbox => "mbox",
            Self::Zip => "zip",
        }
    }

    pub(super) fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.word() == word)
    }
}

/// Seals and opens links.
#[derive(Clone)]
pub(in crate::portal) struct ExportLinks {
    key: [u8; 32],
}

impl std::fmt::Debug for ExportLinks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ExportLinks")
    }
}

impl ExportLinks {
    /// Derives the key of this purpose from a secret of the node.
    pub(in crate::portal) fn new(secret: &[u8; 32]) -> Self {
        let mut hash = Sha256::new();
        hash.update(PURPOSE);
        hash.update(secret);
        Self {
            key: hash.finalize().into(),
        }
    }

    /// A path that is good from `now` for an hour, in this session.
    pub(super) fn path(
        &self,
        format: Format,
        session: &SecretDigest,
        now: Timestamp,
    ) -> Option<String> {
        let expires = now.saturating_add(LIFETIME);
        let mut token = expires.as_millis().to_be_bytes().to_vec();
        token.extend(format.word().as_bytes());
        let seal = self.mac(&token, session)?.finalize().into_bytes();
        token.extend(seal);
        Some(format!("/export/{}", BASE64_URL_SAFE_NO_PAD.encode(token)))
    }

    /// What a token is for; none when it is not ours, of another session, or too old.
    pub(super) fn open(
        &self,
        token: &str,
        session: &SecretDigest,
        now: Timestamp,
    ) -> Option<Format> {
        if token.len() > TOKEN_MAX {
            return None;
        }
        let token = BASE64_URL_SAFE_NO_PAD.decode(token).ok()?;
        let (sealed, seal) = token.split_at_checked(token.len().checked_sub(SEAL)?)?;
        self.mac(sealed, session)?.verify_slice(seal).ok()?;
        let (expires, word) = sealed.split_first_chunk::<8>()?;
        if now.as_millis() >= u64::from_be_bytes(*expires) {
            return None;
        }
        Format::of_word(std::str::from_utf8(word).ok()?)
    }

    fn mac(&self, sealed: &[u8], session: &SecretDigest) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).ok()?;
        mac.update(session.as_bytes());
        mac.update(sealed);
        Some(mac)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_good_for_an_hour_in_its_session_only() {
        let links = ExportLinks::new(&[7; 32]);
        let (mine, other) = (SecretDigest::of(b"mine"), SecretDigest::of(b"other"));
        let at = Timestamp::from_secs;
        for format in Format::ALL {
            let path = links.path(format, &mine, at(1_000)).unwrap();
            let token = path.strip_prefix("/export/").unwrap();
            assert_eq!(links.open(token, &mine, at(4_599)), Some(format));
            assert_eq!(links.open(token, &mine, at(4_600)), None);
            assert_eq!(links.open(token, &other, at(1_001)), None);
            assert_eq!(
                ExportLinks::new(&[8; 32]).open(token, &mine, at(1_001)),
                None
            );
            let mut changed = token.to_owned();
            changed.replace_range(0..1, if token.starts_with('B') { "C" } else { "B" });
            assert_eq!(links.open(&changed, &mine, at(1_001)), None);
        }
        assert_eq!(links.open("", &mine, at(0)), None);
    }
}
