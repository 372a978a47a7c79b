//! The keys of all domains of this node, in memory, and their files.

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use ring::aead::LessSafeKey;
use ring::rand::SystemRandom;

use super::domain_keys::{DomainKey, DomainKeys, aead};
use super::key_file::Secrets;
use super::{KEY_BYTES, KeyError, SealError, Sealer, key_file, master, node_key, random};
use crate::model::DomainId;

/// Where the keys of a node are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum KeySource {
    /// Nothing is sealed.
    #[default]
    Off,
    /// Keys that end with this process, for tests and simulations.
    InMemory,
    /// On the disk.
    Files {
        /// The master key; made when it is absent and no domain has a key.
        master: PathBuf,
        /// The folder of the domains' keys.
        folder: PathBuf,
    },
}

/// In whose name keys for mail to other people's domains are; all of these domains share them.
const OUTBOUND: DomainId = DomainId(DomainId::OUTBOUND_FIRST);

/// The keys; shared by everybody who seals or opens.
pub(crate) struct Keyring {
    source: KeySource,
    master: Option<LessSafeKey>,
    node: Option<LessSafeKey>,
    /// What seals mail to other people's domains, which have no keys of their own here.
    outbound: Option<Arc<DomainKeys>>,
    domains: RwLock<HashMap<DomainId, Arc<DomainKeys>>>,
    random: SystemRandom,
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyring")
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}

impl Default for Keyring {
    fn default() -> Self {
        Self {
            source: KeySource::Off,
            master: None,
            node: None,
            outbound: None,
            domains: RwLock::default(),
            random: SystemRandom::new(),
        }
    }
}

impl Keyring {
    /// Reads all keys. Blocks.
    ///
    /// # Errors
    /// [`KeyError`]; nothing was changed then.
    pub(crate) fn open(source: KeySource) -> Result<Self, KeyError> {
        let mut ring = Self {
            source,
            ..Self::default()
        };
        let KeySource::Files { master, folder } = ring.source.clone() else {
            if ring.is_on() {
                let secret = random(&ring.random).map_err(|_| KeyError::Random)?;
                ring.outbound = Some(ring.ready(OUTBOUND, &Secrets::from([(1, secret)]))?);
            }
            return Ok(ring);
        };
        let listed = key_file::list(&folder)?;
        let secret = match master::read(&master)? {
            Some(secret) => secret,
            None if !listed.is_empty() => {
                return Err(KeyError::MasterMissing {
                    path: master,
                    domains: listed.len(),
                });
            }
            None => {
                make_folder(&folder)?;
                master::make(&master, &ring.random)?
            }
        };
        make_folder(&folder)?;
        let key = aead(&blake3::derive_key(
            "mailhold 2026 master key: domain keys",
            &secret,
        ))
        .map_err(|_| KeyError::Random)?;
        for domain in listed {
            let secrets = key_file::read(&folder, domain, &key, &master)?;
            ring.put(domain, &secrets)?;
        }
        ring.master = Some(key);
        ring.node = Some(node_key::derive(&secret)?);
        let outbound = blake3::derive_key("mailhold 2026 master key: outbound mail", &secret);
        ring.outbound = Some(ring.ready(OUTBOUND, &Secrets::from([(1, outbound)]))?);
        Ok(ring)
    }

    /// Whether anything is sealed.
    pub(crate) fn is_on(&self) -> bool {
        self.source != KeySource::Off
    }

    /// Whether keys outlive this process.
    pub(crate) const fn keeps_files(&self) -> bool {
        matches!(self.source, KeySource::Files { .. })
    }

    /// What seals rows of the node itself; none where nothing is sealed on the disk.
    pub(super) const fn node_key(&self) -> Option<&LessSafeKey> {
        self.node.as_ref()
    }

    pub(super) const fn random(&self) -> &SystemRandom {
        &self.random
    }

