//! How many messages a mailbox has, without counting them: one small row per day, and of the day
//! that is going the rows that are left.

use bytes::Bytes;

use super::Window;
use crate::codec;
use crate::engine::Direction;
use crate::error::SpoolError;
use crate::keyspace::view as keys;
use crate::limits::PAGE_ROWS_MAX;
use crate::model::view::day_of;
use crate::model::{Folder, Scope, ViewCounts};
use crate::spool::Spool;

impl Spool {
    /// Messages of a mailbox by folder.
    ///
    /// # Errors
    /// [`SpoolError`].
    pub async fn view_counts(&self, scope: &Scope) -> Result<ViewCounts, SpoolError> {
        let Some(window) = self.window(scope).await? else {
            return Ok(ViewCounts::default());
        };
        let mut counts = ViewCounts::default();
        let going = day_of(window.cutoff);
        for day in &window.days {
            let of_day = if *day == going {
                self.counted(&window, *day).await?
            } else {
                self.day_counts(&window.key, *day).await?
            };
            counts.plus(&of_day);
        }
        Ok(counts)
    }

    async fn day_counts(&self, scope: &[u8], day: u32) -> Result<ViewCounts, SpoolError> {
        let key = Bytes::from(keys::counts_key(scope));
        let row = self.engine().get(keys::keyspace(day), key).await?;
        Ok(row
            .map(|row| codec::decode(&row))
            .transpose()?
            .unwrap_or_default())
    }

    /// Counts what is still visible of the oldest day: one mailbox, one day.
    async fn counted(&self, window: &Window, day: u32) -> Result<ViewCounts, SpoolError> {
        let mut counts = ViewCounts::default();
        for folder in Folder::ALL {
            let mut range = keys::list_range(&window.key, Some(folder), None, window.oldest(day));
            loop {
                let page = self
                    .engine()
                    .scan(
                        keys::keyspace(day),
                        range.clone(),
                        Direction::Ascending,
                        PAGE_ROWS_MAX,
                    )
                    .await?;
                for (_, row) in &page.rows {
                    if let Ok(header) = keys::decode_header(row) {
                        counts.add(folder, header.flags.read, header.size_bytes);
                    }
                }
                let Some((last, _)) = page.rows.last().filter(|_| page.more) else {
                    break;
                };
                range.0 = std::ops::Bound::Excluded(last.clone());
            }
        }
        Ok(counts)
    }
}
