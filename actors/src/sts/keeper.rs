//! Keeps the policies of domains that we send to (RFC 8461 §3.3, §10.2).

use std::sync::Arc;

use storage::model::Timestamp;
use storage::spool::Spool;

use super::fetch::PolicyFetcher;
use super::policy::{Mode, Policy};
use super::record::policy_id;
use super::refresh::{Kept, Step, step};
use crate::dns::Lookup;

/// Asks DNS and web servers for policies, and the store for what they said before. It is asked
/// whenever the MX records of a domain are looked up, by the supervised service that does so.
#[derive(Debug)]
pub struct StsKeeper {
    lookup: Arc<dyn Lookup>,
    fetcher: Arc<dyn PolicyFetcher>,
    spool: Spool,
}

impl StsKeeper {
    /// A keeper over a store.
    #[must_use]
    pub fn new(lookup: Arc<dyn Lookup>, fetcher: Arc<dyn PolicyFetcher>, spool: Spool) -> Self {
        Self {
            lookup,
            fetcher,
            spool,
        }
    }

    /// The policy that binds us when we send to a domain; none when it has none. What cannot be
    /// fetched leaves in force what is kept (§5.1). Ends within the time of one look-up and one
    /// fetch.
    pub async fn policy(&self, domain: &str) -> Option<Policy> {
        let domain = domain.trim_end_matches('.').to_ascii_lowercase();
        let now = self.spool.clock().now();
        let kept = self.load(&domain, now).await;
        let records = self.lookup.txt(&format!("_mta-sts.{domain}")).await;
        let announced = records.ok().and_then(|records| policy_id(&records));
        let kept = match step(kept.as_ref(), announced, now) {
            Step::Use => kept,
            Step::Fetch(id) => self.fetch(&domain, id, now).await.or(kept),
        };
        kept.map(|kept| kept.policy)
            .filter(|policy| policy.mode != Mode::None)
    }

    async fn fetch(&self, domain: &str, id: String, now: Timestamp) -> Option<Kept> {
        let text = match self.fetcher.fetch(domain).await {
            Ok(text) => text,
            Err(error) => {
                tracing::warn!(domain, %error, "the MTA-STS policy of a domain cannot be fetched");
                return None;
            }
        };
        let policy = match Policy::parse(&text) {
            Ok(policy) => policy,
            Err(error) => {
                tracing::warn!(domain, %error, "the MTA-STS policy of a domain cannot be read");
                return None;
            }
        };
        tracing::info!(domain, policy.id = id, policy.mode = ?policy.mode, "MTA-STS policy fetched");
        let kept = Kept {
            id,
            fetched_at: now,
            policy,
        };
        self.save(domain, &kept).await;
        Some(kept)
    }

    async fn load(&self, domain: &str, now: Timestamp) -> Option<Kept> {
        let row = self.spool.load_learned(&key(domain)).await;
        let row = row.unwrap_or_else(|error| {
            tracing::error!(domain, %error, "a kept MTA-STS policy cannot be read");
            None
        });
        let kept: Kept = postcard::from_bytes(&row?).ok()?;
        kept.is_live(now).then_some(kept)
    }

    /// A policy that could not be kept is fetched again at the next occasion.
    async fn save(&self, domain: &str, kept: &Kept) {
        let Ok(bytes) = postcard::to_allocvec(kept) else {
            return;
        };
        if let Err(error) = self.spool.save_learned(&key(domain), bytes.into()).await {
            tracing::error!(domain, %error, "an MTA-STS policy cannot be kept");
        }
    }
}

/// Where a domain's policy is kept among what delivery has learnt.
fn key(domain: &str) -> String {
    format!("sts/{domain}")
}
