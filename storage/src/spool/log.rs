//! The life of messages: written with the commits that change them, read by id or searched, and
//! dropped by whole days.

use std::ops::Bound;

use bytes::Bytes;

use super::Spool;
use super::outcome::RecipientOutcome;
use crate::codec::RowError;
use crate::commit::{Batch, Order};
use crate::engine::{DayKind, Direction, KeyRange};
use crate::error::SpoolError;
use crate::keyspace::log::{self, LogKey};
use crate::limits::{LOG_KEPT_DAYS, LOG_ROWS_MAX, LOG_SCAN_ROWS_MAX, PAGE_ROWS_MAX};
use crate::metrics;
use crate::model::view::day_of;
use crate::model::{
    DomainId, LogEvent, LogRow, MessageId, QueueEntry, RecipientChange, RecipientEvent, Timestamp,
};

/// Which messages a search is for: all that came in within a period and fit every given part.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogFilter {
    /// Mail for this domain.
    pub domain: Option<DomainId>,
    /// Part of the sender's address, in any case.
    pub sender: Option<String>,
    /// Part of a recipient's address, in any case.
    pub recipient: Option<String>,
    /// Came in at this time or later.
    pub from: Timestamp,
    /// Came in at this time or earlier; none for no end.
    pub until: Option<Timestamp>,
}

/// Where a search goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogCursor {
    /// The day of the last row that was looked at.
    pub day: u32,
    /// Its key.
    pub key: [u8; log::KEY_BYTES],
}

/// A part of a search's answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogPage {
    /// `Accepted` events, newest first.
    pub rows: Vec<LogRow>,
    /// Where to go on; none at the end. May be set although fewer rows than wished for were found.
    pub next: Option<LogCursor>,
}

impl Spool {
    /// What happened to a message, oldest first; at most the first 10,000 events.
    ///
    /// # Errors
    /// [`SpoolError::Engine`]. Damaged rows are reported and left out.
    pub async fn message_log(&self, message: MessageId) -> Result<Vec<LogRow>, SpoolError> {
        let mut rows = Vec::new();
        for day in self.engine().days(DayKind::Log).await? {
            let room = LOG_ROWS_MAX.saturating_sub(rows.len());
            if room == 0 {
                break;
            }
            let keyspace = log::of_day(day);
            let range = log::range(message, message);
            let page = self
                .engine()
                .scan(keyspace, range, Direction::Ascending, room)
                .await?;
            rows.extend(page.rows.iter().filter_map(|row| readable(day, row)));
        }
        Ok(rows)
    }

    /// Messages that fit a filter, newest first. One call looks at no more than 20,000 events.
    ///
    /// # Errors
    /// [`SpoolError::Engine`]. Damaged rows are reported and left out.
    pub async fn search_log(
        &self,
        filter: &LogFilter,
        after: Option<LogCursor>,
        limit: usize,
    ) -> Result<LogPage, SpoolError> {
        let limit = limit.clamp(1, PAGE_ROWS_MAX);
        let matcher = Matcher::new(filter);
        let mut found = LogPage::default();
        let mut looked_at = 0;
        let days = self.engine().days(DayKind::Log).await?;
        let days = days.into_iter().rev();
        for day in days.filter(|day| after.is_none_or(|after| *day <= after.day)) {
            let mut end = after
                .filter(|after| after.day == day)
                .map(|after| after.key);
            loop {
                let page = self
                    .engine()
                    .scan(
                        log::of_day(day),
                        matcher.range(end),
                        Direction::Descending,
                        SCAN_ROWS,
                    )
                    .await?;
                for row in &page.rows {
                    end = LogKey::try_from(&*row.0).ok().or(end);
                    looked_at += 1;
                    let fits = |found: &LogRow| matcher.fits(found);
                    found.rows.extend(readable(day, row).filter(fits));
                    if found.rows.len() >= limit || looked_at >= LOG_SCAN_ROWS_MAX {
                        found.next = end.map(|key| LogCursor { day, key });
                        return Ok(found);
                    }
                }
                if !page.more {
                    break;
                }
            }
        }
        Ok(found)
    }

    /// Drops the days that ended more than 30 days before `now`, and says how many it were.
    ///
    /// # Errors
    /// [`SpoolError::Engine`].
    pub async fn drop_old_logs(&self, now: Timestamp) -> Result<usize, SpoolError> {
        let today = day_of(now);
        let days = self.engine().days(DayKind::Log).await?;
        let mut dropped = 0;
        for day in days {
            if day + LOG_KEPT_DAYS < today && self.engine().drop_day(DayKind::Log, day).await? {
                dropped += 1;
            }
        }
        Ok(dropped)
    }
}

