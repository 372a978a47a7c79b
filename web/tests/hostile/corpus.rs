//! Reads the attack vectors in `web/tests/vectors`.

use std::path::Path;

/// One vector.
#[derive(Debug, Clone)]
pub(crate) struct Vector {
    /// Its class: the name of its file.
    pub(crate) class: String,
    /// Its name, different from all others.
    pub(crate) name: String,
    /// A whole message.
    pub(crate) raw: Vec<u8>,
}

/// All vectors, by class and in order.
pub(crate) fn vectors(folder: &Path) -> Vec<Vector> {
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "txt"))
        .collect();
    files.sort();
    let mut found = Vec::new();
    for path in files {
        let class = path.file_stem().unwrap().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        for section in text.split("=== ").skip(1) {
            let (head, body) = section.split_once('\n').unwrap();
            let (name, options) = head.split_once(" | ").unwrap_or((head, ""));
            let bytes = if options.contains("escaped") {
                unescaped(body)
            } else {
                body.as_bytes().to_vec()
            };
            let raw = if options.contains("message") {
                with_line_ends(&bytes)
            } else {
                let head = "From: Ann <a@evil.example>\r\nSubject: vector\r\nMIME-Version: 1.0\r\n\
                            Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n";
                [head.as_bytes(), &bytes].concat()
            };
            found.push(Vector {
                class: class.clone(),
                name: name.trim().to_owned(),
                raw,
            });
        }
    }
    found
}

/// `\xNN`, `\r`, `\n` and `\\` as the bytes they name; everything else as it is.
fn unescaped(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, more)) = rest.split_first() {
        let hex = |digits: &[u8]| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok();
        rest = more;
        match (first, more) {
            (b'\\', [b'x', high, low, after @ ..]) if hex(&[*high, *low]).is_some() => {
                bytes.extend(hex(&[*high, *low]));
                rest = after;
            }
            (b'\\', [b'r', after @ ..]) => {
                bytes.push(b'\r');
                rest = after;
            }
            (b'\\', [b'n', after @ ..]) => {
                bytes.push(b'\n');
                rest = after;
            }
            (b'\\', [b'\\', after @ ..]) => {
                bytes.push(b'\\');
                rest = after;
            }
            (byte, _) => bytes.push(*byte),
        }
    }
    bytes
}

/// Line ends as mail has them.
fn with_line_ends(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for (at, byte) in bytes.iter().enumerate() {
        if *byte == b'\n' && (at == 0 || bytes[at - 1] != b'\r') {
            out.push(b'\r');
        }
        out.push(*byte);
    }
    out
}
