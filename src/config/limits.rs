//! `[limits]`: bounds on what others may ask of this node.

use super::byte_size::ByteSize;
use super::field::{Applies, Field, Preset, Section, SectionReader};
use super::network::Network;

const CONNECTIONS: Field = Field {
    key: "connections",
    preset: Preset::Toml("10000"),
    applies: Applies::Reload,
    doc: "SMTP connections at one time, all clients together.",
};

const CONNECTIONS_PER_CLIENT: Field = Field {
    key: "connections_per_client",
    preset: Preset::Toml("20"),
    applies: Applies::Reload,
    doc: "SMTP connections at one time from one client (an IPv4 address or an IPv6 /64).",
};

const CONNECTIONS_PER_MINUTE: Field = Field {
    key: "connections_per_minute",
    preset: Preset::Toml("100"),
    applies: Applies::Reload,
    doc: "New SMTP connections a minute from one client.",
};

const MESSAGE_SIZE: Field = Field {
    key: "message_size",
    preset: Preset::Toml("\"50MiB\""),
    applies: Applies::Reload,
    doc: "Largest message, announced as SIZE. New mail is answered 452 when less than twice this \
          is free on the disk.",
};

const EXEMPT_CLIENTS: Field = Field {
    key: "exempt_clients",
    preset: Preset::Toml("[]"),
    applies: Applies::Reload,
    doc: "Networks to which the limits per client do not apply; nothing else changes for them.",
};

pub(super) const SECTION: Section = Section {
    name: "limits",
    doc: "Bounds on what others may ask of this node. Fixed limits are listed in `docs/limits.md`.",
    fields: &[
        CONNECTIONS,
        CONNECTIONS_PER_CLIENT,
        CONNECTIONS_PER_MINUTE,
        MESSAGE_SIZE,
        EXEMPT_CLIENTS,
    ],
};

/// More would exceed what an operating system hands out.
const CONNECTIONS_MAX: u32 = 1_000_000;
/// Below this ordinary mail with its headers does not fit (RFC 5321 §4.5.3.1.7 asks for 64 KiB).
const MESSAGE_SIZE_MIN: ByteSize = ByteSize::new(64 << 10);
/// Bodies are counted in 1-MiB chunks by a 32-bit number; nobody mails more than this.
const MESSAGE_SIZE_MAX: ByteSize = ByteSize::new(2 << 30);

/// Bounds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// SMTP connections in total.
    pub connections: u32,
    /// SMTP connections of one client.
    pub connections_per_client: u32,
    /// New SMTP connections of one client a minute.
    pub connections_per_minute: u32,
    /// Largest message.
    pub message_size: ByteSize,
    /// Free of the limits per client.
    pub exempt_clients: Vec<Network>,
}

impl Limits {
    pub(super) fn read(section: &mut SectionReader<'_, '_>) -> Option<Self> {
        let connections = section.within(&CONNECTIONS, 1..=CONNECTIONS_MAX);
        let per_client = section.within(&CONNECTIONS_PER_CLIENT, 1..=CONNECTIONS_MAX);
        let per_minute = section.within(&CONNECTIONS_PER_MINUTE, 1..=CONNECTIONS_MAX);
        let message_size = section.within(&MESSAGE_SIZE, MESSAGE_SIZE_MIN..=MESSAGE_SIZE_MAX);
        let exempt_clients = section.value(&EXEMPT_CLIENTS);
        Some(Self {
            connections: connections?,
            connections_per_client: per_client?,
            connections_per_minute: per_minute?,
            message_size: message_size?,
            exempt_clients: exempt_clients?,
        })
    }
}
