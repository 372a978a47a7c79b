//! Names of files: what an attachment is called, safely (HD6).

use std::collections::HashSet;
use std::fmt::Write as _;

use super::display;
use super::limits::FILENAME_BYTES_MAX;

/// Endings of files that run when they are opened.
const EXECUTABLE: &[&str] = &[
    "ade",
    "adp",
    "apk",
    "app",
    "appx",
    "bat",
    "chm",
    "cmd",
    "com",
    "cpl",
    "dll",
    "dmg",
    "exe",
    "hta",
    "img",
    "inf",
    "ins",
    "iso",
    "isp",
    "jar",
    "jnlp",
    "js",
    "jse",
    "lnk",
    "msc",
    "msi",
    "msp",
    "mst",
    "pif",
    "ps1",
    "psm1",
    "reg",
    "scr",
    "sct",
    "sh",
    "svg",
    "sys",
    "url",
    "vb",
    "vbe",
    "vbs",
    "vhd",
    "vhdx",
    "vxd",
    "ws",
    "wsc",
    "wsf",
    "wsh",
    "xll",
    "xlsm",
    "docm",
    "pptm",
    "one",
    "htm",
    "html",
    "shtml",
    "xhtml",
    "xht",
    "mht",
    "mhtml",
    "scf",
    "library-ms",
    "search-ms",
    "settingcontent-ms",
    "desktop",
    "command",
    "pkg",
    "deb",
    "rpm",
];

/// Names that some systems keep for devices.
const DEVICES: &[&str] = &["con", "prn", "aux", "nul", "clock$"];

/// What the reader is told about a file before it is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileWarning {
    /// It runs when it is opened.
    Executable,
    /// It has a harmless ending before the real one.
    DoubleExtension,
}

/// A name without folders, controls and letters that file systems or headers read otherwise.
#[must_use]
pub fn safe_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let mut safe: String = display::line(last)
        .chars()
        .map(|letter| match letter {
            '"' | '\'' | '<' | '>' | '|' | '?' | '*' | ':' | '%' | '`' | '$' | ';' => '_',
            letter => letter,
        })
        .collect();
    safe = safe.trim_matches(['.', ' ', '-', '~']).to_owned();
    let (stem, _) = safe.split_once('.').unwrap_or((&safe, ""));
    let numbered = |stem: &str, head: &str| {
        stem.strip_prefix(head)
            .is_some_and(|rest| rest.len() == 1 && rest.bytes().all(|b| b.is_ascii_digit()))
    };
    let stem = stem.to_ascii_lowercase();
    if DEVICES.contains(&stem.as_str()) || numbered(&stem, "com") || numbered(&stem, "lpt") {
        safe.insert(0, '_');
    }
    if safe.is_empty() {
        return "attachment".to_owned();
    }
    shortened(&safe, FILENAME_BYTES_MAX)
}

/// A name of at most `max` bytes that keeps its ending.
fn shortened(name: &str, max: usize) -> String {
    if name.len() <= max {
        return name.to_owned();
    }
    let ending = match name.rsplit_once('.') {
        Some((_, ending)) if ending.len() <= 16 => format!(".{ending}"),
        _ => String::new(),
    };
    let room = max.saturating_sub(ending.len());
    let mut stem = String::new();
    for letter in name.chars() {
        if stem.len() + letter.len_utf8() > room {
            break;
        }
        stem.push(letter);
    }
    stem + &ending
}

/// What to warn of.
#[must_use]
pub fn warning(name: &str) -> Option<FileWarning> {
    let mut endings = name.rsplit('.');
    let last = endings.next()?.trim().to_ascii_lowercase();
    let before = endings.next()?;
    if !EXECUTABLE.contains(&last.as_str()) {
        return None;
    }
    let before = before.trim().to_ascii_lowercase();
    let is_ending = endings.next().is_some() && (2..=4).contains(&before.len());
    if is_ending && before.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Some(FileWarning::DoubleExtension);
    }
    Some(FileWarning::Executable)
}

