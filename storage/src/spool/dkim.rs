//! Signing keys of domains: sealed with the domain's key, so that destroying that one ends them too.

use bytes::{Bytes, BytesMut};
use serde::{Deserialize, Serialize};

use super::Spool;
use crate::codec;
use crate::engine::KeyspaceId;
use crate::error::{ChangeError, SpoolError};
use crate::model::{AuditRow, DkimKey, DomainId, DomainName, Timestamp};
use crate::seal::SealError;

/// The row: what may be read, and the sealed private half.
#[derive(Serialize, Deserialize)]
struct Row {
    selector: String,
    record: String,
    created_at: Timestamp,
    private: Vec<u8>,
}

/// What the private half is sealed for.
const PLACE: &[u8] = b"dkim";

impl Spool {
    /// The key that signs mail of a domain's users; none when it has none.
    ///
    /// # Errors
    /// [`SpoolError`].
    pub async fn dkim_key(&self, domain: DomainId) -> Result<Option<DkimKey>, SpoolError> {
        let key = Bytes::copy_from_slice(&domain.0.to_be_bytes());
        let Some(row) = self.engine().get(KeyspaceId::DkimKeys, key).await? else {
            return Ok(None);
        };
        let row: Row = codec::decode(&row)?;
        let private = match self.sealer(domain)?.open(PLACE, &row.private) {
            Ok(private) => private,
            // The domain's keys were destroyed; it has to get a new one.
            Err(SealError::KeyGone { .. }) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        Ok(Some(DkimKey {
            selector: row.selector,
            record: row.record,
            created_at: row.created_at,
            private: private.to_vec(),
        }))
    }

    /// Gives a domain a key, in place of the one it has.
    ///
    /// # Errors
    /// [`ChangeError::Unknown`], [`ChangeError::Spool`].
    pub async fn put_dkim_key(
        &self,
        name: &DomainName,
        key: DkimKey,
        audit: AuditRow,
    ) -> Result<(), ChangeError> {
        let domain = self.known_domain(name)?;
        let private = self.sealer(domain).map_err(SpoolError::from)?;
        let private = private
            .seal(PLACE, &key.private)
            .map_err(SpoolError::from)?;
        let row = Row {
            selector: key.selector,
            record: key.record,
            created_at: key.created_at,
            private: private.to_vec(),
        };
        let mut encoded = BytesMut::new();
        codec::encode(&mut encoded, &row).map_err(SpoolError::from)?;
        self.change(audit, |_, batch, _| {
            batch.put(
                KeyspaceId::DkimKeys,
                &domain.0.to_be_bytes(),
                encoded.freeze(),
            );
            Ok(())
        })
        .await
    }
}
