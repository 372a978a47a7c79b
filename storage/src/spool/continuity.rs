//! The switch of continuity, per domain (C1), and how long its copies are kept (C2).

use super::Spool;
use super::backfill::Progress;
use super::directory::put_domain;
use crate::codec;
use crate::engine::KeyspaceId;
use crate::error::ChangeError;
use crate::feed::Hint;
use crate::keyspace::meta;
use crate::model::continuity::{RETENTION_DAYS_MAX, RETENTION_DAYS_MIN};
use crate::model::{AuditRow, Continuity, ContinuityGap, Domain, DomainName, Timestamp};

/// How continuity is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContinuityWish {
    /// On, with copies kept for so many days (1–90).
    On {
        /// How long a copy is kept.
        retention_days: u16,
    },
    /// Off: no copies are made, and those that are there are not shown; they go with their days.
    Off,
}

impl Spool {
    /// What has to be done before continuity of a domain can be switched on (C10).
    ///
    /// # Errors
    /// [`ChangeError::Unknown`].
    pub fn continuity_gaps(&self, name: &DomainName) -> Result<Vec<ContinuityGap>, ChangeError> {
        let domain = self.known_domain(name)?;
        let mut gaps = Vec::new();
        if self.directory().counts_of(domain).mailboxes == 0 {
            gaps.push(ContinuityGap::Mailboxes);
        }
        Ok(gaps)
    }

    /// Switches continuity on or off, or changes how long copies are kept. When it was off, copies
    /// of the mail that is queued already are made afterwards (C3).
    ///
    /// # Errors
    /// [`ChangeError::Unknown`]; [`ChangeError::ContinuityGaps`] with what is missing (C10);
    /// [`ChangeError::BadValue`]; [`ChangeError::Spool`].
    pub async fn set_continuity(
        &self,
        name: &DomainName,
        wish: ContinuityWish,
        audit: AuditRow,
    ) -> Result<Domain, ChangeError> {
        let now = self.clock().now();
        let ContinuityWish::On { retention_days } = wish else {
            return self
                .update_domain(name, |domain| domain.continuity = None, audit)
                .await;
        };
        if !(RETENTION_DAYS_MIN..=RETENTION_DAYS_MAX).contains(&retention_days) {
            return Err(ChangeError::BadValue {
                field: "retention_days",
                reason: "1 to 90 days are expected".to_owned(),
            });
        }
        let gaps = self.continuity_gaps(name)?;
        if !gaps.is_empty() {
            return Err(ChangeError::ContinuityGaps(gaps));
        }
        let domain = self
            .change(audit, |order, batch, directory| {
                let before = directory
                    .domain_by_name(name)
                    .ok_or_else(|| ChangeError::Unknown(name.to_string()))?;
                let mut domain = Domain::clone(&before);
                domain.continuity = Some(switched(before.continuity, retention_days, now));
                put_domain(batch, &domain, &self.inner.keyring)?;
                if before.continuity.is_none() {
                    let until = order.domain(domain.id).map(|state| state.next());
                    let progress = Progress::up_to(until.unwrap_or_default());
                    let key = meta::backfill_key(domain.id);
                    batch.encode(KeyspaceId::Meta, &key, |out| codec::encode(out, &progress))?;
                    self.inner.backfills.put(domain.id, progress);
                }
                directory.write().put_domain(domain.clone());
                Ok(domain)
            })
            .await?;
        self.inner.feed.tell(Hint::DomainChanged(domain.id));
        Ok(domain)
    }
}

fn switched(before: Option<Continuity>, retention_days: u16, now: Timestamp) -> Continuity {
    Continuity {
        enabled_since: before.map_or(now, |before| before.enabled_since),
        retention_days,
        // Copies from an earlier time may be shown again, for longer than was known then.
        lengthened_at: match before {
            Some(before) if retention_days <= before.retention_days => before.lengthened_at,
            _ => Some(now),
        },
    }
}
