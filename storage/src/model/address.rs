//! Addresses as RFC 5321 knows them: domains, mailboxes, reverse and forward paths.
//!
//! This is the only place that decides what an address is. The local part is kept as it was
//! written (quotes included), so that what is printed parses back to the same mailbox, and nothing
//! that was inside quotes can become protocol on the way out.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Octets in a local part, at most (RFC 5321 §4.5.3.1.1).
pub const LOCAL_PART_MAX: usize = 64;
/// Octets in a domain, at most (RFC 5321 §4.5.3.1.2).
pub const DOMAIN_MAX: usize = 255;
/// Octets in a label of a domain name, at most (RFC 1035 §2.3.4).
const LABEL_MAX: usize = 63;

/// Why a text is no address. The wording is fit for an SMTP reply and for the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// There is no `@`, or nothing on one of its sides.
    #[error("an address is local-part@domain")]
    Shape,
    /// The local part is neither a dot-string nor a quoted string.
    #[error("the local part is malformed")]
    LocalPart,
    /// More than 64 octets before the `@`.
    #[error("the local part is longer than 64 octets")]
    LocalPartTooLong,
    /// The domain is not made of labels.
    #[error("the domain is malformed")]
    Domain,
    /// More than 255 octets after the `@`.
    #[error("the domain is longer than 255 octets")]
    DomainTooLong,
}

/// A domain name or an address literal, in lower case, without a trailing dot.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DomainName(Box<str>);

impl DomainName {
    /// The name in lower case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is an address literal such as `[192.0.2.1]` (RFC 5321 §4.1.3).
    #[must_use]
    pub fn is_literal(&self) -> bool {
        self.0.starts_with('[')
    }

    /// Whether the name needs SMTPUTF8 (RFC 6531).
    #[must_use]
    pub fn needs_utf8(&self) -> bool {
        !self.0.is_ascii()
    }
}

impl FromStr for DomainName {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() > DOMAIN_MAX {
            return Err(AddressError::DomainTooLong);
        }
        if let Some(inner) = text
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
        {
            return literal(inner).ok_or(AddressError::Domain);
        }
        let text = text.strip_suffix('.').unwrap_or(text);
        if text.is_empty() || !text.split('.').all(is_label) {
            return Err(AddressError::Domain);
        }
        Ok(Self(text.to_lowercase().into_boxed_str()))
    }
}

fn literal(inner: &str) -> Option<DomainName> {
    let address: std::net::IpAddr = match inner.get(..5) {
        Some(tag) if tag.eq_ignore_ascii_case("ipv6:") => {
            inner.get(5..)?.parse::<std::net::Ipv6Addr>().ok()?.into()
        }
        _ => inner.parse::<std::net::Ipv4Addr>().ok()?.into(),
    };
    let text = match address {
        std::net::IpAddr::V4(v4) => format!("[{v4}]"),
        std::net::IpAddr::V6(v6) => format!("[ipv6:{v6}]"),
    };
    Some(DomainName(text.into_boxed_str()))
}

fn is_label(label: &str) -> bool {
    let allowed = |c: char| {
        c.is_ascii_alphanumeric() || c == '-' || c == '_' || (!c.is_ascii() && is_plain(c))
    };
    (1..=LABEL_MAX).contains(&label.len())
        && label.chars().all(allowed)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

/// Characters beyond ASCII that may stand in an address: no controls, no invisible ones that
/// change direction or join, no spaces.
fn is_plain(c: char) -> bool {
    !c.is_control()
        && !c.is_whitespace()
        && !matches!(c, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}')
}

impl fmt::Display for DomainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for DomainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// `local-part@domain` (RFC 5321 §4.1.2). Compare mailboxes of our own domains by [`Mailbox::key`];
/// equality here is exact in the local part, as the standard wants.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Mailbox {
    local_part: Box<str>,
    domain: DomainName,
}

impl Mailbox {
    /// A mailbox from its parts; the local part as written on the wire, quotes included.
    ///
    /// # Errors
    /// When the local part is neither a dot-string nor a well-formed quoted string.
    pub fn new(local_part: &str, domain: DomainName) -> Result<Self, AddressError> {
        check_local_part(local_part)?;
        Ok(Self {
            local_part: local_part.into(),
            domain,
        })
    }

