//! `[smtp]`: intake.

use std::net::SocketAddr;

use actors::tls::CertificateFiles;

use super::certificate::read_certificate;
use super::field::{Applies, Field, Preset, Section, SectionReader};

const LISTEN: Field = Field {
    key: "listen",
    preset: Preset::Toml("[\"127.0.0.1:2525\"]"),
    applies: Applies::Restart,
    doc: "Addresses that take mail, at least one. A public relay listens on `[\"0.0.0.0:25\", \
          \"[::]:25\"]`.",
};

const CERTIFICATE: Field = Field {
    key: "certificate",
    preset: Preset::Unset("a self-signed certificate, made at first start in `data_dir`"),
    applies: Applies::Reload,
    doc: "PEM file with the certificate for STARTTLS, then its chain. Read again at reload.",
};

const KEY: Field = Field {
    key: "key",
    preset: Preset::Unset("the key of the self-signed certificate"),
    applies: Applies::Reload,
    doc: "PEM file with the certificate's private key. Read again at reload.",
};

pub(super) const SECTION: Section = Section {
    name: "smtp",
    doc: "Where mail is taken in.",
    fields: &[LISTEN, CERTIFICATE, KEY],
};

/// Intake.
#[derive(Debug, Clone)]
pub struct Smtp {
    /// Addresses to listen on.
    pub listen: Vec<SocketAddr>,
    /// For STARTTLS; self-signed when none.
    pub tls: Option<CertificateFiles>,
}

impl Smtp {
    pub(super) fn read(section: &mut SectionReader<'_, '_>) -> Option<Self> {
        let listen = section.non_empty(&LISTEN);
        let tls = read_certificate(section, &CERTIFICATE, &KEY);
        Some(Self {
            listen: listen?,
            tls: tls?,
        })
    }
}
