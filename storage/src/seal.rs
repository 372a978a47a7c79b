//! Encryption at rest (D8): what is stored of a message is unreadable without the key of a domain
//! it is for, and that key without the key of this node.
//!
//! ```text
//! master key (file 0600 or a systemd credential)
//!   └ wraps domain keys (files beside the store, so that no backup of the store has them)
//!       ├ seal list lines, search text, drafts      one key per purpose, a random nonce each
//!       └ wrap body keys                            one random key per message
//!           └ seal chunks                           the nonce is the chunk's number
//! ```
//! All sealing is AES-256-GCM with the place of the data as associated data, so that nothing can be
//! moved elsewhere. A domain may have several keys: the current one seals, all of them open. When
//! they are destroyed, what they sealed is unreadable, in every backup too.
//!
//! What stays readable: envelopes in the queue, log, audit, flags, sizes and times.

mod body_key;
mod domain_keys;
mod key_file;
mod keyring;
mod master;
mod node_key;

pub(crate) use body_key::BodyKey;
pub(crate) use domain_keys::Sealer;
pub use keyring::KeySource;
pub(crate) use keyring::Keyring;

use std::path::PathBuf;

use ring::rand::{SecureRandom, SystemRandom};

use crate::model::DomainId;

/// Bytes of every key.
pub(crate) const KEY_BYTES: usize = 32;
/// Bytes of a nonce.
const NONCE_BYTES: usize = 12;
/// Bytes that sealing adds behind the data.
const TAG_BYTES: usize = 16;

/// Why something cannot be sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The key that sealed it is not here (any more): it was destroyed, or keys are missing.
    #[error("the key {key:08x} of domain {} that seals it is gone", .domain.0)]
    KeyGone {
        /// The domain.
        domain: DomainId,
        /// Which of its keys.
        key: u32,
    },
    /// A domain has no key to seal with.
    #[error("domain {} has no key to seal its mail with", .0.0)]
    NoKey(DomainId),
    /// The data is not what was sealed, or it was sealed for another place.
    #[error("it does not open: it was changed, or belongs elsewhere")]
    Damaged,
    /// The operating system gives no random bytes.
    #[error("the operating system gives no random bytes")]
    Random,
}

/// Why the keys of a node cannot be used. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// A file cannot be read or written.
    #[error("{action}: {source}")]
    Io {
        /// What was tried.
        action: String,
        /// What the operating system said.
        #[source]
        source: std::io::Error,
    },
    /// The file is no key of ours.
    #[error("{} is no key file: {reason}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// There are domain keys, and no master key to open them.
    #[error("the master key {} is missing, and {} domain keys need it: put it back, or no stored mail can be read", path.display(), domains)]
    MasterMissing {
        /// Where it is expected.
        path: PathBuf,
        /// How many domains have keys.
        domains: usize,
    },
    /// The domain keys were made under another master key.
    #[error("the master key {} is not the one that the key {} was made with", master.display(), key.display())]
    MasterForeign {
        /// The master key.
        master: PathBuf,
        /// A domain's key.
        key: PathBuf,
    },
    /// A domain's keys are missing and its mail was sealed.
    #[error("the key of domain {} is missing: put the folder {} back, or destroy the key", .domain.0, folder.display())]
    DomainMissing {
        /// The domain.
        domain: DomainId,
        /// Where keys are.
        folder: PathBuf,
    },
    /// The operating system gives no random bytes.
    #[error("the operating system gives no random bytes")]
    Random,
}

/// Fills a buffer with random bytes.
fn random<const N: usize>(source: &SystemRandom) -> Result<[u8; N], SealError> {
    let mut bytes = [0; N];
    source.fill(&mut bytes).map_err(|_| SealError::Random)?;
    Ok(bytes)
}
