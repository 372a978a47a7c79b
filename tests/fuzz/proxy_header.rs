//! PROXY headers: a decision that more octets do not change.

use actors::session::proxy::{Proxied, read};

use crate::signature::Signature;

pub(crate) fn words() -> &'static [&'static [u8]] {
    &[
        b"PROXY ",
        b"TCP4 ",
        b"TCP6 ",
        b"UNKNOWN",
        b"192.0.2.1 ",
        b"2001:db8::1 ",
        b"25",
        b"\r\n",
        b"\r\n\r\n\0\r\nQUIT\n",
        b"\x21\x11\0\x0c",
        b"\x20\0\0\0",
        b"\x21\x21\0\x24",
        b"\xff\xff",
    ]
}

pub(crate) fn target(input: &[u8]) -> u64 {
    let whole = read(input);
    let mut signature = Signature::default();
    signature.note(std::mem::discriminant(&whole));
    if let Proxied::Header { length, client } = whole {
        assert!(length <= input.len());
        signature.note(client.map(|client| client.is_ipv4()));
    }
    // Once decided, always decided.
    let decided = (0..=input.len()).map(|cut| read(&input[..cut]));
    let mut first = None;
    for decision in decided.filter(|decision| *decision != Proxied::Incomplete) {
        assert_eq!(*first.get_or_insert(decision), decision);
    }
    assert_eq!(first.unwrap_or(Proxied::Incomplete), whole);
    signature.end()
}
