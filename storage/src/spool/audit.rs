//! Who changed what, newest first.

use super::Spool;
use crate::codec;
use crate::engine::{Direction, KeyspaceId};
use crate::error::SpoolError;
use crate::keyspace::audit;
use crate::limits::PAGE_ROWS_MAX;
use crate::metrics;
use crate::model::AuditRow;

/// The number of an audit row; later ones are larger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AuditId(pub u64);

impl Spool {
    /// Audit rows older than `after`, newest first; from the newest one when it is none.
    ///
    /// # Errors
    /// [`SpoolError::Engine`]. Damaged rows are reported and left out.
    pub async fn audit_page(
        &self,
        after: Option<AuditId>,
        limit: usize,
    ) -> Result<Vec<(AuditId, AuditRow)>, SpoolError> {
        let page = self
            .engine()
            .scan(
                KeyspaceId::Audit,
                audit::before(after.map(|id| id.0)),
                Direction::Descending,
                limit.clamp(1, PAGE_ROWS_MAX),
            )
            .await?;
        let mut rows = Vec::with_capacity(page.rows.len());
        for (key, row) in page.rows {
            match (audit::parse_key(&key), codec::decode(&row)) {
                (Some(number), Ok(row)) => rows.push((AuditId(number), row)),
                (_, Err(error)) => {
                    metrics::corrupt_record(KeyspaceId::Audit);
                    tracing::error!(%error, "an audit row is damaged");
                }
                (None, Ok(_)) => {}
            }
        }
        Ok(rows)
    }

    /// Adds an audit row of its own, for a change that is made outside the store.
    ///
    /// # Errors
    /// [`SpoolError::Engine`].
    pub async fn add_audit(&self, row: AuditRow) -> Result<(), SpoolError> {
        self.inner
            .committer
            .commit(
                crate::commit::Batch::new(),
                crate::engine::Durability::Synced,
                |order, batch| Ok::<_, SpoolError>(super::aside::put_audit(order, batch, &row)?),
            )
            .await
    }
}
