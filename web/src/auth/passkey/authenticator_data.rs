//! What a device says about a ceremony: authenticator data (WebAuthn §6.1).

use sha2::{Digest as _, Sha256};

use super::ceremony::PasskeyFault;
use super::relying_party::RelyingParty;

const USER_PRESENT: u8 = 0x01;
const USER_VERIFIED: u8 = 0x04;
const BACKUP_ELIGIBLE: u8 = 0x08;
const BACKED_UP: u8 = 0x10;
const HAS_KEY: u8 = 0x40;
const HAS_EXTENSIONS: u8 = 0x80;

/// Bytes of it, at most: an id of 1,023 bytes and an RSA key of 8,192 bits leave room.
const BYTES_MAX: usize = 8 * 1024;
/// Bytes of a device's model, which nobody here looks at.
const MODEL_BYTES: usize = 16;
/// Bytes of a credential's id, at most (§4).
const ID_BYTES_MAX: usize = 1023;

/// Authenticator data whose fixed part is sound.
#[derive(Debug)]
pub(super) struct AuthenticatorData<'a> {
    /// How often the key has signed; 0 when the device does not count.
    pub(super) sign_count: u32,
    flags: u8,
    rest: &'a [u8],
}

/// What a device says about a key that it has just made.
#[derive(Debug)]
pub(super) struct AttestedKey<'a> {
    /// The credential's id.
    pub(super) id: &'a [u8],
    /// The key in COSE form, and what stands behind it.
    pub(super) key: &'a [u8],
    /// Whether extensions stand behind the key.
    pub(super) has_extensions: bool,
}

impl<'a> AuthenticatorData<'a> {
    /// Reads it, when it is for our site and a person was there and was verified.
    ///
    /// # Errors
    /// [`PasskeyFault`].
    pub(super) fn read(bytes: &'a [u8], party: &RelyingParty) -> Result<Self, PasskeyFault> {
        if bytes.len() > BYTES_MAX {
            return Err(PasskeyFault::Malformed);
        }
        let (site, rest) = bytes
            .split_first_chunk::<32>()
            .ok_or(PasskeyFault::Malformed)?;
        let (&flags, rest) = rest.split_first().ok_or(PasskeyFault::Malformed)?;
        let (count, rest) = rest
            .split_first_chunk::<4>()
            .ok_or(PasskeyFault::Malformed)?;
        let ours: [u8; 32] = Sha256::digest(party.id.as_bytes()).into();
        if *site != ours {
            return Err(PasskeyFault::Site);
        }
        if flags & USER_PRESENT == 0 {
            return Err(PasskeyFault::NotPresent);
        }
        if flags & USER_VERIFIED == 0 {
            return Err(PasskeyFault::NotVerified);
        }
        if flags & BACKED_UP != 0 && flags & BACKUP_ELIGIBLE == 0 {
            return Err(PasskeyFault::Malformed);
        }
        Ok(Self {
            sign_count: u32::from_be_bytes(*count),
            flags,
            rest,
        })
    }

    /// That of a signature: no key, and nothing behind it but extensions that say so.
    ///
    /// # Errors
    /// [`PasskeyFault::Malformed`].
    pub(super) fn without_key(self) -> Result<Self, PasskeyFault> {
        let has_extensions = self.flags & HAS_EXTENSIONS != 0;
        if self.flags & HAS_KEY != 0 || has_extensions == self.rest.is_empty() {
            return Err(PasskeyFault::Malformed);
        }
        Ok(self)
    }

    /// The key that was made.
    ///
    /// # Errors
    /// [`PasskeyFault`].
    pub(super) fn key(&self) -> Result<AttestedKey<'a>, PasskeyFault> {
        if self.flags & HAS_KEY == 0 {
            return Err(PasskeyFault::NoKey);
        }
        let rest = self.rest.get(MODEL_BYTES..);
        let split = rest.and_then(|rest| rest.split_first_chunk::<2>());
        let (length, rest) = split.ok_or(PasskeyFault::Malformed)?;
        let length = usize::from(u16::from_be_bytes(*length));
        if length == 0 || length > ID_BYTES_MAX {
            return Err(PasskeyFault::Malformed);
        }
        let (id, key) = rest
            .split_at_checked(length)
            .ok_or(PasskeyFault::Malformed)?;
        Ok(AttestedKey {
            id,
            key,
            has_extensions: self.flags & HAS_EXTENSIONS != 0,
        })
    }
}
