//! What the filter is told to do: the `[filter]` section of the configuration.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use storage::model::{DmarcPolicy, DomainName};

use super::authentication::Authenticator;
use super::verdict::Verdict;

/// Settings of the filter. They may change while sessions run.
#[derive(Clone)]
pub struct FilterPolicy {
    /// Who evaluates SPF, DKIM, DMARC and ARC; none when that is switched off.
    pub authenticator: Option<Arc<Authenticator>>,
    /// Clients whose mail is not authenticated: our own hosts.
    pub unchecked: Arc<dyn Fn(IpAddr) -> bool + Send + Sync>,
    /// What becomes of mail that a rule blocks: rejected or quarantined.
    pub blocked: Verdict,
    /// What becomes of mail that fails DMARC where the domain asks for quarantine.
    pub dmarc_quarantine: Verdict,
    /// The same where the domain asks for rejection.
    pub dmarc_reject: Verdict,
    /// Forwarders whose ARC seal is believed when DMARC fails.
    pub trusted_sealers: Arc<[DomainName]>,
}

impl Default for FilterPolicy {
    fn default() -> Self {
        Self {
            authenticator: None,
            unchecked: Arc::new(|_| false),
            blocked: Verdict::Reject,
            dmarc_quarantine: Verdict::Quarantine,
            dmarc_reject: Verdict::Quarantine,
            trusted_sealers: Arc::from([]),
        }
    }
}

impl FilterPolicy {
    /// Who authenticates mail from a client.
    #[must_use]
    pub fn authenticator_for(&self, client: IpAddr) -> Option<&Arc<Authenticator>> {
        let authenticator = self.authenticator.as_ref()?;
        (!(self.unchecked)(client)).then_some(authenticator)
    }

    /// What a domain's wish comes to here.
    #[must_use]
    pub const fn on_dmarc(&self, wish: DmarcPolicy) -> Verdict {
        match wish {
            DmarcPolicy::None => Verdict::Accept,
            DmarcPolicy::Quarantine => self.dmarc_quarantine,
            DmarcPolicy::Reject => self.dmarc_reject,
        }
    }
}

impl fmt::Debug for FilterPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FilterPolicy")
            .field("authentication", &self.authenticator.is_some())
            .field("blocked", &self.blocked)
            .field("dmarc_quarantine", &self.dmarc_quarantine)
            .field("dmarc_reject", &self.dmarc_reject)
            .field("trusted_sealers", &self.trusted_sealers)
            .finish_non_exhaustive()
    }
}