    /// The local part as it was written, with its quotes.
    #[must_use]
    pub fn local_part(&self) -> &str {
        &self.local_part
    }

    /// What stands right of the last `@`.
    #[must_use]
    pub const fn domain(&self) -> &DomainName {
        &self.domain
    }

    /// The local part for look-ups in a directory: unquoted where quoting was not needed, in lower
    /// case. Our customers' mailboxes are case-insensitive, as every deployed system has them.
    #[must_use]
    pub fn key(&self) -> String {
        unquote(&self.local_part).to_lowercase()
    }

    /// Whether the address needs SMTPUTF8 (RFC 6531).
    #[must_use]
    pub fn needs_utf8(&self) -> bool {
        !self.local_part.is_ascii() || self.domain.needs_utf8()
    }
}

impl FromStr for Mailbox {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (local_part, domain) = text.rsplit_once('@').ok_or(AddressError::Shape)?;
        if local_part.is_empty() || domain.is_empty() {
            return Err(AddressError::Shape);
        }
        Self::new(local_part, domain.parse()?)
    }
}

impl fmt::Display for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.local_part, self.domain)
    }
}

impl fmt::Debug for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn check_local_part(text: &str) -> Result<(), AddressError> {
    if text.len() > LOCAL_PART_MAX {
        return Err(AddressError::LocalPartTooLong);
    }
    let quoted = text
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    let sound = match quoted {
        Some(inner) if text.len() >= 2 => is_quoted_content(inner),
        _ => !text.is_empty() && text.split('.').all(is_atom),
    };
    if sound {
        Ok(())
    } else {
        Err(AddressError::LocalPart)
    }
}

/// `atext` of RFC 5322 §3.2.3, with RFC 6531's extension.
fn is_atom(atom: &str) -> bool {
    !atom.is_empty()
        && atom.chars().all(|c| {
            c.is_ascii_alphanumeric()
                || "!#$%&'*+-/=?^_`{|}~".contains(c)
                || (!c.is_ascii() && is_plain(c))
        })
}

/// `QcontentSMTP` of RFC 5321 §4.1.2: printable, with `"` and `\` only behind a backslash.
fn is_quoted_content(inner: &str) -> bool {
    let mut characters = inner.chars();
    while let Some(c) = characters.next() {
        let sound = match c {
            '\\' => characters
                .next()
                .is_some_and(|next| matches!(next, ' '..='~')),
            '"' => false,
            ' '..='~' => true,
            other => !other.is_ascii() && is_plain(other),
        };
        if !sound {
            return false;
        }
    }
    true
}

fn unquote(local_part: &str) -> String {
    let Some(inner) = local_part
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
    else {
        return local_part.to_owned();
    };
    let mut plain = String::with_capacity(inner.len());
    let mut characters = inner.chars();
    while let Some(c) = characters.next() {
        plain.push(if c == '\\' {
            characters.next().unwrap_or('\\')
        } else {
            c
        });
    }
    // Quotes that were needed are part of the name: `"a b"` and `a b` must not meet.
    if plain.split('.').all(is_atom) {
        plain
    } else {
        local_part.to_owned()
    }
}

/// The envelope's return path (RFC 5321 §3.3): `<>` or a mailbox.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum ReversePath {
    /// `<>`: a notification, to which nothing is ever sent in answer.
    Null,
    /// Where notifications go.
    Mailbox(Mailbox),
}

impl fmt::Display for ReversePath {
    /// The path without its angle brackets; empty for the null path.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => Ok(()),
            Self::Mailbox(mailbox) => mailbox.fmt(f),
        }
    }
}

impl FromStr for ReversePath {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() {
            Ok(Self::Null)
        } else {
            Ok(Self::Mailbox(text.parse()?))
        }
    }
}

/// A recipient of the envelope (RFC 5321 §4.1.1.3): `<Postmaster>` or a mailbox.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum ForwardPath {
    /// `<Postmaster>` without a domain: our own postmaster.
    Postmaster,
    /// A mailbox of one of the protected domains, or of the world for mail written in the portal.
    Mailbox(Mailbox),
}

