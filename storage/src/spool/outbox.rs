//! Mail that users write: it waits in the outbox while sending can be undone, then it is accepted
//! like any other message, and in the same commit it is gone from outbox and drafts (C27).

use bytes::Bytes;

use super::Spool;
use super::accept::{Closing, NewMessage};
use super::view::DraftId;
use crate::codec;
use crate::commit::Batch;
use crate::engine::{Direction, Durability, KeyspaceId};
use crate::error::SpoolError;
use crate::keyspace::{everything, outbox as keys};
use crate::limits::{
    OUTBOX_MAX, PAGE_ROWS_MAX, SENT_RECIPIENTS_MAX, SENT_RECIPIENTS_OF_DOMAIN_MAX,
};
use crate::model::view::day_of;
use crate::model::{MessageId, OutboxEntry, Scope, Timestamp};

/// The part of a draft that holds the finished message.
pub const OUTGOING_PART: u16 = u16::MAX;

/// What became of a message that was to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SendLater {
    /// It leaves at its time.
    Queued,
    /// Its author or the author's domain has sent too much today.
    Limit,
}

impl OutboxEntry {
    /// In whose name it is.
    #[must_use]
    pub fn scope(&self) -> Scope {
        Scope::new(self.domain, &self.mailbox)
    }
}

impl Spool {
    /// Puts a message into the outbox; its draft holds it in [`OUTGOING_PART`].
    ///
    /// # Errors
    /// [`SpoolError`].
    pub async fn send_later(&self, entry: &OutboxEntry) -> Result<SendLater, SpoolError> {
        let scope = entry.scope();
        let _turn = self.inner.views.lock(&scope).await;
        if self.outbox_of(&scope).await?.len() >= OUTBOX_MAX {
            return Ok(SendLater::Limit);
        }
        let day = day_of(self.clock().now());
        let count = u32::try_from(entry.recipients.len()).unwrap_or(u32::MAX);
        let mut counts = Vec::with_capacity(2);
        for (whose, limit) in [
            (
                format!("sent/{}/{}", scope.domain().0, scope.mailbox()),
                SENT_RECIPIENTS_MAX,
            ),
            (
                format!("sent/{}", scope.domain().0),
                SENT_RECIPIENTS_OF_DOMAIN_MAX,
            ),
        ] {
            let sent = self.sent_on(&whose, day).await?.saturating_add(count);
            if sent > limit {
                return Ok(SendLater::Limit);
            }
            counts.push((whose, sent));
        }
        for (whose, sent) in counts {
            let record = [day.to_be_bytes(), sent.to_be_bytes()].concat();
            self.save_learned(&whose, record.into()).await?;
        }
        let mut batch = Batch::new();
        let key = keys::key(entry.leaves_at, entry.id);
        batch.encode(KeyspaceId::Outbox, &key, |out| codec::encode(out, entry))?;
        self.commit_outbox(batch).await?;
        self.inner.sent.notify_one();
        Ok(SendLater::Queued)
    }

    /// Resolves when something was put into the outbox since the last time it did.
    pub async fn outbox_changed(&self) {
        self.inner.sent.notified().await;
    }

    /// Recipients written to on a day; the record of another day counts as none.
    async fn sent_on(&self, whose: &str, day: u32) -> Result<u32, SpoolError> {
        let record = self.load_learned(whose).await?;
        let sent = record.as_deref().and_then(|record| {
            let (of_day, sent) = record.split_first_chunk::<4>()?;
            let sent = u32::from_be_bytes(sent.try_into().ok()?);
            (u32::from_be_bytes(*of_day) == day).then_some(sent)
        });
        Ok(sent.unwrap_or_default())
    }

    /// What a user has sent and what has not left yet, in the order of leaving.
    ///
    /// # Errors
    /// [`SpoolError`].
    pub async fn outbox_of(&self, scope: &Scope) -> Result<Vec<OutboxEntry>, SpoolError> {
        let mut entries = self.outbox_entries(everything()).await?;
        entries.retain(|entry| entry.scope() == *scope);
        Ok(entries)
    }

