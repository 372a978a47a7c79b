//! Command lines (RFC 5321 §2.3.8, §4.5.3.1.4): CRLF ends a line and nothing else does.
//!
//! A line with a bare CR, a bare LF or a NUL goes on to its CRLF and is then refused as one line, so
//! that nothing behind a bare LF is ever taken for a command. Memory is bounded: what exceeds the
//! limit is forgotten while its end is looked for.

use super::crlf::LineFault;
use super::limits::COMMAND_LINE_MAX;

/// A line that has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line<'a> {
    /// Its content without CRLF, free of CR, LF and NUL.
    Clean(&'a [u8]),
    /// It held what no command may.
    Faulty(LineFault),
    /// It was longer than 2,048 octets.
    TooLong,
}

/// Finds lines in an input buffer that grows at its end.
#[derive(Debug, Default)]
pub struct LineReader {
    /// Octets at the front of the buffer that hold no line end.
    scanned: usize,
    /// The line has exceeded the limit; its beginning is gone.
    overlong: bool,
}

/// What [`LineReader::next`] found at the front of the buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found<'a> {
    /// A line; take `.1` octets off the front before asking again.
    Line(Line<'a>, usize),
    /// No line end yet: take this many octets off the front (zero unless the line is overlong) and
    /// read more.
    Nothing(usize),
}

impl LineReader {
    /// Looks for a line at the front of `input`, which begins where the last call's octets were
    /// taken off.
    pub fn next<'a>(&mut self, input: &'a [u8]) -> Found<'a> {
        let mut from = self.scanned;
        while let Some(offset) = input
            .get(from..)
            .and_then(|rest| memchr::memchr(b'\n', rest))
        {
            let position = from + offset;
            let content = input.get(..position).unwrap_or_default();
            if let Some(content) = content.strip_suffix(b"\r") {
                self.scanned = 0;
                let overlong = std::mem::take(&mut self.overlong);
                return Found::Line(judge(content, overlong), position + 1);
            }
            from = position + 1;
        }
        if input.len() <= COMMAND_LINE_MAX {
            self.scanned = input.len();
            return Found::Nothing(0);
        }
        // Keep a CR at the end: the LF may be the next octet to come.
        self.overlong = true;
        let kept = usize::from(input.last() == Some(&b'\r'));
        self.scanned = kept;
        Found::Nothing(input.len() - kept)
    }
}

fn judge(content: &[u8], overlong: bool) -> Line<'_> {
    if overlong || content.len() + 2 > COMMAND_LINE_MAX {
        return Line::TooLong;
    }
    let bad = memchr::memchr3(b'\r', b'\n', 0, content);
    match bad.and_then(|position| content.get(position)) {
        None => Line::Clean(content),
        Some(b'\r') => Line::Faulty(LineFault::BareCr),
        Some(b'\n') => Line::Faulty(LineFault::BareLf),
        Some(_) => Line::Faulty(LineFault::Nul),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Feeds pieces and prints every line that ends.
    fn lines(pieces: &[&[u8]]) -> Vec<String> {
        let (mut reader, mut buffer, mut seen) = (LineReader::default(), Vec::new(), Vec::new());
        for piece in pieces {
            buffer.extend_from_slice(piece);
            loop {
                let (line, taken) = match reader.next(&buffer) {
                    Found::Line(line, taken) => (Some(format!("{line:?}")), taken),
                    Found::Nothing(taken) => (None, taken),
                };
                buffer.drain(..taken);
                let done = line.is_none();
                seen.extend(line);
                if done {
                    break;
                }
            }
            assert!(buffer.len() <= COMMAND_LINE_MAX);
        }
        seen
    }

    fn clean(text: &str) -> String {
        format!("{:?}", Line::Clean(text.as_bytes()))
    }

    #[test]
    fn in5_only_crlf_ends_a_line() {
        assert_eq!(lines(&[b"NOOP\nQUIT\n"]), Vec::<String>::new());
        assert_eq!(
            lines(&[b"NOOP\nQUIT\r\nRSET\r\n"]),
            ["Faulty(BareLf)".to_owned(), clean("RSET")]
        );
        assert_eq!(lines(&[b"NO\rOP\r\n"]), ["Faulty(BareCr)"]);
        assert_eq!(lines(&[b"NOOP\r\r\n"]), ["Faulty(BareCr)"]);
        assert_eq!(lines(&[b"NO\0OP\r\n"]), ["Faulty(Nul)"]);
        assert_eq!(lines(&[b"\r\n"]), [clean("")]);
    }

    #[test]
    fn lines_up_to_the_limit_are_kept_and_longer_ones_forgotten() {
        let longest = [vec![b'a'; COMMAND_LINE_MAX - 2], b"\r\n".to_vec()].concat();
        assert_eq!(lines(&[&longest]).len(), 1);
        assert_ne!(lines(&[&longest]), ["TooLong"]);
        let longer = [b"a".to_vec(), longest.clone()].concat();
        assert_eq!(lines(&[&longer]), ["TooLong"]);
        let huge = vec![b'a'; 100_000];
        assert_eq!(
            lines(&[&huge, b"\r", b"\nNOOP\r\n"]),
            ["TooLong".to_owned(), clean("NOOP")]
        );
    }

    proptest! {
        #[test]
        fn pieces_do_not_matter(
            input in prop::collection::vec(prop::sample::select(b"\r\n\0ab".to_vec()), 0..40),
            cut in 0_usize..40,
        ) {
            let (left, right) = input.split_at(cut.min(input.len()));
            prop_assert_eq!(lines(&[left, right]), lines(&[&input]));
        }
    }
}
