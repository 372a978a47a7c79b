//! The reference of all keys, printed from the declarations that read them.

use std::fmt::Write as _;

use super::SECTIONS;
use super::field::{Applies, Field, Preset, Section};

const HEAD: &str = "# Configuration

<!-- Printed by `mailhold check --reference`; a test keeps this file equal to what it prints. -->

One TOML file configures a node: `mailhold --config mailhold.toml serve`. Without a file, `mailhold
serve` runs on loopback addresses with its data in `./data`. The environment variable
`MAILHOLD_CONFIG` stands for `--config`.

`mailhold --config mailhold.toml check` reads the file, prints the value in force for every key, and
names every fault with file, line, key and what was expected (exit code 78). A faulty file never
starts a node, and a reload keeps the configuration it had. Unknown keys are faults.

*Reload* in the tables below means that a changed value counts after SIGHUP (`systemctl reload
mailhold`); *restart* means that it counts at the next start, and the log says so at a reload.
Domains, destinations, mailboxes and aliases are not in this file: they are managed with `mailhold
domain`, `mailhold mailbox` and `mailhold alias`, or over the API.
";

/// The reference as Markdown: the content of `docs/configuration.md`.
#[must_use]
pub fn reference() -> String {
    let mut out = HEAD.to_owned();
    for section in SECTIONS {
        write_section(&mut out, section);
    }
    out
}

fn write_section(out: &mut String, section: &Section) {
    let title = if section.name.is_empty() {
        "Above the first section".to_owned()
    } else {
        format!("`[{}]`", section.name)
    };
    // Writing to a String cannot fail.
    let _ = write!(out, "\n## {title}\n\n{}\n\n", section.doc);
    out.push_str("| key | default | counts after | meaning |\n|---|---|---|---|\n");
    for field in section.fields {
        write_field(out, field);
    }
}

fn write_field(out: &mut String, field: &Field) {
    let preset = match field.preset {
        Preset::Toml(text) => format!("`{text}`"),
        Preset::Unset(words) => words.to_owned(),
    };
    let applies = match field.applies {
        Applies::Reload => "reload",
        Applies::Restart => "restart",
    };
    let _ = writeln!(
        out,
        "| `{}` | {preset} | {applies} | {} |",
        field.key, field.doc
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_in_docs_is_current() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/configuration.md");
        let written = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            written == reference(),
            "docs/configuration.md is not current: run `mailhold check --reference > docs/configuration.md`"
        );
    }
}
