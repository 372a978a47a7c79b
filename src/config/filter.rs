//! `[filter]`: what is judged about incoming mail, and what follows.

use std::fmt;

use storage::model::DomainName;

use super::field::{Applies, Field, Preset, Section, SectionReader};
use super::network::Network;
use super::value::Text;

const AUTHENTICATION: Field = Field {
    key: "authentication",
    preset: Preset::Toml("true"),
    applies: Applies::Reload,
    doc: "Whether SPF, DKIM, DMARC and ARC are evaluated. When off, nobody counts as an \
          authenticated sender, so that failures are parked instead of reported.",
};

const UNCHECKED_CLIENTS: Field = Field {
    key: "unchecked_clients",
    preset: Preset::Toml("[\"127.0.0.0/8\", \"::1/128\"]"),
    applies: Applies::Reload,
    doc: "Networks of our own hosts, whose mail is not authenticated: about them the DNS of the \
          senders says nothing.",
};

const BLOCKED: Field = Field {
    key: "blocked",
    preset: Preset::Toml("\"reject\""),
    applies: Applies::Reload,
    doc: "What becomes of mail that a block rule concerns. A message with several recipients is \
          rejected only when all of them block it; otherwise it is quarantined for those who do.",
};

const DMARC_QUARANTINE: Field = Field {
    key: "dmarc_quarantine",
    preset: Preset::Toml("\"quarantine\""),
    applies: Applies::Reload,
    doc: "What becomes of mail that fails DMARC where the domain's policy is `quarantine`.",
};

const DMARC_REJECT: Field = Field {
    key: "dmarc_reject",
    preset: Preset::Toml("\"quarantine\""),
    applies: Applies::Reload,
    doc: "The same where the policy is `reject`. RFC 9989 §7.4 asks receivers not to reject for \
          that reason alone, because forwarded and mailing-list mail fails as well.",
};

const TRUSTED_SEALERS: Field = Field {
    key: "trusted_sealers",
    preset: Preset::Toml("[]"),
    applies: Applies::Reload,
    doc: "Domains of forwarders whose ARC seal is believed when DMARC fails.",
};

pub(super) const SECTION: Section = Section {
    name: "filter",
    doc: "What is judged about incoming mail, and what follows; see `docs/filter.md`.",
    fields: &[
        AUTHENTICATION,
        UNCHECKED_CLIENTS,
        BLOCKED,
        DMARC_QUARANTINE,
        DMARC_REJECT,
        TRUSTED_SEALERS,
    ],
};

/// What follows from a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consequence {
    /// None.
    Accept,
    /// Passed on with a field that says so.
    Tag,
    /// Put aside.
    Quarantine,
    /// Refused at the end of DATA.
    Reject,
}

impl Consequence {
    const ALL: [(Self, &'static str); 4] = [
        (Self::Accept, "accept"),
        (Self::Tag, "tag"),
        (Self::Quarantine, "quarantine"),
        (Self::Reject, "reject"),
    ];
}

impl fmt::Display for Consequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = Self::ALL.iter().find(|(one, _)| one == self);
        f.write_str(word.map_or("", |(_, word)| word))
    }
}

impl Text for Consequence {
    const EXPECTED: &'static str = "\"accept\", \"tag\", \"quarantine\" or \"reject\"";

    fn from_text(text: &str) -> Result<Self, Option<String>> {
        let found = Self::ALL.iter().find(|(_, word)| *word == text);
        found.map(|(one, _)| *one).ok_or(None)
    }
}

/// What the filter does.
#[derive(Debug, Clone)]
pub struct Filter {
    /// Whether senders are authenticated.
    pub authentication: bool,
    /// Clients that are not.
    pub unchecked_clients: Vec<Network>,
    /// For block rules: quarantine or reject.
    pub blocked: Consequence,
    /// For DMARC failures under `p=quarantine`.
    pub dmarc_quarantine: Consequence,
    /// For DMARC failures under `p=reject`.
    pub dmarc_reject: Consequence,
    /// Forwarders that are believed.
    pub trusted_sealers: Vec<DomainName>,
}

impl Filter {
    pub(super) fn read(section: &mut SectionReader<'_, '_>) -> Option<Self> {
        let authentication = section.value(&AUTHENTICATION);
        let unchecked_clients = section.value(&UNCHECKED_CLIENTS);
        let blocked: Option<Consequence> = section.value(&BLOCKED);
        if matches!(blocked, Some(Consequence::Accept | Consequence::Tag)) {
            section.object(&BLOCKED, "\"quarantine\" or \"reject\"");
        }
        let dmarc_quarantine = section.value(&DMARC_QUARANTINE);
        let dmarc_reject = section.value(&DMARC_REJECT);
        let trusted_sealers = section.value(&TRUSTED_SEALERS);
        Some(Self {
            authentication: authentication?,
            unchecked_clients: unchecked_clients?,
            blocked: blocked?,
            dmarc_quarantine: dmarc_quarantine?,
            dmarc_reject: dmarc_reject?,
            trusted_sealers: trusted_sealers?,
        })
    }
}
