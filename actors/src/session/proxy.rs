//! The PROXY protocol, versions 1 and 2: who is really connected, told by a load balancer in front
//! of us (IN28). Pure: from the first octets of a connection to an address.
//!
//! The header is mandatory where it is expected at all. What is not exactly a header is broken, and
//! nothing of it is ever taken for SMTP.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Octets of a header of version 1, CRLF included, at most.
const V1_MAX: usize = 107;
/// Octets of a header of version 2 behind its first 16, at most: addresses and a few extensions.
const V2_REST_MAX: usize = 2_048;
/// How a header of version 2 begins.
const V2_SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";

/// What the octets so far are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proxied {
    /// The beginning of a header.
    Incomplete,
    /// A header of `length` octets.
    Header {
        /// Octets to take off the front.
        length: usize,
        /// The client; none when the proxy speaks for itself (a health check) or does not know.
        client: Option<IpAddr>,
    },
    /// No header.
    Broken,
}

/// Reads a header at the front of `input`.
#[must_use]
pub fn read(input: &[u8]) -> Proxied {
    let compared = input.len().min(V2_SIGNATURE.len());
    if input.get(..compared) == V2_SIGNATURE.get(..compared) {
        if input.is_empty() {
            return Proxied::Incomplete;
        }
        return read_v2(input);
    }
    read_v1(input)
}

fn read_v1(input: &[u8]) -> Proxied {
    let known = b"PROXY ";
    let compared = input.len().min(known.len());
    if input.get(..compared) != known.get(..compared) {
        return Proxied::Broken;
    }
    let searched = input.get(..input.len().min(V1_MAX)).unwrap_or_default();
    let Some(end) = memchr::memmem::find(searched, b"\r\n") else {
        let is_full = input.len() >= V1_MAX;
        return if is_full {
            Proxied::Broken
        } else {
            Proxied::Incomplete
        };
    };
    let line = searched.get(known.len()..end).unwrap_or_default();
    let line = std::str::from_utf8(line).ok();
    match line.and_then(client_of_v1) {
        Some(client) => Proxied::Header {
            length: end + 2,
            client,
        },
        None => Proxied::Broken,
    }
}

/// `TCP4 source destination port port`, `TCP6 …` or `UNKNOWN` with anything behind it.
fn client_of_v1(line: &str) -> Option<Option<IpAddr>> {
    let words: Vec<&str> = line.split(' ').collect();
    match *words.as_slice() {
        ["UNKNOWN", ..] => Some(None),
        [
            family @ ("TCP4" | "TCP6"),
            source,
            destination,
            source_port,
            port,
        ] => {
            let address = |text: &str| -> Option<IpAddr> {
                if family == "TCP4" {
                    text.parse::<Ipv4Addr>().ok().map(IpAddr::V4)
                } else {
                    text.parse::<Ipv6Addr>().ok().map(IpAddr::V6)
                }
            };
            let is_port = |text: &str| {
                let digits = text.bytes().all(|byte| byte.is_ascii_digit());
                digits && text.parse::<u16>().is_ok()
            };
            address(destination)?;
            (is_port(source_port) && is_port(port)).then_some(Some(address(source)?))
        }
        _ => None,
    }
}

