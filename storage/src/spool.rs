//! The spool: everything that survives, behind one handle.
//!
//! Intake takes messages over ([`Spool::accept`]), delivery reads pages of the queue and writes
//! down outcomes ([`Spool::settle`]), administrators change the directory and decide about what is
//! set aside. All writes go through one committer, so that positions in the queue follow the order
//! of commits: a cursor that has passed a position never misses an entry behind it.
//!
//! Accept and delivery never talk; the queue is their interface. [`Spool::feed`] gives hints, which
//! may be lost.

mod accept;
mod accounts;
mod administrators;
mod aside;
mod audit;
mod backfill;
mod backup;
mod body;
mod body_reader;
mod callouts;
mod check;
mod continuity;
mod copies;
mod damaged;
mod directory;
mod dkim;
mod domain_aliases;
mod due;
mod files;
mod import;
mod intents;
mod kept;
mod keys;
mod ledger;
mod log;
mod mailboxes;
mod open;
mod outbound;
mod outbox;
mod outcome;
mod queue;
mod removal;
mod sender_rules;
mod settle;
mod shared;
mod space;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod upload;
mod user_months;
mod view;
mod withheld;

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{Notify, broadcast, watch};

use crate::access::Access;
use crate::bodies::{BodyFiles, Budget};
use crate::codec::chunk::Compressors;
use crate::commit::{Batch, Committer};
use crate::engine::{Durability, Engine, EngineStats, KeyspaceId, ReclaimReport};
use crate::feed::Feed;
use crate::keyspace::learned;
use crate::model::{Clock, Counters, DomainId, IdGenerator, MessageId};
use crate::seal::{Keyring, SealError, Sealer};
use accounts::AccountLanes;
use intents::IntentBoard;
use space::SpaceWatch;
use upload::Uploads;

pub use crate::bodies::BodyFilesStats;
pub use crate::codec::RowError;
pub use crate::directory::{
    Directory, DirectoryCounts, Resolution, RuleMatch, SenderFacts, SenderRules,
};
pub use crate::error::{ChangeError, OpenError, RejectedRow, SpoolError};
pub use crate::feed::{Arrived, Hint};
pub use crate::model::{AsideEntry, AsideKind, Intent, IntentAction, IntentId};
pub use accept::{NewDisposition, NewEntry, NewMessage};
pub use accounts::{AccountChange, AccountEffects, EndSessions};
pub use audit::AuditId;
pub use body::{BodyWriter, StoredBody};
pub use body_reader::BodyReader;
pub use check::{SpoolCheck, SpoolProblem};
pub use continuity::ContinuityWish;
pub use copies::{NewCopies, NewCopy};
pub use directory::NewDomain;
pub use intents::IntentTicket;
pub use log::{LogCursor, LogFilter, LogPage};
pub use open::SpoolOptions;
pub use outbox::{OUTGOING_PART, SendLater};
pub use outcome::RecipientOutcome;
pub use settle::{Settled, Settlement};
pub use space::{DiskGuard, IntakeState, Space, SpaceProbe, Volume};
pub use view::{
    Changed, DayUsage, DomainUsage, Draft, DraftId, DraftSaved, List, ListPage, SearchPage,
    SearchQuery, SearchTerm, Selection, Toward, UndoId, Undone, ViewChange, search_text,
};

/// A handle on the spool; a cheap clone.
#[derive(Debug, Clone)]
pub struct Spool {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    committer: Committer,
    clock: Arc<dyn Clock>,
    ids: IdGenerator,
    directory: Directory,
    access: Access,
    lanes: AccountLanes,
    sender_rules: SenderRules,
    feed: Arc<Feed>,
    uploads: Arc<Uploads>,
    /// Files of large bodies; none where all bodies are rows.
    files: Option<Arc<BodyFiles>>,
    memory_in: Budget,
    memory_out: Budget,
    intents: IntentBoard,
    keyring: Arc<Keyring>,
    compressors: Compressors,
    views: view::Locks,
    backfills: backfill::Backfills,
    sent: Notify,
    space: SpaceWatch,
    failed: watch::Receiver<Option<String>>,
}

