//! Continuity copies: rows of mailboxes that are written with the commit that accepts a message.
//!
//! A copy is a line in the mailbox's list and refers to the one stored body (C11, C16). What the
//! filter has put into quarantine is not copied (C12): its copies are withheld until a person
//! releases it.

use bytes::{Bytes, BytesMut};
use serde::{Deserialize, Serialize};

use super::Spool;
use super::shared::StageError;
use super::view::{line_place, text_place};
use crate::codec::{self, RowError};
use crate::commit::{Batch, CountsKey, Order};
use crate::engine::KeyspaceId;
use crate::error::SpoolError;
use crate::keyspace::{queue, view};
use crate::limits::COPIES_MAX;
use crate::model::view::day_of;
use crate::model::{
    BodyPlace, DomainId, Flags, Folder, LineId, MessageId, Scope, Sequence, Summary, Timestamp,
    ViewCounts,
};

/// Copies to be made of a new message.
#[derive(Debug, Clone)]
pub struct NewCopies {
    /// What their lists tell of it.
    pub summary: Summary,
    /// What is searched, see `search_text`.
    pub text: String,
    /// Whose mailboxes get one; each at most once per folder.
    pub to: Vec<NewCopy>,
}

/// One copy to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCopy {
    /// Whose mailbox.
    pub scope: Scope,
    /// Where it goes: the inbox, or *Sent* for what its owner wrote.
    pub folder: Folder,
    /// The address of ours that the mail came to.
    pub came_to: String,
}

/// What a line's sealed part says.
#[derive(Serialize, Deserialize)]
pub(super) struct LineRecord {
    pub(super) came_to: String,
    pub(super) summary: Summary,
}

/// A copy whose row is complete but for the time that gives it its place.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct PreparedCopy {
    mailbox: String,
    folder: Folder,
    threads: Vec<u64>,
    line: Vec<u8>,
    text: Vec<u8>,
}

/// Where the body of a message is, as its lines say it.
#[derive(Debug, Clone, Copy)]
pub(super) struct CopiedBody {
    pub(super) message: MessageId,
    pub(super) day: u32,
    pub(super) chunks: u32,
    pub(super) size_bytes: u64,
}

/// Copies of one domain that are made now.
#[derive(Debug, Clone)]
pub(super) struct Copies {
    pub(super) domain: DomainId,
    pub(super) copies: Vec<PreparedCopy>,
}

impl PreparedCopy {
    fn scope(&self, domain: DomainId) -> Scope {
        Scope::new(domain, &self.mailbox)
    }

    /// What its owner wrote is read, and stands beside what the same message is to its reader.
    fn id(&self, message: MessageId, at: Timestamp) -> LineId {
        let millis = u64::from(self.folder == Folder::Sent);
        LineId {
            at: Timestamp::from_millis(at.as_millis() + millis),
            message,
        }
    }

    fn flags(&self) -> Flags {
        Flags {
            read: self.folder == Folder::Sent,
            ..Flags::default()
        }
    }
}

impl Copies {
    /// The copies by domain, those to domains without continuity left out.
    pub(super) fn prepare(
        spool: &Spool,
        message: MessageId,
        new: NewCopies,
    ) -> Result<Vec<Self>, SpoolError> {
        if new.to.len() > COPIES_MAX {
            return Err(SpoolError::Invalid("too many copies of one message"));
        }
        let directory = spool.directory();
        let mut prepared: Vec<Self> = Vec::with_capacity(1);
        for copy in new.to {
            let domain = copy.scope.domain();
            if !directory.has_continuity(domain) {
                continue;
            }
            let record = LineRecord {
                came_to: copy.came_to,
                summary: new.summary.clone(),
            };
            let mut line = BytesMut::with_capacity(512);
            codec::encode_bare(&mut line, &record)?;
            let sealer = spool.sealer(domain)?;
            let made = PreparedCopy {
                mailbox: copy.scope.mailbox().to_owned(),
                folder: copy.folder,
                threads: new
                    .summary
                    .threads
                    .iter()
                    .map(|name| sealer.blind(*name))
                    .collect(),
                line: sealer.seal(&line_place(copy.scope.mailbox(), message), &line)?,
                text: sealer.seal(
                    &text_place(copy.scope.mailbox(), message),
                    new.text.as_bytes(),
                )?,
            };
            match prepared.iter_mut().find(|of| of.domain == domain) {
                Some(of) => of.copies.push(made),
                None => prepared.push(Self {
                    domain,
                    copies: vec![made],
                }),
            }
        }
        Ok(prepared)
    }

    /// Mailboxes and days whose counts change when the copies are made at `at`.
    fn keys(&self, message: MessageId, at: Timestamp) -> impl Iterator<Item = CountsKey> {
        self.copies.iter().map(move |copy| {
            let day = day_of(copy.id(message, at).at);
            (day, view::scope_key(&copy.scope(self.domain)))
        })
    }

    /// Whether all counts are known that [`Self::stage`] changes.
    pub(super) fn check(
        &self,
        order: &Order,
        message: MessageId,
        at: Timestamp,
    ) -> Result<(), StageError> {
        if self.keys(message, at).all(|key| order.counts.knows(&key)) {
            Ok(())
        } else {
            Err(StageError::ReadAgain)
        }
    }

