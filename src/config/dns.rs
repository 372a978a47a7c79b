//! `[dns]`: name resolution.

use std::net::SocketAddr;

use super::field::{Applies, Field, Preset, Section, SectionReader};
use super::value::NameServer;

const SERVERS: Field = Field {
    key: "servers",
    preset: Preset::Toml("[]"),
    applies: Applies::Restart,
    doc: "Name servers to ask, with an optional port; the system's own (`/etc/resolv.conf`) when \
          empty.",
};

pub(super) const SECTION: Section = Section {
    name: "dns",
    doc: "Who is asked about host names of destinations and about senders.",
    fields: &[SERVERS],
};

/// Name resolution.
#[derive(Debug, Clone)]
pub struct Dns {
    /// Servers to ask; the system's when empty.
    pub servers: Vec<SocketAddr>,
}

impl Dns {
    pub(super) fn read(section: &mut SectionReader<'_, '_>) -> Option<Self> {
        let servers: Vec<NameServer> = section.value(&SERVERS)?;
        Some(Self {
            servers: servers.into_iter().map(|server| server.0).collect(),
        })
    }
}
