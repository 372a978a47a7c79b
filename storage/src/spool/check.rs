//! Reading everything: does each row decode, does each body match its checksum, is each body
//! wanted, does each entry have its body, and does the ledger say what the rows say.
//!
//! Meant for a store at rest; on a running one, what changes meanwhile shows up as a problem.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

use super::Spool;
use super::ledger::count_row;
use crate::bodies::FilePlace;
use crate::codec::{self, RowError, chunk};
use crate::engine::{DayKind, Inspected, KeyspaceId};
use crate::error::SpoolError;
use crate::keyspace::accounts::{self, AccountRow};
use crate::keyspace::heads::DomainHead;
use crate::keyspace::{
    aside, directory, domains, heads, learned, log, message, meta, queue, transit, view,
};
use crate::model::{
    AccountId, Administrator, Alias, ApiToken, AuditRow, Counters, DomainAlias, DomainId, Intent,
    MessageId, MessageRow, MonthCount, OneTimeToken, SenderRule, Sequence, Session,
};

/// Problems named in a result, at most; all are counted.
const PROBLEMS_NAMED_MAX: usize = 1_000;

/// What a check has found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SpoolCheck {
    /// Rows read.
    pub rows: u64,
    /// Keys and values read, in bytes.
    pub bytes: u64,
    /// How many problems there are.
    pub problems_total: u64,
    /// The first of them.
    pub problems: Vec<SpoolProblem>,
}

/// One problem, fit for an operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpoolProblem {
    /// Where it is.
    pub keyspace: KeyspaceId,
    /// The row, readable.
    pub subject: String,
    /// What is wrong.
    pub what: String,
}

impl Spool {
    /// Reads every row and compares what belongs together. The result without problems means: every
    /// acknowledged message is here whole, and nothing is here that nobody wants.
    ///
    /// # Errors
    /// [`SpoolError::Engine`] when the store cannot be read at all.
    pub async fn check(&self) -> Result<SpoolCheck, SpoolError> {
        let tables = Arc::new(Mutex::new(Tables::default()));
        let seen = Arc::clone(&tables);
        let report = self
            .engine()
            .check(Box::new(move |inspected| {
                let mut tables = seen.lock().unwrap_or_else(PoisonError::into_inner);
                tables.inspect(&inspected);
            }))
            .await?;
        let mut tables =
            std::mem::take(&mut *tables.lock().unwrap_or_else(PoisonError::into_inner));
        for (message, place) in std::mem::take(&mut tables.places) {
            if let Some(what) = self.check_file(message, place).await {
                tables.problem(KeyspaceId::Transit, message, what);
            }
            tables.result.bytes += place.bytes;
        }
        tables.compare();
        tables.result.rows = report.rows;
        tables.result.bytes += report.bytes;
        Ok(tables.result)
    }
}

/// What is remembered of the rows until all are read.
#[derive(Debug, Default)]
struct Tables {
    result: SpoolCheck,
    messages: HashMap<MessageId, Held>,
    /// Bodies in files of their own.
    places: Vec<(MessageId, FilePlace)>,
    heads: HashMap<DomainId, DomainHead>,
    counted: HashMap<DomainId, Counters>,
    deferred: u64,
    due: u64,
}

/// What is here of one message.
#[derive(Debug, Default)]
struct Held {
    row: Option<MessageRow>,
    chunks: BTreeSet<u32>,
    /// In the place where bodies with copies are, which nobody else may want any more.
    kept: bool,
    /// Lines of mailboxes that need it, by the chunks they name.
    lines: Option<u32>,
    entries: Vec<(DomainId, Sequence)>,
    uploading: bool,
}

impl Tables {
    fn problem(&mut self, keyspace: KeyspaceId, subject: impl ToString, what: impl ToString) {
        self.result.problems_total += 1;
        if self.result.problems.len() < PROBLEMS_NAMED_MAX {
            self.result.problems.push(SpoolProblem {
                keyspace,
                subject: subject.to_string(),
                what: what.to_string(),
            });
        }
    }