/// Rows read at once by a search.
const SCAN_ROWS: usize = 512;

/// A filter made ready.
struct Matcher {
    domain: Option<DomainId>,
    sender: Option<String>,
    recipient: Option<String>,
    first: MessageId,
    last: MessageId,
}

impl Matcher {
    fn new(filter: &LogFilter) -> Self {
        let lower = |text: &Option<String>| text.as_ref().map(|text| text.to_lowercase());
        let until = filter.until.map_or(u64::MAX, Timestamp::as_millis);
        let until = Timestamp::from_millis(until.min(ID_MILLIS_MAX));
        Self {
            domain: filter.domain,
            sender: lower(&filter.sender),
            recipient: lower(&filter.recipient),
            first: MessageId::from_parts(filter.from, 0, 0),
            last: MessageId::from_parts(until, u16::MAX, u32::MAX),
        }
    }

    fn range(&self, end: Option<LogKey>) -> KeyRange {
        let (from, until) = log::range(self.first, self.last);
        match end {
            Some(end) => (from, Bound::Excluded(Bytes::copy_from_slice(&end))),
            None => (from, until),
        }
    }

    fn fits(&self, row: &LogRow) -> bool {
        let LogEvent::Accepted(accepted) = &row.event else {
            return false;
        };
        let contains = |wanted: &Option<String>, address: String| {
            wanted
                .as_ref()
                .is_none_or(|wanted| address.to_lowercase().contains(wanted.as_str()))
        };
        let mut recipients = accepted.recipients.iter();
        self.domain.is_none_or(|domain| domain == row.domain)
            && contains(&self.sender, accepted.reverse_path.to_string())
            && recipients.any(|path| contains(&self.recipient, path.to_string()))
    }
}

/// The time in an id has 48 bits.
const ID_MILLIS_MAX: u64 = (1 << 48) - 1;

fn readable(day: u32, (key, row): &(Bytes, Bytes)) -> Option<LogRow> {
    match log::decode(key, row) {
        Ok(row) => Some(row),
        Err(error) => {
            metrics::corrupt_record(log::of_day(day));
            tracing::error!(%error, "a row of the log is damaged");
            None
        }
    }
}

/// An event that is encoded and waits for the number of its commit.
#[derive(Debug)]
pub(super) struct PreparedEvent {
    message: MessageId,
    row: Bytes,
}

impl PreparedEvent {
    /// Encodes an event in the batch's buffer.
    pub(super) fn new(
        message: MessageId,
        domain: DomainId,
        event: &LogEvent,
        batch: &mut Batch,
    ) -> Result<Self, RowError> {
        let row = batch.row(|out| log::encode(out, domain, event))?;
        Ok(Self { message, row })
    }

    /// Adds it to its day. `number` tells the events of one commit apart.
    pub(super) fn stage(&self, order: &Order, batch: &mut Batch, at: Timestamp, number: u16) {
        let key = log::key(self.message, at, order.ticket, number);
        batch.put(log::keyspace(at), &key, self.row.clone());
    }
}

/// Outcomes as they stand in the log.
pub(super) fn changes(entry: &QueueEntry, outcomes: &[(usize, RecipientOutcome)]) -> LogEvent {
    let changes = outcomes.iter().filter_map(|(index, outcome)| {
        let state = entry.recipients.get(*index)?;
        Some(RecipientEvent {
            recipient: state.recipient.path.clone(),
            change: change(outcome),
        })
    });
    LogEvent::Recipients(changes.collect())
}

fn change(outcome: &RecipientOutcome) -> RecipientChange {
    match outcome {
        RecipientOutcome::Delivered { reply } => RecipientChange::Delivered(reply.clone()),
        RecipientOutcome::Failed { reply } => RecipientChange::Failed(reply.clone()),
        RecipientOutcome::Parked { reply } => RecipientChange::Parked(reply.clone()),
        RecipientOutcome::Expired | RecipientOutcome::ExpiredReported => RecipientChange::Expired,
        RecipientOutcome::Removed => RecipientChange::Removed,
        RecipientOutcome::Deferred { due_at, reply, .. } => RecipientChange::Deferred {
            reply: reply.clone(),
            due_at: *due_at,
        },
    }
}
