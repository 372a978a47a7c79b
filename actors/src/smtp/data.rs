//! The content of DATA (RFC 5321 §4.1.1.4, §4.5.2): found between 354 and CRLF.CRLF, dots taken off.
//!
//! Only the five octets CR LF . CR LF end the data, or the three `.` CR LF right at its beginning.
//! A bare CR, a bare LF or a NUL is remembered as a fault, never taken for a line end, and the data
//! still goes on to its real end: that is what makes smuggling impossible (IN5, Q28).

use bytes::BytesMut;

use super::crlf::LineFault;
use super::sloppy::{Newlines, Octet, SloppyData};

/// Where in a line the last octet was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum At {
    /// Behind CRLF, or at the very beginning.
    #[default]
    LineStart,
    /// Inside a line.
    Text,
    /// Behind a CR.
    Cr,
    /// Behind a dot at the start of a line.
    Dot,
    /// Behind a dot at the start of a line and a CR.
    DotCr,
}

/// Takes the framing of DATA off.
#[derive(Debug, Default)]
pub struct DataFramer {
    at: At,
    /// Set where bare line ends are put up with; it frames in place of `at` then.
    sloppy: Option<SloppyData>,
    fault: Option<LineFault>,
    size_bytes: u64,
    discarding: bool,
}

/// How far [`DataFramer::push`] got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Framed {
    /// Octets of the input that belong to the data; behind the end, the rest is commands again.
    pub consumed: usize,
    /// The end of the data was found.
    pub is_end: bool,
}

impl DataFramer {
    /// A framer at the beginning of the data.
    #[must_use]
    pub fn new(newlines: Newlines) -> Self {
        Self {
            sloppy: (newlines == Newlines::Normalise).then(SloppyData::default),
            ..Self::default()
        }
    }

    /// Takes data from the front of `input` and appends the content to `content`, unless there was a
    /// fault or [`DataFramer::discard`] was called.
    pub fn push(&mut self, input: &[u8], content: &mut BytesMut) -> Framed {
        if self.sloppy.is_some() {
            return self.push_sloppy(input, content);
        }
        let (mut begin, mut next) = (0, 0);
        while let Some(byte) = input.get(next).copied() {
            match (self.at, byte) {
                (At::Text, _) => {
                    let rest = input.get(next..).unwrap_or_default();
                    next = match memchr::memchr3(b'\r', b'\n', 0, rest) {
                        None => input.len(),
                        Some(offset) => next + offset + 1,
                    };
                    match input.get(next - 1) {
                        Some(b'\r') => self.at = At::Cr,
                        Some(b'\n') => self.fault(LineFault::BareLf),
                        Some(0) => self.fault(LineFault::Nul),
                        _ => {}
                    }
                }
                (At::Cr, b'\n') => {
                    self.at = At::LineStart;
                    next += 1;
                }
                (At::LineStart, b'.') => {
                    self.emit(input.get(begin..next), content);
                    self.at = At::Dot;
                    next += 1;
                    begin = next;
                }
                (At::LineStart, _) => self.at = At::Text,
                (At::Dot, b'\r') => {
                    self.at = At::DotCr;
                    next += 1;
                    begin = next;
                }
                (At::Dot, _) => self.at = At::Text,
                (At::DotCr, b'\n') => {
                    return Framed {
                        consumed: next + 1,
                        is_end: true,
                    };
                }
                (At::Cr | At::DotCr, _) => {
                    self.fault(LineFault::BareCr);
                    self.at = At::Text;
                }
            }
        }
        self.emit(input.get(begin..), content);
        Framed {
            consumed: input.len(),
            is_end: false,
        }
    }

    fn push_sloppy(&mut self, input: &[u8], content: &mut BytesMut) -> Framed {
        let mut framed = BytesMut::with_capacity(input.len());
        let mut end = None;
        for (index, byte) in input.iter().enumerate() {
            match self
                .sloppy
                .as_mut()
                .map(|data| data.push(*byte, &mut framed))
            {
                Some(Octet::End) => {
                    end = Some(index + 1);
                    break;
                }
                Some(Octet::Nul) => self.fault(LineFault::Nul),
                _ => {}
            }
        }
        self.emit(Some(&framed), content);
        Framed {
            consumed: end.unwrap_or(input.len()),
            is_end: end.is_some(),
        }
    }