    fn inspect(&mut self, inspected: &Inspected<'_>) {
        match *inspected {
            Inspected::Corrupt {
                keyspace,
                key,
                reason,
            } => self.problem(keyspace, format!("{key:02x?}"), reason),
            Inspected::Row {
                keyspace,
                key,
                value,
            } => {
                if let Err(error) = self.row(keyspace, key, value) {
                    self.problem(keyspace, format!("{key:02x?}"), error);
                }
            }
        }
    }

    fn row(&mut self, keyspace: KeyspaceId, key: &Bytes, value: &Bytes) -> Result<(), RowError> {
        match keyspace {
            KeyspaceId::Queue | KeyspaceId::Deferred => self.entry(keyspace, key, value),
            KeyspaceId::Aside => self.aside(key, value),
            KeyspaceId::Due => {
                self.due += 1;
                placed(queue::parse_due_key(key))?;
                codec::decode::<()>(value)
            }
            KeyspaceId::Message => {
                let id = placed(message::parse_key(key))?;
                self.messages.entry(id).or_default().row = Some(codec::decode(value)?);
                Ok(())
            }
            KeyspaceId::Transit
            | KeyspaceId::Day {
                kind: DayKind::Kept,
                ..
            } => {
                let (id, number) = placed(transit::parse_key(key))?;
                let held = self.messages.entry(id).or_default();
                held.chunks.insert(number);
                held.kept |= keyspace != KeyspaceId::Transit;
                if let Some(place) = FilePlace::decode(value) {
                    self.places.push((id, place?));
                } else if let Err(error) = chunk::verify(value) {
                    self.problem(keyspace, id, format!("chunk {number}: {error}"));
                }
                Ok(())
            }
            KeyspaceId::Heads => {
                let domain = placed(heads::parse_key(key))?;
                self.heads.insert(domain, codec::decode(value)?);
                Ok(())
            }
            KeyspaceId::Meta => {
                if let Some(id) = meta::parse_upload_key(key) {
                    self.messages.entry(id).or_default().uploading = true;
                }
                Ok(())
            }
            KeyspaceId::Day {
                kind: DayKind::Continuity,
                ..
            } => self.view_row(key, value),
            KeyspaceId::Moved => codec::decode::<u32>(value).map(drop),
            KeyspaceId::Domains => domains::check(value),
            KeyspaceId::Mailboxes => directory::decode_mailbox(value).map(drop),
            KeyspaceId::Aliases => codec::decode::<Alias>(value).map(drop),
            KeyspaceId::Accounts => account_row(key, value),
            KeyspaceId::Sessions => codec::decode::<Session>(value).map(drop),
            KeyspaceId::SenderRules => codec::decode::<SenderRule>(value).map(drop),
            KeyspaceId::Tokens if accounts::is_one_time(key) => {
                codec::decode::<OneTimeToken>(value).map(drop)
            }
            KeyspaceId::Tokens => codec::decode::<ApiToken>(value).map(drop),
            KeyspaceId::DomainAliases => codec::decode::<DomainAlias>(value).map(drop),
            KeyspaceId::Audit => codec::decode::<AuditRow>(value).map(drop),
            KeyspaceId::Intents => codec::decode::<Intent>(value).map(drop),
            KeyspaceId::Learned => learned::decode(value).map(drop),
            KeyspaceId::Day {
                kind: DayKind::Log, ..
            } => log::decode(key, value).map(drop),
            _ => Ok(()),
        }
    }

    fn entry(&mut self, keyspace: KeyspaceId, key: &[u8], value: &Bytes) -> Result<(), RowError> {
        let (domain, sequence) = placed(queue::parse_key(key))?;
        self.deferred += u64::from(keyspace == KeyspaceId::Deferred);
        count_row(self.counted.entry(domain).or_default(), keyspace, value);
        if let Some(header) = queue::header(value) {
            let held = self.messages.entry(header.message).or_default();
            held.entries.push((domain, sequence));
        }
        queue::decode(domain, sequence, value).map(drop)
    }

    fn view_row(&mut self, key: &Bytes, value: &Bytes) -> Result<(), RowError> {
        match view::parse_scope(key) {
            Some(_) => {
                let id = placed(view::parse_id(key))?;
                let header = view::decode_header(value)?;
                view::sealed_parts(value)?;
                self.messages.entry(id.message).or_default().lines = Some(header.chunks);
                Ok(())
            }
            None => codec::versioned(value).map(drop),
        }
    }