/// The value of `Content-Disposition` for a download (RFC 6266).
#[must_use]
pub fn disposition(name: &str) -> String {
    let name = safe_name(name);
    let ascii: String = name
        .chars()
        .map(|letter| {
            if letter.is_ascii_alphanumeric() || "._-() ".contains(letter) {
                letter
            } else {
                '_'
            }
        })
        .collect();
    let mut encoded = String::new();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"._-".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    format!("attachment; filename=\"{ascii}\"; filename*=UTF-8''{encoded}")
}

/// Names that differ from each other, also where case does not count.
#[must_use]
pub fn unique_names<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut taken = HashSet::new();
    names
        .map(|name| {
            let name = safe_name(name);
            let mut candidate = name.clone();
            let mut number = 1;
            while !taken.insert(candidate.to_lowercase()) {
                number += 1;
                let (stem, ending) = match name.rsplit_once('.') {
                    Some((stem, ending)) => (stem, format!(".{ending}")),
                    None => (name.as_str(), String::new()),
                };
                let stem = shortened(stem, FILENAME_BYTES_MAX - 24);
                candidate = format!("{stem} ({number}){ending}");
            }
            candidate
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hd6_names_are_names_of_files() {
        for (name, wanted) in [
            ("../../etc/passwd", "passwd"),
            ("C:\\Windows\\x.exe", "x.exe"),
            ("a\"; filename=\"b.html", "a__ filename=_b.html"),
            ("a\r\nSet-Cookie: x", "a Set-Cookie_ x"),
            ("\u{202e}cod.exe", "cod.exe"),
            ("...", "attachment"),
            (".htaccess", "htaccess"),
            ("con.txt", "_con.txt"),
            ("LPT1", "_LPT1"),
            ("grüße.pdf", "grüße.pdf"),
            ("", "attachment"),
            ("a\0b", "a b"),
        ] {
            assert_eq!(safe_name(name), wanted, "{name:?}");
        }
        let long = safe_name(&format!("{}.pdf", "ü".repeat(300)));
        assert!(long.len() <= FILENAME_BYTES_MAX && long.ends_with(".pdf"));
    }

    #[test]
    fn hd6_the_header_is_ascii_and_quoted_once() {
        assert_eq!(
            disposition("grüße \"1\".pdf"),
            "attachment; filename=\"gr__e _1_.pdf\"; filename*=UTF-8''gr%C3%BC%C3%9Fe%20_1_.pdf"
        );
        for name in [
            "a\r\nX: y",
            "\u{2028}",
            "%0d%0aX: y",
            "a;b=\"c\"",
            "\\\"",
            "名前",
        ] {
            let header = disposition(name);
            assert!(
                header.bytes().all(|byte| (0x20..0x7f).contains(&byte)),
                "{header}"
            );
            assert_eq!(header.matches('"').count(), 2, "{header}");
            assert!(
                !header.contains("%0D") && !header.contains("%0A"),
                "{header}"
            );
        }
    }

    #[test]
    fn files_that_run_are_named() {
        for (name, wanted) in [
            ("a.pdf", None),
            ("a.exe", Some(FileWarning::Executable)),
            ("invoice.pdf.exe", Some(FileWarning::DoubleExtension)),
            ("invoice.pdf .exe", Some(FileWarning::DoubleExtension)),
            ("v1.2.js", Some(FileWarning::Executable)),
            ("x.html", Some(FileWarning::Executable)),
            ("exe", None),
        ] {
            assert_eq!(warning(name), wanted, "{name}");
        }
    }

    #[test]
    fn zip_names_differ() {
        let names = unique_names(["a.txt", "A.TXT", "a.txt", "../a.txt", ""].into_iter());
        assert_eq!(
            names,
            ["a.txt", "A (2).TXT", "a (3).txt", "a (4).txt", "attachment"]
        );
    }
}
