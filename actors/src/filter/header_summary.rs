//! What the filter has to know of a header section: who wrote the message. The fields of a section
//! are walked here, folded lines included (RFC 5322 §2.2.3).

use mail_parser::parsers::MessageStream;
use mail_parser::{Address, HeaderValue};
use storage::model::Mailbox;

use super::limits::AUTHORS_MAX;

/// Who wrote the message.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HeaderSummary {
    /// `From` fields; RFC 5322 §3.6 wants one.
    pub from_fields: u32,
    /// Their addresses, those that are addresses.
    pub authors: Vec<Mailbox>,
}

impl HeaderSummary {
    /// Reads a header section.
    #[must_use]
    pub fn read(section: &[u8]) -> Self {
        let mut summary = Self::default();
        for field in fields(section) {
            if !field.is("From") {
                continue;
            }
            summary.from_fields += 1;
            let room = AUTHORS_MAX.saturating_sub(summary.authors.len());
            let authors = addresses(field.value);
            summary.authors.extend(authors.into_iter().take(room));
        }
        summary
    }

    /// The domains of the authors, each once.
    #[must_use]
    pub fn from_domains(&self) -> Vec<&str> {
        let mut domains: Vec<&str> = Vec::with_capacity(1);
        for author in &self.authors {
            let domain = author.domain().as_str();
            if !domains.contains(&domain) {
                domains.push(domain);
            }
        }
        domains
    }
}

fn addresses(value: &[u8]) -> Vec<Mailbox> {
    let mut terminated = value.to_vec();
    if !terminated.ends_with(b"\n") {
        terminated.extend_from_slice(b"\r\n");
    }
    let HeaderValue::Address(parsed) = MessageStream::new(&terminated).parse_address() else {
        return Vec::new();
    };
    let list: Vec<_> = match parsed {
        Address::List(list) => list,
        Address::Group(groups) => groups
            .into_iter()
            .flat_map(|group| group.addresses)
            .collect(),
    };
    list.iter()
        .filter_map(|one| one.address.as_deref()?.trim().parse().ok())
        .collect()
}

/// One field of a header section.
#[derive(Debug, Clone, Copy)]
pub struct HeaderField<'a> {
    /// Its name as written.
    pub name: &'a [u8],
    /// What stands behind the colon, its last CRLF included.
    pub value: &'a [u8],
    /// All of it.
    pub whole: &'a [u8],
}

impl HeaderField<'_> {
    /// Whether it has this name.
    #[must_use]
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name.as_bytes())
    }
}

/// The fields of a section in their order; a line that is none comes with an empty name.
pub fn fields(section: &[u8]) -> impl Iterator<Item = HeaderField<'_>> {
    let mut rest = section;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (whole, next) = rest.split_at(field_end(rest));
        rest = next;
        let (name, value) = match memchr::memchr(b':', whole) {
            Some(colon) => (
                whole.get(..colon).unwrap_or_default().trim_ascii_end(),
                whole.get(colon + 1..).unwrap_or_default(),
            ),
            None => (&b""[..], whole),
        };
        Some(HeaderField { name, value, whole })
    })
}

/// Behind the line end that is not followed by a space or tab.
fn field_end(section: &[u8]) -> usize {
    memchr::memchr_iter(b'\n', section)
        .map(|at| at + 1)
        .find(|next| !matches!(section.get(*next), Some(b' ' | b'\t')))
        .unwrap_or(section.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn domains(section: &str) -> (u32, Vec<String>) {
        let summary = HeaderSummary::read(section.as_bytes());
        let domains = summary.from_domains();
        let domains = domains.into_iter().map(str::to_owned).collect();
        (summary.from_fields, domains)
    }

    #[test]
    fn authors_are_found_however_they_are_written() {
        for (section, fields, expected) in [
            ("From: a@One.Example\r\n", 1, &["one.example"][..]),
            ("FROM : \"x@y\" <a@one.example>\r\n", 1, &["one.example"]),
            (
                "From: A\r\n <a@one.example>,\r\n\tb@two.example\r\n",
                1,
                &["one.example", "two.example"],
            ),
            (
                "From: team: a@one.example, b@one.example;\r\n",
                1,
                &["one.example"],
            ),
            (
                "From: a@one.example\r\nX: y\r\nfrom: b@two.example\r\n",
                2,
                &["one.example", "two.example"],
            ),
            ("From: nobody\r\n", 1, &[]),
            ("X-From: a@one.example\r\n", 0, &[]),
            (
                "From: (a@two.example) a@one.example\r\n",
                1,
                &["one.example"],
            ),
        ] {
            let expected = expected.iter().map(|one| (*one).to_owned()).collect();
            assert_eq!(domains(section), (fields, expected), "{section}");
        }
    }

    proptest! {
        #[test]
        fn fields_put_together_are_the_section(
            section in prop::collection::vec(prop::sample::select(b"\r\n: Fromab@.<>,;\"\\(".to_vec()), 0..80),
        ) {
            let whole: Vec<u8> = fields(&section).flat_map(|field| field.whole.to_vec()).collect();
            prop_assert_eq!(&whole, &section);
            let _ = HeaderSummary::read(&section);
        }
    }
}
