//! Administrators of domains and the tokens with which their programs ask.

use std::ops::Bound;

use bytes::Bytes;

use super::Spool;
use super::aside::put_audit;
use crate::codec;
use crate::commit::Batch;
use crate::engine::{Durability, KeyRange, KeyspaceId};
use crate::error::SpoolError;
use crate::keyspace::accounts as keys;
use crate::limits::PAGE_ROWS_MAX;
use crate::model::{AccountId, Administrator, ApiToken, AuditRow, DomainId, Mailbox, SecretDigest};

impl Spool {
    /// The administrator with an address.
    ///
    /// # Errors
    /// [`SpoolError`] when the row cannot be read.
    pub async fn administrator(
        &self,
        address: &Mailbox,
    ) -> Result<Option<Administrator>, SpoolError> {
        let account = AccountId::administrator(address);
        let key = keys::stored(keys::administrator_key(&account));
        let row = self.engine().get(KeyspaceId::Accounts, key).await?;
        Ok(row.map(|row| codec::decode(&row)).transpose()?)
    }

    /// The administrators who have a role on a domain, by address.
    ///
    /// # Errors
    /// [`SpoolError`] when a row cannot be read.
    pub async fn administrators_of(
        &self,
        domain: DomainId,
    ) -> Result<Vec<Administrator>, SpoolError> {
        let mut range = keys::administrators();
        let mut found = Vec::new();
        loop {
            let page = self
                .scan(KeyspaceId::Accounts, range.clone(), PAGE_ROWS_MAX)
                .await?;
            for (_, row) in &page.rows {
                let administrator: Administrator = codec::decode(row)?;
                if administrator.role(domain).is_some() {
                    found.push(administrator);
                }
            }
            let Some((last, _)) = page.rows.last().filter(|_| page.more) else {
                return Ok(found);
            };
            range.0 = Bound::Excluded(last.clone());
        }
    }

    /// Adds an administrator, or changes what they may do.
    ///
    /// # Errors
    /// [`SpoolError`].
    pub async fn put_administrator(
        &self,
        administrator: &Administrator,
        audit: AuditRow,
    ) -> Result<(), SpoolError> {
        let account = AccountId::administrator(&administrator.address);
        self.inner
            .committer
            .commit(Batch::new(), Durability::Synced, |order, batch| {
                let key = keys::administrator_key(&account);
                batch.encode(KeyspaceId::Accounts, &key, |out| {
                    codec::encode(out, administrator)
                })?;
                put_audit(order, batch, &audit)?;
                Ok::<_, SpoolError>(())
            })
            .await
    }

    /// Gives an administrator's program a token.
    ///
    /// # Errors
    /// [`SpoolError`].
    pub async fn put_api_token(
        &self,
        digest: SecretDigest,
        token: &ApiToken,
        audit: AuditRow,
    ) -> Result<(), SpoolError> {
        self.inner
            .committer
            .commit(Batch::new(), Durability::Synced, |order, batch| {
                batch.encode(KeyspaceId::Tokens, &keys::api_token_key(&digest), |out| {
                    codec::encode(out, token)
                })?;
                put_audit(order, batch, &audit)?;
                Ok::<_, SpoolError>(())
            })
            .await
    }

    /// Takes a token away.
    ///
    /// # Errors
    /// [`SpoolError`].
    pub async fn remove_api_token(
        &self,
        digest: SecretDigest,
        audit: AuditRow,
    ) -> Result<(), SpoolError> {
        self.inner
            .committer
            .commit(Batch::new(), Durability::Synced, |order, batch| {
                batch.delete(KeyspaceId::Tokens, &keys::api_token_key(&digest));
                put_audit(order, batch, &audit)?;
                Ok::<_, SpoolError>(())
            })
            .await
    }

    /// The token of a digest.
    ///
    /// # Errors
    /// [`SpoolError`] when the row cannot be read.
    pub async fn api_token(&self, digest: &SecretDigest) -> Result<Option<ApiToken>, SpoolError> {
        let key = Bytes::copy_from_slice(&keys::api_token_key(digest));
        let row = self.engine().get(KeyspaceId::Tokens, key).await?;
        Ok(row.map(|row| codec::decode(&row)).transpose()?)
    }

    /// All tokens of an administrator's programs.
    ///
    /// # Errors
    /// [`SpoolError`] when a row cannot be read.
    pub async fn api_tokens_of(
        &self,
        administrator: &AccountId,
    ) -> Result<Vec<(SecretDigest, ApiToken)>, SpoolError> {
        let mut range: KeyRange = keys::api_tokens();
        let mut found = Vec::new();
        loop {
            let page = self
                .scan(KeyspaceId::Tokens, range.clone(), PAGE_ROWS_MAX)
                .await?;
            for (key, row) in &page.rows {
                let token: ApiToken = codec::decode(row)?;
                if let Some(digest) = keys::parse_api_token_key(key)
                    && token.administrator == *administrator
                {
                    found.push((digest, token));
                }
            }
            let Some((last, _)) = page.rows.last().filter(|_| page.more) else {
                return Ok(found);
            };
            range.0 = Bound::Excluded(last.clone());
        }
    }
}
