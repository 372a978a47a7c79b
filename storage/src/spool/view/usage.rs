//! What the continuity mailboxes of a domain hold, day by day, added up from the counts.

use crate::codec;
use crate::engine::{DayKind, Direction};
use crate::error::SpoolError;
use crate::keyspace::view as keys;
use crate::limits::PAGE_ROWS_MAX;
use crate::model::{DomainId, ViewCounts};
use crate::spool::Spool;

/// One day of a domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DayUsage {
    /// Days since 1970-01-01 (UTC).
    pub day: u32,
    /// Copies, one per message and mailbox.
    pub messages: u64,
    /// Bytes of their bodies, counted for each mailbox; stored once.
    pub size_bytes: u64,
    /// Mailboxes that have one.
    pub mailboxes: u64,
}

/// A domain's continuity mailboxes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DomainUsage {
    /// Days that hold something, oldest first.
    pub days: Vec<DayUsage>,
}

impl DomainUsage {
    /// Copies of all days.
    #[must_use]
    pub fn messages(&self) -> u64 {
        self.days.iter().map(|day| day.messages).sum()
    }

    /// Bytes of all days.
    #[must_use]
    pub fn size_bytes(&self) -> u64 {
        self.days.iter().map(|day| day.size_bytes).sum()
    }
}

impl Spool {
    /// What the continuity mailboxes of a domain hold.
    ///
    /// # Errors
    /// [`SpoolError`].
    pub async fn domain_usage(&self, domain: DomainId) -> Result<DomainUsage, SpoolError> {
        let mut usage = DomainUsage::default();
        for day in self.engine().days(DayKind::Continuity).await? {
            let mut range = keys::counts_range(domain);
            let mut total = ViewCounts::default();
            let mut mailboxes = 0;
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
                    let counts: ViewCounts = codec::decode(row)?;
                    mailboxes += u64::from(counts.total() > 0);
                    total.plus(&counts);
                }
                let Some((last, _)) = page.rows.last().filter(|_| page.more) else {
                    break;
                };
                range.0 = std::ops::Bound::Excluded(last.clone());
            }
            if total.total() > 0 {
                usage.days.push(DayUsage {
                    day,
                    messages: total.total(),
                    size_bytes: total.size_bytes,
                    mailboxes,
                });
            }
        }
        usage.days.sort_unstable_by_key(|day| day.day);
        Ok(usage)
    }
}
