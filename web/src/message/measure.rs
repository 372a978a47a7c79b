//! A look at a message's size and shape before it is parsed: one pass over its lines.

use std::collections::HashSet;

use memchr::memmem;

use super::limits::{HEADER_BYTES_MAX, PART_DEPTH_MAX, PARTS_MAX};

/// Why a message is not parsed. It can still be downloaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TooMuch {
    /// More than [`PARTS_MAX`].
    #[error("it has too many parts")]
    Parts,
    /// More than [`PART_DEPTH_MAX`].
    #[error("its parts are nested too deeply")]
    Depth,
    /// More than [`HEADER_BYTES_MAX`] in one section.
    #[error("its header is too long")]
    Header,
    /// There is no header section.
    #[error("it has no header")]
    Empty,
}

/// Checks a message against the limits.
///
/// # Errors
/// The first limit it is beyond.
pub(crate) fn check(raw: &[u8]) -> Result<(), TooMuch> {
    let header = memmem::find(raw, b"\n\r\n")
        .into_iter()
        .chain(memmem::find(raw, b"\n\n"))
        .min()
        .unwrap_or(raw.len());
    if header > HEADER_BYTES_MAX {
        return Err(TooMuch::Header);
    }
    let boundaries = boundaries(raw)?;
    let mut parts = 1;
    let mut nested = 0;
    for line in raw.split(|byte| *byte == b'\n') {
        if let Some(rest) = line.strip_prefix(b"--") {
            let rest = rest.trim_ascii_end();
            if boundaries.contains(rest) {
                parts += 1;
            }
        } else if is_nesting(line) {
            nested += 1;
        }
        if parts > PARTS_MAX {
            return Err(TooMuch::Parts);
        }
        if nested > PART_DEPTH_MAX {
            return Err(TooMuch::Depth);
        }
    }
    Ok(())
}

/// The boundaries that the message declares. Each is one level at most.
fn boundaries(raw: &[u8]) -> Result<HashSet<&[u8]>, TooMuch> {
    let mut found = HashSet::new();
    for at in memchr::memchr2_iter(b'b', b'B', raw) {
        let rest = raw.get(at..).unwrap_or_default();
        let Some(value) = rest
            .get(..9)
            .filter(|name| name.eq_ignore_ascii_case(b"boundary="))
            .and_then(|_| rest.get(9..))
        else {
            continue;
        };
        let value = match value.strip_prefix(b"\"") {
            Some(quoted) => quoted.split(|byte| *byte == b'"').next(),
            None => value
                .split(|byte| byte.is_ascii_whitespace() || *byte == b';')
                .next(),
        };
        if let Some(value) = value.filter(|value| (1..=200).contains(&value.len())) {
            found.insert(value.trim_ascii_end());
            if found.len() > PART_DEPTH_MAX * 4 {
                return Err(TooMuch::Depth);
            }
        }
    }
    Ok(found)
}

/// Whether a line declares a part that holds a message: each may be a level.
fn is_nesting(line: &[u8]) -> bool {
    line.get(..13)
        .is_some_and(|name| name.eq_ignore_ascii_case(b"content-type:"))
        && memmem::find(&line.to_ascii_lowercase(), b"message/").is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shape_is_bounded_before_parsing() {
        let parts = |count: usize| {
            let mut raw = "Content-Type: multipart/mixed; boundary=x\r\n\r\n".to_owned();
            raw.push_str(&"--x\r\n\r\ny\r\n".repeat(count));
            raw
        };
        let nested = |count: usize| "Content-Type: message/rfc822\r\n\r\n".repeat(count);
        for (raw, wanted) in [
            (parts(10), Ok(())),
            (parts(PARTS_MAX + 1), Err(TooMuch::Parts)),
            (nested(20), Ok(())),
            (nested(PART_DEPTH_MAX + 1), Err(TooMuch::Depth)),
            (
                format!("Subject: {}\r\n\r\n", "x".repeat(HEADER_BYTES_MAX)),
                Err(TooMuch::Header),
            ),
            ("--x\r\n".repeat(5000), Ok(())),
        ] {
            assert_eq!(check(raw.as_bytes()), wanted);
        }
    }
}
