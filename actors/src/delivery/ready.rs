//! The ready window of a domain: the few messages that may go next, loaded from the store.
//!
//! Two cursors feed it: one from the head of the queue (the backlog, up to where the recovery
//! began), one from there on (what is fresh). Messages that waited for a time of their own join when
//! it has come. The store is the truth; the window can be dropped at any time and is dropped while
//! the destination is down.

use std::collections::{BTreeMap, BTreeSet};

use storage::model::{DomainId, QueueEntry, Sequence, Timestamp};
use storage::spool::{Spool, SpoolError};

use super::fair_queue::Candidate;
use super::governor::Pick;
use super::schedule::{LANE_MAX, Lane, Schedule};

/// A lane is filled up when fewer than this many messages are left in it.
const REFILL_BELOW: usize = LANE_MAX / 2;

/// The window.
#[derive(Debug)]
pub struct ReadyWindow {
    spool: Spool,
    domain: DomainId,
    schedule: Schedule,
    entries: BTreeMap<Sequence, QueueEntry>,
    /// Messages on their way; they stay where they are in the store.
    leased: BTreeSet<Sequence>,
    /// Messages at hand or on their way that waited for a time of their own: the store still lists
    /// them as due.
    due: BTreeSet<Sequence>,
    backlog: Cursor,
    fresh: Cursor,
    /// The first position that is fresh: the recovery began there.
    boundary: Sequence,
    /// The window holds what the store has. False while nothing is to be loaded.
    loaded: bool,
}

/// How far a lane has been read.
#[derive(Debug, Clone, Copy, Default)]
struct Cursor {
    after: Option<Sequence>,
    /// Nothing more was there at the last look.
    exhausted: bool,
    /// Nothing more can come.
    complete: bool,
}

impl Cursor {
    /// A lane that begins behind `after`.
    const fn behind(after: Option<Sequence>) -> Self {
        Self {
            after,
            exhausted: false,
            complete: false,
        }
    }

    /// The backlog was read: `read` of at most `room` rows, of which the first `kept` lie before the
    /// boundary. Positions before the boundary may belong to commits that are still on their way, so
    /// the backlog is complete only when a row behind the boundary was seen: rows become visible in
    /// the order of their positions.
    const fn backlog_read(&mut self, read: usize, kept: usize, room: usize) {
        self.complete = read > kept;
        self.exhausted = self.complete || read < room;
    }

    /// There may be more.
    const fn mail_came(&mut self) {
        self.exhausted = self.complete;
    }
}

impl ReadyWindow {
    /// An empty window.
    #[must_use]
    pub fn new(spool: Spool, domain: DomainId) -> Self {
        let mut window = Self {
            spool,
            domain,
            schedule: Schedule::default(),
            entries: BTreeMap::new(),
            leased: BTreeSet::new(),
            due: BTreeSet::new(),
            backlog: Cursor::default(),
            fresh: Cursor::default(),
            boundary: Sequence::default(),
            loaded: false,
        };
        window.set_boundary();
        window
    }

    /// The destination has come back: what is accepted from now on is fresh.
    pub fn recovery_began(&mut self, now: Timestamp) {
        self.schedule.recovery_began(now);
        self.unload();
        self.set_boundary();
    }

    /// Forgets what is loaded. It comes back with the next [`ReadyWindow::fill`].
    pub fn unload(&mut self) {
        self.schedule.clear();
        self.entries.clear();
        self.due.retain(|sequence| self.leased.contains(sequence));
        self.backlog = Cursor::default();
        self.fresh = Cursor::behind(before(self.boundary));
        self.loaded = false;
    }

    fn set_boundary(&mut self) {
        self.boundary = self.spool.next_position(self.domain);
        self.fresh = Cursor::behind(before(self.boundary));
    }

    /// Messages that could go now, as far as they are known; while nothing is loaded, what the
    /// ledger says.
    #[must_use]
    pub fn ready(&self) -> u32 {
        let known = if self.loaded {
            self.schedule.len() as u64
        } else {
            self.spool.counters(self.domain).queued.min(LANE_MAX as u64)
        };
        u32::try_from(known).unwrap_or(u32::MAX)
    }

    /// Whether a good canary is among them.
    #[must_use]
    pub fn has_canary(&self) -> bool {
        self.loaded && self.schedule.has_canary()
    }

    /// Messages of the domain that have broken no connection, as far as is remembered.
    #[must_use]
    pub fn harmless(&self) -> u64 {
        let queued = self.spool.counters(self.domain).queued;
        queued.saturating_sub(self.schedule.harmful() as u64)
    }

    /// Messages on their way.
    #[must_use]
    pub fn leased(&self) -> usize {
        self.leased.len()
    }

    /// Whether this message is on its way.
    #[must_use]
    pub fn is_leased(&self, sequence: Sequence) -> bool {
        self.leased.contains(&sequence)
    }

    /// The oldest acceptance among what is loaded.
    #[must_use]
    pub fn oldest(&self) -> Option<Timestamp> {
        self.entries
            .first_key_value()
            .map(|(_, entry)| entry.accepted_at)
    }

