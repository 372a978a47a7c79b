//! Addresses that nobody else has: 127.0.0.0/8 is wide enough for every process to have its own.
//!
//! A port on such an address stays ours while nothing listens on it, because outgoing connections
//! of the machine leave from 127.0.0.1. So servers can be stopped and started again, and
//! configuration files can name ports before anything is bound.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU16, Ordering};

static NEXT_PORT: AtomicU16 = AtomicU16::new(20_000);

/// An address of this process that was not given out before.
#[must_use]
pub fn address() -> SocketAddr {
    let [_, high, middle, low] = std::process::id().to_be_bytes();
    let own = Ipv4Addr::new(127, 64 | (high & 63), middle, low);
    let port = NEXT_PORT.fetch_add(1, Ordering::Relaxed);
    SocketAddr::from((own, port))
}
