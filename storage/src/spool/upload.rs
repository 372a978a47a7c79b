//! Bodies that are being written into the store ahead of the commit that accepts them, as rows.
//!
//! Every such body has a row in `meta` that says where its chunks are and how many; the accepting commit deletes it. A
//! body given up is deleted soon after by [`Spool::sample_space`](super::Spool::sample_space);
//! what a crash left behind is found by its row, without reading `transit`. Files of bodies have a
//! sweep of their own ([`super::files`]).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use super::Spool;
use crate::bodies::FileClaim;
use crate::codec;
use crate::commit::Batch;
use crate::engine::{Direction, Durability, KeyspaceId};
use crate::error::SpoolError;
use crate::keyspace::{meta, transit};
use crate::model::{BodyPlace, MessageId};

/// What is in the store of a body that is being written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Upload {
    /// Chunks, counted from 0.
    pub(crate) chunks: u32,
    /// Where they are.
    pub(crate) place: BodyPlace,
}

/// The right to what was written of a body; dropping it without acceptance gives the body up.
#[derive(Debug)]
pub(crate) enum BodyClaim {
    /// Its rows.
    Rows(UploadClaim),
    /// Its file.
    File(FileClaim),
}

impl BodyClaim {
    /// The accepting commit has been given to the engine: from now on nobody may delete the body,
    /// even if the outcome of the commit is never heard here.
    pub(crate) fn accepting(&mut self) {
        match self {
            Self::Rows(claim) => claim.accepting(),
            Self::File(claim) => claim.accepting(),
        }
    }

    /// The accepting commit is visible.
    pub(crate) fn accepted(self) {
        match self {
            Self::Rows(claim) => claim.accepted(),
            Self::File(_) => {}
        }
    }
}

/// Uploads of this process.
#[derive(Debug, Default)]
pub(crate) struct Uploads {
    states: Mutex<HashMap<MessageId, UploadState>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum UploadState {
    /// Being written, or finished and not accepted yet.
    InProgress,
    /// The accepting commit is on its way; its outcome may never be known here.
    Accepting,
    /// Nobody wants it.
    Abandoned { upload: Upload },
}

impl Uploads {
    fn lock(&self) -> MutexGuard<'_, HashMap<MessageId, UploadState>> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes charge of a body's chunks until they are accepted or given up.
    pub(crate) fn claim(self: &Arc<Self>, message: MessageId) -> UploadClaim {
        self.lock().insert(message, UploadState::InProgress);
        UploadClaim {
            uploads: Arc::clone(self),
            message,
            upload: Upload::default(),
            open: true,
        }
    }

    fn abandoned(&self) -> Vec<(MessageId, Upload)> {
        self.lock()
            .iter()
            .filter_map(|(message, state)| match state {
                UploadState::Abandoned { upload } => Some((*message, *upload)),
                UploadState::InProgress | UploadState::Accepting => None,
            })
            .collect()
    }

    fn is_known(&self, message: MessageId) -> bool {
        self.lock().contains_key(&message)
    }

    fn forget(&self, message: MessageId) {
        self.lock().remove(&message);
    }
}

/// The right to a body's chunks; dropping it without acceptance gives them up.
#[derive(Debug)]
pub(crate) struct UploadClaim {
    uploads: Arc<Uploads>,
    message: MessageId,
    upload: Upload,
    open: bool,
}

impl UploadClaim {
    /// Notes what has been given to the engine.
    pub(crate) const fn wrote(&mut self, upload: Upload) {
        self.upload = upload;
    }

    /// The accepting commit has been given to the engine: from now on nobody may delete the chunks,
    /// even if its outcome is never heard here.
    pub(crate) fn accepting(&mut self) {
        self.open = false;
        self.uploads
            .lock()
            .insert(self.message, UploadState::Accepting);
    }

    /// The accepting commit is visible.
    pub(crate) fn accepted(self) {
        self.uploads.forget(self.message);
    }
}

impl Drop for UploadClaim {
    fn drop(&mut self) {
        if self.open {
            let upload = self.upload;
            self.uploads
                .lock()
                .insert(self.message, UploadState::Abandoned { upload });
        }
    }
}

impl Spool {
    /// Deletes the chunks of bodies that were given up since the last call.
    pub(crate) async fn delete_abandoned(&self) -> Result<usize, SpoolError> {
        let abandoned = self.inner.uploads.abandoned();
        for (message, upload) in &abandoned {
            self.delete_upload(*message, *upload).await?;
            self.inner.uploads.forget(*message);
        }
        Ok(abandoned.len())
    }

    /// Deletes chunks whose message was never accepted: at most `limit` bodies, and how many there
    /// were; files of bodies that nobody names are all freed at once. Bodies that are being written
    /// stay. Run it at start and every hour.
    ///
    /// # Errors
    /// [`SpoolError::Engine`].
    pub async fn sweep_orphans(&self, limit: usize) -> Result<usize, SpoolError> {
        let mut swept = self.delete_abandoned().await? + self.sweep_files().await?;
        let page = self
            .engine()
            .scan(
                KeyspaceId::Meta,
                meta::uploads(),
                Direction::Ascending,
                limit,
            )
            .await?;
        for (key, row) in page.rows {
            let Some(message) = meta::parse_upload_key(&key) else {
                continue;
            };
            // An accepting commit deletes this row and leaves the map only when that is visible, so
            // whoever is not in the map and still has the row when read again was never accepted.
            if self.inner.uploads.is_known(message)
                || self.engine().get(KeyspaceId::Meta, key).await?.is_none()
            {
                continue;
            }
            let upload = codec::decode(&row)?;
            self.delete_upload(message, upload).await?;
            swept += 1;
        }
        Ok(swept)
    }

    async fn delete_upload(&self, message: MessageId, upload: Upload) -> Result<(), SpoolError> {
        let mut batch = Batch::new();
        for chunk in 0..upload.chunks {
            let keyspace = transit::keyspace(upload.place);
            batch.delete(keyspace, &transit::key(message, chunk));
        }
        batch.delete(KeyspaceId::Meta, &meta::upload_key(message));
        self.inner
            .committer
            .commit(batch, Durability::Buffer, |_, _| Ok::<_, SpoolError>(()))
            .await
    }
}
