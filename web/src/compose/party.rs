//! Somebody in an address field, and the field a person typed (RFC 5322 §3.4).
//!
//! People paste what other programs show: commas, semicolons and line breaks part addresses, names
//! may stand before `<…>` with or without quotes. What cannot be understood is named, never
//! dropped: the form shows it and keeps what was typed.

use std::fmt;

use storage::model::Mailbox;

use super::limits::{ADDRESS_FIELD_BYTES_MAX, RECIPIENTS_MAX};

/// A mailbox with the name that stands beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Party {
    /// Display name, decoded, without control characters.
    pub name: Option<String>,
    /// The address.
    pub address: Mailbox,
}

impl Party {
    /// A mailbox without a name.
    #[must_use]
    pub const fn nameless(address: Mailbox) -> Self {
        Self {
            name: None,
            address,
        }
    }

    /// A mailbox with a name; an empty one counts as none.
    #[must_use]
    pub fn named(name: &str, address: Mailbox) -> Self {
        let name = plain(name);
        Self {
            name: (!name.is_empty()).then_some(name),
            address,
        }
    }

    /// Whether both mean the same mailbox. Local parts are compared as every deployed system does.
    #[must_use]
    pub fn is_same_mailbox(&self, other: &Mailbox) -> bool {
        self.address.domain() == other.domain() && self.address.key() == other.key()
    }
}

impl fmt::Display for Party {
    /// As one types it; [`parse_list`] reads it back.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(name) = &self.name else {
            return write!(f, "{}", self.address);
        };
        let is_simple = name
            .chars()
            .all(|c| c.is_alphanumeric() || " !#$%&'*+-/=?^_`{|}~".contains(c));
        if is_simple {
            return write!(f, "{name} <{}>", self.address);
        }
        let quoted = name.replace('\\', "\\\\").replace('"', "\\\"");
        write!(f, "\"{quoted}\" <{}>", self.address)
    }
}

/// Why an address field is not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ListError {
    /// One entry is no address.
    #[error("“{0}” is not an address")]
    NotAnAddress(String),
    /// More than [`RECIPIENTS_MAX`].
    #[error("more than {RECIPIENTS_MAX} addresses")]
    TooMany,
    /// More than [`ADDRESS_FIELD_BYTES_MAX`].
    #[error("more than {ADDRESS_FIELD_BYTES_MAX} bytes of addresses")]
    TooLong,
}

/// Reads what a person typed into To, Cc or Bcc. A mailbox named twice counts once.
///
/// # Errors
/// The first entry that is no address, or a field past its limits.
pub fn parse_list(text: &str) -> Result<Vec<Party>, ListError> {
    if text.len() > ADDRESS_FIELD_BYTES_MAX {
        return Err(ListError::TooLong);
    }
    let mut parties: Vec<Party> = Vec::new();
    for entry in entries(text) {
        let party = parse(entry).ok_or_else(|| ListError::NotAnAddress(plain(entry)))?;
        if parties
            .iter()
            .any(|known| known.is_same_mailbox(&party.address))
        {
            continue;
        }
        if parties.len() == RECIPIENTS_MAX {
            return Err(ListError::TooMany);
        }
        parties.push(party);
    }
    Ok(parties)
}

/// Cuts at separators that stand neither in quotes nor in angle brackets.
fn entries(text: &str) -> impl Iterator<Item = &str> {
    let mut is_quoted = false;
    let mut is_escaped = false;
    let mut is_bracketed = false;
    text.split(move |c| {
        if is_escaped {
            is_escaped = false;
            return false;
        }
        match c {
            '\\' if is_quoted => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            '<' if !is_quoted => is_bracketed = true,
            '>' if !is_quoted => is_bracketed = false,
            '\n' | '\r' => {
                is_quoted = false;
                is_bracketed = false;
                return true;
            }
            ',' | ';' => return !is_quoted && !is_bracketed,
            _ => {}
        }
        false
    })
    .map(str::trim)
    .filter(|entry| !entry.is_empty())
}

fn parse(entry: &str) -> Option<Party> {
    let Some(rest) = entry.strip_suffix('>') else {
        return Some(Party::nameless(entry.parse().ok()?));
    };
    let (name, address) = rest.rsplit_once('<')?;
    let address = address.trim().parse().ok()?;
    Some(Party::named(&unquote(name.trim()), address))
}

fn unquote(name: &str) -> String {
    let Some(inner) = name
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
    else {
        return name.to_owned();
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
    plain
}

/// Text for one line of a header: control characters become spaces, ends are trimmed.
pub(crate) fn plain(text: &str) -> String {
    let spaced: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    spaced.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(text: &str) -> Vec<String> {
        let list = parse_list(text).unwrap();
        list.iter().map(Party::to_string).collect()
    }

    #[test]
    fn c14_what_people_paste_is_understood() {
        let table: [(&str, &[&str]); 9] = [
            ("", &[]),
            ("a@x.test", &["a@x.test"]),
            (
                " a@x.test , b@x.test;c@x.test\n",
                &["a@x.test", "b@x.test", "c@x.test"],
            ),
            ("Ann Example <a@x.test>", &["Ann Example <a@x.test>"]),
            (
                "\"Example, Ann\" <a@x.test>, b@x.test",
                &["\"Example, Ann\" <a@x.test>", "b@x.test"],
            ),
            (
                "\"An \\\"A\\\" n\" <a@x.test>",
                &["\"An \\\"A\\\" n\" <a@x.test>"],
            ),
            ("<a@x.test>", &["a@x.test"]),
            ("a@x.test, A@X.test", &["a@x.test"]),
            ("Jürgen Groß <jg@x.test>", &["Jürgen Groß <jg@x.test>"]),
        ];
        for (text, wanted) in table {
            assert_eq!(shown(text), wanted, "{text:?}");
        }
    }

    #[test]
    fn c14_what_is_no_address_is_named() {
        for (text, named) in [
            ("ann", "ann"),
            ("a@x.test, ann@", "ann@"),
            ("a b@x.test", "a b@x.test"),
            ("Ann <ann>", "Ann <ann>"),
            ("a@x.test> , b@x.test", "a@x.test>"),
        ] {
            assert_eq!(
                parse_list(text),
                Err(ListError::NotAnAddress(named.to_owned())),
                "{text:?}"
            );
        }
        let many: Vec<String> = (0..=RECIPIENTS_MAX)
            .map(|n| format!("u{n}@x.test"))
            .collect();
        assert_eq!(parse_list(&many.join(",")), Err(ListError::TooMany));
        assert_eq!(
            parse_list(&"a".repeat(ADDRESS_FIELD_BYTES_MAX + 1)),
            Err(ListError::TooLong)
        );
    }

    proptest! {
        #[test]
        fn what_is_shown_is_read_back(name in "\\PC{0,20}", local in "[a-z]{1,8}") {
            let address: Mailbox = format!("{local}@x.test").parse().unwrap();
            let party = Party::named(&name, address);
            prop_assert_eq!(parse_list(&party.to_string()).unwrap(), vec![party]);
        }

        #[test]
        fn no_input_panics(text in "\\PC{0,80}|[\"<>,;@\\\\\r\n a]{0,40}") {
            let _ = parse_list(&text);
        }
    }
}