impl fmt::Display for ForwardPath {
    /// The path without its angle brackets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Postmaster => f.write_str("postmaster"),
            Self::Mailbox(mailbox) => mailbox.fmt(f),
        }
    }
}

impl FromStr for ForwardPath {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.eq_ignore_ascii_case("postmaster") {
            Ok(Self::Postmaster)
        } else {
            Ok(Self::Mailbox(text.parse()?))
        }
    }
}

/// Records and the API hold addresses as their text.
macro_rules! serde_as_text {
    ($($name:ty),*) => {$(
        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )*};
}

serde_as_text!(DomainName, Mailbox, ReversePath, ForwardPath);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn mailbox(text: &str) -> Result<Mailbox, AddressError> {
        text.parse()
    }

    #[test]
    fn the_last_at_sign_divides() {
        let parsed = mailbox("\"victim@foreign\"@ours.example").unwrap();
        assert_eq!(parsed.domain().as_str(), "ours.example");
        assert_eq!(parsed.local_part(), "\"victim@foreign\"");
    }

    #[test]
    fn what_could_become_protocol_is_refused() {
        for text in [
            "a b@x.example",
            "a>@x.example",
            "a\r\n@x.example",
            "a@x.example> SIZE=1",
            "a@x example",
            "a\u{0}@x.example",
            "a@b@x.example",
            "\"a\"b@x.example",
            "\"@x.example",
            "\"a\\\"@x.example",
            "\"a\rb\"@x.example",
            ".a@x.example",
            "a..b@x.example",
            "a.@x.example",
            "@x.example",
            "a@",
            "a@-x.example",
            "a@x..example",
            "a@[300.1.1.1]",
            "a@[IPv6:zz]",
            "a@x.exa\u{202e}mple",
            "",
        ] {
            assert!(mailbox(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn lengths_are_those_of_the_standard() {
        let local = "a".repeat(LOCAL_PART_MAX);
        assert!(mailbox(&format!("{local}@x.example")).is_ok());
        assert_eq!(
            mailbox(&format!("{local}a@x.example")),
            Err(AddressError::LocalPartTooLong)
        );
        let long = format!("{}example", "abcdefg.".repeat(32));
        assert_eq!(
            mailbox(&format!("a@{long}")),
            Err(AddressError::DomainTooLong)
        );
    }

    #[test]
    fn look_up_keys_forget_needless_quotes_and_case() {
        assert_eq!(mailbox("\"Alice\"@x.example").unwrap().key(), "alice");
        assert_eq!(mailbox("\"a b\"@x.example").unwrap().key(), "\"a b\"");
        assert_eq!(mailbox("\"a\\.b\"@x.example").unwrap().key(), "a.b");
    }

    #[test]
    fn literals_and_trailing_dots_have_one_form() {
        assert_eq!(
            mailbox("a@[192.0.2.1]").unwrap().to_string(),
            "a@[192.0.2.1]"
        );
        assert_eq!(
            mailbox("a@[IPv6:2001:DB8::1]").unwrap().to_string(),
            "a@[ipv6:2001:db8::1]"
        );
        assert_eq!(mailbox("a@X.Example.").unwrap().to_string(), "a@x.example");
    }

    #[test]
    fn paths_have_variants_instead_of_special_strings() {
        assert_eq!("".parse(), Ok(ReversePath::Null));
        assert_eq!("PostMaster".parse(), Ok(ForwardPath::Postmaster));
        assert!("".parse::<ForwardPath>().is_err());
    }

    proptest! {
        #[test]
        fn every_address_we_emit_parses_back_to_itself(text in "\\PC{0,40}@[a-zA-Z0-9.\\-\\[\\]:]{0,30}") {
            if let Ok(parsed) = mailbox(&text) {
                let printed = parsed.to_string();
                prop_assert!(!printed.contains(['\r', '\n', '\0']));
                prop_assert_eq!(mailbox(&printed), Ok(parsed));
            }
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,300}") {
            let _ = mailbox(&text);
            let _ = text.parse::<DomainName>();
        }
    }
}
