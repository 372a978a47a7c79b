//! The structure of a body as it goes by (RFC 2045, RFC 2046): how many parts, how deep. Nothing is
//! kept but the boundaries of the parts that are open, so a bomb costs as little as a letter.

use memchr::memchr;

use super::limits::{NESTING_MAX, PARTS_MAX};

/// Octets of a line that are looked at: a boundary has 70 (RFC 2046 §5.1.1), its dashes and blanks.
const LINE_MAX: usize = 128;
/// Octets of a `Content-Type` field that are looked at.
const FIELD_MAX: usize = 4 * 1024;

/// What is known about a body's structure. Counting stops just behind the limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PartSummary {
    /// Parts, the message itself not counted.
    pub parts: u32,
    /// The deepest level.
    pub nesting: u32,
}

/// Reads a message from its header on, in pieces of any size.
#[derive(Debug)]
pub struct PartScanner {
    summary: PartSummary,
    /// Boundaries of the open multiparts, the outermost first; none for an enclosed message.
    open: Vec<Option<Box<[u8]>>>,
    line: Vec<u8>,
    /// The line is longer than what is kept of it.
    line_is_cut: bool,
    state: State,
}

#[derive(Debug)]
enum State {
    /// In a header section; the field is collected while it is `Content-Type`.
    Header {
        field: Vec<u8>,
        collects: bool,
    },
    Body,
}

impl Default for PartScanner {
    fn default() -> Self {
        Self {
            summary: PartSummary::default(),
            open: Vec::new(),
            line: Vec::with_capacity(LINE_MAX),
            line_is_cut: false,
            state: State::header(),
        }
    }
}

impl State {
    const fn header() -> Self {
        Self::Header {
            field: Vec::new(),
            collects: false,
        }
    }
}

impl PartScanner {
    /// What was found so far.
    #[must_use]
    pub const fn summary(&self) -> PartSummary {
        self.summary
    }

    /// Takes the next piece.
    pub fn push(&mut self, mut piece: &[u8]) {
        while !piece.is_empty() && !self.is_over() {
            if self.can_skip() {
                // Outside of multiparts no line of the body says anything.
                return;
            }
            let end = memchr(b'\n', piece).map_or(piece.len(), |at| at + 1);
            let (line, rest) = piece.split_at(end);
            piece = rest;
            self.collect(line);
            if line.ends_with(b"\n") {
                let mut line = std::mem::take(&mut self.line);
                self.on_line(line.trim_ascii_end());
                line.clear();
                self.line = line;
                self.line_is_cut = false;
            }
        }
    }

    /// Over a limit, where nothing more is of interest.
    const fn is_over(&self) -> bool {
        self.summary.parts > PARTS_MAX || self.summary.nesting > NESTING_MAX
    }

    fn can_skip(&self) -> bool {
        matches!(self.state, State::Body) && self.open.iter().all(Option::is_none)
    }

    fn collect(&mut self, piece: &[u8]) {
        let limit = match self.state {
            State::Header { .. } => FIELD_MAX,
            State::Body => LINE_MAX,
        };
        let room = limit.saturating_sub(self.line.len());
        self.line_is_cut |= piece.len() > room;
        self.line
            .extend_from_slice(piece.get(..room).unwrap_or(piece));
    }

    fn on_line(&mut self, line: &[u8]) {
        if self.on_boundary(line) {
            return;
        }
        let State::Header { field, collects } = &mut self.state else {
            return;
        };
        if line.is_empty() {
            let field = std::mem::take(field);
            return self.on_header_end(&field);
        }
        if matches!(line.first(), Some(b' ' | b'\t')) {
            if *collects && field.len() < FIELD_MAX {
                field.push(b' ');
                field.extend_from_slice(line.trim_ascii_start());
            }
            return;
        }
        *collects = false;
        // Of several the first one counts, as for most readers.
        if let Some(value) = content_type(line).filter(|_| field.is_empty()) {
            field.extend_from_slice(value);
            *collects = true;
        }
    }

    fn on_header_end(&mut self, field: &[u8]) {
        self.state = State::Body;
        let kind = ContentType::read(field);
        match kind {
            ContentType::Multipart(boundary) => self.descend(Some(boundary)),
            ContentType::Message => {
                self.descend(None);
                self.state = State::header();
            }
            ContentType::Other => {}
        }
    }

    fn descend(&mut self, boundary: Option<Box<[u8]>>) {
        self.open.push(boundary);
        let depth = u32::try_from(self.open.len()).unwrap_or(u32::MAX);
        self.summary.nesting = self.summary.nesting.max(depth);
    }

    /// A boundary of any open multipart ends what is inside of it (RFC 2046 §5.1.2).
    fn on_boundary(&mut self, line: &[u8]) -> bool {
        let Some(rest) = line.strip_prefix(b"--") else {
            return false;
        };
        if self.line_is_cut {
            return false;
        }
        let matched = self
            .open
            .iter()
            .enumerate()
            .rev()
            .find_map(|(level, open)| {
                let tail = rest.strip_prefix(open.as_deref()?)?;
                match tail {
                    b"" => Some((level, false)),
                    b"--" => Some((level, true)),
                    _ => None,
                }
            });
        let Some((level, is_close)) = matched else {
            return false;
        };
        if is_close {
            self.open.truncate(level);
            self.state = State::Body;
        } else {
            self.open.truncate(level + 1);
            self.summary.parts += 1;
            self.state = State::header();
        }
        true
    }
}

