//! Search in one mailbox: every line's search text is opened and looked through, newest day first.
//!
//! Reading 100,000 short texts costs less than keeping an index of sealed words up to date at
//! intake; see the decision in `docs/adr`. Text and query are folded alike: lower case, without
//! accents. A word is found where a word begins, so `pay` finds *payment*.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use memchr::memmem;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::{FoundLine, Window, text_place};
use crate::engine::{Direction, EngineError, KeyRange};
use crate::error::SpoolError;
use crate::keyspace::view as keys;
use crate::limits::{LIST_PAGE_MAX, SEARCH_TERMS_MAX, SEARCH_TEXT_MAX};
use crate::model::view::day_of;
use crate::model::{Correspondent, Folder, Line, LineId, Scope, Summary, Timestamp};
use crate::spool::Spool;

/// Between the fields of a search text.
const FIELD_END: u8 = 1;
/// Days looked through at one time.
const DAYS_AT_ONCE: usize = 2;
/// Rows read in one go.
const ROWS_AT_ONCE: usize = 4_000;

/// One condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SearchTerm {
    /// Words in this order, anywhere.
    Text(String),
    /// Words in the author's name or address.
    From(String),
    /// Words among those it was written to.
    To(String),
    /// Words in the subject.
    Subject(String),
    /// Something is attached.
    HasAttachment,
    /// Came before this time.
    Before(Timestamp),
    /// Came at this time or later.
    After(Timestamp),
    /// Unread, or read.
    Read(bool),
    /// With a star.
    Starred,
    /// Larger than so many bytes.
    Larger(u64),
    /// In this folder; without it everything but the trash is searched.
    In(Folder),
}

/// Conditions that all hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SearchQuery {
    terms: Vec<SearchTerm>,
}

/// A page of what was found, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SearchPage {
    /// The messages.
    pub lines: Vec<Line>,
    /// Where the next page begins; none at the end.
    pub next: Option<LineId>,
}

impl SearchQuery {
    /// Reads a query as people write it: words, `"a phrase"`, `from:`, `to:`, `subject:`,
    /// `has:attachment`, `before:` and `after:` with a date, `is:unread`, `is:read`, `is:starred`,
    /// `larger:` with K or M, `in:` a folder. What is none of these is a word. At most sixteen.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut terms = Vec::new();
        let mut rest = text.trim_start();
        while !rest.is_empty() && terms.len() < SEARCH_TERMS_MAX {
            let (word, behind) = next_word(rest);
            terms.extend(term(&word));
            rest = behind.trim_start();
        }
        Self { terms }
    }

    /// The conditions.
    #[must_use]
    pub fn terms(&self) -> &[SearchTerm] {
        &self.terms
    }

    /// Whether there is nothing to look for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }
}

/// The next word, with what is in quotes kept together, and the rest.
fn next_word(text: &str) -> (String, &str) {
    let mut quoted = false;
    let mut word = String::new();
    for (at, letter) in text.char_indices() {
        match letter {
            '"' => quoted = !quoted,
            _ if letter.is_whitespace() && !quoted => {
                return (word, text.get(at..).unwrap_or_default());
            }
            _ => word.push(letter),
        }
    }
    (word, "")
}

fn term(word: &str) -> Option<SearchTerm> {
    let text = |value: &str| {
        let folded = fold(value);
        let folded = folded.trim();
        (!folded.is_empty()).then(|| folded.to_owned())
    };
    let special = word.split_once(':').and_then(|(key, value)| {
        Some(match key.to_ascii_lowercase().as_str() {
            "from" => SearchTerm::From(text(value)?),
            "to" => SearchTerm::To(text(value)?),
            "subject" => SearchTerm::Subject(text(value)?),
            "has" if value.eq_ignore_ascii_case("attachment") => SearchTerm::HasAttachment,
            "before" => SearchTerm::Before(date(value)?),
            "after" => SearchTerm::After(date(value)?),
            "is" => match value.to_ascii_lowercase().as_str() {
                "unread" => SearchTerm::Read(false),
                "read" => SearchTerm::Read(true),
                "starred" => SearchTerm::Starred,
                _ => return None,
            },
            "larger" => SearchTerm::Larger(bytes(value)?),
            "in" => SearchTerm::In(folder(value)?),
            _ => return None,
        })
    });
    special.or_else(|| text(word).map(SearchTerm::Text))
}

fn folder(name: &str) -> Option<Folder> {
    match name.to_ascii_lowercase().as_str() {
        "inbox" => Some(Folder::Inbox),
        "archive" => Some(Folder::Archive),
        "trash" => Some(Folder::Trash),
        "sent" => Some(Folder::Sent),
        _ => None,
    }
}

