//! The walk up the DNS tree (RFC 9989 §4.10): where records stand above a name, which of them is the
//! organisational domain's, and whether two names belong to one organisation.
//!
//! All walks of one message share their answers and at most eight questions (Q21). A name that
//! could not be asked any more counts as not aligned.

use std::collections::BTreeMap;

use super::record::{DmarcDnsRecord, Psd};
use crate::filter::limits::DMARC_QUERIES_MAX;

/// Labels with which a walk goes on below its start, when the name has more.
const LABELS_MAX: usize = 7;

/// What stood at a name.
pub type Found = Option<DmarcDnsRecord>;

/// The walks of one message.
#[derive(Debug, Default)]
pub struct TreeWalk {
    answers: BTreeMap<String, Found>,
}

impl TreeWalk {
    /// The next name to ask, as `name` of `_dmarc.name`; none when the walk from `domain` is
    /// complete or no question is left.
    #[must_use]
    pub fn next_question(&self, domain: &str) -> Option<String> {
        for name in path(domain) {
            match self.answers.get(name) {
                Some(Some(record)) if record.psd != Psd::Unknown => return None,
                Some(_) => {}
                None if self.answers.len() >= DMARC_QUERIES_MAX => return None,
                None => return Some(name.to_owned()),
            }
        }
        None
    }

    /// What the TXT records at `_dmarc.name` are. More than one DMARC record counts as none (§4.10).
    pub fn answer(&mut self, name: String, texts: &[Vec<u8>]) {
        let mut records = texts.iter().filter_map(|text| DmarcDnsRecord::parse(text));
        let found = match (records.next(), records.next()) {
            (Some(only), None) => Some(only),
            _ => None,
        };
        self.answers.insert(name, found);
    }

    /// Whether every name on the way has been asked.
    #[must_use]
    pub fn is_complete(&self, domain: &str) -> bool {
        for name in path(domain) {
            match self.answers.get(name) {
                Some(Some(record)) if record.psd != Psd::Unknown => return true,
                Some(_) => {}
                None => return false,
            }
        }
        true
    }

    /// Records on the way from a domain up to where the walk ends, the nearest first.
    fn records<'a>(&'a self, domain: &'a str) -> Vec<(&'a str, &'a DmarcDnsRecord)> {
        let mut found = Vec::new();
        for name in path(domain) {
            let Some(record) = self.answers.get(name).and_then(Option::as_ref) else {
                continue;
            };
            found.push((name, record));
            if record.psd != Psd::Unknown {
                break;
            }
        }
        found
    }

    /// The organisational domain (§4.10.2): where `psd=n` stands; one label below `psd=y`, unless
    /// that is the start itself; else the highest name with a record. The name itself without any.
    #[must_use]
    pub fn organisational_domain<'a>(&'a self, domain: &'a str) -> &'a str {
        let records = self.records(domain);
        match records.last() {
            None => domain,
            Some((name, record)) if record.psd == Psd::Yes && *name != domain => {
                one_label_below(domain, name)
            }
            Some((name, _)) => name,
        }
    }

    /// The record that applies to a domain and where it stands (§4.10.1): its own, else that of its
    /// organisational domain, else that of the public suffix.
    #[must_use]
    pub fn policy<'a>(&'a self, domain: &'a str) -> Option<(&'a str, &'a DmarcDnsRecord)> {
        let records = self.records(domain);
        let organisation = self.organisational_domain(domain);
        let at = |wanted: &str| records.iter().find(|(name, _)| *name == wanted).copied();
        at(domain)
            .or_else(|| at(organisation))
            .or_else(|| records.last().copied())
    }

    /// Whether the two are of one organisation. Needs complete walks from both; without questions
    /// left for `other`, they are not.
    #[must_use]
    pub fn is_one_organisation(&self, domain: &str, other: &str) -> bool {
        domain == other
            || (self.is_complete(other)
                && self.organisational_domain(domain) == self.organisational_domain(other))
    }

    /// Whether it is worth asking about `other`: names outside of the organisation of `domain` are
    /// never aligned with it.
    #[must_use]
    pub fn may_be_aligned(&self, domain: &str, other: &str) -> bool {
        let organisation = self.organisational_domain(domain);
        other == organisation || crate::filter::engine::is_below(other, organisation)
    }
}

/// The names that a walk asks: the start, then, from seven labels on, one label less each time.
fn path(domain: &str) -> impl Iterator<Item = &str> {
    let labels = domain.split('.').count();
    let mut rest = Some(domain);
    let mut left = labels;
    std::iter::from_fn(move || {
        let name = rest?;
        let mut next = name.split_once('.').map(|(_, parent)| parent);
        left -= 1;
        while left > LABELS_MAX {
            next = next?.split_once('.').map(|(_, parent)| parent);
            left -= 1;
        }
        rest = next;
        Some(name)
    })
}

