//! The keys of domains: made with the domain, changed and destroyed by an administrator.
//!
//! The store remembers which domains were given a key, so that missing key files are noticed before
//! anything new is sealed with others.

use std::sync::Arc;

use bytes::Bytes;

use super::directory::put_domain;
use super::{Inner, Spool};
use crate::codec;
use crate::commit::Batch;
use crate::directory::Directory;
use crate::engine::{Durability, Engine, KeyspaceId};
use crate::error::{ChangeError, OpenError, SpoolError};
use crate::keyspace::meta;
use crate::model::{AuditRow, DomainId, DomainName};
use crate::seal::{KeyError, KeySource, Keyring};

/// Reads the keys of a node.
pub(super) async fn open_keys(source: KeySource) -> Result<Keyring, OpenError> {
    if source == KeySource::Off {
        return Ok(Keyring::default());
    }
    let opened = tokio::task::spawn_blocking(move || Keyring::open(source)).await;
    Ok(opened.map_err(ended)??)
}

/// Whether every domain that was given a key has one.
pub(super) async fn check_keys(
    engine: &dyn Engine,
    keyring: &Keyring,
    directory: &Directory,
) -> Result<(), OpenError> {
    if !keyring.keeps_files() {
        return Ok(());
    }
    for domain in directory.domains() {
        let key = Bytes::copy_from_slice(&meta::seal_key(domain.id));
        let given = engine.get(KeyspaceId::Meta, key).await?.is_some();
        if given && !keyring.has(domain.id) {
            return Err(KeyError::DomainMissing {
                domain: domain.id,
                folder: keyring.folder(),
            }
            .into());
        }
    }
    Ok(())
}

fn cannot_open(action: &str, error: SpoolError) -> OpenError {
    match error {
        SpoolError::Engine(error) => OpenError::Engine(error),
        SpoolError::Keys(error) => OpenError::Keys(error),
        other => OpenError::Keys(KeyError::Io {
            action: action.to_owned(),
            source: std::io::Error::other(other),
        }),
    }
}

fn ended(ended: tokio::task::JoinError) -> KeyError {
    KeyError::Io {
        action: "working with keys".to_owned(),
        source: std::io::Error::other(ended),
    }
}

impl Spool {
    /// Gives keys to domains that were added before keys were used.
    pub(super) async fn give_missing_keys(&self) -> Result<(), OpenError> {
        for domain in self.directory().domains() {
            if !self.inner.keyring.has(domain.id) {
                self.add_key(domain.id)
                    .await
                    .map_err(|error| cannot_open("giving a domain its key", error))?;
            }
        }
        Ok(())
    }

    /// Writes the rows of domains anew whose passwords an earlier version stored as they are.
    pub(super) async fn seal_passwords(&self, domains: Vec<DomainId>) -> Result<(), OpenError> {
        if domains.is_empty() {
            return Ok(());
        }
        let Inner {
            committer,
            directory,
            keyring,
            ..
        } = &*self.inner;
        let written = committer.commit(Batch::new(), Durability::Synced, |_, batch| {
            for id in domains {
                if let Some(domain) = directory.domain(id) {
                    put_domain(batch, &domain, keyring)?;
                }
            }
            Ok::<_, SpoolError>(())
        });
        let written = written.await;
        written.map_err(|error| cannot_open("sealing passwords for destinations", error))
    }

    /// Makes a key that seals a domain's mail from now on; earlier ones still open. Answers its id;
    /// none when nothing is sealed here.
    pub(super) async fn add_key(&self, domain: DomainId) -> Result<Option<u32>, SpoolError> {
        if !self.inner.keyring.is_on() {
            return Ok(None);
        }
        let keyring = Arc::clone(&self.inner.keyring);
        let made = tokio::task::spawn_blocking(move || keyring.add_key(domain)).await;
        let id = made.map_err(ended)??;
        let mut batch = Batch::new();
        batch.encode(KeyspaceId::Meta, &meta::seal_key(domain), |out| {
            codec::encode(out, &id.unwrap_or_default())
        })?;
        self.inner
            .committer
            .commit(batch, Durability::Synced, |_, _| Ok::<_, SpoolError>(()))
            .await?;
        Ok(id)
    }

    /// Makes a new key for a domain: what is stored from now on is sealed with it, what was stored
    /// before still opens. Answers the new key's id; none when nothing is sealed here.
    ///
    /// # Errors
    /// [`ChangeError::Unknown`], [`ChangeError::Spool`].
    pub async fn rotate_domain_key(
        &self,
        name: &DomainName,
        audit: AuditRow,
    ) -> Result<Option<u32>, ChangeError> {
        let domain = self.known_domain(name)?;
        let id = self.add_key(domain).await?;
        self.add_audit(audit).await?;
        Ok(id)
    }

    /// Destroys all keys of a domain: its stored mail, queued mail included, becomes unreadable, in
    /// every backup too. The domain goes on with a new key.
    ///
    /// # Errors
    /// [`ChangeError::Unknown`], [`ChangeError::Spool`].
    pub async fn destroy_domain_key(
        &self,
        name: &DomainName,
        audit: AuditRow,
    ) -> Result<(), ChangeError> {
        let domain = self.known_domain(name)?;
        self.add_audit(audit).await?;
        self.destroy_key(domain).await?;
        self.add_key(domain).await?;
        Ok(())
    }

    /// Destroys the keys of a domain, and forgets that it had any.
    pub(super) async fn destroy_key(&self, domain: DomainId) -> Result<(), SpoolError> {
        let mut batch = Batch::new();
        batch.delete(KeyspaceId::Meta, &meta::seal_key(domain));
        self.inner
            .committer
            .commit(batch, Durability::Synced, |_, _| Ok::<_, SpoolError>(()))
            .await?;
        let keyring = Arc::clone(&self.inner.keyring);
        let destroyed = tokio::task::spawn_blocking(move || keyring.destroy(domain)).await;
        Ok(destroyed.map_err(ended)??)
    }

    pub(super) fn known_domain(&self, name: &DomainName) -> Result<DomainId, ChangeError> {
        let domain = self.directory().domain_by_name(name);
        let domain = domain.ok_or_else(|| ChangeError::Unknown(name.to_string()))?;
        Ok(domain.id)
    }
}
