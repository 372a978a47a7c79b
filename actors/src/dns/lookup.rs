//! Records by type, for those who evaluate what the DNS says about a sender.
//!
//! Three answers are told apart: the name does not exist, it exists without such records, and it
//! cannot be known now. The last one is never a reason to refuse or to lose mail (Q21). Answers are
//! bounded; a look-up has a deadline of its own.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use futures_util::future::BoxFuture;

/// Records kept of one answer, at most.
pub const RECORDS_MAX: usize = 64;
/// Bytes kept of one TXT record, at most: no record that is read here has a use for more.
pub const TXT_BYTES_MAX: usize = 16 * 1024;

/// Why there are no records.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LookupError {
    /// The name does not exist (RFC 8020).
    #[error("the name does not exist")]
    NoSuchName,
    /// The name exists, but has no records of this type.
    #[error("the name has no such records")]
    NoRecords,
    /// No usable answer: time-out, SERVFAIL, network, a name that cannot be asked.
    #[error("{0}")]
    Unavailable(String),
}

impl LookupError {
    /// Whether the answer is known to be "nothing there": a void look-up of RFC 7208 §4.6.4.
    #[must_use]
    pub const fn is_void(&self) -> bool {
        matches!(self, Self::NoSuchName | Self::NoRecords)
    }
}

/// A mail exchanger (RFC 5321 §5.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailExchanger {
    /// Lower is preferred.
    pub preference: u16,
    /// Its name in lower case; `.` for null MX (RFC 7505).
    pub host: String,
}

/// Answers for the names of others. Names may come with or without the final dot; they are always
/// complete.
pub trait Lookup: Send + Sync + fmt::Debug + 'static {
    /// TXT records, the strings of each joined (RFC 7208 §3.3).
    fn txt(&self, name: &str) -> BoxFuture<'_, Result<Vec<Vec<u8>>, LookupError>>;
    /// IPv4 addresses.
    fn ipv4(&self, name: &str) -> BoxFuture<'_, Result<Vec<Ipv4Addr>, LookupError>>;
    /// IPv6 addresses.
    fn ipv6(&self, name: &str) -> BoxFuture<'_, Result<Vec<Ipv6Addr>, LookupError>>;
    /// Mail exchangers, best first.
    fn mx(&self, name: &str) -> BoxFuture<'_, Result<Vec<MailExchanger>, LookupError>>;
    /// Names of an address, as it says itself.
    fn ptr(&self, address: IpAddr) -> BoxFuture<'_, Result<Vec<String>, LookupError>>;
}
