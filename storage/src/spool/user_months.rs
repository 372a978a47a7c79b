//! Users by month and domain, for billing (C26).
//!
//! Mailboxes are counted whenever the retention looks in, and when somebody asks; who signs in is
//! counted in the commit that begins the session, once a month.

use super::Spool;
use crate::access::AccessTables;
use crate::codec::{self, RowError};
use crate::commit::Batch;
use crate::engine::{Durability, KeyspaceId};
use crate::error::SpoolError;
use crate::keyspace::accounts as keys;
use crate::model::{AccountId, Credentials, DomainId, Month, MonthCount};

impl Spool {
    /// The counts of a domain, oldest month first, the present one included.
    ///
    /// # Errors
    /// [`SpoolError`].
    pub async fn user_months(
        &self,
        domain: DomainId,
    ) -> Result<Vec<(Month, MonthCount)>, SpoolError> {
        self.count_mailboxes(domain).await?;
        Ok(self.inner.access.lock().months_of(domain))
    }

    /// Counts the mailboxes of every protected domain.
    ///
    /// # Errors
    /// [`SpoolError`].
    pub async fn count_users(&self) -> Result<(), SpoolError> {
        for domain in self.directory().domains() {
            self.count_mailboxes(domain.id).await?;
        }
        Ok(())
    }

    async fn count_mailboxes(&self, domain: DomainId) -> Result<(), SpoolError> {
        let mailboxes = self.directory().enabled_mailboxes(domain);
        let month = Month::of(self.clock().wall());
        let counted = self.inner.access.lock().month(domain, month);
        if counted.is_some_and(|counted| counted.mailboxes >= mailboxes) {
            return Ok(());
        }
        self.inner
            .committer
            .commit(Batch::new(), Durability::Buffer, |_, batch| {
                let mut tables = self.inner.access.lock();
                let mut count = tables.month(domain, month).unwrap_or_default();
                count.mailboxes = count.mailboxes.max(mailboxes);
                put(&mut tables, batch, domain, month, count)?;
                Ok::<_, SpoolError>(())
            })
            .await
    }
}

/// Counts a user whose first sign-in of the month this change is.
pub(super) fn count_sign_in(
    tables: &mut AccessTables,
    batch: &mut Batch,
    account: &AccountId,
    before: &Credentials,
    after: &Credentials,
) -> Result<(), RowError> {
    let (AccountId::User { domain, .. }, Some(now)) = (account, after.last_login_at) else {
        return Ok(());
    };
    let month = Month::of(now);
    if before.last_login_at.map(Month::of) == Some(month) {
        return Ok(());
    }
    let mut count = tables.month(*domain, month).unwrap_or_default();
    count.signed_in += 1;
    put(tables, batch, *domain, month, count)
}

fn put(
    tables: &mut AccessTables,
    batch: &mut Batch,
    domain: DomainId,
    month: Month,
    count: MonthCount,
) -> Result<(), RowError> {
    let key = keys::month_key(domain, month);
    batch.encode(KeyspaceId::Accounts, &key, |out| codec::encode(out, &count))?;
    tables.put_month(domain, month, count);
    Ok(())
}
