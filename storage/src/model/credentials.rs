//! How a person proves who they are.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::address::Mailbox;
use super::id::DomainId;
use super::passkey::Passkeys;
use super::time::Timestamp;

/// Somebody who can sign in: the user of a mailbox, or an administrator.
///
/// Both kinds may have the same address and are still two accounts: a user's password opens no
/// administration.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum AccountId {
    /// The user of a mailbox.
    User {
        /// The mailbox's domain.
        domain: DomainId,
        /// The mailbox's local part as in `Mailbox::key`.
        local: String,
    },
    /// An administrator, by the address in lower case.
    Administrator {
        /// `local@domain`, see [`AccountId::administrator`].
        address: String,
    },
}

impl AccountId {
    /// The account of a mailbox of `domain`.
    #[must_use]
    pub fn user(domain: DomainId, mailbox: &Mailbox) -> Self {
        Self::User {
            domain,
            local: mailbox.key(),
        }
    }

    /// The account of the administrator with this address.
    #[must_use]
    pub fn administrator(address: &Mailbox) -> Self {
        Self::Administrator {
            address: format!("{}@{}", address.key(), address.domain()),
        }
    }

    /// The domain whose removal takes the account with it.
    #[must_use]
    pub const fn domain(&self) -> Option<DomainId> {
        match self {
            Self::User { domain, .. } => Some(*domain),
            Self::Administrator { .. } => None,
        }
    }
}

/// SHA-256 of a secret of at least 80 random bits: what is kept of session ids, tokens and codes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SecretDigest([u8; 32]);

impl SecretDigest {
    /// The digest of a secret.
    #[must_use]
    pub fn of(secret: &[u8]) -> Self {
        Self(Sha256::digest(secret).into())
    }

    /// The digest as it stands in keys.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Eight digits of it, enough to tell one session of an account from another.
    #[must_use]
    pub fn short(&self) -> String {
        self.0
            .iter()
            .take(8)
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }
}

impl fmt::Debug for SecretDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.short())
    }
}

/// A password that is in force.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Password {
    /// argon2id in PHC form.
    pub hash: String,
    /// When it was set.
    pub changed_at: Timestamp,
    /// Whether somebody else set it.
    pub set_by_administrator: bool,
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Password set {:?}", self.changed_at)
    }
}

/// A second factor by time (RFC 6238).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totp {
    /// The shared secret, sealed with the node's key.
    pub sealed_secret: Vec<u8>,
    /// When it was switched on.
    pub enabled_at: Timestamp,
    /// The step of the last code that was taken: no code is taken twice.
    pub last_step: u64,
}

impl fmt::Debug for Totp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Totp enabled {:?}", self.enabled_at)
    }
}

/// Everything with which one account signs in. An account without a row has none of it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Credentials {
    /// The password, once there is one.
    pub password: Option<Password>,
    /// The second factor, once it is switched on.
    pub totp: Option<Totp>,
    /// Recovery codes that were not used yet.
    pub recovery_codes: Vec<SecretDigest>,
    /// When the account last signed in.
    pub last_login_at: Option<Timestamp>,
    /// Passkeys. They stand behind the rest in the row, so that rows from before have none.
    #[serde(skip)]
    pub passkeys: Passkeys,
}