fn read_v2(input: &[u8]) -> Proxied {
    let Some((head, rest)) = input.split_at_checked(16) else {
        return Proxied::Incomplete;
    };
    let &[.., version_command, family, high, low] = head else {
        return Proxied::Broken;
    };
    let length = usize::from(u16::from_be_bytes([high, low]));
    if length > V2_REST_MAX {
        return Proxied::Broken;
    }
    let Some(addresses) = rest.get(..length) else {
        return Proxied::Incomplete;
    };
    let client = match (version_command, family >> 4) {
        // LOCAL, or a family that we do not know: the connection speaks for itself.
        (0x20, _) | (0x21, 0 | 3) => Some(None),
        (0x21, 1) => addresses
            .first_chunk::<12>()
            .and_then(|all| all.first_chunk::<4>())
            .map(|source| Some(IpAddr::from(*source))),
        (0x21, 2) => addresses
            .first_chunk::<36>()
            .and_then(|all| all.first_chunk::<16>())
            .map(|source| Some(IpAddr::from(*source))),
        _ => None,
    };
    match client {
        Some(client) => Proxied::Header {
            length: 16 + length,
            client,
        },
        None => Proxied::Broken,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn header(length: usize, client: &str) -> Proxied {
        Proxied::Header {
            length,
            client: Some(client.parse().unwrap()),
        }
    }

    fn v2(version_command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
        let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
        let head = [&V2_SIGNATURE[..], &[version_command, family], &length];
        [head.concat(), rest.to_vec()].concat()
    }

    #[test]
    fn in28_version_1_by_table() {
        let unknown = |length| Proxied::Header {
            length,
            client: None,
        };
        for (text, expected) in [
            (
                "PROXY TCP4 192.0.2.9 198.51.100.1 40000 25\r\nEHLO",
                header(44, "192.0.2.9"),
            ),
            (
                "PROXY TCP6 2001:db8::9 2001:db8::1 40000 25\r\n",
                header(45, "2001:db8::9"),
            ),
            ("PROXY UNKNOWN\r\n", unknown(15)),
            ("PROXY UNKNOWN a b c d\r\n", unknown(23)),
            ("PROXY TCP4 192.0.2.9", Proxied::Incomplete),
            ("PRO", Proxied::Incomplete),
            ("", Proxied::Incomplete),
            ("EHLO a\r\n", Proxied::Broken),
            (
                "proxy TCP4 192.0.2.9 198.51.100.1 1 25\r\n",
                Proxied::Broken,
            ),
            (
                "PROXY TCP4 2001:db8::9 2001:db8::1 1 25\r\n",
                Proxied::Broken,
            ),
            (
                "PROXY TCP4 192.0.2.9 198.51.100.1 70000 25\r\n",
                Proxied::Broken,
            ),
            (
                "PROXY TCP4 192.0.2.9 198.51.100.1 +1 25\r\n",
                Proxied::Broken,
            ),
            ("PROXY TCP4 192.0.2.9 198.51.100.1 1\r\n", Proxied::Broken),
            (
                "PROXY TCP4  192.0.2.9 198.51.100.1 1 25\r\n",
                Proxied::Broken,
            ),
            (
                "PROXY UDP4 192.0.2.9 198.51.100.1 1 25\r\n",
                Proxied::Broken,
            ),
        ] {
            assert_eq!(read(text.as_bytes()), expected, "{text:?}");
        }
        let endless = format!("PROXY UNKNOWN {}", "x".repeat(200));
        assert_eq!(read(endless.as_bytes()), Proxied::Broken);
    }

    #[test]
    fn in28_version_2_by_table() {
        let four = [192, 0, 2, 9, 198, 51, 100, 1, 0x9c, 0x40, 0, 25];
        let six = [&[0x20, 1, 0xd, 0xb8][..], &[0; 11], &[9], &[0; 20]].concat();
        assert_eq!(read(&v2(0x21, 0x11, &four)), header(28, "192.0.2.9"));
        assert_eq!(read(&v2(0x21, 0x21, &six)), header(52, "2001:db8::9"));
        let with_extension = [&four[..], &[4, 0, 1, 0]].concat();
        assert_eq!(
            read(&v2(0x21, 0x11, &with_extension)),
            header(32, "192.0.2.9")
        );
        let local = Proxied::Header {
            length: 16,
            client: None,
        };
        assert_eq!(read(&v2(0x20, 0, &[])), local);
        assert_eq!(read(&v2(0x21, 0x11, &four[..8])), Proxied::Broken);
        assert_eq!(read(&v2(0x31, 0x11, &four)), Proxied::Broken);
        assert_eq!(read(&v2(0x22, 0x11, &four)), Proxied::Broken);
        assert_eq!(read(&v2(0x21, 0x11, &[0; 3000])), Proxied::Broken);
    }

    proptest! {
        /// A header that comes in pieces is incomplete until its last octet, and what follows it
        /// does not matter.
        #[test]
        fn in28_every_prefix_is_incomplete(source in any::<[u8; 12]>(), more in any::<Vec<u8>>()) {
            let ip = Ipv4Addr::from([source[0], source[1], source[2], source[3]]);
            let one = format!("PROXY TCP4 {ip} 192.0.2.1 1 25\r\n").into_bytes();
            for whole in [one, v2(0x21, 0x11, &source)] {
                for cut in 0..whole.len() {
                    prop_assert_eq!(read(&whole[..cut]), Proxied::Incomplete);
                }
                let longer = [&whole[..], &more].concat();
                let expected = Proxied::Header { length: whole.len(), client: Some(ip.into()) };
                prop_assert_eq!(read(&longer), expected);
            }
        }

        #[test]
        fn in28_no_input_is_read_beyond_its_bounds(input in any::<Vec<u8>>()) {
            if let Proxied::Header { length, .. } = read(&input) {
                prop_assert!(length <= input.len());
            }
        }
    }
}
