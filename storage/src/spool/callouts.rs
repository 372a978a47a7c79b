//! Answers to callouts: kept by recipient, forgotten by age.

use std::time::Duration;

use bytes::Bytes;

use super::Spool;
use crate::codec;
use crate::commit::Batch;
use crate::engine::{Durability, KeyspaceId};
use crate::error::SpoolError;
use crate::keyspace::callout as keys;
use crate::model::{CalloutAnswer, DomainId};

/// Rows that one turn of a sweep reads.
const TURN_ROWS: usize = 512;

impl Spool {
    /// What a domain's destination said last about a recipient, by the key of its local part (see
    /// `Mailbox::key`). A damaged row counts as none.
    ///
    /// # Errors
    /// [`SpoolError::Engine`].
    pub async fn callout_answer(
        &self,
        domain: DomainId,
        local_part: &str,
    ) -> Result<Option<CalloutAnswer>, SpoolError> {
        let key = Bytes::from(keys::key(domain, local_part));
        let row = self.engine().get(KeyspaceId::Learned, key).await?;
        Ok(row.and_then(|row| codec::decode(&row).ok()))
    }

    /// Keeps what a destination said, without waiting for the disk: it can be asked again.
    ///
    /// # Errors
    /// [`SpoolError::Engine`].
    pub async fn save_callout_answer(
        &self,
        domain: DomainId,
        local_part: &str,
        answer: CalloutAnswer,
    ) -> Result<(), SpoolError> {
        let mut batch = Batch::new();
        let key = keys::key(domain, local_part);
        batch.encode(KeyspaceId::Learned, &key, |out| codec::encode(out, &answer))?;
        self.commit_learned(batch).await
    }

    /// Forgets answers that are too old: those that a recipient exists after `positive`, the others
    /// after `negative`. Answers how many went.
    ///
    /// # Errors
    /// [`SpoolError::Engine`].
    pub async fn sweep_callout_answers(
        &self,
        positive: Duration,
        negative: Duration,
    ) -> Result<u64, SpoolError> {
        let now = self.clock().now();
        let is_old = |row: &Bytes| match codec::decode::<CalloutAnswer>(row) {
            Ok(CalloutAnswer { exists, at }) => {
                now.saturating_since(at) > if exists { positive } else { negative }
            }
            Err(_) => true,
        };
        let (mut behind, mut forgotten) = (None, 0);
        loop {
            let range = keys::behind(behind);
            let page = self.scan(KeyspaceId::Learned, range, TURN_ROWS).await?;
            let mut batch = Batch::new();
            for (key, row) in &page.rows {
                if keys::is_key(key) && is_old(row) {
                    batch.delete(KeyspaceId::Learned, key);
                    forgotten += 1;
                }
            }
            self.commit_learned(batch).await?;
            match page.rows.last().filter(|_| page.more) {
                Some((last, _)) => behind = Some(last.clone()),
                None => return Ok(forgotten),
            }
        }
    }

    async fn commit_learned(&self, batch: Batch) -> Result<(), SpoolError> {
        self.inner
            .committer
            .commit(batch, Durability::Buffer, |_, _| Ok::<_, SpoolError>(()))
            .await
    }
}