/// Sizes and counts, for metrics, `store stats` and the status page.
#[derive(Debug, Clone)]
pub struct SpoolStats {
    /// What the engine says about its files.
    pub engine: EngineStats,
    /// What the files of large bodies occupy besides.
    pub bodies: BodyFilesStats,
    /// The ledgers of all domains, added up.
    pub counters: Counters,
    /// What the directory holds.
    pub directory: DirectoryCounts,
    /// What intake may do.
    pub intake: IntakeState,
}

impl Spool {
    /// The clock that all decisions follow.
    #[must_use]
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.inner.clock
    }

    /// An id for a new message.
    #[must_use]
    pub fn next_id(&self) -> MessageId {
        self.inner.ids.next(self.inner.clock.wall())
    }

    /// Hints from now on. A listener that lags has to look for itself.
    #[must_use]
    pub fn feed(&self) -> broadcast::Receiver<Hint> {
        self.inner.feed.listen()
    }

    /// Which continuity mailboxes change from now on. A listener that lags has to look for itself.
    #[must_use]
    pub fn arrivals(&self) -> broadcast::Receiver<Arrived> {
        self.inner.feed.listen_for_arrivals()
    }

    /// `Some(why)` once the store takes no more writes: end the process and start it again.
    #[must_use]
    pub fn failed(&self) -> watch::Receiver<Option<String>> {
        self.inner.failed.clone()
    }

    /// Keeps what delivery has learnt under a name, without waiting for the disk.
    ///
    /// # Errors
    /// [`SpoolError::Engine`].
    pub async fn save_learned(&self, name: &str, record: Bytes) -> Result<(), SpoolError> {
        let mut batch = Batch::new();
        batch.put(
            KeyspaceId::Learned,
            name.as_bytes(),
            learned::encode(&record),
        );
        self.inner
            .committer
            .commit(batch, Durability::Buffer, |_, _| Ok::<_, SpoolError>(()))
            .await
    }

    /// What delivery has kept under a name; a damaged record counts as none.
    ///
    /// # Errors
    /// [`SpoolError::Engine`].
    pub async fn load_learned(&self, name: &str) -> Result<Option<Bytes>, SpoolError> {
        let key = Bytes::copy_from_slice(name.as_bytes());
        let row = self.engine().get(KeyspaceId::Learned, key).await?;
        Ok(row.and_then(|row| learned::decode(&row).ok()))
    }

    /// Sizes and counts.
    ///
    /// # Errors
    /// [`SpoolError::Engine`].
    pub async fn stats(&self) -> Result<SpoolStats, SpoolError> {
        Ok(SpoolStats {
            engine: self.engine().stats().await?,
            bodies: match &self.inner.files {
                Some(_) => self.on_files(|files| files.stats()).await?,
                None => BodyFilesStats::default(),
            },
            counters: self.counters_total(),
            directory: self.inner.directory.counts(),
            intake: self.intake(),
        })
    }

    /// Gives the space of deleted mail back to the volume: after a drain, or when space falls.
    ///
    /// # Errors
    /// [`SpoolError::Engine`].
    pub async fn reclaim(&self) -> Result<ReclaimReport, SpoolError> {
        if self.inner.files.is_some() {
            self.on_files(|files| files.trim()).await?;
        }
        Ok(self.engine().reclaim().await?)
    }

    /// Syncs what was committed; nothing is taken afterwards.
    ///
    /// # Errors
    /// [`SpoolError::Engine`].
    pub async fn shutdown(&self) -> Result<(), SpoolError> {
        Ok(self.engine().shutdown().await?)
    }

    fn sealer(&self, domain: DomainId) -> Result<Sealer, SealError> {
        self.inner.keyring.sealer(domain)
    }

    fn engine(&self) -> &Arc<dyn Engine> {
        self.inner.committer.engine()
    }
}
