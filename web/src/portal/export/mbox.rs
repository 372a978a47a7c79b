//! mboxrd: messages one after the other, each behind a line `From `, lines of its own that look like
//! one quoted once more, so that reading undoes it exactly (RFC 4155 names the family). Pure.

use std::io::{self, Write};

use jiff::tz::TimeZone;
use storage::model::Timestamp;

/// Writes one message. Line ends become LF.
pub(super) fn write(
    out: &mut impl Write,
    sender: &str,
    at: Timestamp,
    raw: &[u8],
) -> io::Result<()> {
    writeln!(out, "From {} {}", token(sender), asctime(at))?;
    let body = raw.strip_suffix(b"\n").unwrap_or(raw);
    for line in body.split(|octet| *octet == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if is_from_line(line) {
            out.write_all(b">")?;
        }
        out.write_all(line)?;
        out.write_all(b"\n")?;
    }
    out.write_all(b"\n")
}

/// Whether a line is `From `, quoted or not.
fn is_from_line(line: &[u8]) -> bool {
    let quotes = line.iter().take_while(|octet| **octet == b'>').count();
    line.get(quotes..)
        .is_some_and(|rest| rest.starts_with(b"From "))
}

/// The sender as one word of printable ASCII.
fn token(sender: &str) -> &str {
    let is_sound = !sender.is_empty() && sender.bytes().all(|byte| byte.is_ascii_graphic());
    if is_sound { sender } else { "MAILER-DAEMON" }
}

fn asctime(at: Timestamp) -> String {
    let millis = i64::try_from(at.as_millis()).unwrap_or_default();
    let at = jiff::Timestamp::from_millisecond(millis).unwrap_or_default();
    let at = at.to_zoned(TimeZone::UTC);
    at.strftime("%a %b %e %H:%M:%S %Y").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn from_lines_are_quoted_once_more_and_line_ends_are_lf() {
        let raw = b"Subject: x\r\n\r\nFrom here\r\n>From there\r\n>>From\r\nFrom: no\r\nlast";
        let mut out = Vec::new();
        let at = Timestamp::from_secs(1_793_607_247);
        write(&mut out, "ann@far.example", at, raw).unwrap();
        write(&mut out, "evil\nFrom x", at, b"y\r\n").unwrap();
        let text = String::from_utf8(out).unwrap();
        let (first, second) = text.split_once("\n\nFrom MAILER-DAEMON ").unwrap();
        assert_eq!(
            first,
            "From ann@far.example Mon Nov  2 08:14:07 2026\nSubject: x\n\n>From here\n>>From there\n>>From\nFrom: no\nlast"
        );
        assert_eq!(second, "Mon Nov  2 08:14:07 2026\ny\n\n");
    }
}
