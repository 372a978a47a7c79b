//! What a device signs: a challenge that only we can have made, for one browser and one purpose.
//!
//! Invariants: nothing is kept for a challenge that nobody answers, so nobody can fill memory by
//! asking for them; a challenge lives five minutes and opens once; those that were used are
//! remembered as long as they would live, and when there is no room to remember, none opens.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use storage::model::Timestamp;
use subtle::ConstantTimeEq as _;

use crate::auth::secret::{NoRandomness, random};

/// How long a challenge can be answered.
const LIFE: Duration = Duration::from_secs(300);
/// Used challenges that are remembered.
const USED_MAX: usize = 100_000;

/// What a challenge is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Signing in.
    SignIn,
    /// Adding a passkey.
    Register,
}

impl Purpose {
    const fn word(self) -> &'static [u8] {
        match self {
            Self::SignIn => b"mailhold passkey sign-in 1",
            Self::Register => b"mailhold passkey register 1",
        }
    }
}

/// Makes challenges and knows them again.
pub(in crate::auth) struct Challenges {
    key: Result<[u8; 32], NoRandomness>,
    used: Mutex<HashMap<[u8; 16], Timestamp>>,
}

impl fmt::Debug for Challenges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Challenges")
    }
}

impl Default for Challenges {
    /// With a key that nobody else has; challenges from before a restart are worthless.
    fn default() -> Self {
        Self {
            key: random(),
            used: Mutex::default(),
        }
    }
}

impl Challenges {
    /// A challenge for whoever holds what `bound_to` says: a session, or a cookie before sign-in.
    ///
    /// # Errors
    /// [`NoRandomness`].
    pub(super) fn issue(
        &self,
        purpose: Purpose,
        bound_to: &[u8],
        now: Timestamp,
    ) -> Result<String, NoRandomness> {
        let key = self.key.as_ref().map_err(Clone::clone)?;
        let nonce: [u8; 16] = random()?;
        let at = now.as_millis().to_be_bytes();
        let tag = tag(key, purpose, bound_to, &nonce, at);
        let bytes = [nonce.as_slice(), &at, &tag].concat();
        Ok(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// Whether a challenge is ours, for this purpose and holder, and still alive; answers what it is
    /// remembered by.
    pub(super) fn check(
        &self,
        text: &str,
        purpose: Purpose,
        bound_to: &[u8],
        now: Timestamp,
    ) -> Option<[u8; 16]> {
        let key = self.key.as_ref().ok()?;
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (nonce, rest) = bytes.split_first_chunk::<16>()?;
        let (at, presented) = rest.split_first_chunk::<8>()?;
        let expected = tag(key, purpose, bound_to, nonce, *at);
        let ours = bool::from(presented.ct_eq(&expected));
        let issued = Timestamp::from_millis(u64::from_be_bytes(*at));
        (ours && now.saturating_since(issued) < LIFE).then_some(*nonce)
    }

    /// Uses a challenge up; false when it was used before.
    pub(super) fn spend(&self, nonce: [u8; 16], now: Timestamp) -> bool {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        if used.len() >= USED_MAX {
            used.retain(|_, at| now.saturating_since(*at) < LIFE);
        }
        used.len() < USED_MAX && used.insert(nonce, now).is_none()
    }
}

fn tag(
    key: &[u8; 32],
    purpose: Purpose,
    bound_to: &[u8],
    nonce: &[u8; 16],
    at: [u8; 8],
) -> [u8; 32] {
    // HMAC takes keys of any length, so there is always one.
    Hmac::<Sha256>::new_from_slice(key)
        .map(|mac| {
            // The parts before the last have fixed lengths, so no two inputs read the same.
            mac.chain_update(nonce)
                .chain_update(at)
                .chain_update([purpose as u8])
                .chain_update(purpose.word())
                .chain_update(bound_to)
                .finalize()
                .into_bytes()
                .into()
        })
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

    #[test]
    fn a7_a_challenge_is_for_one_holder_one_purpose_and_five_minutes() {
        let challenges = Challenges::default();
        let text = challenges.issue(Purpose::SignIn, b"cookie", NOW).unwrap();
        let check = |text: &str, purpose, bound: &[u8], seconds| {
            let now = NOW.saturating_add(Duration::from_secs(seconds));
            challenges.check(text, purpose, bound, now).is_some()
        };
        assert!(check(&text, Purpose::SignIn, b"cookie", 299));
        assert!(!check(&text, Purpose::SignIn, b"cookie", 300));
        assert!(!check(&text, Purpose::SignIn, b"another", 0));
        assert!(!check(&text, Purpose::Register, b"cookie", 0));
        let mut bytes = URL_SAFE_NO_PAD.decode(&text).unwrap();
        bytes[20] ^= 1;
        let later = URL_SAFE_NO_PAD.encode(bytes);
        assert!(!check(&later, Purpose::SignIn, b"cookie", 0));
        for other in ["", "A", "\u{e4}", &text[..40]] {
            assert!(!check(other, Purpose::SignIn, b"cookie", 0), "{other}");
        }
        let elsewhere = Challenges::default();
        assert_eq!(
            elsewhere.check(&text, Purpose::SignIn, b"cookie", NOW),
            None
        );
    }

    #[test]
    fn a7_a_challenge_opens_once_and_none_when_there_is_no_room() {
        let challenges = Challenges::default();
        assert!(challenges.spend([1; 16], NOW));
        assert!(!challenges.spend([1; 16], NOW));
        for number in 0..USED_MAX as u128 {
            challenges.spend((number + 1000).to_be_bytes(), NOW);
        }
        assert!(!challenges.spend([2; 16], NOW), "full");
        let later = NOW.saturating_add(LIFE);
        assert!(challenges.spend([2; 16], later), "and free again");
    }
}
