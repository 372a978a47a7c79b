//! A domain with a mailbox and continuity, for benchmarks.

use storage::model::{DomainId, MailboxAccount, Timestamp};
use storage::spool::{ContinuityWish, Spool};

use crate::sample::{self, Failure};

/// Adds the domain with a mailbox, `alice`, and switches its continuity on.
pub(crate) async fn domain(spool: &Spool) -> Result<DomainId, Failure> {
    let domain = spool.add_domain(sample::domain()?, sample::audit()).await?;
    let account = MailboxAccount {
        domain: domain.id,
        address: "alice@x.example".parse()?,
        name: None,
        recovery: None,
        language: None,
        enabled: true,
        created_at: Timestamp::default(),
    };
    spool.put_mailboxes(vec![account], sample::audit()).await?;
    let wish = ContinuityWish::On { retention_days: 30 };
    spool
        .set_continuity(&domain.name, wish, sample::audit())
        .await?;
    Ok(domain.id)
}