    /// What leaves until `now`, at most a page of it, and when the next one leaves.
    ///
    /// # Errors
    /// [`SpoolError`].
    pub async fn outbox_due(
        &self,
        now: Timestamp,
    ) -> Result<(Vec<OutboxEntry>, Option<Timestamp>), SpoolError> {
        let due = self.outbox_entries(keys::due(now)).await?;
        let first = self
            .engine()
            .scan(
                KeyspaceId::Outbox,
                everything(),
                Direction::Ascending,
                due.len() + 1,
            )
            .await?;
        let next = first
            .rows
            .get(due.len())
            .map(|(_, row)| codec::decode::<OutboxEntry>(row));
        Ok((due, next.transpose()?.map(|entry| entry.leaves_at)))
    }

    /// Undoes sending: the draft is a draft again. None when the message has left.
    ///
    /// # Errors
    /// [`SpoolError`].
    pub async fn undo_sending(
        &self,
        scope: &Scope,
        id: MessageId,
    ) -> Result<Option<DraftId>, SpoolError> {
        let _turn = self.inner.views.lock(scope).await;
        let mine = self.outbox_of(scope).await?;
        let Some(entry) = mine.into_iter().find(|entry| entry.id == id) else {
            return Ok(None);
        };
        let mut batch = Batch::new();
        batch.delete(KeyspaceId::Outbox, &keys::key(entry.leaves_at, entry.id));
        self.commit_outbox(batch).await?;
        Ok(Some(DraftId(entry.draft)))
    }

    /// Notes why a message did not leave, and when it is tried again.
    ///
    /// # Errors
    /// [`SpoolError`].
    pub async fn send_again(
        &self,
        entry: &OutboxEntry,
        fault: String,
        at: Timestamp,
    ) -> Result<(), SpoolError> {
        let _turn = self.inner.views.lock(&entry.scope()).await;
        if !self.is_in_outbox(entry).await? {
            return Ok(());
        }
        let mut batch = Batch::new();
        batch.delete(KeyspaceId::Outbox, &keys::key(entry.leaves_at, entry.id));
        let later = OutboxEntry {
            leaves_at: at,
            attempts: entry.attempts.saturating_add(1),
            fault: Some(fault),
            ..entry.clone()
        };
        let key = keys::key(at, entry.id);
        batch.encode(KeyspaceId::Outbox, &key, |out| codec::encode(out, &later))?;
        self.commit_outbox(batch).await
    }

    /// Lets a message leave: `messages` are accepted, and outbox and drafts lose it, in one commit.
    /// False when sending was undone meanwhile; nothing was accepted then.
    ///
    /// # Errors
    /// As [`Spool::accept`].
    pub async fn leave(
        &self,
        entry: &OutboxEntry,
        messages: Vec<NewMessage>,
    ) -> Result<bool, SpoolError> {
        let scope = entry.scope();
        let _turn = self.inner.views.lock(&scope).await;
        if !self.is_in_outbox(entry).await? {
            return Ok(false);
        }
        let mut closing = Closing::default();
        let key = keys::key(entry.leaves_at, entry.id);
        closing.delete(KeyspaceId::Outbox, &key);
        for key in self.draft_keys(&scope, DraftId(entry.draft)).await? {
            closing.delete(KeyspaceId::Drafts, &key);
        }
        self.accept_all(messages, closing).await?;
        Ok(true)
    }

    async fn is_in_outbox(&self, entry: &OutboxEntry) -> Result<bool, SpoolError> {
        let key = Bytes::copy_from_slice(&keys::key(entry.leaves_at, entry.id));
        Ok(self.engine().get(KeyspaceId::Outbox, key).await?.is_some())
    }

    async fn outbox_entries(
        &self,
        range: crate::engine::KeyRange,
    ) -> Result<Vec<OutboxEntry>, SpoolError> {
        let page = self
            .engine()
            .scan(
                KeyspaceId::Outbox,
                range,
                Direction::Ascending,
                PAGE_ROWS_MAX,
            )
            .await?;
        let entries = page.rows.iter().map(|(_, row)| codec::decode(row));
        Ok(entries.collect::<Result<_, _>>()?)
    }

    async fn commit_outbox(&self, batch: Batch) -> Result<(), SpoolError> {
        self.inner
            .committer
            .commit(batch, Durability::Synced, |_, _| Ok::<_, SpoolError>(()))
            .await
    }
}
