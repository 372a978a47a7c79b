//! Networks such as `10.0.0.0/8`.

use std::fmt;
use std::net::IpAddr;

use super::value::Text;

/// An IPv4 or IPv6 network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    base: IpAddr,
    prefix: u8,
}

impl Network {
    /// The network's first address.
    #[must_use]
    pub const fn base(&self) -> IpAddr {
        self.base
    }

    /// How many leading bits count.
    #[must_use]
    pub const fn prefix(&self) -> u8 {
        self.prefix
    }

    /// Whether an address lies in it. An IPv4 address that arrived through an IPv6 socket counts
    /// as IPv4.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.base, address.to_canonical()) {
            (IpAddr::V4(base), IpAddr::V4(address)) => {
                let mask = mask(self.prefix, 32);
                u128::from(base.to_bits()) == u128::from(address.to_bits()) & mask
            }
            (IpAddr::V6(base), IpAddr::V6(address)) => {
                base.to_bits() == address.to_bits() & mask(self.prefix, 128)
            }
            _ => false,
        }
    }
}

/// The leading `prefix` of `width` bits.
const fn mask(prefix: u8, width: u32) -> u128 {
    let host_bits = width - prefix as u32;
    if host_bits == 128 {
        0
    } else {
        u128::MAX << host_bits
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.base, self.prefix)
    }
}

impl Text for Network {
    const EXPECTED: &'static str = "a network such as \"10.0.0.0/8\" or \"2001:db8::/32\"";

    fn from_text(text: &str) -> Result<Self, Option<String>> {
        let (base, prefix) = match text.split_once('/') {
            Some((base, prefix)) => (base, Some(prefix.parse::<u8>().map_err(|_| None)?)),
            None => (text, None),
        };
        let base: IpAddr = base.parse().map_err(|_| None)?;
        let width: u8 = if base.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.unwrap_or(width);
        if prefix > width {
            return Err(None);
        }
        let first: IpAddr = match base {
            IpAddr::V4(v4) => {
                let bits = u128::from(v4.to_bits()) & mask(prefix, 32);
                std::net::Ipv4Addr::from_bits(u32::try_from(bits).unwrap_or_default()).into()
            }
            IpAddr::V6(v6) => {
                std::net::Ipv6Addr::from_bits(v6.to_bits() & mask(prefix, 128)).into()
            }
        };
        if base == first {
            Ok(Self { base, prefix })
        } else {
            Err(Some(format!(
                "a network; its first address makes it \"{first}/{prefix}\""
            )))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_holds_its_addresses_and_no_others() {
        for (network, address, inside) in [
            ("127.0.0.0/8", "127.255.0.1", true),
            ("127.0.0.0/8", "128.0.0.1", false),
            ("127.0.0.0/8", "::ffff:127.0.0.1", true),
            ("127.0.0.0/8", "::1", false),
            ("0.0.0.0/0", "203.0.113.9", true),
            ("192.0.2.7", "192.0.2.7", true),
            ("192.0.2.7/32", "192.0.2.6", false),
            ("2001:db8::/32", "2001:db8:ffff::1", true),
            ("2001:db8::/32", "2001:db9::1", false),
            ("::/0", "2001:db9::1", true),
        ] {
            let parsed = Network::from_text(network).unwrap();
            assert_eq!(
                parsed.contains(address.parse().unwrap()),
                inside,
                "{network} {address}"
            );
        }
    }
}
