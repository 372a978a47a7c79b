//! Files of large bodies in step with the rows: freed when nobody names them, copied with a backup.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;

use super::{IntakeState, Spool};
use crate::bodies::{BodyFiles, FilePlace, SlotReader, Suspect};
use crate::codec::chunk;
use crate::commit::Batch;
use crate::engine::{DayKind, Durability, EngineError, KeyspaceId};
use crate::error::SpoolError;
use crate::keyspace::transit;
use crate::model::MessageId;

impl Spool {
    /// Runs work on the files of bodies away from the reactor.
    pub(super) async fn on_files<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Arc<BodyFiles>) -> io::Result<T> + Send + 'static,
    ) -> Result<T, SpoolError> {
        let Some(files) = &self.inner.files else {
            let source = io::ErrorKind::NotFound.into();
            let action = "a body with a file of its own, in a store without files".to_owned();
            return Err(EngineError::Io { action, source }.into());
        };
        Ok(files.blocking(work).await?)
    }

    /// Frees the files whose rows went, or that were given up, since the last call.
    pub(super) async fn free_files(&self) -> Result<(), SpoolError> {
        let Some(files) = &self.inner.files else {
            return Ok(());
        };
        // Held by a backup, or by a sweep that does the same: next time.
        let Ok(_freeing) = files.freeing.try_lock() else {
            return Ok(());
        };
        let suspects = files.take_suspects();
        self.free_unnamed(suspects).await?;
        if !self.may_keep_files() {
            self.on_files(|files| files.trim()).await?;
        }
        Ok(())
    }

    /// Looks at every file and frees those that nobody names; how many there were.
    pub(super) async fn sweep_files(&self) -> Result<usize, SpoolError> {
        let Some(files) = &self.inner.files else {
            return Ok(0);
        };
        let _freeing = files.freeing.lock().await;
        let suspects = self.on_files(|files| Ok(files.all_suspects())).await?;
        self.free_unnamed(suspects).await
    }

    /// Whether free files may wait to be used again: not while mail is refused for want of space.
    fn may_keep_files(&self) -> bool {
        matches!(self.intake(), IntakeState::Open | IntakeState::Soft)
    }

    async fn free_unnamed(&self, suspects: Vec<Suspect>) -> Result<usize, SpoolError> {
        if suspects.is_empty() {
            return Ok(0);
        }
        // What was on its way is decided then, and no power cut takes it back.
        self.inner
            .committer
            .commit(Batch::new(), Durability::Synced, |_, _| {
                Ok::<_, SpoolError>(())
            })
            .await?;
        let mut unnamed = Vec::with_capacity(suspects.len());
        for suspect in suspects {
            if !self.is_named(suspect).await? {
                unnamed.push(suspect);
            }
        }
        let count = unnamed.len();
        let keep = self.may_keep_files();
        self.on_files(move |files| files.free(&unnamed, keep))
            .await?;
        Ok(count)
    }

    /// Whether a row names this file. A row that cannot be read might.
    async fn is_named(&self, suspect: Suspect) -> Result<bool, SpoolError> {
        let Some(message) = suspect.message else {
            return Ok(false);
        };
        let days = self.engine().days(DayKind::Kept).await?;
        let kept = days.into_iter().map(|day| KeyspaceId::Day {
            kind: DayKind::Kept,
            day,
        });
        for keyspace in std::iter::once(KeyspaceId::Transit).chain(kept) {
            let key = Bytes::copy_from_slice(&transit::key(message, 0));
            let named = match self.engine().get(keyspace, key).await {
                Ok(Some(row)) => match FilePlace::decode(&row) {
                    Some(Ok(place)) => place.slot == suspect.slot,
                    Some(Err(_)) => true,
                    None => false,
                },
                Ok(None) => false,
                Err(EngineError::Corrupt { .. }) => true,
                Err(error) => return Err(error.into()),
            };
            if named {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Copies the files of bodies to another data directory; their bytes.
    pub(super) async fn copy_files(&self, directory: PathBuf) -> Result<u64, SpoolError> {
        if self.inner.files.is_none() {
            return Ok(0);
        }
        self.on_files(move |files| Ok(files.copy_to(&directory)))
            .await?
            .map_err(SpoolError::from)
    }

    /// What is wrong with a body in a file.
    pub(super) async fn check_file(&self, message: MessageId, place: FilePlace) -> Option<String> {
        let checked = self
            .on_files(move |files| {
                let mut reader = SlotReader::open(files, message, place)?;
                while let Some(stored) = reader.next()? {
                    let number = reader.frames_read();
                    if let Err(error) = chunk::verify(&stored) {
                        return Ok(Some(format!("chunk {} of its file: {error}", number - 1)));
                    }
                }
                Ok(None)
            })
            .await;
        checked.unwrap_or_else(|error| Some(error.to_string()))
    }
}
