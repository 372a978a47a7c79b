//! `[smtp]`: intake.

use std::net::SocketAddr;

use actors::tls::CertificateFiles;

use super::certificate::read_certificate;
use super::field::{Applies, Field, Preset, Section, SectionReader};
use super::network::Network;

const LISTEN: Field = Field {
    key: "listen",
    preset: Preset::Toml("[\"127.0.0.1:2525\"]"),
    applies: Applies::Restart,
    doc: "Addresses that take mail, at least one. A public relay listens on `[\"0.0.0.0:25\", \
          \"[::]:25\"]`.",
};

const PROXY_LISTEN: Field = Field {
    key: "proxy_listen",
    preset: Preset::Toml("[]"),
    applies: Applies::Restart,
    doc: "Addresses on which load balancers hand over connections with a PROXY header, version 1 or \
          2. The header is mandatory there and is believed only from `proxy_sources`.",
};

const PROXY_SOURCES: Field = Field {
    key: "proxy_sources",
    preset: Preset::Toml("[]"),
    applies: Applies::Reload,
    doc: "Networks of the load balancers that may call on `proxy_listen`; everybody else is \
          disconnected without a word.",
};

const NORMALISE_ON: Field = Field {
    key: "normalise_on",
    preset: Preset::Toml("[]"),
    applies: Applies::Restart,
    doc: "Those addresses of `listen` and `proxy_listen` on which a bare CR or LF in a message \
          becomes CRLF. Elsewhere such a message is refused with 550 5.6.0. For senders that are \
          known to be sloppy; the end of a message is CRLF.CRLF everywhere.",
};

const SINGLE_NULL_RECIPIENT_ON: Field = Field {
    key: "single_null_recipient_on",
    preset: Preset::Toml("[]"),
    applies: Applies::Restart,
    doc: "Those addresses of `listen` and `proxy_listen` on which a message with a null sender may \
          have one recipient only.",
};

const CALLOUT_UNKNOWN_PER_HOUR: Field = Field {
    key: "callout_unknown_per_hour",
    preset: Preset::Toml("100"),
    applies: Applies::Reload,
    doc: "For domains with `verify = \"callout\"`: recipients of which nothing is known that are \
          taken per domain and hour while the destination cannot be asked. Others are answered 451. \
          0 takes only those that are known.",
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
    fields: &[
        LISTEN,
        PROXY_LISTEN,
        PROXY_SOURCES,
        NORMALISE_ON,
        SINGLE_NULL_RECIPIENT_ON,
        CALLOUT_UNKNOWN_PER_HOUR,
        CERTIFICATE,
        KEY,
    ],
};

/// Intake.
#[derive(Debug, Clone)]
pub struct Smtp {
    /// Addresses to listen on.
    pub listen: Vec<SocketAddr>,
    /// Addresses on which proxies call.
    pub proxy_listen: Vec<SocketAddr>,
    /// The proxies.
    pub proxy_sources: Vec<Network>,
    /// Addresses on which bare line ends are put up with.
    pub normalise_on: Vec<SocketAddr>,
    /// Addresses on which a null sender may name one recipient.
    pub single_null_recipient_on: Vec<SocketAddr>,
    /// Unknown recipients per domain and hour while nobody can be asked.
    pub callout_unknown_per_hour: u32,
    /// For STARTTLS; self-signed when none.
    pub tls: Option<CertificateFiles>,
}

impl Smtp {
    pub(super) fn read(section: &mut SectionReader<'_, '_>) -> Option<Self> {
        let listen = section.non_empty(&LISTEN);
        let proxy_listen: Option<Vec<SocketAddr>> = section.value(&PROXY_LISTEN);
        let proxy_sources: Option<Vec<Network>> = section.value(&PROXY_SOURCES);
        let has_proxies = proxy_sources.as_ref().is_some_and(|list| !list.is_empty());
        if proxy_listen.as_ref().is_some_and(|list| !list.is_empty()) && !has_proxies {
            section.object(&PROXY_SOURCES, "the proxies that call on `proxy_listen`");
        }
        let ours = [listen.as_deref(), proxy_listen.as_deref()];
        let ours: Vec<SocketAddr> = ours.into_iter().flatten().flatten().copied().collect();
        let normalise_on = some_of(section, &NORMALISE_ON, &ours);
        let single_null_recipient_on = some_of(section, &SINGLE_NULL_RECIPIENT_ON, &ours);
        let unknown_per_hour = section.within(&CALLOUT_UNKNOWN_PER_HOUR, 0..=1_000_000);
        let tls = read_certificate(section, &CERTIFICATE, &KEY);
        Some(Self {
            listen: listen?,
            proxy_listen: proxy_listen?,
            proxy_sources: proxy_sources?,
            normalise_on: normalise_on?,
            single_null_recipient_on: single_null_recipient_on?,
            callout_unknown_per_hour: unknown_per_hour?,
            tls: tls?,
        })
    }
}

/// A list of addresses, each of which we listen on.
fn some_of(
    section: &mut SectionReader<'_, '_>,
    field: &'static Field,
    ours: &[SocketAddr],
) -> Option<Vec<SocketAddr>> {
    let chosen: Vec<SocketAddr> = section.value(field)?;
    if chosen.iter().all(|address| ours.contains(address)) {
        return Some(chosen);
    }
    section.object(field, "addresses of `listen` or `proxy_listen`");
    None
}
