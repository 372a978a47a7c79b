//! `[portal]`: the users' continuity mailbox.

use std::net::SocketAddr;

use super::field::{Applies, Field, Preset, Section, SectionReader};
use super::site_url::SiteUrl;

const LISTEN: Field = Field {
    key: "listen",
    preset: Preset::Toml("\"127.0.0.1:8443\""),
    applies: Applies::Restart,
    doc: "Address of the portal. This version has no portal yet: the address is checked, and \
          nothing listens on it.",
};

const URL: Field = Field {
    key: "url",
    preset: Preset::Toml("\"https://localhost:8443\""),
    applies: Applies::Restart,
    doc: "Where users find the portal. Checked, and not used by this version.",
};

pub(super) const SECTION: Section = Section {
    name: "portal",
    doc: "The portal in which users read and answer mail while their server is down. Reserved: the \
          keys are checked, so that a file that has them keeps working, but this version serves no \
          portal.",
    fields: &[LISTEN, URL],
};

/// The users' portal.
#[derive(Debug, Clone)]
pub struct Portal {
    /// Where it will listen.
    pub listen: SocketAddr,
    /// How users reach it.
    pub url: SiteUrl,
}

impl Portal {
    pub(super) fn read(section: &mut SectionReader<'_, '_>) -> Option<Self> {
        let listen = section.value(&LISTEN);
        let url = section.value(&URL);
        Some(Self {
            listen: listen?,
            url: url?,
        })
    }
}