    fn aside(&mut self, key: &[u8], value: &Bytes) -> Result<(), RowError> {
        if aside::parse_age_key(key).is_some() {
            return codec::decode::<()>(value);
        }
        let (domain, sequence) = placed(aside::parse_key(key))?;
        count_row(
            self.counted.entry(domain).or_default(),
            KeyspaceId::Aside,
            value,
        );
        let entry = aside::decode(domain, sequence, value)?;
        let message = match &entry.entry {
            Some(entry) => Some(entry.message),
            None => queue::header(&entry.raw).map(|header| header.message),
        };
        if let Some(message) = message {
            let held = self.messages.entry(message).or_default();
            held.entries.push((domain, sequence));
        }
        Ok(())
    }

    fn compare(&mut self) {
        for (id, held) in std::mem::take(&mut self.messages) {
            self.compare_message(id, &held);
        }
        if self.due != self.deferred {
            let what = format!("{} rows for {} waiting entries", self.due, self.deferred);
            self.problem(KeyspaceId::Due, "index", what);
        }
        for (domain, head) in std::mem::take(&mut self.heads) {
            let counted = self.counted.remove(&domain).unwrap_or_default();
            self.compare_ledger(domain, &head.counters, &counted);
        }
        for (domain, counted) in std::mem::take(&mut self.counted) {
            self.compare_ledger(domain, &Counters::default(), &counted);
        }
    }

    fn compare_message(&mut self, id: MessageId, held: &Held) {
        if let Some(chunks) = held.lines
            && held.chunks.len() != chunks as usize
        {
            let what = format!(
                "{} of {chunks} chunks of a body that mailboxes show are here",
                held.chunks.len()
            );
            self.problem(KeyspaceId::Transit, id, what);
        }
        let Some(row) = &held.row else {
            if !held.entries.is_empty() {
                self.problem(
                    KeyspaceId::Message,
                    id,
                    "entries refer to it and it is missing",
                );
            } else if !held.uploading && !held.kept {
                self.problem(KeyspaceId::Transit, id, "a body that no message refers to");
            }
            return;
        };
        if held.chunks.len() != row.chunks as usize {
            let what = format!(
                "{} of {} chunks of its body are here",
                held.chunks.len(),
                row.chunks
            );
            self.problem(KeyspaceId::Transit, id, what);
        }
        let (mut named, mut found) = (row.open.clone(), held.entries.clone());
        named.sort_unstable();
        found.sort_unstable();
        if named != found {
            let what = format!("it names {} entries, {} are here", named.len(), found.len());
            self.problem(KeyspaceId::Message, id, what);
        }
    }

    fn compare_ledger(&mut self, domain: DomainId, kept: &Counters, counted: &Counters) {
        let subject = format!("domain {}", domain.0);
        if kept.difference() != 0 {
            let what = format!("the ledger differs by {}", kept.difference());
            self.problem(KeyspaceId::Heads, &subject, what);
        }
        let pairs = [
            ("queued", kept.queued, counted.queued),
            ("queued bytes", kept.queued_bytes, counted.queued_bytes),
            ("parked", kept.parked, counted.parked),
            ("quarantined", kept.quarantined, counted.quarantined),
        ];
        for (term, kept, counted) in pairs {
            if kept != counted {
                let what = format!("{term}: the ledger says {kept}, the rows say {counted}");
                self.problem(KeyspaceId::Heads, &subject, what);
            }
        }
    }
}

fn account_row(key: &[u8], value: &[u8]) -> Result<(), RowError> {
    match placed(accounts::row_of(key))? {
        AccountRow::Credentials => accounts::decode_credentials(value).map(drop),
        AccountRow::Administrator => codec::decode::<Administrator>(value).map(drop),
        AccountRow::Preferences => accounts::decode_preferences(value).map(drop),
        AccountRow::Handle => codec::decode::<AccountId>(value).map(drop),
        AccountRow::Month => codec::decode::<MonthCount>(value).map(drop),
    }
}

fn placed<T>(key: Option<T>) -> Result<T, RowError> {
    key.ok_or_else(|| RowError::Malformed("its key is none of this keyspace".to_owned()))
}
