//! Which entries of a message are still open, and the deletion of what nobody needs any more.
//!
//! Most messages have one entry; its copy says so, and the message is deleted without being read.
//! For the others the list in the message's row decides. It is read before the lock is taken, so
//! under the lock the latest known change takes precedence, and when a change may have been
//! missed, the row is read again.

use std::collections::HashMap;

use bytes::Bytes;

use super::Spool;
use crate::codec;
use crate::codec::RowError;
use crate::commit::{Batch, Order};
use crate::engine::{EngineError, KeyspaceId};
use crate::error::SpoolError;
use crate::keyspace::transit;
use crate::model::{BodyPlace, DomainId, MessageId, MessageRow, QueueEntry, Sequence};

/// An entry as it is named in the list of its message.
pub(super) type Reference = (DomainId, Sequence);

/// Rows of shared messages as they were read.
#[derive(Debug, Default)]
pub(super) struct ReadRows {
    rows: HashMap<MessageId, MessageRow>,
    completed: u64,
}

/// Why a step under the lock was not done.
#[derive(Debug)]
pub(super) enum StageError {
    /// Read the rows again and come back.
    ReadAgain,
    /// It cannot be done.
    Refused(SpoolError),
}

impl From<SpoolError> for StageError {
    fn from(error: SpoolError) -> Self {
        Self::Refused(error)
    }
}

impl From<EngineError> for StageError {
    fn from(error: EngineError) -> Self {
        Self::Refused(error.into())
    }
}

impl From<RowError> for StageError {
    fn from(error: RowError) -> Self {
        Self::Refused(error.into())
    }
}

impl ReadRows {
    /// Whether what was read can still be used together with what is known under the lock.
    pub(super) const fn check(&self, order: &Order) -> Result<(), StageError> {
        if order.forgot_since(self.completed) {
            Err(StageError::ReadAgain)
        } else {
            Ok(())
        }
    }
}

impl Spool {
    /// Reads the rows of these messages; one that is missing or damaged is left out.
    pub(super) async fn read_messages(
        &self,
        messages: impl IntoIterator<Item = MessageId>,
    ) -> Result<ReadRows, SpoolError> {
        let mut read = ReadRows {
            completed: self.inner.committer.completed(),
            ..ReadRows::default()
        };
        for message in messages {
            if let Some(row) = self.message(message).await? {
                read.rows.insert(message, row);
            }
        }
        Ok(read)
    }
}

/// Replaces the reference `old` of an entry by `new` ones, and deletes message and body with the
/// last one.
pub(super) fn replace_reference(
    order: &mut Order,
    batch: &mut Batch,
    read: &ReadRows,
    entry: &QueueEntry,
    new: &[Sequence],
) -> Result<(), RowError> {
    let old = (entry.domain, entry.sequence);
    let new: Vec<Reference> = new.iter().map(|at| (entry.domain, *at)).collect();
    if !entry.shared {
        if new.is_empty() {
            delete_message(batch, entry.message, entry.chunks, entry.place);
            return Ok(());
        }
        if new == [old] {
            return Ok(());
        }
        let row = MessageRow {
            size_bytes: entry.size_bytes,
            chunks: entry.chunks,
            place: entry.place,
            accepted_at: entry.accepted_at,
            open: new,
        };
        return write_message(order, batch, entry.message, row);
    }
    if new == [old] {
        return Ok(());
    }
    replace_in_list(order, batch, read, entry.message, old, &new)
}

/// The same for an entry of which only the header is readable.
pub(super) fn replace_in_list(
    order: &mut Order,
    batch: &mut Batch,
    read: &ReadRows,
    message: MessageId,
    old: Reference,
    new: &[Reference],
) -> Result<(), RowError> {
    let known = order
        .message(message)
        .cloned()
        .unwrap_or_else(|| read.rows.get(&message).cloned());
    let Some(mut row) = known else {
        tracing::error!(queue.id = %message, "the row of a message is missing or damaged; its body stays until the store is checked");
        return Ok(());
    };
    row.open.retain(|reference| *reference != old);
    row.open.extend_from_slice(new);
    if row.open.is_empty() {
        delete_message(batch, message, row.chunks, row.place);
        order.note_message(message, None);
        return Ok(());
    }
    write_message(order, batch, message, row)
}

fn write_message(
    order: &mut Order,
    batch: &mut Batch,
    message: MessageId,
    row: MessageRow,
) -> Result<(), RowError> {
    batch.encode(KeyspaceId::Message, message.as_bytes(), |out| {
        codec::encode(out, &row)
    })?;
    order.note_message(message, Some(row));
    Ok(())
}

/// A body that has copies stays until its day is over.
fn delete_message(batch: &mut Batch, message: MessageId, chunks: u32, place: BodyPlace) {
    batch.delete(KeyspaceId::Message, message.as_bytes());
    if place != BodyPlace::Transit {
        return;
    }
    for chunk in 0..chunks {
        batch.delete(KeyspaceId::Transit, &transit::key(message, chunk));
    }
}

impl Spool {
    /// What the entries of a message share; none when the message is gone, or when its row is
    /// damaged, which is reported.
    ///
    /// # Errors
    /// [`SpoolError::Engine`].
    pub async fn message(&self, message: MessageId) -> Result<Option<MessageRow>, SpoolError> {
        let key = Bytes::copy_from_slice(message.as_bytes());
        let row = match self.engine().get(KeyspaceId::Message, key).await {
            Ok(Some(row)) => codec::decode(&row).map_err(|error| error.to_string()),
            Ok(None) => return Ok(None),
            Err(error @ EngineError::Corrupt { .. }) => Err(error.to_string()),
            Err(error) => return Err(error.into()),
        };
        match row {
            Ok(row) => Ok(Some(row)),
            Err(reason) => {
                crate::metrics::corrupt_record(KeyspaceId::Message);
                tracing::error!(queue.id = %message, reason, "the row of a message is damaged");
                Ok(None)
            }
        }
    }
}
