//! A continuity mailbox as its reader sees it: lists, messages, flags, folders, conversations,
//! search, drafts.
//!
//! Every call takes a [`Scope`] and sees nothing outside of it. Nothing here touches the queue: what
//! a reader does never changes what is delivered (D3). Lists are read by key from the newest on and
//! never counted through; how many messages there are is kept beside them.
//!
//! Changes of one mailbox follow each other; mail arrives meanwhile, in rows of its own.

mod bulk;
mod change;
mod counts;
mod drafts;
mod list;
mod message;
mod search;
mod thread;
mod usage;

use tokio::sync::{Mutex, MutexGuard};

use super::Spool;
use crate::codec;
use crate::engine::DayKind;
use crate::error::SpoolError;
use crate::keyspace::view as keys;
use crate::model::view::day_of;
use crate::model::{Folder, Line, LineId, MessageId, Scope, Timestamp};
use crate::seal::{SealError, Sealer};
use crate::spool::copies::LineRecord;

pub use bulk::{Selection, UndoId, Undone};
pub use change::{Changed, ViewChange};
pub use drafts::{Draft, DraftId, DraftSaved};
pub use list::{List, ListPage, Toward};
pub use search::{SearchPage, SearchQuery, SearchTerm, search_text};
pub use usage::{DayUsage, DomainUsage};

/// Mailboxes whose changes may run at one time.
const SHARDS: usize = 64;

/// One change of a mailbox at a time.
#[derive(Debug)]
pub(super) struct Locks {
    shards: Vec<Mutex<()>>,
}

impl Default for Locks {
    fn default() -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Mutex::new(())).collect(),
        }
    }
}

impl Locks {
    /// Waits until nobody else changes this mailbox.
    pub(super) async fn lock(&self, scope: &Scope) -> Option<MutexGuard<'_, ()>> {
        let at = usize::try_from(scope.tag()).unwrap_or_default() % SHARDS;
        Some(self.shards.get(at)?.lock().await)
    }
}

/// A line as it was read, not opened yet.
#[derive(Debug, Clone)]
struct FoundLine {
    id: LineId,
    folder: Folder,
    row: bytes::Bytes,
}

/// What is visible of a mailbox now, and how it is opened.
#[derive(Debug, Clone)]
struct Window {
    scope: Scope,
    key: bytes::Bytes,
    sealer: Sealer,
    /// Copies made at this time or before are not shown any more.
    cutoff: Timestamp,
    /// Days that may hold something visible, newest first.
    days: Vec<u32>,
}

/// What a line's sealed part is sealed for.
pub(super) fn line_place(mailbox: &str, message: MessageId) -> Vec<u8> {
    [b"line", message.as_bytes().as_slice(), mailbox.as_bytes()].concat()
}

/// What the search text is sealed for.
pub(super) fn text_place(mailbox: &str, message: MessageId) -> Vec<u8> {
    [b"text", message.as_bytes().as_slice(), mailbox.as_bytes()].concat()
}

impl Window {
    /// The id behind which nothing of the oldest day is visible.
    fn oldest(&self, day: u32) -> Option<LineId> {
        (day == day_of(self.cutoff)).then_some(LineId {
            at: self.cutoff,
            message: MessageId::from_bytes([0; 12]),
        })
    }

    fn open(&self, found: &FoundLine) -> Result<Line, SpoolError> {
        let header = keys::decode_header(&found.row)?;
        let (line, _) = keys::sealed_parts(&found.row)?;
        let place = line_place(self.scope.mailbox(), found.id.message);
        let opened = self.sealer.open(&place, line)?;
        let record: LineRecord = codec::decode_bare(&opened)?;
        Ok(Line {
            id: found.id,
            folder: found.folder,
            flags: header.flags,
            size_bytes: header.size_bytes,
            came_to: record.came_to,
            summary: record.summary,
        })
    }
}

impl Spool {
    /// What is visible of a mailbox; none when its domain has no continuity.
    async fn window(&self, scope: &Scope) -> Result<Option<Window>, SpoolError> {
        let domain = self.directory().domain(scope.domain());
        let Some(continuity) = domain.and_then(|domain| domain.continuity) else {
            return Ok(None);
        };
        let sealer = match self.sealer(scope.domain()) {
            Ok(sealer) => sealer,
            // Its key was destroyed: nothing of it can be shown any more.
            Err(SealError::NoKey(_)) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let now = self.clock().now();
        let cutoff = continuity.cutoff(now).unwrap_or_default();
        let mut days = self.engine().days(DayKind::Continuity).await?;
        days.retain(|day| *day >= day_of(cutoff));
        days.sort_unstable_by(|one, other| other.cmp(one));
        Ok(Some(Window {
            scope: scope.clone(),
            key: keys::scope_key(scope),
            sealer,
            cutoff,
            days,
        }))
    }

    /// Lines that open; one that does not is reported and left out.
    fn opened(window: &Window, found: &[FoundLine]) -> Vec<Line> {
        let lines = found.iter().filter_map(|found| {
            window
                .open(found)
                .inspect_err(|error| {
                    if !matches!(error, SpoolError::Seal(SealError::KeyGone { .. })) {
                        let day = keys::keyspace(day_of(found.id.at));
                        crate::metrics::corrupt_record(day);
                    }
                    tracing::error!(line = %found.id, %error, "a line of a mailbox cannot be shown");
                })
                .ok()
        });
        lines.collect()
    }
}
