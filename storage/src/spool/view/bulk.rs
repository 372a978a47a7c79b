//! One change of many messages, and how it is taken back.

use super::change::{Before, Step, ViewChange};
use super::list::{List, Toward};
use super::{FoundLine, Window};
use crate::codec;
use crate::commit::Batch;
use crate::engine::{Direction, Durability, KeyspaceId};
use crate::error::SpoolError;
use crate::keyspace::{undo, view as keys};
use crate::limits::{CHANGED_LINES_MAX, PAGE_ROWS_MAX, SELECTION_MAX, UNDO_KEPT};
use crate::model::{LineId, MessageId, Scope, Timestamp};
use crate::spool::Spool;

/// Which messages a change is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Selection<'a> {
    /// These, at most 1,000.
    These(&'a [LineId]),
    /// Everything in a list.
    All(List),
}

/// Names a change that can be taken back, for an hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct UndoId(pub MessageId);

/// What a change of a selection did, or its being taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Undone {
    /// Messages that were changed.
    pub changed: usize,
    /// By this it can be taken back; none when nothing was changed or deletion was asked for.
    pub undo: Option<UndoId>,
    /// Whether there are more: a change covers 10,000 messages, ask again for the rest.
    pub more: bool,
}

impl Spool {
    /// Changes a selection of messages, in turns of 1,000, each with its undo record in one commit.
    ///
    /// # Errors
    /// [`SpoolError`]; turns before the failing one are done.
    pub async fn change_selection(
        &self,
        scope: &Scope,
        selection: Selection<'_>,
        change: ViewChange,
    ) -> Result<Undone, SpoolError> {
        let _turn = self.inner.views.lock(scope).await;
        let Some(window) = self.window(scope).await? else {
            return Ok(Undone::default());
        };
        let undo = UndoId(self.next_id());
        let mut done = Undone::default();
        match selection {
            Selection::These(ids) => {
                let mut found = Vec::new();
                for id in ids.iter().take(CHANGED_LINES_MAX) {
                    found.extend(self.find_line(&window, *id).await?);
                }
                found.dedup_by_key(|found| found.id);
                done.changed = self.turn(&window, found, change, undo, 0).await?;
                done.more = ids.len() > CHANGED_LINES_MAX;
            }
            Selection::All(list) => {
                let mut toward = Toward::Newest;
                for number in 0.. {
                    let found = self
                        .find_lines(&window, list, toward, CHANGED_LINES_MAX)
                        .await?;
                    done.changed += self
                        .turn(&window, found.lines, change, undo, number)
                        .await?;
                    let Some(next) = found.next else {
                        break;
                    };
                    toward = Toward::OlderThan(next);
                    if done.changed >= SELECTION_MAX {
                        done.more = true;
                        break;
                    }
                }
            }
        }
        done.undo = (done.changed > 0 && !change.delete).then_some(undo);
        Ok(done)
    }

    async fn turn(
        &self,
        window: &Window,
        found: Vec<FoundLine>,
        change: ViewChange,
        undo: UndoId,
        number: u32,
    ) -> Result<usize, SpoolError> {
        let mut before = Vec::with_capacity(found.len());
        for found in &found {
            before.push(Before {
                at_millis: found.id.at.as_millis(),
                message: found.id.message,
                folder: found.folder,
                flags: keys::decode_header(&found.row)?.flags,
            });
        }
        let mut extra = Batch::new();
        if !change.delete && !before.is_empty() {
            let key = undo::key(&window.key, undo.0, number);
            extra.encode(KeyspaceId::Undo, &key, |out| codec::encode(out, &before))?;
        }
        let steps: Vec<_> = found
            .into_iter()
            .map(|found| Step { found, change })
            .collect();
        Ok(self.carry_out(window, &steps, extra).await?.len())
    }

    /// Takes a change back: messages that are still there lie where they lay, with the flags they
    /// had. Answers how many; none after an hour, or when it was taken back before.
    ///
    /// # Errors
    /// [`SpoolError`].
    pub async fn undo(&self, scope: &Scope, undo: UndoId) -> Result<usize, SpoolError> {
        let _turn = self.inner.views.lock(scope).await;
        let Some(window) = self.window(scope).await? else {
            return Ok(0);
        };
        if self.clock().wall().saturating_since(undo.0.made_at()) > UNDO_KEPT {
            return Ok(0);
        }
        let page = self
            .engine()
            .scan(
                KeyspaceId::Undo,
                undo::range(&window.key, undo.0),
                Direction::Ascending,
                PAGE_ROWS_MAX,
            )
            .await?;
        let mut changed = 0;
        for (key, row) in page.rows {
            let before: Vec<Before> = codec::decode(&row)?;
            let mut steps = Vec::with_capacity(before.len());
            for before in before {
                let id = LineId {
                    at: Timestamp::from_millis(before.at_millis),
                    message: before.message,
                };
                let found = self.find_line(&window, id).await?;
                steps.extend(found.map(|found| Step {
                    found,
                    change: before.again(),
                }));
            }
            let mut extra = Batch::new();
            extra.delete(KeyspaceId::Undo, &key);
            changed += self.carry_out(&window, &steps, extra).await?.len();
        }
        Ok(changed)
    }

    /// Drops undo records whose hour is over: looks at no more than `limit`, and says how many it
    /// dropped.
    ///
    /// # Errors
    /// [`SpoolError::Engine`].
    pub async fn sweep_undo(&self, limit: usize) -> Result<usize, SpoolError> {
        let everything = crate::keyspace::everything();
        let page = self
            .engine()
            .scan(KeyspaceId::Undo, everything, Direction::Ascending, limit)
            .await?;
        let now = self.clock().wall();
        let mut batch = Batch::new();
        let mut swept = 0;
        for (key, _) in page.rows {
            let over = |id: MessageId| now.saturating_since(id.made_at()) > UNDO_KEPT;
            if undo::parse_id(&key).is_none_or(over) {
                batch.delete(KeyspaceId::Undo, &key);
                swept += 1;
            }
        }
        self.inner
            .committer
            .commit(batch, Durability::Buffer, |_, _| Ok::<_, SpoolError>(()))
            .await?;
        Ok(swept)
    }
}

impl Before {
    /// The change that makes a message what it was.
    const fn again(&self) -> ViewChange {
        ViewChange {
            read: Some(self.flags.read),
            starred: Some(self.flags.starred),
            answered: Some(self.flags.answered),
            folder: Some(self.folder),
            delete: false,
        }
    }
}
