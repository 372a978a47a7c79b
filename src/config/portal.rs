//! `[portal]`: the users' continuity mailbox.

use std::net::SocketAddr;

use actors::tls::CertificateFiles;

use super::certificate::read_certificate;
use super::field::{Applies, Field, Preset, Section, SectionReader};
use super::network::Network;
use super::site_url::{Scheme, SiteUrl};

const LISTEN: Field = Field {
    key: "listen",
    preset: Preset::Toml("\"127.0.0.1:8443\""),
    applies: Applies::Restart,
    doc: "Address of the portal.",
};

const URL: Field = Field {
    key: "url",
    preset: Preset::Toml("\"https://localhost:8443\""),
    applies: Applies::Restart,
    doc: "Where users find the portal: one address for all domains, and not one of the customer's, \
          so that it works while theirs do not. Requests with another `Host` are refused with 421; \
          links in notices begin with it. `http://` switches TLS off, which is accepted only on a \
          loopback address.",
};

const CERTIFICATE: Field = Field {
    key: "certificate",
    preset: Preset::Unset("a self-signed certificate, made at first start in `data_dir`"),
    applies: Applies::Reload,
    doc: "PEM file with the certificate, then its chain. Read again at reload.",
};

const KEY: Field = Field {
    key: "key",
    preset: Preset::Unset("the key of the self-signed certificate"),
    applies: Applies::Reload,
    doc: "PEM file with the certificate's private key. Read again at reload.",
};

const TRUSTED_PROXIES: Field = Field {
    key: "trusted_proxies",
    preset: Preset::Toml("[]"),
    applies: Applies::Restart,
    doc: "Networks of proxies before the portal and the administration. From them, and from nobody \
          else, `X-Forwarded-For` is believed when failed sign-ins are counted.",
};

pub(super) const SECTION: Section = Section {
    name: "portal",
    doc: "The portal in which users read and answer mail while their server is down. It has a \
          listener, a host name and sessions of its own; nothing of the administration is reachable \
          there.",
    fields: &[LISTEN, URL, CERTIFICATE, KEY, TRUSTED_PROXIES],
};

/// The users' portal.
#[derive(Debug, Clone)]
pub struct Portal {
    /// Where it listens.
    pub listen: SocketAddr,
    /// How users reach it.
    pub url: SiteUrl,
    /// Its certificate; self-signed when none.
    pub tls: Option<CertificateFiles>,
    /// Proxies that say the truth about clients.
    pub trusted_proxies: Vec<Network>,
}

impl Portal {
    pub(super) fn read(section: &mut SectionReader<'_, '_>) -> Option<Self> {
        let listen = section.value::<SocketAddr>(&LISTEN);
        let url = section.value::<SiteUrl>(&URL);
        let tls = read_certificate(section, &CERTIFICATE, &KEY);
        let trusted_proxies = section.value(&TRUSTED_PROXIES);
        let (listen, url, tls) = (listen?, url?, tls?);
        if url.scheme() == Scheme::Http && !listen.ip().is_loopback() {
            section.object(&URL, "https:// (plain HTTP only on a loopback address)");
        }
        Some(Self {
            listen,
            url,
            tls,
            trusted_proxies: trusted_proxies?,
        })
    }
}
