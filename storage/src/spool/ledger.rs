//! The ledger: accepted = delivered + queued + quarantined + parked + failed + expired + removed,
//! counted in (message, recipient), per domain (D7).

use super::Spool;
use crate::engine::{KeyspaceId, Page};
use crate::error::SpoolError;
use crate::keyspace::{aside, queue};
use crate::limits::PAGE_ROWS_MAX;
use crate::model::{AsideKind, Counters, DomainId, Sequence};

impl Spool {
    /// A domain's ledger, from memory: exact, including what is on its way to the disk. All zero
    /// for a domain that does not exist.
    #[must_use]
    pub fn counters(&self, domain: DomainId) -> Counters {
        let order = self.inner.committer.order();
        order
            .domain(domain)
            .map_or_else(Counters::default, |state| state.counters)
    }

    /// The ledgers of all domains, added up.
    #[must_use]
    pub fn counters_total(&self) -> Counters {
        let order = self.inner.committer.order();
        let mut total = Counters::default();
        for (_, state) in order.domains() {
            add(&mut total, &state.counters);
        }
        total
    }

    /// The ledger with everything that is still here counted again from the rows. While mail moves,
    /// the result is that of several moments; compare it when the domain is at rest, or compare
    /// twice.
    ///
    /// # Errors
    /// [`SpoolError::Engine`].
    pub async fn recount(&self, domain: DomainId) -> Result<Counters, SpoolError> {
        let mut counted = Counters {
            queued: 0,
            queued_bytes: 0,
            parked: 0,
            quarantined: 0,
            ..self.counters(domain)
        };
        for keyspace in [KeyspaceId::Queue, KeyspaceId::Deferred, KeyspaceId::Aside] {
            let mut from = Some(Sequence(0));
            while let Some(start) = from {
                let range = if keyspace == KeyspaceId::Aside {
                    aside::range(domain, start)
                } else {
                    queue::range(domain, start)
                };
                let page = self.scan(keyspace, range, PAGE_ROWS_MAX).await?;
                for (_, row) in &page.rows {
                    count_row(&mut counted, keyspace, row);
                }
                from = following(keyspace, &page);
            }
        }
        Ok(counted)
    }
}

fn add(total: &mut Counters, one: &Counters) {
    total.accepted += one.accepted;
    total.delivered += one.delivered;
    total.failed += one.failed;
    total.expired += one.expired;
    total.removed += one.removed;
    total.parked += one.parked;
    total.quarantined += one.quarantined;
    total.queued += one.queued;
    total.queued_bytes += one.queued_bytes;
}

/// Counts one row by its header; a row without one counts as one recipient, as when it is set
/// aside.
pub(super) fn count_row(counted: &mut Counters, keyspace: KeyspaceId, row: &[u8]) {
    if keyspace == KeyspaceId::Aside {
        let (kind, recipients) = aside::header(row).unwrap_or((AsideKind::Corrupt, 1));
        match kind {
            AsideKind::Parked | AsideKind::Corrupt => counted.parked += u64::from(recipients),
            AsideKind::Quarantined => counted.quarantined += u64::from(recipients),
            AsideKind::Expired => {}
        }
    } else {
        let header = queue::header(row);
        counted.queued += u64::from(header.map_or(1, |header| header.open_recipients));
        counted.queued_bytes += header.map_or(0, |header| header.size_bytes);
    }
}

fn following(keyspace: KeyspaceId, page: &Page) -> Option<Sequence> {
    if !page.more {
        return None;
    }
    let (last, _) = page.rows.last()?;
    let (_, sequence) = if keyspace == KeyspaceId::Aside {
        aside::parse_key(last)?
    } else {
        queue::parse_key(last)?
    };
    Some(Sequence(sequence.0.saturating_add(1)))
}
