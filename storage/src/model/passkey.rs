//! A passkey (WebAuthn): what is kept of a key pair whose private half never leaves its device.

use serde::{Deserialize, Serialize};

use super::id::DomainId;
use super::time::Timestamp;

/// Passkeys of one account, at most.
pub const PASSKEYS_MAX: usize = 10;

/// The public half of a passkey, in the form in which signatures are checked with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum PasskeyKey {
    /// ECDSA on P-256 with SHA-256 (COSE -7): the point, uncompressed, 65 bytes.
    Es256(Vec<u8>),
    /// Ed25519 (COSE -8): 32 bytes.
    EdDsa(Vec<u8>),
    /// RSASSA-PKCS1-v1_5 with SHA-256 (COSE -257).
    Rs256 {
        /// The modulus, big-endian, without leading zeros.
        modulus: Vec<u8>,
        /// The exponent, likewise.
        exponent: Vec<u8>,
    },
}

/// A passkey of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passkey {
    /// The id that its device gave it, 1–1023 bytes.
    pub id: Vec<u8>,
    /// The name that its owner gave it, 1–60 characters.
    pub name: String,
    /// With what its signatures are checked.
    pub key: PasskeyKey,
    /// How often it had signed when it was last used; always 0 with devices that do not count.
    pub sign_count: u32,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it last opened the mailbox.
    pub used_at: Option<Timestamp>,
}

/// By what a device tells us whose passkey it holds: nothing in it says who that is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct UserHandle {
    /// The domain of the mailbox.
    pub domain: DomainId,
    /// 128 random bits.
    pub random: [u8; 16],
}

impl UserHandle {
    /// Bytes of a handle.
    const BYTES: usize = 20;

    /// The bytes that a device keeps.
    #[must_use]
    pub fn to_bytes(self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        let (domain, random) = bytes.split_at_mut(4);
        domain.copy_from_slice(&self.domain.0.to_be_bytes());
        random.copy_from_slice(&self.random);
        bytes
    }

    /// The handle that a device sent; none when it is none of ours.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (domain, random) = bytes.split_first_chunk()?;
        Some(Self {
            domain: DomainId(u32::from_be_bytes(*domain)),
            random: random.try_into().ok()?,
        })
    }
}

/// The passkeys of an account.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Passkeys {
    /// The account's handle, made with the first passkey and kept from then on.
    pub handle: Option<UserHandle>,
    /// Oldest first, at most [`PASSKEYS_MAX`].
    pub all: Vec<Passkey>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handle_comes_back_and_nothing_else_is_one() {
        let handle = UserHandle {
            domain: DomainId(7),
            random: [9; 16],
        };
        assert_eq!(UserHandle::from_bytes(&handle.to_bytes()), Some(handle));
        assert_eq!(UserHandle::from_bytes(&[1; 19]), None);
        assert_eq!(UserHandle::from_bytes(&[1; 21]), None);
        assert_eq!(UserHandle::from_bytes(&[]), None);
    }
}