    /// The first fault, if there was one: the message has to be refused.
    #[must_use]
    pub const fn line_fault(&self) -> Option<LineFault> {
        self.fault
    }

    /// Octets of content so far, discarded ones included.
    #[must_use]
    pub const fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// From here on only the end is of interest.
    pub const fn discard(&mut self) {
        self.discarding = true;
    }

    fn fault(&mut self, fault: LineFault) {
        self.fault.get_or_insert(fault);
        self.discarding = true;
    }

    fn emit(&mut self, run: Option<&[u8]>, content: &mut BytesMut) {
        let run = run.unwrap_or_default();
        self.size_bytes += run.len() as u64;
        if !self.discarding {
            content.extend_from_slice(run);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Debug, PartialEq)]
    struct Seen {
        /// None when the data has not ended.
        rest: Option<Vec<u8>>,
        /// None when there was a fault.
        content: Option<Vec<u8>>,
    }

    fn frame(pieces: &[&[u8]]) -> Seen {
        let (mut framer, mut content) = (DataFramer::default(), BytesMut::new());
        let mut rest: Option<Vec<u8>> = None;
        for piece in pieces {
            match &mut rest {
                Some(rest) => rest.extend_from_slice(piece),
                None => {
                    let framed = framer.push(piece, &mut content);
                    rest = framed.is_end.then(|| piece[framed.consumed..].to_vec());
                }
            }
        }
        let clean = framer.line_fault().is_none();
        Seen {
            rest,
            content: clean.then(|| content.to_vec()),
        }
    }

    /// The rule as the standard writes it, without any thought of speed.
    fn reference(input: &[u8]) -> Seen {
        let with_line_start = [b"\r\n", input].concat();
        let end = with_line_start.windows(5).position(|w| w == b"\r\n.\r\n");
        let data = end.map_or(&with_line_start[2..], |end| {
            &with_line_start[2..(end + 2).max(2)]
        });
        let rest = end.map(|end| with_line_start[end + 5..].to_vec());
        // What is still open at the end cannot be judged yet.
        let data = match rest {
            Some(_) => data,
            None => data.strip_suffix(b"\r").unwrap_or(data),
        };
        let mut content = Vec::new();
        let mut clean = true;
        let mut line_start = true;
        let mut index = 0;
        while index < data.len() {
            let byte = data[index];
            if byte == b'\r' && data.get(index + 1) == Some(&b'\n') {
                content.extend_from_slice(b"\r\n");
                line_start = true;
                index += 2;
                continue;
            }
            clean &= !matches!(byte, b'\r' | b'\n' | 0);
            if !(line_start && byte == b'.') {
                content.push(byte);
            }
            line_start = false;
            index += 1;
        }
        Seen {
            rest,
            content: clean.then_some(content),
        }
    }

    fn ended(content: &[u8]) -> Seen {
        Seen {
            rest: Some(Vec::new()),
            content: Some(content.to_vec()),
        }
    }

    #[test]
    fn in6_dots_are_taken_off_on_the_first_line_too_and_empty_messages_are_legal() {
        assert_eq!(frame(&[b".\r\n"]), ended(b""));
        assert_eq!(frame(&[b"..\r\n.\r\n"]), ended(b".\r\n"));
        assert_eq!(
            frame(&[b".a\r\n..b\r\nc.d\r\n.\r\n"]),
            ended(b"a\r\n.b\r\nc.d\r\n")
        );
        assert_eq!(frame(&[b"\r\n.\r\n"]), ended(b"\r\n"));
    }

    #[test]
    fn what_follows_the_end_is_left() {
        let seen = frame(&[b"a\r\n.\r\nQUIT\r\n"]);
        assert_eq!(seen.rest.as_deref(), Some(&b"QUIT\r\n"[..]));
    }

