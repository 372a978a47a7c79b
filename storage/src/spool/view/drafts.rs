//! Messages that are being written: their content is the portal's, their rows are sealed, and two
//! windows that write one draft notice each other by its revision.
//!
//! A draft has a label for the list and numbered parts: 1 is the text with its fields, the others
//! are attachments. Parts are stored in pieces, so a large attachment is no large row.

use bytes::{BufMut, Bytes, BytesMut};
use serde::{Deserialize, Serialize};

use crate::codec;
use crate::commit::Batch;
use crate::engine::{Direction, Durability, KeyspaceId};
use crate::error::SpoolError;
use crate::keyspace::{drafts as keys, view};
use crate::limits::{BODY_CHUNK_BYTES, DRAFT_BYTES_MAX, DRAFTS_MAX, PAGE_ROWS_MAX};
use crate::model::{MessageId, Scope, Timestamp};
use crate::spool::Spool;

/// Names a draft.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DraftId(pub MessageId);

/// A draft in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// Its name.
    pub id: DraftId,
    /// Grows with every change; an ETag.
    pub revision: u64,
    /// When it was changed last.
    pub saved_at: Timestamp,
    /// Bytes of all parts.
    pub size_bytes: u64,
    /// What the list shows, in the portal's own form.
    pub label: Bytes,
}

/// What became of a change of a draft.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DraftSaved {
    /// It is on the disk, with this revision now.
    Saved(u64),
    /// It has another revision than the writer thought: nothing was changed.
    Conflict(u64),
    /// It is not there (any more).
    Gone,
    /// It would be too large, or there are too many drafts.
    Full,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Head {
    revision: u64,
    saved_at: Timestamp,
    size_bytes: u64,
    label: Vec<u8>,
}

/// The part that holds the text and the fields.
const TEXT_PART: u16 = 1;

impl Spool {
    /// A mailbox's drafts, newest first.
    ///
    /// # Errors
    /// [`SpoolError`].
    pub async fn drafts(&self, scope: &Scope) -> Result<Vec<Draft>, SpoolError> {
        let key = view::scope_key(scope);
        let mut drafts = Vec::new();
        let mut range = view::prefix_range(&key);
        loop {
            let page = self
                .engine()
                .scan(KeyspaceId::Drafts, range.clone(), Direction::Ascending, 1)
                .await?;
            let Some((found, row)) = page.rows.first() else {
                break;
            };
            let Some((id, part)) = keys::parse(&key, found) else {
                break;
            };
            // The head stands in front of the parts, which are skipped.
            if part == 0 {
                drafts.push(self.draft_of(scope, id, row)?);
            }
            let (_, last) = keys::draft_range(&key, id);
            let std::ops::Bound::Included(last) = last else {
                break;
            };
            range.0 = std::ops::Bound::Excluded(last);
        }
        drafts.sort_unstable_by_key(|draft| std::cmp::Reverse(draft.saved_at));
        Ok(drafts)
    }

    /// One draft; none when it is not there.
    ///
    /// # Errors
    /// [`SpoolError`].
    pub async fn draft(&self, scope: &Scope, id: DraftId) -> Result<Option<Draft>, SpoolError> {
        let key = keys::head_key(&view::scope_key(scope), id.0);
        let row = self.engine().get(KeyspaceId::Drafts, key.into()).await?;
        row.map(|row| self.draft_of(scope, id.0, &row)).transpose()
    }

    /// Starts a draft, or writes its label and text again. `expected` is the revision that the
    /// writer knows; none starts one.
    ///
    /// # Errors
    /// [`SpoolError`].
    pub async fn save_draft(
        &self,
        scope: &Scope,
        id: DraftId,
        expected: Option<u64>,
        label: Bytes,
        text: Bytes,
    ) -> Result<DraftSaved, SpoolError> {
        self.change_draft(scope, id, expected, Some(label), TEXT_PART, Some(text))
            .await
    }

    /// Adds a part of a draft, writes it again, or takes it away (none). Part 1 is the text.
    ///
    /// # Errors
    /// [`SpoolError::Invalid`] for part 0; [`SpoolError`].
    pub async fn put_draft_part(
        &self,
        scope: &Scope,
        id: DraftId,
        expected: u64,
        part: u16,
        content: Option<Bytes>,
    ) -> Result<DraftSaved, SpoolError> {
        self.change_draft(scope, id, Some(expected), None, part, content)
            .await
    }

    /// A part of a draft; none when it is not there.
    ///
    /// # Errors
    /// [`SpoolError`].
    pub async fn draft_part(
        &self,
        scope: &Scope,
        id: DraftId,
        part: u16,
    ) -> Result<Option<Bytes>, SpoolError> {
        let key = view::scope_key(scope);
        let rows = self.draft_rows(keys::part_range(&key, id.0, part)).await?;
        if rows.is_empty() || part == 0 {
            return Ok(None);
        }
        let sealer = self.sealer(scope.domain())?;
        let mut content = BytesMut::new();
        for (key, row) in rows {
            content.put_slice(&sealer.open(&key, codec::versioned(&row)?)?);
        }
        Ok(Some(content.freeze()))
    }