    /// Adds the rows. After [`Self::check`] it does not refuse.
    pub(super) fn stage(
        &self,
        order: &mut Order,
        batch: &mut Batch,
        body: CopiedBody,
        at: Timestamp,
    ) -> Result<(), RowError> {
        for copy in &self.copies {
            let id = copy.id(body.message, at);
            let day = day_of(id.at);
            let scope = view::scope_key(&copy.scope(self.domain));
            let header = view::LineHeader {
                flags: copy.flags(),
                day: body.day,
                chunks: body.chunks,
                size_bytes: body.size_bytes,
            };
            let row = batch.row(|out| {
                view::encode_line(out, header, &copy.line, &copy.text);
                Ok(())
            })?;
            let keyspace = view::keyspace(day);
            batch.put(keyspace, &view::line_key(&scope, copy.folder, id), row);
            for name in &copy.threads {
                batch.encode(keyspace, &view::thread_key(&scope, *name, id), |out| {
                    codec::encode(out, &())
                })?;
            }
            let key = (day, scope);
            let ticket = order.ticket;
            if let Some(counts) = order.counts.get_mut(ticket, &key) {
                counts.add(copy.folder, copy.flags().read, body.size_bytes);
                put_counts(batch, &key, counts)?;
            }
        }
        Ok(())
    }

    /// Takes the copies out whose mailbox is chosen; none when there is no such copy. What an owner
    /// wrote stays: it did not come in.
    pub(super) fn take(&mut self, mut chosen: impl FnMut(&str) -> bool) -> Option<Self> {
        let (taken, kept) = std::mem::take(&mut self.copies)
            .into_iter()
            .partition(|copy| copy.folder != Folder::Sent && chosen(&copy.mailbox));
        self.copies = kept;
        let taken: Vec<PreparedCopy> = taken;
        (!taken.is_empty()).then_some(Self {
            domain: self.domain,
            copies: taken,
        })
    }

    /// Adds the row that withholds the copies until the entry is released.
    pub(super) fn withhold(&self, batch: &mut Batch, sequence: Sequence) -> Result<(), RowError> {
        let key = queue::key(self.domain, sequence);
        batch.encode(KeyspaceId::Withheld, &key, |out| {
            codec::encode(out, &self.copies)
        })
    }

    /// Hints for those who look at these mailboxes.
    pub(super) fn tell(&self, spool: &Spool) {
        for copy in &self.copies {
            spool.tell_arrived(&copy.scope(self.domain));
        }
    }
}

/// Writes the counts of a mailbox on one day.
pub(super) fn put_counts(
    batch: &mut Batch,
    key: &CountsKey,
    counts: &ViewCounts,
) -> Result<(), RowError> {
    batch.encode(view::keyspace(key.0), &view::counts_key(&key.1), |out| {
        codec::encode(out, counts)
    })
}

impl Spool {
    /// Tells those who look at a mailbox that something in it has changed.
    pub(super) fn tell_arrived(&self, scope: &Scope) {
        self.inner.feed.tell_arrived(crate::feed::Arrived {
            domain: scope.domain(),
            mailbox: scope.tag(),
        });
    }

    /// Reads the counts that copies change, so that a commit can change them.
    pub(super) async fn load_counts_of(
        &self,
        copies: &[Copies],
        message: MessageId,
        at: Timestamp,
    ) -> Result<(), SpoolError> {
        let keys = copies.iter().flat_map(|of| of.keys(message, at));
        self.load_counts(keys.collect()).await
    }

    /// Reads counts from the engine, unless they are known.
    pub(super) async fn load_counts(&self, mut keys: Vec<CountsKey>) -> Result<(), SpoolError> {
        {
            let order = self.inner.committer.order();
            keys.retain(|key| !order.counts.knows(key));
        }
        for key in keys {
            loop {
                let completed = self.inner.committer.completed();
                let row = self
                    .engine()
                    .get(view::keyspace(key.0), Bytes::from(view::counts_key(&key.1)))
                    .await?;
                let counts = match row {
                    Some(row) => codec::decode(&row)?,
                    None => ViewCounts::default(),
                };
                let mut order = self.inner.committer.order();
                if order.counts.load(completed, key.clone(), counts) {
                    break;
                }
            }
        }
        Ok(())
    }

    /// The last day on which anyone may need the body of a message accepted at `at` for these
    /// domains: the hold for its delivery, the retention for its copies.
    pub(super) fn last_day(&self, domains: impl Iterator<Item = DomainId>, at: Timestamp) -> u32 {
        let directory = self.directory();
        let needed = domains.filter_map(|domain| {
            let domain = directory.domain(domain)?;
            let copies = domain.continuity.map(|of| of.retention());
            Some(domain.hold_period().max(copies.unwrap_or_default()))
        });
        day_of(at.saturating_add(needed.max().unwrap_or_default()))
    }
}

/// Where a body goes that has copies until `day`.
pub(super) const fn kept(day: u32) -> BodyPlace {
    BodyPlace::Kept { day }
}