fn date(text: &str) -> Option<Timestamp> {
    let date: jiff::civil::Date = text.parse().ok()?;
    let at = date.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp();
    u64::try_from(at.as_millisecond())
        .ok()
        .map(Timestamp::from_millis)
}

fn bytes(text: &str) -> Option<u64> {
    let lower = text.to_ascii_lowercase();
    let lower = lower.trim_end_matches('b');
    let (digits, unit) = match lower.strip_suffix(['k', 'm']) {
        Some(digits) if lower.ends_with('k') => (digits, 1_024),
        Some(digits) => (digits, 1_024 * 1_024),
        None => (lower, 1),
    };
    digits.parse::<u64>().ok()?.checked_mul(unit)
}

/// Text without case and accents, white space made single blanks.
fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    fold_into(&mut folded, text, usize::MAX);
    folded
}

fn fold_into(out: &mut String, text: &str, bytes_max: usize) {
    let end = out.len().saturating_add(bytes_max);
    let mut blank = true;
    let decomposed = text.nfkd().filter(|letter| !is_combining_mark(*letter));
    for letter in decomposed {
        if out.len() >= end {
            return;
        }
        if letter.is_whitespace() || letter.is_control() {
            if !blank {
                out.push(' ');
                blank = true;
            }
            continue;
        }
        blank = false;
        match letter {
            'ß' => out.push_str("ss"),
            _ if letter.is_ascii() => out.push(letter.to_ascii_lowercase()),
            _ => out.extend(letter.to_lowercase()),
        }
    }
}

/// What is searched of a message: its fields and the beginning of its text, folded.
#[must_use]
pub fn search_text(summary: &Summary, text: &str) -> String {
    let mut out = String::with_capacity(512);
    out.push(if summary.has_attachments { 'a' } else { '-' });
    let field = |out: &mut String| out.push(char::from(FIELD_END));
    let person = |out: &mut String, who: &Correspondent| {
        fold_into(out, &who.name, SEARCH_TEXT_MAX);
        out.push(' ');
        fold_into(out, &who.address, SEARCH_TEXT_MAX);
        out.push(' ');
    };
    field(&mut out);
    person(&mut out, &summary.from);
    field(&mut out);
    for who in &summary.to {
        person(&mut out, who);
    }
    field(&mut out);
    fold_into(&mut out, &summary.subject, SEARCH_TEXT_MAX);
    field(&mut out);
    fold_into(&mut out, text, SEARCH_TEXT_MAX);
    out
}

/// A query made ready to look through many texts.
struct Matcher {
    anywhere: Vec<memmem::Finder<'static>>,
    fields: Vec<(usize, memmem::Finder<'static>)>,
    query: SearchQuery,
}

const FROM_FIELD: usize = 1;
const TO_FIELD: usize = 2;
const SUBJECT_FIELD: usize = 3;

impl Matcher {
    fn new(query: &SearchQuery) -> Self {
        let finder = |text: &str| memmem::Finder::new(text).into_owned();
        let mut matcher = Self {
            anywhere: Vec::new(),
            fields: Vec::new(),
            query: query.clone(),
        };
        for term in &query.terms {
            match term {
                SearchTerm::Text(text) => matcher.anywhere.push(finder(text)),
                SearchTerm::From(text) => matcher.fields.push((FROM_FIELD, finder(text))),
                SearchTerm::To(text) => matcher.fields.push((TO_FIELD, finder(text))),
                SearchTerm::Subject(text) => matcher.fields.push((SUBJECT_FIELD, finder(text))),
                _ => {}
            }
        }
        matcher
    }

    fn folders(&self) -> Vec<Folder> {
        let named = self.query.terms.iter().find_map(|term| match term {
            SearchTerm::In(folder) => Some(vec![*folder]),
            _ => None,
        });
        named.unwrap_or_else(|| vec![Folder::Inbox, Folder::Archive, Folder::Sent])
    }

    /// What can be said without opening the line.
    fn header_matches(&self, id: LineId, header: &keys::LineHeader) -> bool {
        self.query.terms.iter().all(|term| match term {
            SearchTerm::Before(time) => id.at < *time,
            SearchTerm::After(time) => id.at >= *time,
            SearchTerm::Read(read) => header.flags.read == *read,
            SearchTerm::Starred => header.flags.starred,
            SearchTerm::Larger(bytes) => header.size_bytes > *bytes,
            _ => true,
        })
    }

    fn needs_text(&self) -> bool {
        !self.anywhere.is_empty()
            || !self.fields.is_empty()
            || self.query.terms.contains(&SearchTerm::HasAttachment)
    }

