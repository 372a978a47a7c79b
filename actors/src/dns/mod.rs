//! Name resolution behind a trait, so that tests and simulations bring their own.
//!
//! Answers are bounded in number and in time. A failure is never a reason to bounce: it makes the
//! host unreachable, and mail for it waits (Q21).

mod breaker;
mod guarded;
mod hickory;
pub mod lookup;
mod secure;
mod validating;

use std::fmt;
use std::net::IpAddr;

use futures_util::future::BoxFuture;

pub use guarded::GuardedLookup;
pub use hickory::HickoryResolver;
pub use lookup::{Lookup, LookupError, MailExchanger};
pub use secure::{SecureLookup, TlsaRecords};
pub use validating::ValidatingResolver;

/// Addresses kept of one answer, at most.
pub const ADDRESSES_MAX: usize = 16;

/// MX records kept of one answer, at most.
pub const EXCHANGERS_MAX: usize = 16;

/// Why a name has no address now.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DnsError {
    /// The name does not exist or has no address. Believed only as long as the answer lives.
    #[error("{host} has no address")]
    NoAddress {
        /// The name that was asked for.
        host: String,
    },
    /// The domain does not exist.
    #[error("the domain {host} does not exist")]
    NoDomain {
        /// The name that was asked for.
        host: String,
    },
    /// No usable answer: time-out, SERVFAIL, network.
    #[error("the address of {host} cannot be looked up: {why}")]
    Unavailable {
        /// The name that was asked for.
        host: String,
        /// What the resolver said.
        why: String,
    },
    /// The resolver's configuration cannot be read.
    #[error("the resolver cannot be configured: {0}")]
    Configuration(String),
}

/// One MX record (RFC 5321 §5.1).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Exchanger {
    /// Lower is tried first.
    pub preference: u16,
    /// The host, in lower case, without the dot at its end; empty for the null MX (RFC 7505).
    pub host: String,
}

/// Finds the addresses of a host and the mail exchangers of a domain.
pub trait Resolver: Send + Sync + fmt::Debug + 'static {
    /// The addresses of `host`, at least one and at most [`ADDRESSES_MAX`], in the order to try.
    fn addresses(&self, host: &str) -> BoxFuture<'_, Result<Vec<IpAddr>, DnsError>>;

    /// The MX records of a domain, at most [`EXCHANGERS_MAX`], the preferred first; none when it
    /// exists and has none. A domain that does not exist is [`DnsError::NoDomain`].
    fn exchangers(&self, domain: &str) -> BoxFuture<'_, Result<Vec<Exchanger>, DnsError>>;
}

/// The address when `host` is an address literal, IPv6 with or without brackets.
#[must_use]
pub fn literal(host: &str) -> Option<IpAddr> {
    let bare = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(host);
    bare.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_need_no_resolver() {
        assert_eq!(literal("192.0.2.7"), Some([192, 0, 2, 7].into()));
        assert_eq!(literal("::1"), literal("[::1]"));
        assert_eq!(literal("mail.example.org"), None);
        assert_eq!(literal("localhost"), None);
    }
}
