//! Reading rows and pages of rows.

use bytes::Bytes;
use fjall::Readable;

use super::store::{Store, read_error};
use crate::engine::range::is_empty;
use crate::engine::{Direction, EngineError, KeyRange, KeyspaceId, Page};

/// Rows for which a page makes room in advance.
const PAGE_ROWS_EXPECTED: usize = 256;

impl Store {
    /// The value of one key. Through a snapshot, because only that hides a batch of which some rows
    /// are there and some are not yet.
    pub(super) fn get(
        &self,
        keyspace: KeyspaceId,
        key: &Bytes,
    ) -> Result<Option<Bytes>, EngineError> {
        let Some(handle) = self.keyspaces.get(keyspace) else {
            return Ok(None);
        };
        match self.database.snapshot().get(&handle, key) {
            Ok(found) => Ok(found.map(Bytes::from)),
            Err(error) => Err(read_error(keyspace, key.clone(), error)),
        }
    }

    /// At most `limit` rows of a range, as of one moment.
    pub(super) fn scan(
        &self,
        keyspace: KeyspaceId,
        range: KeyRange,
        direction: Direction,
        limit: usize,
    ) -> Result<Page, EngineError> {
        let Some(handle) = self.keyspaces.get(keyspace).filter(|_| !is_empty(&range)) else {
            return Ok(Page::default());
        };
        let mut found = self.database.snapshot().range(&handle, range);
        let mut step = move || match direction {
            Direction::Ascending => found.next(),
            Direction::Descending => found.next_back(),
        };
        let mut rows: Vec<(Bytes, Bytes)> = Vec::with_capacity(limit.min(PAGE_ROWS_EXPECTED));
        while rows.len() < limit {
            let Some(row) = step() else {
                return Ok(Page { rows, more: false });
            };
            let (key, value) = row.into_inner().map_err(|error| {
                let last = rows.last().map(|(key, _)| key.clone());
                read_error(keyspace, last.unwrap_or_default(), error)
            })?;
            rows.push((key.into(), value.into()));
        }
        // Looks at the next key only; its value stays where it is.
        let more = step().is_some();
        Ok(Page { rows, more })
    }
}
