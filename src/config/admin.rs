//! `[admin]`: the API and the status page.

use std::net::SocketAddr;

use actors::tls::CertificateFiles;

use super::certificate::read_certificate;
use super::field::{Applies, Field, Preset, Section, SectionReader};
use super::site_url::{Scheme, SiteUrl};

const LISTEN: Field = Field {
    key: "listen",
    preset: Preset::Toml("\"127.0.0.1:8444\""),
    applies: Applies::Restart,
    doc: "Address of the administration API and the status page. The command line connects here.",
};

const URL: Field = Field {
    key: "url",
    preset: Preset::Toml("\"https://localhost:8444\""),
    applies: Applies::Restart,
    doc: "How administrators reach it. Requests with another `Host` are refused with 421; the \
          listener's own address and `localhost` always work. `http://` switches TLS off, which is \
          accepted only on a loopback address.",
};

const CERTIFICATE: Field = Field {
    key: "certificate",
    preset: Preset::Unset("a self-signed certificate, made at first start in `data_dir`"),
    applies: Applies::Reload,
    doc: "PEM file with the certificate, then its chain. Read again at reload. The command line \
          accepts exactly the certificate that stands here, or the self-signed one.",
};

const KEY: Field = Field {
    key: "key",
    preset: Preset::Unset("the key of the self-signed certificate"),
    applies: Applies::Reload,
    doc: "PEM file with the certificate's private key. Read again at reload.",
};

pub(super) const SECTION: Section = Section {
    name: "admin",
    doc: "The administration listener: JSON API under `/api/v1`, its description at \
          `/api/openapi.json`, and a status page at `/`.",
    fields: &[LISTEN, URL, CERTIFICATE, KEY],
};

/// The administrators' listener.
#[derive(Debug, Clone)]
pub struct Admin {
    /// Where it listens.
    pub listen: SocketAddr,
    /// How administrators reach it.
    pub url: SiteUrl,
    /// Its certificate; self-signed when none.
    pub tls: Option<CertificateFiles>,
}

impl Admin {
    pub(super) fn read(section: &mut SectionReader<'_, '_>) -> Option<Self> {
        let listen = section.value::<SocketAddr>(&LISTEN);
        let url = section.value::<SiteUrl>(&URL);
        let tls = read_certificate(section, &CERTIFICATE, &KEY);
        let (listen, url, tls) = (listen?, url?, tls?);
        if url.scheme() == Scheme::Http && !listen.ip().is_loopback() {
            section.object(&URL, "https:// (plain HTTP only on a loopback address)");
        }
        if is_taken(section, listen) {
            section.object(&LISTEN, "an address other than `smtp.listen`");
        }
        Some(Self { listen, url, tls })
    }
}

fn is_taken(section: &SectionReader<'_, '_>, listen: SocketAddr) -> bool {
    let smtp = section.in_force("smtp.listen").unwrap_or_default();
    listen.port() != 0
        && smtp
            .split(", ")
            .any(|address| address == listen.to_string())
}
