//! Copies of quarantined mail: made when a person releases it (C12), forgotten when it goes.

use bytes::Bytes;

use super::Spool;
use super::copies::{CopiedBody, Copies};
use crate::codec;
use crate::engine::KeyspaceId;
use crate::error::SpoolError;
use crate::keyspace::queue;
use crate::model::{AsideEntry, BodyPlace, Timestamp};

/// Copies that a release makes.
pub(super) struct Withheld {
    pub(super) copies: Copies,
    pub(super) body: CopiedBody,
}

impl Spool {
    /// The copies that were withheld of an entry, with its body kept as long as they are shown.
    pub(super) async fn withheld(
        &self,
        found: &AsideEntry,
        now: Timestamp,
    ) -> Result<Option<Withheld>, SpoolError> {
        let Some(entry) = &found.entry else {
            return Ok(None);
        };
        let BodyPlace::Kept { day } = entry.place else {
            return Ok(None);
        };
        if !self.directory().has_continuity(found.domain) {
            return Ok(None);
        }
        let key = Bytes::copy_from_slice(&queue::key(found.domain, found.sequence));
        let Some(row) = self.engine().get(KeyspaceId::Withheld, key).await? else {
            return Ok(None);
        };
        let copies = Copies {
            domain: found.domain,
            copies: codec::decode(&row)?,
        };
        let until = self.last_day(std::iter::once(found.domain), now);
        self.keep_until(entry.message, entry.chunks, day, until)
            .await?;
        let body = CopiedBody {
            message: entry.message,
            day,
            chunks: entry.chunks,
            size_bytes: entry.size_bytes,
        };
        self.load_counts_of(std::slice::from_ref(&copies), entry.message, now)
            .await?;
        Ok(Some(Withheld { copies, body }))
    }
}
