//! A CSV file of mailboxes: a header line, `address` and optional further columns.
//!
//! Everything that can be wrong is found without the store, and every faulty row is named with its
//! line. Cells are data: whatever a spreadsheet would compute stays text.

use std::collections::HashSet;

use storage::model::Mailbox;

use super::mailbox::{MailboxChange, read_language, read_name, read_recovery};
use super::problem::FieldFault;

/// Columns that a file may have.
const COLUMNS: [&str; 7] = [
    "address", "name", "password", "aliases", "recovery", "language", "enabled",
];

/// One mailbox of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ImportRow {
    /// Its line.
    pub(super) line: u64,
    /// Its address.
    pub(super) address: Mailbox,
    /// What the columns say; columns that the file does not have change nothing.
    pub(super) change: MailboxChange,
    /// Aliases to be added.
    pub(super) aliases: Vec<Mailbox>,
    /// The password to be set, exactly as it stands in the file.
    pub(super) password: Option<String>,
}

/// A file that has been read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ImportFile {
    /// Its rows.
    pub(super) rows: Vec<ImportRow>,
    /// Whether it has a column of passwords.
    pub(super) has_passwords: bool,
}

/// Reads a file, or names everything that is wrong with it.
pub(super) fn read(bytes: &[u8]) -> Result<ImportFile, Vec<FieldFault>> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    // The reader counts a line only when it meets what follows its `\r`.
    let bytes: Vec<u8> = lines(bytes);
    // A password keeps its spaces (A4); every other cell is trimmed when it is read.
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::Headers)
        .from_reader(bytes.as_slice());
    let header = match reader.headers() {
        Ok(header) => header.iter().map(str::to_lowercase).collect::<Vec<_>>(),
        Err(error) => return Err(vec![unreadable(&error, 1)]),
    };
    let mut faults = header_faults(&header);
    if !faults.is_empty() {
        return Err(faults);
    }
    let mut rows = Vec::new();
    let mut seen = HashSet::new();
    for record in reader.records() {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                faults.push(unreadable(&error, 0));
                continue;
            }
        };
        let line = record.position().map_or(0, csv::Position::line);
        let cells = header.iter().map(String::as_str).zip(&record).collect();
        let before = faults.len();
        let mut found = Row {
            line,
            cells,
            faults: &mut faults,
        };
        let Some(row) = found.read() else { continue };
        for address in std::iter::once(&row.address).chain(&row.aliases) {
            if !seen.insert((address.domain().clone(), address.key())) {
                faults.push(fault(
                    "address",
                    line,
                    format!("{address} stands in this file twice"),
                ));
            }
        }
        if faults.len() == before {
            rows.push(row);
        }
    }
    if faults.is_empty() {
        let has_passwords = header.iter().any(|column| column == "password");
        Ok(ImportFile {
            rows,
            has_passwords,
        })
    } else {
        Err(faults)
    }
}

/// The file with `\n` alone at the end of every line.
fn lines(bytes: &[u8]) -> Vec<u8> {
    let mut lines = Vec::with_capacity(bytes.len());
    let mut rest = bytes.iter().peekable();
    while let Some(byte) = rest.next() {
        if *byte != b'\r' || rest.peek() != Some(&&b'\n') {
            lines.push(*byte);
        }
    }
    lines
}

fn header_faults(header: &[String]) -> Vec<FieldFault> {
    let mut faults = Vec::new();
    if !header.iter().any(|column| column == "address") {
        let problem = "the first line has to name the columns, `address` among them";
        faults.push(fault("address", 1, problem));
    }
    for (index, column) in header.iter().enumerate() {
        if !COLUMNS.contains(&column.as_str()) {
            let known = COLUMNS.join(", ");
            faults.push(fault(
                column,
                1,
                format!("unknown column; known are {known}"),
            ));
        } else if header.iter().take(index).any(|other| other == column) {
            faults.push(fault(column, 1, "the column is there twice"));
        }
    }
    faults
}

struct Row<'f> {
    line: u64,
    cells: Vec<(&'f str, &'f str)>,
    faults: &'f mut Vec<FieldFault>,
}

impl Row<'_> {
    /// The row, or none with its faults noted.
    fn read(&mut self) -> Option<ImportRow> {
        let text = self.cell("address").unwrap_or_default().to_owned();
        let address = self.checked("address", text.parse::<Mailbox>());
        let change = MailboxChange {
            name: self.settable("name", read_name),
            recovery: self.settable("recovery", |text| read_recovery(text, address.as_ref())),
            language: self.settable("language", read_language),
            enabled: self.settable("enabled", read_bool).flatten(),
        };
        let aliases = self.aliases(address.as_ref());
        let password = self.raw_cell("password").filter(|text| !text.is_empty());
        Some(ImportRow {
            line: self.line,
            address: address?,
            change,
            aliases: aliases?,
            password: password.map(ToOwned::to_owned),
        })
    }

    fn aliases(&mut self, address: Option<&Mailbox>) -> Option<Vec<Mailbox>> {
        let cell = self.cell("aliases").unwrap_or_default().to_owned();
        let mut aliases = Vec::new();
        let mut sound = true;
        for text in cell.split_ascii_whitespace() {
            match self.checked("aliases", text.parse::<Mailbox>()) {
                Some(alias) if address.is_none_or(|it| it.domain() == alias.domain()) => {
                    aliases.push(alias);
                }
                Some(alias) => {
                    let problem = format!("{alias} is not on the mailbox's own domain");
                    self.note("aliases", problem);
                    sound = false;
                }
                None => sound = false,
            }
        }
        sound.then_some(aliases)
    }

    /// A column that the file has: `Some(None)` for an empty cell.
    fn settable<T>(
        &mut self,
        column: &'static str,
        read: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<Option<T>> {
        match self.cell(column)?.to_owned() {
            cell if cell.is_empty() => Some(None),
            cell => self.checked(column, read(&cell)).map(Some),
        }
    }

    fn checked<T>(
        &mut self,
        column: &'static str,
        read: Result<T, impl std::fmt::Display>,
    ) -> Option<T> {
        match read {
            Ok(value) => Some(value),
            Err(problem) => {
                self.note(column, problem.to_string());
                None
            }
        }
    }

    fn cell(&self, column: &str) -> Option<&str> {
        self.raw_cell(column).map(str::trim)
    }

    fn raw_cell(&self, column: &str) -> Option<&str> {
        let found = self.cells.iter().find(|(name, _)| *name == column);
        found.map(|(_, cell)| *cell)
    }

    fn note(&mut self, column: &str, problem: String) {
        self.faults.push(fault(column, self.line, problem));
    }
}

