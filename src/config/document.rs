//! A parsed file that still knows where everything stands.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::Fault;

/// A TOML document with the places of its keys and values.
#[derive(Debug)]
pub(super) struct Document<'t> {
    text: &'t str,
    table: DeTable<'t>,
}

/// A key with its value, both with their places.
pub(super) type Entry<'d, 't> = (
    &'d Spanned<std::borrow::Cow<'t, str>>,
    &'d Spanned<DeValue<'t>>,
);

impl<'t> Document<'t> {
    /// Parses `text`; a syntax error is a fault without a key.
    pub(super) fn parse(text: &'t str) -> Result<Self, Fault> {
        match DeTable::parse(text) {
            Ok(table) => Ok(Self {
                text,
                table: table.into_inner(),
            }),
            Err(error) => Err(Fault {
                line: line_of(text, &error.span().unwrap_or(0..0)),
                key: String::new(),
                expected: "TOML".to_owned(),
                found: Some(error.message().trim().replace('\n', "; ")),
            }),
        }
    }

    /// Whether it holds no key at all.
    pub(super) fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// The keys of the top level.
    pub(super) fn entries(&self) -> impl Iterator<Item = Entry<'_, 't>> {
        self.table.iter()
    }

    /// The keys of a section; the top level is the section without a name.
    pub(super) fn section(&self, name: &str) -> Option<&DeTable<'t>> {
        if name.is_empty() {
            return Some(&self.table);
        }
        match self.table.get(name)?.get_ref() {
            DeValue::Table(table) => Some(table),
            _ => None,
        }
    }

    /// The line a section's name stands on, or the first one.
    pub(super) fn line_of_section(&self, name: &str) -> usize {
        self.table
            .get_key_value(name)
            .map_or(1, |(key, _)| self.line(&key.span()))
    }

    /// The line of a place, counted from 1.
    pub(super) fn line(&self, span: &Range<usize>) -> usize {
        line_of(self.text, span)
    }

    /// What stands at a place, as written, shortened.
    pub(super) fn written(&self, span: &Range<usize>) -> String {
        const SHOWN_MAX: usize = 60;
        let text = self.text.get(span.clone()).unwrap_or_default();
        let mut shown: String = text.chars().take(SHOWN_MAX).collect();
        if shown.len() < text.len() {
            shown.push('…');
        }
        shown.replace(['\n', '\r'], " ")
    }
}

fn line_of(text: &str, span: &Range<usize>) -> usize {
    let before = text.as_bytes().iter().take(span.start);
    before.filter(|byte| **byte == b'\n').count() + 1
}