    /// Sequences that some server somewhere takes for the end of the data.
    const SMUGGLING: [&[u8]; 28] = [
        b"\n.\n",
        b"\n.\r\n",
        b"\r.\r",
        b"\r.\r\n",
        b"\r\n.\n",
        b"\r\n.\r",
        b"\n.\r",
        b"\r.\n",
        b"\r\r\n.\r\r\n",
        b"\r\n.\r\r\n",
        b"\n\n.\r\n",
        b"\r\n\n.\r\n",
        b"\n\r.\r\n",
        b"\r\n\r.\r\n",
        b"\r\n.\0\r\n",
        b"\r\n\0.\r\n",
        b"\0\r\n.\n",
        b"\r\0\n.\r\n",
        b"\r\n.\r\0\n",
        b"\n\0.\r\n",
        b"\r\n.\n\r\n",
        b"\n.\n.\n",
        b"\r.\r.\r",
        b"\n.\r\n.\n",
        b"\r\n.\r.\r\n",
        b"\n\r\n.\n",
        b"\r\n.\n.\r\n",
        b"\0.\0",
    ];

    #[test]
    fn q28_in5_no_smuggling_sequence_ends_the_data_and_all_are_faults() {
        for sequence in SMUGGLING {
            let joined = [
                b"Subject: a\r\n\r\ntext",
                sequence,
                b"MAIL FROM:<evil@x.example>\r\n",
            ]
            .concat();
            let seen = frame(&[&joined]);
            assert_eq!(seen.rest, None, "{sequence:?}");
            assert_eq!(seen.content, None, "{sequence:?}");
            let closed = [&joined[..], b"\r\n.\r\n"].concat();
            let seen = frame(&[&closed]);
            assert_eq!(seen.rest.as_deref(), Some(&b""[..]), "{sequence:?}");
            assert_eq!(seen.content, None, "{sequence:?}");
        }
    }

    #[test]
    fn q28_every_smuggling_sequence_at_every_split_is_the_same() {
        for sequence in SMUGGLING {
            let whole = [b"a", sequence, b"b\r\n.\r\nNOOP\r\n"].concat();
            let expected = frame(&[&whole]);
            for cut in 0..whole.len() {
                let (left, right) = whole.split_at(cut);
                assert_eq!(frame(&[left, right]), expected, "{sequence:?} at {cut}");
            }
        }
    }

    #[test]
    fn in5_what_stands_right_behind_354_can_be_smuggled_no_more_than_the_rest() {
        for (input, clean) in [
            (&b".\n"[..], false),
            (b".\r.\r\n", false),
            (b"..\n.\r\n", false),
        ] {
            let seen = frame(&[input]);
            assert_eq!(seen.rest, None, "{input:?}");
            assert_eq!(seen.content.is_some(), clean, "{input:?}");
        }
    }

    fn hostile() -> impl Strategy<Value = Vec<u8>> {
        let pieces = prop::sample::select(vec![
            &b"\r\n"[..],
            b".",
            b"\r",
            b"\n",
            b"\0",
            b"a",
            b"\r\n.\r\n",
            b"\r\n..",
            b"\xff",
        ]);
        prop::collection::vec(pieces, 0..16).prop_map(|parts| parts.concat())
    }

    proptest! {
        #[test]
        fn q28_the_framer_agrees_with_the_slow_reference(input in hostile()) {
            let (fast, slow) = (frame(&[&input]), reference(&input));
            prop_assert_eq!(&fast.rest, &slow.rest);
            if slow.rest.is_some() {
                prop_assert_eq!(fast, slow);
            }
        }

        #[test]
        fn a_split_at_every_octet_changes_nothing(input in hostile()) {
            let whole = frame(&[&input]);
            for cut in 0..=input.len() {
                let (left, right) = input.split_at(cut);
                let split = frame(&[left, right]);
                prop_assert_eq!(&split.rest, &whole.rest);
                prop_assert_eq!(&split.content, &whole.content);
            }
            let octets: Vec<&[u8]> = input.chunks(1).collect();
            prop_assert_eq!(frame(&octets), whole);
        }

        #[test]
        fn what_the_client_stuffs_comes_out_as_it_was(lines in prop::collection::vec("[.a\u{e9}]{0,5}", 0..8)) {
            let content: String = lines.iter().flat_map(|line| [line, "\r\n"]).collect();
            let stuffed: String = lines
                .iter()
                .flat_map(|line| [if line.starts_with('.') { "." } else { "" }, line, "\r\n"])
                .chain([".\r\n"])
                .collect();
            prop_assert_eq!(frame(&[stuffed.as_bytes()]), ended(content.as_bytes()));
        }
    }
}
