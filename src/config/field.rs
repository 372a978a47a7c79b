//! A key of the file: declared once, read and documented from the same declaration.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::document::Document;
use super::error::Fault;
use super::value::{Mismatch, Value};

/// When a changed value counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applies {
    /// At SIGHUP.
    Reload,
    /// At the next start.
    Restart,
}

/// What counts when the file does not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preset {
    /// This text, read as if it stood in the file.
    Toml(&'static str),
    /// No value; the words say what happens then.
    Unset(&'static str),
}

/// A key.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// Its name within the section.
    pub key: &'static str,
    /// What counts without it.
    pub preset: Preset,
    /// When a change counts.
    pub applies: Applies,
    /// What it does, in Markdown.
    pub doc: &'static str,
}

/// A section of the file.
#[derive(Debug, Clone, Copy)]
pub struct Section {
    /// Its name; empty for the keys above the first section.
    pub name: &'static str,
    /// What it is about, in Markdown.
    pub doc: &'static str,
    /// Its keys.
    pub fields: &'static [Field],
}

impl Section {
    /// The full name of one of its keys.
    #[must_use]
    pub fn key(&self, field: &Field) -> String {
        self.path(field.key)
    }

    fn path(&self, key: &str) -> String {
        if self.name.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.name)
        }
    }

    fn title(&self) -> String {
        format!("[{}]", self.name)
    }
}

/// Values in force, by full key.
pub(super) type Settings = BTreeMap<String, String>;

/// Reads a document section by section and collects what is wrong with it.
#[derive(Debug)]
pub(super) struct Reader<'d> {
    document: &'d Document<'d>,
    folder: &'d Path,
    faults: Vec<Fault>,
    settings: Settings,
}

impl<'d> Reader<'d> {
    /// A reader; relative paths start at `folder`.
    pub(super) const fn new(document: &'d Document<'d>, folder: &'d Path) -> Self {
        Self {
            document,
            folder,
            faults: Vec::new(),
            settings: Settings::new(),
        }
    }

    /// Reports top-level names that are neither sections nor keys of the top level.
    pub(super) fn refuse_unknown_sections(&mut self, sections: &[&'static Section]) {
        for (name, value) in self.document.entries() {
            let known = sections
                .iter()
                .find(|section| *section.name == **name.get_ref());
            let is_table = matches!(value.get_ref(), DeValue::Table(_));
            let expected = match (known, is_table) {
                (Some(_), true) | (None, false) => continue,
                (Some(section), false) => format!("a section `{}`", section.title()),
                (None, true) => {
                    let names = sections.iter().map(|section| section.name);
                    let near = nearest(name.get_ref(), names.filter(|name| !name.is_empty()));
                    unknown("section", near.map(|name| format!("[{name}]")))
                }
            };
            self.faults.push(Fault {
                line: self.document.line(&name.span()),
                key: name.get_ref().to_string(),
                expected,
                found: Some(self.document.written(&name.span())),
            });
        }
    }

    /// Opens a section and reports its unknown keys.
    pub(super) fn section<'r>(&'r mut self, section: &'static Section) -> SectionReader<'r, 'd> {
        let table = self.document.section(section.name);
        let opened = SectionReader {
            reader: self,
            section,
            table,
        };
        opened.refuse_unknown_keys()
    }

    /// What was found wrong, and the values in force.
    pub(super) fn finish(self) -> (Vec<Fault>, Settings) {
        (self.faults, self.settings)
    }
}

/// Reads one section. A faulty value is reported and comes back as `None`.
#[derive(Debug)]
pub(super) struct SectionReader<'r, 'd> {
    reader: &'r mut Reader<'d>,
    section: &'static Section,
    table: Option<&'d DeTable<'d>>,
}

impl SectionReader<'_, '_> {
    fn refuse_unknown_keys(self) -> Self {
        let document = self.reader.document;
        for (key, value) in self.table.into_iter().flat_map(|table| table.iter()) {
            let name = key.get_ref().as_ref();
            let known = self.section.fields.iter().any(|field| field.key == name);
            let is_section = self.section.name.is_empty() && is_section_or_its_name(name, value);
            if known || is_section {
                continue;
            }
            let near = nearest(name, self.section.fields.iter().map(|field| field.key));
            self.reader.faults.push(Fault {
                line: document.line(&key.span()),
                key: self.section.path(name),
                expected: unknown("key", near.map(str::to_owned)),
                found: Some(document.written(&key.span())),
            });
        }
        self
    }

    /// The value of a key that has a default.
    pub(super) fn value<T: Value>(&mut self, field: &'static Field) -> Option<T> {
        self.checked(field, |_: &T| Ok(()))
    }

    /// A number or size within bounds.
    pub(super) fn within<T>(
        &mut self,
        field: &'static Field,
        bounds: RangeInclusive<T>,
    ) -> Option<T>
    where
        T: Value + PartialOrd,
    {
        self.checked(field, |value| {
            if bounds.contains(value) {
                return Ok(());
            }
            let (low, high) = (bounds.start().shown(), bounds.end().shown());
            Err(Mismatch::expected(format!(
                "{} from {low} to {high}",
                T::expected()
            )))
        })
    }

