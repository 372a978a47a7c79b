//! Where things are printed: documents and tables on standard output, messages on standard error.

use std::io::{self, Write};

use serde::Serialize;

use super::exit::{Failure, INPUT_OUTPUT};

/// Standard output in the form that was asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Output {
    json: bool,
}

impl Output {
    /// With `json`, one JSON document; else text.
    pub(super) const fn new(json: bool) -> Self {
        Self { json }
    }

    /// Prints a document, as JSON or as `text` makes of it.
    pub(super) fn show<T: Serialize>(
        self,
        document: &T,
        text: impl FnOnce(&T) -> String,
    ) -> Result<(), Failure> {
        if self.json {
            let json = serde_json::to_string_pretty(document)
                .map_err(|error| Failure::new(INPUT_OUTPUT, error.to_string()))?;
            print(&format!("{json}\n"))
        } else {
            print(&text(document))
        }
    }
}

/// Writes to standard output. A reader that went away (`| head`) is no failure.
pub(super) fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    let written = stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush());
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::new(
            INPUT_OUTPUT,
            format!("cannot write to standard output: {error}"),
        )),
        _ => Ok(()),
    }
}

/// Writes a message to standard error, each line marked as ours.
pub(super) fn complain(message: &str) {
    let mut stderr = io::stderr().lock();
    for line in message.lines() {
        // When standard error is closed there is nobody to tell.
        let _ = writeln!(stderr, "mailhold: {line}");
    }
}
