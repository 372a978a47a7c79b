//! Answers that DNSSEC vouches for (RFC 4035), for DANE (RFC 7672 §2).
//!
//! The resolver validates by itself, from the root's key down, so no name server has to be trusted;
//! but the servers asked have to pass signatures on. Three answers are told apart: what is secure,
//! what is provably not signed or not there, and what cannot be known or is forged.

use std::fmt;

use futures_util::future::BoxFuture;
use storage::model::Tlsa;

use super::LookupError;

/// The TLSA records of a server, when they are secure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsaRecords {
    /// Those that can be used for mail.
    pub usable: Vec<Tlsa>,
    /// There are others.
    pub has_unusable: bool,
}

/// Asks with DNSSEC. An error is never an answer: whoever forges one must not take DANE away.
pub trait SecureLookup: Send + Sync + fmt::Debug + 'static {
    /// Whether the MX records of a domain, or their absence, are secure.
    fn has_secure_exchangers(&self, domain: &str) -> BoxFuture<'_, Result<bool, LookupError>>;
    /// Whether the addresses of a host are secure (RFC 7672 §2.2.2).
    fn has_secure_address(&self, host: &str) -> BoxFuture<'_, Result<bool, LookupError>>;
    /// The TLSA records of a name; none when there are none or they are not signed.
    fn tlsa(&self, name: &str) -> BoxFuture<'_, Result<Option<TlsaRecords>, LookupError>>;
}
