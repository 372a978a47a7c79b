//! `[operations]`: metrics and health.

use std::net::SocketAddr;

use super::field::{Applies, Field, Preset, Section, SectionReader};

const LISTEN: Field = Field {
    key: "listen",
    preset: Preset::Toml("\"127.0.0.1:9090\""),
    applies: Applies::Restart,
    doc: "Address of `/metrics` (Prometheus text), `/healthz` and `/readyz`, in clear and without a \
          login: keep it on loopback or in a network of your own.",
};

const DOMAIN_LABELS: Field = Field {
    key: "domain_labels",
    preset: Preset::Toml("true"),
    applies: Applies::Restart,
    doc: "Whether metrics name each domain. With thousands of domains, switch it off: then there is one \
          sum, or the worst value, of them all.",
};

pub(super) const SECTION: Section = Section {
    name: "operations",
    doc: "What machines watch.",
    fields: &[LISTEN, DOMAIN_LABELS],
};

/// Metrics and health.
#[derive(Debug, Clone)]
pub struct Operations {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Whether metrics name each domain.
    pub domain_labels: bool,
}

impl Operations {
    pub(super) fn read(section: &mut SectionReader<'_, '_>) -> Option<Self> {
        let listen = section.value::<SocketAddr>(&LISTEN)?;
        let others = ["smtp.listen", "admin.listen"];
        let taken = others.into_iter().find(|key| {
            let values = section.in_force(key).unwrap_or_default();
            listen.port() != 0 && values.split(", ").any(|other| other == listen.to_string())
        });
        if let Some(key) = taken {
            section.object(&LISTEN, format!("an address other than `{key}`"));
        }
        Some(Self {
            listen,
            domain_labels: section.value::<bool>(&DOMAIN_LABELS)?,
        })
    }
}