    /// There may be new mail at the end of the queue.
    pub const fn mail_came(&mut self) {
        self.backlog.mail_came();
        self.fresh.mail_came();
    }

    /// Loads what is missing.
    ///
    /// # Errors
    /// The store's.
    pub async fn fill(&mut self, now: Timestamp) -> Result<(), SpoolError> {
        self.loaded = true;
        if !self.backlog.exhausted && self.schedule.lane_len(Lane::Backlog) < REFILL_BELOW {
            self.fill_backlog(now).await?;
        }
        if !self.fresh.exhausted && self.schedule.lane_len(Lane::Fresh) < REFILL_BELOW {
            let room = self.schedule.room(Lane::Fresh);
            let page = self
                .spool
                .queue_page(self.domain, self.fresh.after, room)
                .await?;
            self.fresh.exhausted = page.len() < room;
            self.fresh.after = page.last().map(|entry| entry.sequence).or(self.fresh.after);
            self.add(page, now);
        }
        Ok(())
    }

    async fn fill_backlog(&mut self, now: Timestamp) -> Result<(), SpoolError> {
        let room = self.schedule.room(Lane::Backlog);
        let mut page = self
            .spool
            .queue_page(self.domain, self.backlog.after, room)
            .await?;
        let read = page.len();
        page.retain(|entry| entry.sequence < self.boundary);
        self.backlog.backlog_read(read, page.len(), room);
        self.backlog.after = page
            .last()
            .map(|entry| entry.sequence)
            .or(self.backlog.after);
        self.add(page, now);
        Ok(())
    }

    /// Adds messages whose own time has come.
    ///
    /// # Errors
    /// The store's.
    pub async fn add_due(&mut self, now: Timestamp) -> Result<(), SpoolError> {
        let due = self.spool.deferred_due(self.domain, now, LANE_MAX).await?;
        self.add(due, now);
        Ok(())
    }

    fn add(&mut self, page: Vec<QueueEntry>, now: Timestamp) {
        for entry in page {
            if !self.leased.contains(&entry.sequence) {
                self.schedule.push(Candidate::of(&entry), now);
                self.keep(entry);
            }
        }
    }

    fn keep(&mut self, entry: QueueEntry) {
        if entry.due_at() > Timestamp::default() {
            self.due.insert(entry.sequence);
        }
        self.entries.insert(entry.sequence, entry);
    }

    /// Whether messages that waited for a time of their own are at hand or on their way.
    #[must_use]
    pub fn has_due(&self) -> bool {
        !self.due.is_empty()
    }

    /// Takes the message to send with a permit; it is on its way from now on.
    pub fn lease(&mut self, pick: Pick, now: Timestamp) -> Option<QueueEntry> {
        while let Some(candidate) = self.schedule.next(pick, now) {
            if let Some(entry) = self.entries.remove(&candidate.sequence) {
                self.leased.insert(entry.sequence);
                return Some(entry);
            }
        }
        None
    }

    /// A message is not on its way any more. False when it was not: its lease was void.
    pub fn end_lease(&mut self, sequence: Sequence) -> bool {
        self.due.remove(&sequence);
        self.leased.remove(&sequence)
    }

    /// All leases are void: whoever held them is gone.
    pub fn void_leases(&mut self, void: impl Fn(Sequence) -> bool) {
        self.leased.retain(|sequence| !void(*sequence));
        self.unload();
    }

    /// Puts a message back to the head of its lane.
    pub fn put_back(&mut self, entry: QueueEntry, now: Timestamp) {
        // While nothing is loaded it will be found in the store.
        if self.loaded {
            self.schedule.push_front(Candidate::of(&entry), now);
            self.keep(entry);
        }
    }

    /// Takes a message out of the window.
    pub fn remove(&mut self, sequence: Sequence) {
        self.schedule.remove(sequence);
        self.due.remove(&sequence);
        self.entries.remove(&sequence);
    }

    /// A message's connection broke with it. True when it is poison and has to wait.
    pub fn is_poison(&mut self, sequence: Sequence, others_pass: bool) -> bool {
        self.schedule.on_connection_death(sequence, others_pass)
    }

    /// A message was answered.
    pub fn answered(&mut self, sequence: Sequence) {
        self.schedule.on_answered(sequence);
    }
}

/// The cursor that stands directly before a position.
const fn before(sequence: Sequence) -> Option<Sequence> {
    match sequence.0.checked_sub(1) {
        Some(previous) => Some(Sequence(previous)),
        None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backlog_whose_last_commits_are_on_their_way_is_looked_at_again() {
        let mut cursor = Cursor::behind(None);
        cursor.backlog_read(3, 3, 10);
        assert!(cursor.exhausted, "nothing more at this look");
        cursor.mail_came();
        assert!(!cursor.exhausted, "but more may have become visible");
        cursor.backlog_read(10, 10, 10);
        assert!(!cursor.exhausted, "a full page is followed by another look");
        cursor.backlog_read(4, 3, 10);
        cursor.mail_came();
        assert!(
            cursor.exhausted,
            "a row behind the boundary ends the backlog"
        );
    }
}
