//! What a reader does with messages: flags, folders, deletion.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{FoundLine, Window};
use crate::codec;
use crate::commit::{Batch, CountsKey, Order};
use crate::engine::Durability;
use crate::error::SpoolError;
use crate::keyspace::view as keys;
use crate::model::view::day_of;
use crate::model::{Flags, Folder, LineId, Scope};
use crate::spool::Spool;
use crate::spool::copies::put_counts;
use crate::spool::shared::StageError;

/// What is to be different; none stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ViewChange {
    /// Read or unread.
    pub read: Option<bool>,
    /// With a star or without.
    pub starred: Option<bool>,
    /// Answered.
    pub answered: Option<bool>,
    /// Into this folder.
    pub folder: Option<Folder>,
    /// Gone for good; the rest does not matter then.
    pub delete: bool,
}

/// A message that was changed, as it was before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// Which one.
    pub id: LineId,
    /// Where it lay.
    pub folder: Folder,
    /// What was done with it before.
    pub flags: Flags,
}

/// How a message was, for the record by which a change is taken back.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Before {
    pub(super) at_millis: u64,
    pub(super) message: crate::model::MessageId,
    pub(super) folder: Folder,
    pub(super) flags: Flags,
}

/// One message and what becomes of it.
#[derive(Debug, Clone)]
pub(super) struct Step {
    pub(super) found: FoundLine,
    pub(super) change: ViewChange,
}

impl ViewChange {
    /// Marks as read or unread.
    #[must_use]
    pub fn read(read: bool) -> Self {
        Self {
            read: Some(read),
            ..Self::default()
        }
    }

    /// Puts into a folder.
    #[must_use]
    pub fn into(folder: Folder) -> Self {
        Self {
            folder: Some(folder),
            ..Self::default()
        }
    }

    fn flags(&self, before: Flags) -> Flags {
        Flags {
            read: self.read.unwrap_or(before.read),
            starred: self.starred.unwrap_or(before.starred),
            answered: self.answered.unwrap_or(before.answered),
        }
    }
}

impl Spool {
    /// Changes messages of a mailbox, in one commit, and answers those that were there. At most
    /// 1,000; more are a [`Selection`](super::Selection).
    ///
    /// # Errors
    /// [`SpoolError`]; nothing was changed then.
    pub async fn change_lines(
        &self,
        scope: &Scope,
        ids: &[LineId],
        change: ViewChange,
    ) -> Result<Vec<Changed>, SpoolError> {
        if ids.len() > crate::limits::CHANGED_LINES_MAX {
            return Err(SpoolError::Invalid("too many messages in one change"));
        }
        let _turn = self.inner.views.lock(scope).await;
        let Some(window) = self.window(scope).await? else {
            return Ok(Vec::new());
        };
        let mut steps = Vec::with_capacity(ids.len());
        for id in ids.iter().collect::<BTreeSet<_>>() {
            let found = self.find_line(&window, *id).await?;
            steps.extend(found.map(|found| Step { found, change }));
        }
        let changed = self.carry_out(&window, &steps, Batch::new()).await?;
        Ok(changed)
    }

    /// Carries steps out that were read under the mailbox's lock.
    pub(super) async fn carry_out(
        &self,
        window: &Window,
        steps: &[Step],
        extra: Batch,
    ) -> Result<Vec<Changed>, SpoolError> {
        if steps.is_empty() {
            return Ok(Vec::new());
        }
        let days: BTreeSet<u32> = steps.iter().map(|step| day_of(step.found.id.at)).collect();
        let wanted = days.into_iter().map(|day| (day, window.key.clone()));
        let wanted: Vec<CountsKey> = wanted.collect();
        let moves = steps
            .iter()
            .any(|step| step.change.delete || step.change.folder.is_some());
        let durability = if moves {
            Durability::Synced
        } else {
            Durability::Buffer
        };
        loop {
            self.load_counts(wanted.clone()).await?;
            let staged = self
                .inner
                .committer
                .commit(extra.clone(), durability, |order, batch| {
                    if !wanted.iter().all(|key| order.counts.knows(key)) {
                        return Err(StageError::ReadAgain);
                    }
                    let changed = steps.iter().map(|step| step.stage(window, order, batch));
                    changed.collect::<Result<Vec<_>, StageError>>()
                })
                .await;
            match staged {
                Ok(changed) => {
                    self.tell_arrived(&window.scope);
                    return Ok(changed);
                }
                Err(StageError::ReadAgain) => {}
                Err(StageError::Refused(error)) => return Err(error),
            }
        }
    }
}

impl Step {
    fn stage(
        &self,
        window: &Window,
        order: &mut Order,
        batch: &mut Batch,
    ) -> Result<Changed, StageError> {
        let FoundLine { id, folder, row } = &self.found;
        let day = day_of(id.at);
        let keyspace = keys::keyspace(day);
        let header = keys::decode_header(row)?;
        let (_, before) = (header.size_bytes, header.flags);
        let after = self.change.flags(before);
        let target = self.change.folder.unwrap_or(*folder);
        let old_key = keys::line_key(&window.key, *folder, *id);
        let star = keys::starred_key(&window.key, *id);
        let key = (day, window.key.clone());
        let ticket = order.ticket;
        if let Some(counts) = order.counts.get_mut(ticket, &key) {
            counts.remove(*folder, before.read, header.size_bytes);
            if !self.change.delete {
                counts.add(target, after.read, header.size_bytes);
            }
            put_counts(batch, &key, counts)?;
        }
        if self.change.delete || target != *folder {
            batch.delete(keyspace, &old_key);
        }
        if self.change.delete {
            batch.delete(keyspace, &star);
        } else {
            let row = keys::with_flags(row, after);
            batch.put(keyspace, &keys::line_key(&window.key, target, *id), row);
            if after.starred && !before.starred {
                batch.encode(keyspace, &star, |out| codec::encode(out, &()))?;
            } else if before.starred && !after.starred {
                batch.delete(keyspace, &star);
            }
        }
        Ok(Changed {
            id: *id,
            folder: *folder,
            flags: before,
        })
    }
}