fn read_bool(text: &str) -> Result<bool, String> {
    match text.to_lowercase().as_str() {
        "true" | "yes" | "1" => Ok(true),
        "false" | "no" | "0" => Ok(false),
        _ => Err("expected true or false".to_owned()),
    }
}

fn fault(field: &str, line: u64, problem: impl Into<String>) -> FieldFault {
    FieldFault {
        field: field.to_owned(),
        line: Some(line),
        problem: problem.into(),
    }
}

fn unreadable(error: &csv::Error, line: u64) -> FieldFault {
    let line = error.position().map_or(line, csv::Position::line);
    let problem = match error.kind() {
        csv::ErrorKind::UnequalLengths {
            expected_len, len, ..
        } => {
            format!("{len} cells where the header has {expected_len}")
        }
        csv::ErrorKind::Utf8 { .. } => "not UTF-8".to_owned(),
        _ => error.to_string(),
    };
    fault("line", line, problem)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_addresses_alone_is_enough() {
        let file =
            read("\u{feff}address\r\nalice@example.test\r\nbob@example.test".as_bytes()).unwrap();
        let addresses: Vec<String> = file
            .rows
            .iter()
            .map(|row| row.address.to_string())
            .collect();
        assert_eq!(addresses, ["alice@example.test", "bob@example.test"]);
        assert_eq!(file.rows[0].change, MailboxChange::default());
        assert!(!file.has_passwords);
    }

    #[test]
    fn columns_may_come_in_any_order_and_an_empty_cell_takes_a_value_away() {
        let text = "name,Enabled,address,aliases,language,recovery\n\
                    \"Liddell, Alice\",no,alice@example.test,a@example.test al@example.test,de,a@home.example\n\
                    ,,bob@example.test,,,\n";
        let file = read(text.as_bytes()).unwrap();
        let alice = &file.rows[0];
        assert_eq!(alice.change.name, Some(Some("Liddell, Alice".to_owned())));
        assert_eq!(alice.change.enabled, Some(false));
        assert_eq!(alice.aliases.len(), 2);
        assert_eq!(file.rows[1].change.name, Some(None));
        assert_eq!(file.rows[1].change.enabled, None);
    }

    #[test]
    fn c19_a_password_is_taken_as_it_stands_and_an_empty_cell_sets_none() {
        let text = "address , password\n alice@example.test,\"  two spaces around  \"\nbob@example.test,\n";
        let file = read(text.as_bytes()).unwrap();
        assert!(file.has_passwords);
        let first = file.rows[0].password.as_deref();
        assert_eq!(first, Some("  two spaces around  "));
        assert_eq!(file.rows[0].address.to_string(), "alice@example.test");
        assert_eq!(file.rows[1].password, None);
    }

    /// Bad input: every faulty row is named; one sound row among them changes nothing.
    #[test]
    fn every_faulty_row_is_named_with_its_line() {
        let text = "address,enabled,recovery,aliases\n\
                    good@example.test,true,,\n\
                    nonsense,true,,\n\
                    a@example.test,maybe,a@example.test,b@other.test\n\
                    good@EXAMPLE.test,,,\n\
                    short@example.test\n\
                    x@example.test,,,good@example.test\n";
        let faults = read(text.as_bytes()).unwrap_err();
        let places: Vec<(u64, &str)> = faults
            .iter()
            .map(|fault| (fault.line.unwrap(), fault.field.as_str()))
            .collect();
        assert_eq!(
            places,
            [
                (3, "address"),
                (4, "recovery"),
                (4, "enabled"),
                (4, "aliases"),
                (5, "address"),
                (6, "line"),
                (7, "address"),
            ]
        );
    }

    #[test]
    fn lines_are_counted_whatever_ends_them() {
        for end in ["\n", "\r\n"] {
            let text = ["address", "good@example.test", "nonsense", ""].join(end);
            let faults = read(text.as_bytes()).unwrap_err();
            assert_eq!(faults[0].line, Some(3), "{end:?}");
        }
    }

    #[test]
    fn unknown_columns_double_columns_and_a_missing_address_are_refused() {
        for (header, field) in [
            ("address,colour", "colour"),
            ("address,address", "address"),
            ("name", "address"),
            ("", "address"),
        ] {
            let faults = read(format!("{header}\n").as_bytes()).unwrap_err();
            assert!(
                faults.iter().any(|fault| fault.field == field),
                "{header}: {faults:?}"
            );
        }
    }

    #[test]
    fn q38_a_formula_stays_text() {
        let file = read(b"address,name\na@example.test,=HYPERLINK(1)\n").unwrap();
        assert_eq!(
            file.rows[0].change.name,
            Some(Some("=HYPERLINK(1)".to_owned()))
        );
    }
}