    /// Discards a draft; whether there was one.
    ///
    /// # Errors
    /// [`SpoolError`].
    pub async fn delete_draft(&self, scope: &Scope, id: DraftId) -> Result<bool, SpoolError> {
        let _turn = self.inner.views.lock(scope).await;
        let key = view::scope_key(scope);
        let rows = self.draft_rows(keys::draft_range(&key, id.0)).await?;
        let mut batch = Batch::new();
        for (key, _) in &rows {
            batch.delete(KeyspaceId::Drafts, key);
        }
        self.commit_draft(batch).await?;
        Ok(!rows.is_empty())
    }

    async fn change_draft(
        &self,
        scope: &Scope,
        id: DraftId,
        expected: Option<u64>,
        label: Option<Bytes>,
        part: u16,
        content: Option<Bytes>,
    ) -> Result<DraftSaved, SpoolError> {
        if part == 0 {
            return Err(SpoolError::Invalid("part 0 of a draft is its head"));
        }
        let _turn = self.inner.views.lock(scope).await;
        let key = view::scope_key(scope);
        let sealer = self.sealer(scope.domain())?;
        let head_key = keys::head_key(&key, id.0);
        let row = self
            .engine()
            .get(KeyspaceId::Drafts, Bytes::copy_from_slice(&head_key))
            .await?;
        let known = match row {
            Some(row) => Some(self.draft_of(scope, id.0, &row)?),
            None => None,
        };
        match (&known, expected) {
            (None, Some(_)) => return Ok(DraftSaved::Gone),
            (Some(draft), expected) if expected != Some(draft.revision) => {
                return Ok(DraftSaved::Conflict(draft.revision));
            }
            (None, None) if self.drafts(scope).await?.len() >= DRAFTS_MAX => {
                return Ok(DraftSaved::Full);
            }
            _ => {}
        }
        let old = self.draft_rows(keys::part_range(&key, id.0, part)).await?;
        let mut batch = Batch::new();
        let mut old_bytes = 0;
        for (key, row) in &old {
            old_bytes += sealer.open(key, codec::versioned(row)?)?.len() as u64;
            batch.delete(KeyspaceId::Drafts, key);
        }
        let before = known.as_ref().map_or(0, |draft| draft.size_bytes);
        let new_bytes = content.as_ref().map_or(0, Bytes::len) as u64;
        let size_bytes = before.saturating_sub(old_bytes) + new_bytes;
        if size_bytes > DRAFT_BYTES_MAX as u64 {
            return Ok(DraftSaved::Full);
        }
        let content = content.unwrap_or_default();
        for (number, piece) in (0_u32..).zip(content.chunks(BODY_CHUNK_BYTES)) {
            let key = keys::piece_key(&key, id.0, part, number);
            let sealed = sealer.seal(&key, piece)?;
            batch.encode(KeyspaceId::Drafts, &key, |out| versioned(out, &sealed))?;
        }
        let label = label.or_else(|| known.as_ref().map(|draft| draft.label.clone()));
        let head = Head {
            revision: known.map_or(1, |draft| draft.revision + 1),
            saved_at: self.clock().now(),
            size_bytes,
            label: label.unwrap_or_default().to_vec(),
        };
        let mut plain = BytesMut::new();
        codec::encode_bare(&mut plain, &head)?;
        let sealed = sealer.seal(&head_key, &plain)?;
        batch.encode(KeyspaceId::Drafts, &head_key, |out| versioned(out, &sealed))?;
        self.commit_draft(batch).await?;
        Ok(DraftSaved::Saved(head.revision))
    }

    /// Keys of all rows of a draft.
    pub(in crate::spool) async fn draft_keys(
        &self,
        scope: &Scope,
        id: DraftId,
    ) -> Result<Vec<Bytes>, SpoolError> {
        let range = keys::draft_range(&view::scope_key(scope), id.0);
        let rows = self.draft_rows(range).await?;
        Ok(rows.into_iter().map(|(key, _)| key).collect())
    }

    fn draft_of(&self, scope: &Scope, id: MessageId, row: &[u8]) -> Result<Draft, SpoolError> {
        let key = keys::head_key(&view::scope_key(scope), id);
        let opened = self
            .sealer(scope.domain())?
            .open(&key, codec::versioned(row)?)?;
        let head: Head = codec::decode_bare(&opened)?;
        Ok(Draft {
            id: DraftId(id),
            revision: head.revision,
            saved_at: head.saved_at,
            size_bytes: head.size_bytes,
            label: head.label.into(),
        })
    }

    async fn draft_rows(
        &self,
        range: crate::engine::KeyRange,
    ) -> Result<Vec<(Bytes, Bytes)>, SpoolError> {
        let page = self
            .engine()
            .scan(
                KeyspaceId::Drafts,
                range,
                Direction::Ascending,
                PAGE_ROWS_MAX,
            )
            .await?;
        Ok(page.rows)
    }

    async fn commit_draft(&self, batch: Batch) -> Result<(), SpoolError> {
        self.inner
            .committer
            .commit(batch, Durability::Synced, |_, _| Ok::<_, SpoolError>(()))
            .await
    }
}

fn versioned(out: &mut BytesMut, sealed: &[u8]) -> Result<(), codec::RowError> {
    out.put_u8(codec::ROW_VERSION);
    out.put_slice(sealed);
    Ok(())
}