    /// A list that must not be empty.
    pub(super) fn non_empty<T: Value>(&mut self, field: &'static Field) -> Option<Vec<T>> {
        self.checked(field, |list: &Vec<T>| {
            if list.is_empty() {
                let item = T::expected();
                return Err(Mismatch::expected(format!("at least one of: {item}")));
            }
            Ok(())
        })
    }

    /// The value of a key that may be absent.
    pub(super) fn optional<T: Value>(&mut self, field: &'static Field) -> Option<Option<T>> {
        if self.entry(field).is_some() {
            return self.value(field).map(Some);
        }
        let key = self.section.key(field);
        self.reader.settings.insert(key, String::new());
        Some(None)
    }

    /// The value of a key whose default is found out while reading.
    pub(super) fn value_or<T: Value>(
        &mut self,
        field: &'static Field,
        absent: impl FnOnce() -> T,
    ) -> Option<T> {
        if self.entry(field).is_some() {
            return self.value(field);
        }
        let value = absent();
        let key = self.section.key(field);
        self.reader.settings.insert(key, value.shown());
        Some(value)
    }

    /// Reports a value that is sound by itself but not together with others.
    pub(super) fn object(&mut self, field: &'static Field, expected: impl Into<String>) {
        let document = self.reader.document;
        let place = self.entry(field).map(Spanned::span);
        self.reader.faults.push(Fault {
            line: match &place {
                Some(place) => document.line(place),
                None => self.nearby_line(),
            },
            key: self.section.key(field),
            expected: expected.into(),
            found: place.map(|place| document.written(&place)),
        });
    }

    /// The value of another key that was read before, as text.
    pub(super) fn in_force(&self, key: &str) -> Option<&str> {
        self.reader.settings.get(key).map(String::as_str)
    }

    /// Where relative paths start.
    pub(super) fn folder(&self) -> &Path {
        self.reader.folder
    }

    fn checked<T: Value>(
        &mut self,
        field: &'static Field,
        check: impl FnOnce(&T) -> Result<(), Mismatch>,
    ) -> Option<T> {
        let read = match self.entry(field) {
            Some(entry) => T::read(entry.get_ref()).map_err(|fault| fault.at(entry.span())),
            None => preset(field),
        };
        let read = read.and_then(|value| check(&value).map(|()| value));
        match read {
            Ok(value) => {
                let key = self.section.key(field);
                self.reader.settings.insert(key, value.shown());
                Some(value)
            }
            Err(mismatch) => {
                self.report(field, mismatch);
                None
            }
        }
    }

    fn report(&mut self, field: &'static Field, mismatch: Mismatch) {
        let document = self.reader.document;
        let place = mismatch
            .place
            .or_else(|| self.entry(field).map(Spanned::span))
            .unwrap_or_default();
        self.reader.faults.push(Fault {
            line: document.line(&place),
            key: self.section.key(field),
            expected: mismatch.expected,
            found: Some(document.written(&place)).filter(|text| !text.is_empty()),
        });
    }

    /// A line for a key that is missing: the first of its section's keys, or the section itself.
    fn nearby_line(&self) -> usize {
        let keys = self.table.into_iter().flat_map(|table| table.keys());
        keys.map(|key| self.reader.document.line(&key.span()))
            .min()
            .unwrap_or_else(|| self.reader.document.line_of_section(self.section.name))
    }

    fn entry(&self, field: &Field) -> Option<&Spanned<DeValue<'_>>> {
        self.table?.get(field.key)
    }
}

fn preset<T: Value>(field: &Field) -> Result<T, Mismatch> {
    match field.preset {
        Preset::Toml(text) => DeValue::parse(text)
            .map_err(|_| Mismatch::expected(T::expected()))
            .and_then(|value| T::read(value.get_ref())),
        Preset::Unset(_) => Err(Mismatch::expected(T::expected())),
    }
}

fn is_section_or_its_name(name: &str, value: &Spanned<DeValue<'_>>) -> bool {
    let named = super::SECTIONS
        .iter()
        .any(|section| !section.name.is_empty() && section.name == name);
    named || matches!(value.get_ref(), DeValue::Table(_))
}

fn unknown(what: &str, near: Option<String>) -> String {
    match near {
        Some(near) => format!("a known {what}; did you mean `{near}`?"),
        None => format!("a known {what} (see the reference: mailhold check --reference)"),
    }
}

/// The name a typing error most likely meant: at most two edits away.
fn nearest<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    known
        .map(|candidate| (edits(name, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= 2 && *distance < candidate.len())
        .min()
        .map(|(_, candidate)| candidate)
}

/// Levenshtein's distance.
fn edits(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        let mut next = vec![left];
        for (y, above) in b.chars().zip(row.iter().skip(1)) {
            let cost = diagonal + usize::from(x != y);
            left = cost.min(above + 1).min(left + 1);
            diagonal = *above;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_levenshteins() {
        for (a, b, distance) in [
            ("", "abc", 3),
            ("kitten", "sitting", 3),
            ("same", "same", 0),
        ] {
            assert_eq!(edits(a, b), distance);
        }
    }

    #[test]
    fn only_a_near_name_is_suggested() {
        let known = || ["listen", "url", "key"].into_iter();
        assert_eq!(nearest("listn", known()), Some("listen"));
        assert_eq!(nearest("certificate", known()), None);
    }
}
