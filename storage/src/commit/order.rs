//! What only one at a time may touch: positions, the ledger, and what is changing right now.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::counts::CountsBoard;
use super::head::HeadTracker;
use super::news::News;
use super::recent::Recent;
use crate::keyspace::heads::DomainHead;
use crate::model::{Counters, DomainId, MessageId, MessageRow, Sequence, Timestamp};

/// What a recent commit did to an entry of `queue` or `deferred`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EntryState {
    /// It is in neither any more.
    Gone,
    /// It was rewritten; older copies are worthless.
    Revision(u32),
}

/// The state behind the committer's lock. Times, counters and positions here are ahead of the
/// engine by what is on its way to the disk; a failed commit poisons the engine for good, so they
/// never have to go back.
#[derive(Debug)]
pub(crate) struct Order {
    /// Number of the commit under construction.
    pub(crate) ticket: u64,
    /// Latest commit known to be visible, as of the start of this one.
    pub(crate) completed: u64,
    domains: HashMap<DomainId, DomainOrder>,
    /// The number that the next domain gets.
    pub(crate) next_domain: u32,
    next_outbound: u32,
    /// The number that the next audit row gets.
    pub(crate) next_audit: u64,
    /// The latest clock watermark that was written.
    pub(crate) clock_written: Timestamp,
    /// New mail that nobody was told about.
    pub(crate) news: News,
    /// Counts of continuity mailboxes that changed lately.
    pub(crate) counts: CountsBoard,
    entries: Recent<(DomainId, Sequence), EntryState>,
    messages: Recent<MessageId, Option<MessageRow>>,
    asides: Recent<(DomainId, Sequence), ()>,
}

/// One domain's part of the order.
#[derive(Debug, Default)]
pub(crate) struct DomainOrder {
    /// The ledger.
    pub(crate) counters: Counters,
    next: u64,
    /// The ready lane's watermark.
    pub(crate) lane: HeadTracker,
    /// The latest commit that added to the ready lane.
    pub(crate) lane_ticket: u64,
    /// No row of `due` is earlier.
    pub(crate) due_from: Timestamp,
    /// The latest commit that added to `due`.
    pub(crate) due_ticket: u64,
    /// Whether the domain is being removed: nothing is taken for it any more.
    pub(crate) closed: bool,
}

impl DomainOrder {
    fn new(head: DomainHead) -> Self {
        Self {
            counters: head.counters,
            next: head.next.0,
            lane: HeadTracker::new(head.head),
            ..Self::default()
        }
    }

    /// The next position; each is given once.
    pub(crate) fn take_sequence(&mut self) -> Sequence {
        let sequence = Sequence(self.next);
        self.next += 1;
        sequence
    }

    /// The position that comes next.
    pub(crate) const fn next(&self) -> Sequence {
        Sequence(self.next)
    }

    /// What is written with every commit that touches the domain.
    pub(crate) const fn head(&self) -> DomainHead {
        DomainHead {
            counters: self.counters,
            next: self.next(),
            head: self.lane.head(),
        }
    }

    /// Notes a row added to `due` by the commit `ticket`.
    pub(crate) fn due_grows(&mut self, ticket: u64, due_at: Timestamp) {
        self.due_ticket = ticket;
        self.due_from = self.due_from.min(due_at);
    }
}

impl Order {
    pub(crate) fn new(
        heads: impl IntoIterator<Item = (DomainId, DomainHead)>,
        next_domain: u32,
        next_audit: u64,
        clock_written: Timestamp,
    ) -> Self {
        Self {
            ticket: 0,
            completed: 0,
            domains: heads
                .into_iter()
                .map(|(domain, head)| (domain, DomainOrder::new(head)))
                .collect(),
            next_domain,
            next_outbound: DomainId::OUTBOUND_FIRST,
            next_audit,
            clock_written,
            news: News::default(),
            counts: CountsBoard::default(),
            entries: Recent::new(),
            messages: Recent::new(),
            asides: Recent::new(),
        }
    }

    /// A domain that exists.
    pub(crate) fn domain(&self, domain: DomainId) -> Option<&DomainOrder> {
        self.domains.get(&domain)
    }

    /// A domain that exists and takes mail.
    pub(crate) fn open_domain(&self, domain: DomainId) -> Option<&DomainOrder> {
        self.domain(domain).filter(|state| !state.closed)
    }

    /// A domain that exists, to be changed.
    pub(crate) fn domain_mut(&mut self, domain: DomainId) -> Option<&mut DomainOrder> {
        self.domains.get_mut(&domain)
    }

    /// Every domain with its part of the order.
    pub(crate) fn domains(&self) -> impl Iterator<Item = (DomainId, &DomainOrder)> {
        self.domains.iter().map(|(domain, order)| (*domain, order))
    }

    /// Makes room for a domain's mail.
    pub(crate) fn add_domain(&mut self, domain: DomainId) {
        if let Entry::Vacant(place) = self.domains.entry(domain) {
            place.insert(DomainOrder::default());
        }
    }

    /// A number for a domain that only our own mail goes to. Not given again before a restart, when
    /// nothing of the one before is left.
    pub(crate) fn take_outbound(&mut self) -> DomainId {
        let known = self.domains.keys().map(|domain| domain.0).max();
        let next = known.map_or(0, |known| known.saturating_add(1));
        self.next_outbound = self.next_outbound.max(next).max(DomainId::OUTBOUND_FIRST);
        let taken = DomainId(self.next_outbound);
        self.next_outbound = self.next_outbound.saturating_add(1);
        taken
    }

    /// Forgets a domain; no mail is taken for it any more.
    pub(crate) fn remove_domain(&mut self, domain: DomainId) {
        self.domains.remove(&domain);
    }

    /// Notes that this commit adds a row to the ready lane of a domain.
    pub(crate) fn lane_grows(&mut self, domain: DomainId) {
        self.news.note(self.ticket, domain);
        if let Some(state) = self.domains.get_mut(&domain) {
            state.lane_ticket = self.ticket;
        }
    }

    /// What lately happened to an entry.
    pub(crate) fn entry(&self, domain: DomainId, sequence: Sequence) -> Option<EntryState> {
        self.entries.get(&(domain, sequence)).copied()
    }

    /// Notes what this commit does to an entry.
    pub(crate) fn note_entry(&mut self, domain: DomainId, sequence: Sequence, state: EntryState) {
        self.entries
            .note(self.ticket, self.completed, (domain, sequence), state);
    }

    /// The row of a message that changed lately; inner none when it was deleted.
    pub(crate) fn message(&self, message: MessageId) -> Option<&Option<MessageRow>> {
        self.messages.get(&message)
    }

    /// Notes what this commit does to the row of a message with several entries.
    pub(crate) fn note_message(&mut self, message: MessageId, row: Option<MessageRow>) {
        self.messages
            .note(self.ticket, self.completed, message, row);
    }

    /// Whether an entry that was set aside has been taken away lately.
    pub(crate) fn aside_is_gone(&self, domain: DomainId, sequence: Sequence) -> bool {
        self.asides.get(&(domain, sequence)).is_some()
    }

    /// Notes that this commit takes away an entry that was set aside.
    pub(crate) fn note_aside_gone(&mut self, domain: DomainId, sequence: Sequence) {
        self.asides
            .note(self.ticket, self.completed, (domain, sequence), ());
    }

    /// Whether rows read when `completed` was visible may have changed without a trace here.
    pub(crate) const fn forgot_since(&self, completed: u64) -> bool {
        self.messages.forgot_since(completed) || self.asides.forgot_since(completed)
    }
}