fn one_label_below<'a>(domain: &'a str, suffix: &str) -> &'a str {
    let Some(front) = domain.strip_suffix(suffix) else {
        return domain;
    };
    let front = front.trim_end_matches('.');
    let start = front.rfind('.').map_or(0, |at| at + 1);
    domain.get(start..).unwrap_or(domain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Records, a domain, its organisational domain, and where its policy stands.
    type Row<'a> = (&'a [(&'a str, &'a str)], &'a str, &'a str, Option<&'a str>);

    /// Walks from each domain with these records and says what was asked.
    fn walk(zone: &[(&str, &str)], domains: &[&str]) -> (TreeWalk, Vec<String>) {
        let mut walk = TreeWalk::default();
        let mut asked = Vec::new();
        for domain in domains {
            while let Some(name) = walk.next_question(domain) {
                let texts = zone.iter().filter(|(at, _)| *at == name);
                let texts: Vec<Vec<u8>> = texts.map(|(_, text)| text.as_bytes().to_vec()).collect();
                asked.push(name.clone());
                walk.answer(name, &texts);
            }
        }
        (walk, asked)
    }

    #[test]
    fn a_walk_goes_up_label_by_label_and_jumps_to_seven() {
        let (_, asked) = walk(&[], &["a.mail.example.com"]);
        assert_eq!(
            asked,
            [
                "a.mail.example.com",
                "mail.example.com",
                "example.com",
                "com"
            ]
        );
        let (_, asked) = walk(&[], &["a.b.c.d.e.f.g.h.i.j.example.com"]);
        assert_eq!(asked.len(), DMARC_QUERIES_MAX);
        assert_eq!(asked[1], "f.g.h.i.j.example.com");
        assert_eq!(asked[7], "com");
        let (_, asked) = walk(&[], &["a.b.c.d.e.f.example.com"]);
        assert_eq!(asked.len(), DMARC_QUERIES_MAX);
        assert_eq!(asked[1], "b.c.d.e.f.example.com");
    }

    /// §4.10.2, row by row: records, domain, its organisational domain, where its policy stands.
    #[test]
    fn organisation_and_policy_follow_the_records() {
        let r = "v=DMARC1; p=reject";
        let n = "v=DMARC1; p=reject; psd=n";
        let y = "v=DMARC1; p=reject; psd=y";
        let table: [Row<'_>; 11] = [
            (&[], "a.example.com", "a.example.com", None),
            (
                &[("example.com", r)],
                "a.example.com",
                "example.com",
                Some("example.com"),
            ),
            (
                &[("a.example.com", r), ("example.com", r)],
                "a.example.com",
                "example.com",
                Some("a.example.com"),
            ),
            (
                &[("example.com", r), ("com", r)],
                "a.example.com",
                "com",
                Some("com"),
            ),
            (
                &[("example.com", n), ("com", r)],
                "a.example.com",
                "example.com",
                Some("example.com"),
            ),
            (&[("com", y)], "a.example.com", "example.com", Some("com")),
            (
                &[("example.com", r), ("com", y)],
                "b.a.example.com",
                "example.com",
                Some("example.com"),
            ),
            (
                &[("a.example.com", n), ("example.com", r)],
                "b.a.example.com",
                "a.example.com",
                Some("a.example.com"),
            ),
            (&[("com", y)], "com", "com", Some("com")),
            (
                &[("example.com", r), ("example.com", r)],
                "example.com",
                "example.com",
                None,
            ),
            (
                &[("co.uk", y), ("uk", r)],
                "x.y.co.uk",
                "y.co.uk",
                Some("co.uk"),
            ),
        ];
        for (zone, domain, organisation, policy) in table {
            let (walk, _) = walk(zone, &[domain]);
            assert_eq!(
                walk.organisational_domain(domain),
                organisation,
                "{zone:?} {domain}"
            );
            assert_eq!(
                walk.policy(domain).map(|(at, _)| at),
                policy,
                "{zone:?} {domain}"
            );
        }
    }

    #[test]
    fn names_of_one_organisation_are_aligned() {
        let zone = [
            ("example.com", "v=DMARC1; p=none"),
            ("shared.example.com", "v=DMARC1; p=none; psd=y"),
        ];
        let names = [
            "mail.example.com",
            "news.example.com",
            "a.shared.example.com",
            "other.com",
        ];
        let (walk, _) = walk(&zone, &names);
        assert!(walk.is_one_organisation("mail.example.com", "news.example.com"));
        assert!(walk.is_one_organisation("x.y", "x.y"));
        assert!(!walk.is_one_organisation("mail.example.com", "a.shared.example.com"));
        assert!(!walk.is_one_organisation("mail.example.com", "other.com"));
        assert!(!walk.may_be_aligned("mail.example.com", "other.com"));
        assert!(!walk.may_be_aligned("mail.example.com", "badexample.com"));
        assert!(walk.may_be_aligned("mail.example.com", "a.shared.example.com"));
    }

    #[test]
    fn q21_without_questions_left_a_name_is_not_aligned() {
        let zone = [("example.com", "v=DMARC1; p=none")];
        let deep = "a.b.c.d.e.f.example.com";
        let (walk, asked) = walk(&zone, &[deep, "x.y.z.example.com"]);
        assert_eq!(asked.len(), DMARC_QUERIES_MAX);
        assert!(!walk.is_one_organisation(deep, "x.y.z.example.com"));
    }

    proptest! {
        #[test]
        fn q21_no_name_makes_more_than_eight_questions(
            names in prop::collection::vec("[a-c]{1,2}(\\.[a-c]{1,2}){0,12}", 1..5),
            zone in prop::collection::vec(("[a-c]{1,2}(\\.[a-c]{1,2}){0,3}", "v=DMARC1; (psd=[ynu])?"), 0..5),
        ) {
            let zone: Vec<_> = zone.iter().map(|(at, text)| (at.as_str(), text.as_str())).collect();
            let names: Vec<_> = names.iter().map(String::as_str).collect();
            let (walk, asked) = walk(&zone, &names);
            prop_assert!(asked.len() <= DMARC_QUERIES_MAX);
            for name in names {
                let organisation = walk.organisational_domain(name);
                let is_suffix = name == organisation || name.ends_with(&format!(".{organisation}"));
                prop_assert!(is_suffix);
                let _ = walk.policy(name);
            }
        }
    }
}
