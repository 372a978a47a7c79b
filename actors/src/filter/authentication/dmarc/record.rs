//! A DMARC policy record (RFC 9989 §4.7). A tag that is unknown or has a value that is none of its
//! own is passed over; without `v=DMARC1` in front it is no record.

use storage::model::DmarcPolicy;

/// How alike two domains have to be (§4.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Alignment {
    /// The same organisational domain.
    #[default]
    Relaxed,
    /// The same name.
    Strict,
}

/// What the domain is in the tree (§4.7, `psd`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Psd {
    /// A public suffix: names below it belong to others.
    Yes,
    /// An organisational domain.
    No,
    /// Not said.
    #[default]
    Unknown,
}

/// What a record says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DmarcDnsRecord {
    /// `p`, when it is there and sound.
    pub policy: Option<DmarcPolicy>,
    /// `sp`: for subdomains.
    pub subdomain_policy: Option<DmarcPolicy>,
    /// `np`: for subdomains that do not exist.
    pub missing_policy: Option<DmarcPolicy>,
    /// `adkim`.
    pub dkim: Alignment,
    /// `aspf`.
    pub spf: Alignment,
    /// `psd`.
    pub psd: Psd,
    /// `t=y`: the policy is being tried out.
    pub is_test: bool,
    /// There is somebody to report to.
    pub has_reports: bool,
}

impl DmarcDnsRecord {
    /// Reads a TXT record; none when it is no DMARC record.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(text).ok()?;
        let mut tags = text.split(';').map(|tag| {
            let (name, value) = tag.split_once('=').unwrap_or((tag, ""));
            (name.trim(), value.trim())
        });
        // The version comes first, and exactly so (§4.7).
        if tags.next()? != ("v", "DMARC1") {
            return None;
        }
        let mut record = Self::default();
        for (name, value) in tags {
            record.read(&name.to_ascii_lowercase(), value);
        }
        Some(record)
    }

    fn read(&mut self, name: &str, value: &str) {
        match name {
            "p" => self.policy = policy(value),
            "sp" => self.subdomain_policy = policy(value),
            "np" => self.missing_policy = policy(value),
            "adkim" => self.dkim = alignment(value),
            "aspf" => self.spf = alignment(value),
            "psd" => {
                self.psd = match value.to_ascii_lowercase().as_str() {
                    "y" => Psd::Yes,
                    "n" => Psd::No,
                    _ => Psd::Unknown,
                }
            }
            "t" => self.is_test = value.eq_ignore_ascii_case("y"),
            "rua" => {
                let mut addresses = value.split(',').map(str::trim);
                self.has_reports = addresses.any(|address| {
                    let scheme = address.get(..7);
                    scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("mailto:"))
                        && address.contains('@')
                });
            }
            _ => {}
        }
    }

    /// Whether the record has a policy to apply: `p`, or somebody who wants reports (§4.7).
    #[must_use]
    pub const fn applies(&self) -> bool {
        self.policy.is_some() || self.has_reports
    }

    /// What the domain wants for its own name, for a subdomain, for one that does not exist (§4.7).
    #[must_use]
    pub fn wish(&self, is_own_name: bool, exists: bool) -> DmarcPolicy {
        let own = self.policy.unwrap_or_default();
        let below = self.subdomain_policy.unwrap_or(own);
        let wish = match (is_own_name, exists) {
            (true, _) => own,
            (false, true) => below,
            (false, false) => self.missing_policy.unwrap_or(below),
        };
        match (self.is_test, wish) {
            (true, DmarcPolicy::Reject) => DmarcPolicy::Quarantine,
            (true, DmarcPolicy::Quarantine) => DmarcPolicy::None,
            (_, wish) => wish,
        }
    }
}

fn policy(value: &str) -> Option<DmarcPolicy> {
    match value.to_ascii_lowercase().as_str() {
        "none" => Some(DmarcPolicy::None),
        "quarantine" => Some(DmarcPolicy::Quarantine),
        "reject" => Some(DmarcPolicy::Reject),
        _ => None,
    }
}

