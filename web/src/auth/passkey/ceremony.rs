//! The judgement on both ceremonies (WebAuthn §7.1, §7.2): pure, one reason for each refusal.

use ring::signature::{
    ECDSA_P256_SHA256_ASN1, ED25519, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents,
    UnparsedPublicKey,
};
use sha2::{Digest as _, Sha256};
use storage::model::{PASSKEYS_MAX, Passkey, PasskeyKey, Passkeys};

use super::authenticator_data::AuthenticatorData;
use super::client_data::challenge_of;
use super::cose_key;
use super::relying_party::RelyingParty;

/// Why a passkey was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasskeyFault {
    /// It cannot be read.
    #[error("malformed")]
    Malformed,
    /// The browser did something else than was asked for.
    #[error("another ceremony")]
    Ceremony,
    /// It was made on another site, or in a frame of one.
    #[error("another origin")]
    Origin,
    /// The device was asked for another site.
    #[error("another site")]
    Site,
    /// The challenge is not ours, too old or was used.
    #[error("challenge")]
    Challenge,
    /// Nobody touched the device.
    #[error("nobody was present")]
    NotPresent,
    /// The device did not ask who it is.
    #[error("nobody was verified")]
    NotVerified,
    /// There is no key where one was to be made.
    #[error("no key")]
    NoKey,
    /// The key is for an algorithm that was not asked for.
    #[error("another algorithm")]
    Algorithm,
    /// The key is none of its algorithm.
    #[error("not a key of its algorithm")]
    Key,
    /// This passkey is there already.
    #[error("known already")]
    Known,
    /// The account has as many as there may be.
    #[error("too many")]
    Full,
    /// Nobody here has this passkey.
    #[error("unknown")]
    Unknown,
    /// The signature is not that of the key.
    #[error("signature")]
    Signature,
    /// The device has signed less often than it had before: there are two of it.
    #[error("counter went back")]
    Counter,
}

/// A key that a browser says was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    /// `clientDataJSON`.
    pub client_data: Vec<u8>,
    /// Authenticator data with the key in it.
    pub authenticator_data: Vec<u8>,
}

/// A signature that a browser says was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assertion {
    /// The credential's id.
    pub id: Vec<u8>,
    /// Whose it is, as the device remembers.
    pub user_handle: Vec<u8>,
    /// `clientDataJSON`.
    pub client_data: Vec<u8>,
    /// Authenticator data.
    pub authenticator_data: Vec<u8>,
    /// The signature over both.
    pub signature: Vec<u8>,
}

/// A sound registration.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NewKey {
    pub(super) challenge: String,
    pub(super) id: Vec<u8>,
    pub(super) key: PasskeyKey,
    pub(super) sign_count: u32,
}

/// A sound assertion.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Signed {
    pub(super) challenge: String,
    pub(super) sign_count: u32,
}

impl Registration {
    /// The key, when it was made for our site by a person who was verified, and the account may
    /// have it. Whether the challenge is ours is the caller's to judge.
    ///
    /// # Errors
    /// [`PasskeyFault`].
    pub(super) fn judge(
        &self,
        party: &RelyingParty,
        present: &Passkeys,
    ) -> Result<NewKey, PasskeyFault> {
        let challenge = challenge_of(&self.client_data, "webauthn.create", party)?;
        let data = AuthenticatorData::read(&self.authenticator_data, party)?;
        let attested = data.key()?;
        let (key, rest) = cose_key::read(attested.key)?;
        if attested.has_extensions == rest.is_empty() {
            return Err(PasskeyFault::Malformed);
        }
        if present.all.iter().any(|it| it.id == attested.id) {
            return Err(PasskeyFault::Known);
        }
        if present.all.len() >= PASSKEYS_MAX {
            return Err(PasskeyFault::Full);
        }
        Ok(NewKey {
            challenge,
            id: attested.id.to_vec(),
            key,
            sign_count: data.sign_count,
        })
    }
}

impl Assertion {
    /// What was signed, when it was signed with this passkey, for our site, by a person who was
    /// verified, and by the only device that has it. Whether the challenge is ours is the caller's to
    /// judge.
    ///
    /// # Errors
    /// [`PasskeyFault`].
    pub(super) fn judge(
        &self,
        party: &RelyingParty,
        passkey: &Passkey,
    ) -> Result<Signed, PasskeyFault> {
        let challenge = challenge_of(&self.client_data, "webauthn.get", party)?;
        let data = AuthenticatorData::read(&self.authenticator_data, party)?.without_key()?;
        let digest = Sha256::digest(&self.client_data);
        let signed = [self.authenticator_data.as_slice(), &digest].concat();
        if !verifies(&passkey.key, &signed, &self.signature) {
            return Err(PasskeyFault::Signature);
        }
        // Devices that do not count say 0 each time (§6.1.1).
        let counts = data.sign_count != 0 || passkey.sign_count != 0;
        if counts && data.sign_count <= passkey.sign_count {
            return Err(PasskeyFault::Counter);
        }
        Ok(Signed {
            challenge,
            sign_count: data.sign_count,
        })
    }
}

fn verifies(key: &PasskeyKey, message: &[u8], signature: &[u8]) -> bool {
    match key {
        PasskeyKey::Es256(point) => {
            let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point);
            key.verify(message, signature).is_ok()
        }
        PasskeyKey::EdDsa(key) => UnparsedPublicKey::new(&ED25519, key)
            .verify(message, signature)
            .is_ok(),
        PasskeyKey::Rs256 { modulus, exponent } => {
            let key = RsaPublicKeyComponents {
                n: modulus,
                e: exponent,
            };
            key.verify(&RSA_PKCS1_2048_8192_SHA256, message, signature)
                .is_ok()
        }
    }
}

#[cfg(test)]
mod tests;
