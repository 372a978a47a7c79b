//! Pages of a list, by key, in either direction.

use bytes::Bytes;

use super::{FoundLine, Window};
use crate::engine::Direction;
use crate::error::SpoolError;
use crate::keyspace::view as keys;
use crate::limits::{LIST_PAGE_MAX, LIST_ROWS_READ_MAX};
use crate::model::view::day_of;
use crate::model::{Folder, Line, LineId, Scope};
use crate::spool::Spool;

/// What is listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum List {
    /// A folder.
    Folder(Folder),
    /// The unread messages of a folder.
    Unread(Folder),
    /// Messages with a star, in whatever folder.
    Starred,
}

/// Which way a page goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Toward {
    /// From the newest message.
    Newest,
    /// What is older than this one.
    OlderThan(LineId),
    /// What is newer than this one, next to it.
    NewerThan(LineId),
}

/// A page of a list, newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListPage {
    /// The messages.
    pub lines: Vec<Line>,
    /// Where the next page in the same direction begins; none at the end. With
    /// [`List::Unread`] a page may have fewer messages than asked for, even none, and still go on.
    pub next: Option<LineId>,
}

/// Rows of a list as they were found.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) lines: Vec<FoundLine>,
    pub(super) next: Option<LineId>,
}

impl Spool {
    /// A page of at most `limit` messages (at most 200).
    ///
    /// # Errors
    /// [`SpoolError::Engine`].
    pub async fn list(
        &self,
        scope: &Scope,
        list: List,
        toward: Toward,
        limit: usize,
    ) -> Result<ListPage, SpoolError> {
        let Some(window) = self.window(scope).await? else {
            return Ok(ListPage::default());
        };
        let limit = limit.clamp(1, LIST_PAGE_MAX);
        let mut found = self.find_lines(&window, list, toward, limit).await?;
        if matches!(toward, Toward::NewerThan(_)) {
            found.lines.reverse();
        }
        Ok(ListPage {
            lines: Self::opened(&window, &found.lines),
            next: found.next,
        })
    }

    /// Rows of a list in the direction of travel.
    pub(super) async fn find_lines(
        &self,
        window: &Window,
        list: List,
        toward: Toward,
        limit: usize,
    ) -> Result<Found, SpoolError> {
        let mut found = Found::default();
        let mut days = window.days.clone();
        if matches!(toward, Toward::NewerThan(_)) {
            days.reverse();
        }
        let mut read = 0;
        for day in days {
            let (range, direction) = match day_range(window, list, toward, day) {
                Some(range) => range,
                None => continue,
            };
            let mut range = range;
            loop {
                let page = self
                    .engine()
                    .scan(
                        keys::keyspace(day),
                        range.clone(),
                        direction,
                        (limit + 1).saturating_sub(found.lines.len()),
                    )
                    .await?;
                for (key, row) in &page.rows {
                    let Some(id) = keys::parse_id(key) else {
                        continue;
                    };
                    if found.lines.len() == limit || read >= LIST_ROWS_READ_MAX {
                        return Ok(found);
                    }
                    read += 1;
                    found.next = Some(id);
                    if let Some(line) = self.listed(window, list, id, key, row).await? {
                        found.lines.push(line);
                    }
                }
                let Some((last, _)) = page.rows.last().filter(|_| page.more) else {
                    break;
                };
                range = behind(range, last.clone(), direction);
            }
        }
        found.next = None;
        Ok(found)
    }

    async fn listed(
        &self,
        window: &Window,
        list: List,
        id: LineId,
        key: &Bytes,
        row: &Bytes,
    ) -> Result<Option<FoundLine>, SpoolError> {
        if list == List::Starred {
            return self.find_line(window, id).await;
        }
        let header = keys::decode_header(row);
        let unread = header.is_ok_and(|header| !header.flags.read);
        let wanted = !matches!(list, List::Unread(_)) || unread;
        let folder = keys::parse_folder(key).filter(|_| wanted);
        Ok(folder.map(|folder| FoundLine {
            id,
            folder,
            row: row.clone(),
        }))
    }
}

fn day_range(
    window: &Window,
    list: List,
    toward: Toward,
    day: u32,
) -> Option<(crate::engine::KeyRange, Direction)> {
    let folder = match list {
        List::Folder(folder) | List::Unread(folder) => Some(folder),
        List::Starred => None,
    };
    let range = |newest, oldest| keys::list_range(&window.key, folder, newest, oldest);
    let cut = window.oldest(day);
    match toward {
        Toward::Newest => Some((range(None, cut), Direction::Ascending)),
        Toward::OlderThan(id) => {
            let from = day_of(id.at);
            let newest = (day == from).then_some(id);
            (day <= from).then(|| (range(newest, cut), Direction::Ascending))
        }
        Toward::NewerThan(id) => {
            let from = day_of(id.at);
            let oldest = if day == from { Some(id) } else { cut };
            (day >= from).then(|| (range(None, oldest), Direction::Descending))
        }
    }
}

fn behind(
    range: crate::engine::KeyRange,
    last: Bytes,
    direction: Direction,
) -> crate::engine::KeyRange {
    use std::ops::Bound;
    match direction {
        Direction::Ascending => (Bound::Excluded(last), range.1),
        Direction::Descending => (range.0, Bound::Excluded(last)),
    }
}