fn alignment(value: &str) -> Alignment {
    if value.eq_ignore_ascii_case("s") {
        Alignment::Strict
    } else {
        Alignment::Relaxed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use DmarcPolicy::{None as Nothing, Quarantine, Reject};
    use proptest::prelude::*;

    #[test]
    fn records_are_read_tag_by_tag() {
        let full = "v=DMARC1; p=reject; sp=quarantine; np=none; adkim=s; aspf=S; psd=n; t=y; \
                    pct=5; rua=mailto:a@b.example";
        let record = DmarcDnsRecord::parse(full.as_bytes()).unwrap();
        let expected = DmarcDnsRecord {
            policy: Some(Reject),
            subdomain_policy: Some(Quarantine),
            missing_policy: Some(Nothing),
            dkim: Alignment::Strict,
            spf: Alignment::Strict,
            psd: Psd::No,
            is_test: true,
            has_reports: true,
        };
        assert_eq!(record, expected);
        for text in [
            "v=DMARC1;p=none",
            " v = DMARC1 ; P = NONE ;;",
            "v=DMARC1; p=none; x=y; =; t",
        ] {
            let record = DmarcDnsRecord::parse(text.as_bytes()).unwrap();
            assert_eq!(record.policy, Some(Nothing), "{text}");
        }
        for text in [
            "",
            "v=DMARC2; p=none",
            "p=none; v=DMARC1",
            "v=dmarc1; p=none",
            "v=spf1 -all",
            "\u{0}",
        ] {
            assert_eq!(DmarcDnsRecord::parse(text.as_bytes()), None, "{text}");
        }
        assert_eq!(DmarcDnsRecord::parse(b"v=DMARC1; p=\xff"), None);
    }

    #[test]
    fn a_faulty_value_is_passed_over() {
        let record =
            DmarcDnsRecord::parse(b"v=DMARC1; p=refuse; sp=reject; adkim=x; psd=q").unwrap();
        assert_eq!(
            (record.policy, record.subdomain_policy),
            (None, Some(Reject))
        );
        assert_eq!(
            (record.dkim, record.psd),
            (Alignment::Relaxed, Psd::Unknown)
        );
        assert!(!record.applies(), "neither p nor rua");
        let record = DmarcDnsRecord::parse(b"v=DMARC1; rua=mailto:a@b.example").unwrap();
        assert!(record.applies());
        assert_eq!(record.wish(true, true), Nothing);
    }

    #[test]
    fn the_wish_follows_name_existence_and_test_mode() {
        let wish = |text: &str, own, exists| {
            let record = DmarcDnsRecord::parse(text.as_bytes()).unwrap();
            record.wish(own, exists)
        };
        for (text, own, exists, expected) in [
            ("v=DMARC1; p=reject", true, true, Reject),
            ("v=DMARC1; p=reject", false, true, Reject),
            ("v=DMARC1; p=reject", false, false, Reject),
            ("v=DMARC1; p=reject; sp=none", false, true, Nothing),
            ("v=DMARC1; p=reject; sp=none", false, false, Nothing),
            (
                "v=DMARC1; p=none; sp=quarantine; np=reject",
                false,
                false,
                Reject,
            ),
            (
                "v=DMARC1; p=none; sp=quarantine; np=reject",
                false,
                true,
                Quarantine,
            ),
            ("v=DMARC1; p=none; np=reject", true, false, Nothing),
            ("v=DMARC1; p=reject; t=y", true, true, Quarantine),
            ("v=DMARC1; p=quarantine; t=y", true, true, Nothing),
            ("v=DMARC1; p=reject; t=n", true, true, Reject),
        ] {
            assert_eq!(wish(text, own, exists), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in prop::collection::vec(any::<u8>(), 0..200), tags in "v=DMARC1(;[a-z]{0,5}=?[a-z:@, ]{0,12}){0,10}") {
            let _ = DmarcDnsRecord::parse(&text);
            prop_assert!(DmarcDnsRecord::parse(tags.as_bytes()).is_some());
        }
    }
}