/// The value when a line begins a `Content-Type` field.
fn content_type(line: &[u8]) -> Option<&[u8]> {
    let (name, value) = line.split_at(memchr(b':', line)?);
    name.trim_ascii_end()
        .eq_ignore_ascii_case(b"Content-Type")
        .then(|| value.get(1..).unwrap_or_default())
}

enum ContentType {
    Multipart(Box<[u8]>),
    Message,
    Other,
}

impl ContentType {
    fn read(value: &[u8]) -> Self {
        let value = value.trim_ascii_start();
        let starts = |kind: &[u8]| {
            let front = value.get(..kind.len());
            front.is_some_and(|front| front.eq_ignore_ascii_case(kind))
        };
        if starts(b"message/rfc822") || starts(b"message/global") {
            return Self::Message;
        }
        if !starts(b"multipart/") {
            return Self::Other;
        }
        boundary(value).map_or(Self::Other, Self::Multipart)
    }
}

/// The value of `boundary=`, with or without quotes.
fn boundary(value: &[u8]) -> Option<Box<[u8]>> {
    const NAME: &[u8] = b"boundary";
    let mut rest = value;
    while let Some(at) = memchr(b';', rest) {
        rest = rest.get(at + 1..)?.trim_ascii_start();
        let Some(name) = rest.get(..NAME.len()) else {
            continue;
        };
        if !name.eq_ignore_ascii_case(NAME) {
            continue;
        }
        let tail = rest.get(NAME.len()..)?.trim_ascii_start();
        let Some(tail) = tail.strip_prefix(b"=") else {
            continue;
        };
        let tail = tail.trim_ascii_start();
        let text = match tail.strip_prefix(b"\"") {
            Some(quoted) => quoted.split(|byte| *byte == b'"').next(),
            None => tail
                .split(|byte| *byte == b';' || byte.is_ascii_whitespace())
                .next(),
        };
        let text = text?.trim_ascii_end();
        return (!text.is_empty() && text.len() <= LINE_MAX - 8).then(|| text.into());
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn scan(message: &[u8], piece: usize) -> PartSummary {
        let mut scanner = PartScanner::default();
        for piece in message.chunks(piece) {
            scanner.push(piece);
        }
        scanner.summary()
    }

    fn nested(levels: usize) -> Vec<u8> {
        let mut message = Vec::new();
        for level in 0..levels {
            message.extend(
                format!("Content-Type: multipart/mixed; boundary=b{level}\r\n\r\n--b{level}\r\n")
                    .into_bytes(),
            );
        }
        message.extend_from_slice(b"\r\nthe middle\r\n");
        message
    }

    #[test]
    fn parts_and_depth_are_counted_whatever_the_pieces() {
        let message = b"From: a@b\r\n\
            Content-Type: multipart/mixed;\r\n\tboundary=\"outer =x\"\r\n\
            content-type: text/plain\r\n\r\n\
            preamble\r\n--outer =x\r\n\r\nplain\r\n--outer =x  \r\n\
            Content-Type : MULTIPART/alternative; charset=x; Boundary=inner\r\n\r\n\
            --inner\r\n\r\n1\r\n--inner\r\n\r\n2\r\n--outer\r\n--inner--\r\n--inner\r\nno part\r\n\
            --outer =x\r\nContent-Type: message/rfc822\r\n\r\n\
            Subject: enclosed\r\nContent-Type: multipart/mixed; boundary=deep\r\n\r\n\
            --deep\r\n\r\nx\r\n--outer =x--\r\n--outer =x\r\n";
        for piece in [1, 2, 7, 64, 10_000] {
            let summary = scan(message, piece);
            assert_eq!((summary.parts, summary.nesting), (6, 3), "{piece}");
        }
        assert_eq!(
            scan(b"Subject: x\r\n\r\n--x\r\n", 5),
            PartSummary::default()
        );
        assert_eq!(scan(b"\r\n", 5), PartSummary::default());
    }

    #[test]
    fn q31_counting_ends_just_behind_the_limits() {
        let bomb = nested(100_000);
        assert_eq!(scan(&bomb, 4_096).nesting, NESTING_MAX + 1);
        let fitting = nested(NESTING_MAX as usize);
        assert_eq!(scan(&fitting, 4_096).nesting, NESTING_MAX);
        let mut wide = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n".to_vec();
        for _ in 0..100_000 {
            wide.extend_from_slice(b"--b\r\n\r\n");
        }
        assert_eq!(scan(&wide, 4_096).parts, PARTS_MAX + 1);
    }

    #[test]
    fn q31_endless_lines_and_fields_cost_nothing() {
        let mut scanner = PartScanner::default();
        scanner.push(b"Content-Type: multipart/mixed; boundary=");
        for _ in 0..1_000 {
            scanner.push(&[b'x'; 10_000]);
        }
        scanner.push(b"\r\n\r\n");
        for _ in 0..1_000 {
            scanner.push(&[b'-'; 10_000]);
        }
        assert!(scanner.line.capacity() <= 2 * FIELD_MAX);
        assert_eq!(scanner.summary().parts, 0);
    }

    proptest! {
        #[test]
        fn pieces_do_not_matter_and_nothing_panics(
            words in prop::collection::vec(prop::sample::select(vec![
                "--b", "--", "\r\n", "\r\n\r\n", "Content-Type: multipart/mixed; boundary=b\r\n",
                "Content-Type: message/rfc822\r\n", ";boundary=\"", "b", " ", "é",
            ]), 0..60),
            piece in 1_usize..20,
        ) {
            let message = words.concat().into_bytes();
            prop_assert_eq!(scan(&message, piece), scan(&message, message.len().max(1)));
        }
    }
}
