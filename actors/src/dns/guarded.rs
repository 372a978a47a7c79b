//! Look-ups with a breaker in front of dead name servers, counted by what came of them.

use std::fmt;
use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use futures_util::future::BoxFuture;
use storage::model::Clock;

use super::breaker::Breaker;
use super::lookup::{Lookup, LookupError, MailExchanger};
use crate::metrics;

/// Guards another [`Lookup`].
pub struct GuardedLookup {
    inner: Arc<dyn Lookup>,
    breaker: Breaker,
    clock: Arc<dyn Clock>,
}

impl GuardedLookup {
    /// A guard for `inner`.
    #[must_use]
    pub fn new(inner: Arc<dyn Lookup>, clock: Arc<dyn Clock>) -> Self {
        Self {
            inner,
            breaker: Breaker::default(),
            clock,
        }
    }

    async fn ask<T>(
        &self,
        record: &'static str,
        question: impl Future<Output = Result<T, LookupError>>,
    ) -> Result<T, LookupError> {
        let started = self.clock.monotonic();
        if !self.breaker.permits(started) {
            metrics::dns_lookup(record, "not_asked");
            let why = "the name servers have not answered lately";
            return Err(LookupError::Unavailable(why.to_owned()));
        }
        let answer = question.await;
        let now = self.clock.monotonic();
        let outcome = match &answer {
            Ok(_) => "found",
            Err(LookupError::NoSuchName) => "no_such_name",
            Err(LookupError::NoRecords) => "no_records",
            Err(LookupError::Unavailable(_)) => "unavailable",
        };
        match &answer {
            Err(LookupError::Unavailable(_)) => self.breaker.failed(now),
            _ => self.breaker.answered(),
        }
        metrics::dns_lookup(record, outcome);
        metrics::dns_lookup_took(now.saturating_sub(started));
        answer
    }
}

impl Lookup for GuardedLookup {
    fn txt(&self, name: &str) -> BoxFuture<'_, Result<Vec<Vec<u8>>, LookupError>> {
        Box::pin(self.ask("txt", self.inner.txt(name)))
    }

    fn ipv4(&self, name: &str) -> BoxFuture<'_, Result<Vec<Ipv4Addr>, LookupError>> {
        Box::pin(self.ask("a", self.inner.ipv4(name)))
    }

    fn ipv6(&self, name: &str) -> BoxFuture<'_, Result<Vec<Ipv6Addr>, LookupError>> {
        Box::pin(self.ask("aaaa", self.inner.ipv6(name)))
    }

    fn mx(&self, name: &str) -> BoxFuture<'_, Result<Vec<MailExchanger>, LookupError>> {
        Box::pin(self.ask("mx", self.inner.mx(name)))
    }

    fn ptr(&self, address: IpAddr) -> BoxFuture<'_, Result<Vec<String>, LookupError>> {
        Box::pin(self.ask("ptr", self.inner.ptr(address)))
    }
}

impl fmt::Debug for GuardedLookup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuardedLookup")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}
