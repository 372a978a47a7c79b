//! Allow and block rules: which senders a domain or one of its mailboxes wants, and which it does
//! not.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::address::{DomainName, Mailbox};
use super::id::DomainId;
use super::time::Timestamp;

/// What a rule does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RuleAction {
    /// The sender is wanted.
    Allow,
    /// The sender is not wanted.
    Block,
}

impl RuleAction {
    /// `allow` or `block`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Block => "block",
        }
    }
}

/// Addresses with a common beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct IpNetwork {
    address: IpAddr,
    prefix: u8,
}

impl IpNetwork {
    /// The network of an address.
    ///
    /// # Errors
    /// When the prefix is longer than the address.
    pub fn new(address: IpAddr, prefix: u8) -> Result<Self, RuleError> {
        let address = address.to_canonical();
        let masked = match address {
            IpAddr::V4(v4) if prefix <= 32 => {
                let mask = u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0);
                IpAddr::V4((v4.to_bits() & mask).into())
            }
            IpAddr::V6(v6) if prefix <= 128 => {
                let mask = u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0);
                IpAddr::V6((v6.to_bits() & mask).into())
            }
            _ => return Err(RuleError::Network),
        };
        Ok(Self {
            address: masked,
            prefix,
        })
    }

    /// Whether an address lies in it.
    #[must_use]
    pub fn contains(self, address: IpAddr) -> bool {
        Self::new(address, self.prefix).is_ok_and(|network| network == self)
    }

    /// Length of the common beginning, in bits.
    #[must_use]
    pub const fn prefix(self) -> u8 {
        self.prefix
    }
}

/// Why a text names no sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// Neither of the three forms.
    #[error("an address, a domain or a network such as 192.0.2.0/24 is expected")]
    Shape,
    /// A network's length does not fit its address.
    #[error("the length of the network does not fit its address")]
    Network,
}

/// Whom a rule is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum RuleSubject {
    /// One sender: envelope or `From`.
    Address(Mailbox),
    /// All senders of a domain and its subdomains: envelope or `From`.
    Domain(DomainName),
    /// Everybody who connects from a network.
    Network(IpNetwork),
}

impl FromStr for RuleSubject {
    type Err = RuleError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        if let Some((address, prefix)) = text.split_once('/') {
            let address: IpAddr = address.parse().map_err(|_| RuleError::Shape)?;
            let prefix = prefix.parse().map_err(|_| RuleError::Network)?;
            return IpNetwork::new(address, prefix).map(Self::Network);
        }
        if let Ok(address) = text.parse::<IpAddr>() {
            let prefix = if address.to_canonical().is_ipv4() {
                32
            } else {
                128
            };
            return IpNetwork::new(address, prefix).map(Self::Network);
        }
        if text.contains('@') {
            let mailbox: Mailbox = text.parse().map_err(|_| RuleError::Shape)?;
            let local_part = mailbox.key();
            let mailbox = Mailbox::new(&local_part, mailbox.domain().clone());
            return mailbox.map(Self::Address).map_err(|_| RuleError::Shape);
        }
        let domain: DomainName = text.parse().map_err(|_| RuleError::Shape)?;
        Ok(Self::Domain(domain))
    }
}

impl fmt::Display for RuleSubject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(mailbox) => mailbox.fmt(f),
            Self::Domain(domain) => domain.fmt(f),
            Self::Network(network) => write!(f, "{}/{}", network.address, network.prefix),
        }
    }
}

impl Serialize for RuleSubject {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for RuleSubject {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// One rule of a domain, or of one of its mailboxes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SenderRule {
    /// The protected domain.
    pub domain: DomainId,
    /// The mailbox whose rule it is; none: the whole domain's.
    pub mailbox: Option<Mailbox>,
    /// Whom it is about.
    pub subject: RuleSubject,
    /// What it does.
    pub action: RuleAction,
    /// Why, for everybody who looks.
    pub comment: Option<String>,
    /// When it was added.
    pub created_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject(text: &str) -> Result<String, RuleError> {
        text.parse::<RuleSubject>()
            .map(|subject| subject.to_string())
    }

    #[test]
    fn subjects_have_one_form() {
        for (text, form) in [
            ("\"Bob\"@Far.Example.", "bob@far.example"),
            (" Far.EXAMPLE ", "far.example"),
            ("192.0.2.7", "192.0.2.7/32"),
            ("192.0.2.7/24", "192.0.2.0/24"),
            ("::ffff:192.0.2.7", "192.0.2.7/32"),
            ("2001:DB8::1/32", "2001:db8::/32"),
            ("0.0.0.0/0", "0.0.0.0/0"),
        ] {
            assert_eq!(subject(text).as_deref(), Ok(form), "{text}");
            assert_eq!(subject(form).as_deref(), Ok(form), "{form}");
        }
        for text in [
            "",
            "a b",
            "@",
            "x@",
            "192.0.2.0/33",
            "::/129",
            "192.0.2.0/x",
            "a/24",
        ] {
            assert!(subject(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_network_holds_its_addresses_whichever_way_they_are_written() {
        let network = IpNetwork::new("192.0.2.0".parse().unwrap(), 24).unwrap();
        assert!(network.contains("192.0.2.255".parse().unwrap()));
        assert!(network.contains("::ffff:192.0.2.1".parse().unwrap()));
        assert!(!network.contains("192.0.3.1".parse().unwrap()));
        assert!(!network.contains("2001:db8::1".parse().unwrap()));
    }
}