    fn text_matches(&self, text: &[u8]) -> bool {
        let attachment = || text.first() == Some(&b'a');
        if self.query.terms.contains(&SearchTerm::HasAttachment) && !attachment() {
            return false;
        }
        let field = |number| {
            let mut fields = text.split(|byte| *byte == FIELD_END);
            fields.nth(number).unwrap_or_default()
        };
        self.anywhere.iter().all(|finder| begins_word(finder, text))
            && self
                .fields
                .iter()
                .all(|(number, finder)| begins_word(finder, field(*number)))
    }

    /// The matching rows of one folder of one day.
    fn select(&self, window: &Window, folder: Folder, rows: &[(Bytes, Bytes)]) -> Vec<FoundLine> {
        let mut text = Vec::with_capacity(2 * SEARCH_TEXT_MAX);
        let matching = rows.iter().filter_map(|(key, row)| {
            let id = keys::parse_id(key)?;
            let header = keys::decode_header(row).ok()?;
            if !self.header_matches(id, &header) {
                return None;
            }
            if self.needs_text() {
                let (_, sealed) = keys::sealed_parts(row).ok()?;
                let place = text_place(window.scope.mailbox(), id.message);
                window.sealer.open_into(&place, sealed, &mut text).ok()?;
                if !self.text_matches(&text) {
                    return None;
                }
            }
            Some(FoundLine {
                id,
                folder,
                row: row.clone(),
            })
        });
        matching.collect()
    }
}

/// Whether the words stand somewhere at the beginning of a word.
fn begins_word(finder: &memmem::Finder<'_>, text: &[u8]) -> bool {
    let mut places = finder.find_iter(text);
    places.any(|at| {
        let before = at.checked_sub(1).and_then(|at| text.get(at));
        // Letters beyond ASCII are bytes of their own kind; all of them belong to words.
        before.is_none_or(|byte| !byte.is_ascii_alphanumeric() && byte.is_ascii())
    })
}

impl Spool {
    /// Messages for which all conditions hold, newest first: those behind `after`, or from the
    /// newest on.
    ///
    /// # Errors
    /// [`SpoolError`].
    pub async fn search(
        &self,
        scope: &Scope,
        query: &SearchQuery,
        after: Option<LineId>,
        limit: usize,
    ) -> Result<SearchPage, SpoolError> {
        let Some(window) = self.window(scope).await? else {
            return Ok(SearchPage::default());
        };
        let limit = limit.clamp(1, LIST_PAGE_MAX);
        let matcher = Arc::new(Matcher::new(query));
        let days = window.days.iter().copied();
        let days: Vec<u32> = days
            .filter(|day| after.is_none_or(|id| *day <= day_of(id.at)))
            .collect();
        let searched = stream::iter(days)
            .map(|day| self.search_day(window.clone(), Arc::clone(&matcher), day, after))
            .buffered(DAYS_AT_ONCE);
        let mut found: Vec<FoundLine> = Vec::new();
        let mut searched = std::pin::pin!(searched);
        while let Some(of_day) = searched.try_next().await? {
            found.extend(of_day);
            if found.len() > limit {
                break;
            }
        }
        let more = found.len() > limit;
        found.truncate(limit);
        Ok(SearchPage {
            next: found.last().filter(|_| more).map(|found| found.id),
            lines: Self::opened(&window, &found),
        })
    }

    /// What matches of one day, newest first.
    async fn search_day(
        &self,
        window: Window,
        matcher: Arc<Matcher>,
        day: u32,
        after: Option<LineId>,
    ) -> Result<Vec<FoundLine>, SpoolError> {
        let newest = after.filter(|id| day_of(id.at) == day);
        let mut found = Vec::new();
        for folder in matcher.folders() {
            let mut range: KeyRange =
                keys::list_range(&window.key, Some(folder), newest, window.oldest(day));
            loop {
                let page = self
                    .engine()
                    .scan(
                        keys::keyspace(day),
                        range.clone(),
                        Direction::Ascending,
                        ROWS_AT_ONCE,
                    )
                    .await?;
                let last = page.rows.last().map(|(key, _)| key.clone());
                let (window, matcher) = (window.clone(), Arc::clone(&matcher));
                // Opening thousands of texts takes milliseconds: not on a reactor thread.
                let selecting = tokio::task::spawn_blocking(move || {
                    matcher.select(&window, folder, &page.rows)
                });
                let selected = selecting.await.map_err(|ended| EngineError::Io {
                    action: "searching a mailbox".to_owned(),
                    source: std::io::Error::other(ended),
                })?;
                found.extend(selected);
                let Some(last) = last.filter(|_| page.more) else {
                    break;
                };
                range.0 = std::ops::Bound::Excluded(last);
            }
        }
        found.sort_unstable_by_key(|found| std::cmp::Reverse(found.id));
        Ok(found)
    }
}