    /// Where the domains' keys are, for messages.
    pub(crate) fn folder(&self) -> PathBuf {
        match &self.source {
            KeySource::Files { folder, .. } => folder.clone(),
            KeySource::Off | KeySource::InMemory => PathBuf::new(),
        }
    }

    /// Seals and opens for a domain.
    ///
    /// # Errors
    /// [`SealError::NoKey`].
    pub(crate) fn sealer(&self, domain: DomainId) -> Result<Sealer, SealError> {
        if !self.is_on() {
            return Ok(Sealer::Off);
        }
        if domain.is_outbound() {
            let keys = self.outbound.as_ref().ok_or(SealError::NoKey(domain))?;
            return Ok(Sealer::On(Arc::clone(keys)));
        }
        let domains = self.domains.read().unwrap_or_else(PoisonError::into_inner);
        let keys = domains.get(&domain).ok_or(SealError::NoKey(domain))?;
        Ok(Sealer::On(Arc::clone(keys)))
    }

    /// Whether a domain has a key.
    pub(crate) fn has(&self, domain: DomainId) -> bool {
        let domains = self.domains.read().unwrap_or_else(PoisonError::into_inner);
        domains.contains_key(&domain)
    }

    /// Makes a key for a domain that has none, or one more that seals from now on. Blocks. Answers
    /// its id.
    ///
    /// # Errors
    /// [`KeyError`].
    pub(crate) fn add_key(&self, domain: DomainId) -> Result<Option<u32>, KeyError> {
        if !self.is_on() {
            return Ok(None);
        }
        let mut secrets = match self.sealer(domain) {
            Ok(Sealer::On(keys)) => keys.secrets.clone(),
            _ => key_file::Secrets::new(),
        };
        let secret: [u8; KEY_BYTES] = random(&self.random).map_err(|_| KeyError::Random)?;
        let noise: [u8; 3] = random(&self.random).map_err(|_| KeyError::Random)?;
        // Ids grow, so that the oldest key is known, and are never used again for a domain.
        let number = u32::try_from(secrets.len()).unwrap_or(u32::MAX) << 24;
        let id = noise.iter().fold(0, |id, byte| id << 8 | u32::from(*byte)) | number;
        secrets.push((id, secret));
        if let (KeySource::Files { folder, .. }, Some(key)) = (&self.source, &self.master) {
            key_file::write(folder, domain, &secrets, key, &self.random)?;
        }
        self.put(domain, &secrets)?;
        Ok(Some(id))
    }

    /// Destroys all keys of a domain. Blocks. What they sealed is unreadable from now on.
    ///
    /// # Errors
    /// [`KeyError::Io`].
    pub(crate) fn destroy(&self, domain: DomainId) -> Result<(), KeyError> {
        self.domains
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&domain);
        match &self.source {
            KeySource::Files { folder, .. } => key_file::destroy(folder, domain),
            KeySource::Off | KeySource::InMemory => Ok(()),
        }
    }

    fn put(&self, domain: DomainId, secrets: &Secrets) -> Result<(), KeyError> {
        let keys = self.ready(domain, secrets)?;
        self.domains
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(domain, keys);
        Ok(())
    }

    /// Keys, ready for use.
    fn ready(&self, domain: DomainId, secrets: &Secrets) -> Result<Arc<DomainKeys>, KeyError> {
        let mut keys = HashMap::new();
        let mut current = 0;
        for (id, secret) in secrets {
            let key = DomainKey::new(secret).map_err(|_| KeyError::Random)?;
            keys.insert(*id, key);
            current = *id;
        }
        Ok(Arc::new(DomainKeys {
            domain,
            current,
            keys,
            secrets: secrets.clone(),
            random: self.random.clone(),
        }))
    }
}

fn make_folder(folder: &Path) -> Result<(), KeyError> {
    use std::os::unix::fs::DirBuilderExt;
    let made = || {
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
        master::sync_folder(folder)
    };
    made().map_err(|source| master::io("creating", folder, source))
}
