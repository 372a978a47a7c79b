//! Content of senders that end lines by a bare CR or LF, for listeners that put up with it: such a
//! line end becomes CRLF. The end of DATA is still CRLF.CRLF and nothing else, so what the sloppy
//! write can never become a command (IN5). A NUL stays what it is: a fault.

use bytes::BytesMut;

const CRLF: &[u8] = b"\r\n";

/// What becomes of a bare CR or LF in a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Newlines {
    /// The message is refused: 550 5.6.0.
    #[default]
    Reject,
    /// It becomes CRLF.
    Normalise,
}

/// Where in a line the last octet was. A line is `hard` when CRLF stands before it, or nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    LineStart { hard: bool },
    Text,
    Cr,
    Dot { hard: bool },
    DotCr { hard: bool },
}

/// Takes the framing of DATA off and makes every line end a CRLF.
#[derive(Debug)]
pub struct SloppyData {
    at: At,
}

impl Default for SloppyData {
    fn default() -> Self {
        Self {
            at: At::LineStart { hard: true },
        }
    }
}

/// What one octet of DATA was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Octet {
    /// Content, or part of a line end.
    Taken,
    /// The last octet of the end of the data.
    End,
    /// A NUL, which is a fault.
    Nul,
}

impl SloppyData {
    /// Takes the next octet and appends what it adds to the content.
    pub fn push(&mut self, byte: u8, content: &mut BytesMut) -> Octet {
        match (self.at, byte) {
            (At::LineStart { hard }, b'.') => self.at = At::Dot { hard },
            (At::Dot { hard }, b'\r') => self.at = At::DotCr { hard },
            (At::DotCr { hard: true }, b'\n') => return Octet::End,
            (At::DotCr { hard: false }, b'\n') => self.end_dot_line(true, content),
            (At::Dot { .. }, b'\n') => self.end_dot_line(false, content),
            (At::DotCr { .. }, _) => {
                self.end_dot_line(false, content);
                return self.push(byte, content);
            }
            (At::Cr, b'\n') => self.end_line(true, content),
            (At::Cr, _) => {
                self.end_line(false, content);
                return self.push(byte, content);
            }
            // A dot at the start of a line with more behind it was put there by the sender.
            (At::LineStart { .. } | At::Text | At::Dot { .. }, _) => {
                return self.push_text(byte, content);
            }
        }
        Octet::Taken
    }

    fn push_text(&mut self, byte: u8, content: &mut BytesMut) -> Octet {
        match byte {
            b'\r' => self.at = At::Cr,
            b'\n' => self.end_line(false, content),
            _ => {
                self.at = At::Text;
                content.extend_from_slice(&[byte]);
            }
        }
        if byte == 0 { Octet::Nul } else { Octet::Taken }
    }

    fn end_line(&mut self, hard: bool, content: &mut BytesMut) {
        content.extend_from_slice(CRLF);
        self.at = At::LineStart { hard };
    }

    /// A line of one dot that does not end the data is a line of one dot.
    fn end_dot_line(&mut self, hard: bool, content: &mut BytesMut) {
        content.extend_from_slice(b".");
        self.end_line(hard, content);
    }
}

/// Makes every line end in counted content a CRLF.
#[derive(Debug, Default)]
pub struct SloppyChunks {
    after_cr: bool,
}

impl SloppyChunks {
    /// Takes the next piece and appends it to `content`.
    pub fn push(&mut self, piece: &[u8], content: &mut BytesMut) {
        for byte in piece {
            match (self.after_cr, *byte) {
                // The CRLF is there since its CR was.
                (true, b'\n') => {}
                (_, b'\r' | b'\n') => content.extend_from_slice(CRLF),
                (_, byte) => content.extend_from_slice(&[byte]),
            }
            self.after_cr = *byte == b'\r';
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The content and what is left behind the end; none when the data has not ended.
    fn data(input: &[u8]) -> (Vec<u8>, Option<Vec<u8>>) {
        let (mut framer, mut content) = (SloppyData::default(), BytesMut::new());
        for (index, byte) in input.iter().enumerate() {
            if framer.push(*byte, &mut content) == Octet::End {
                return (content.to_vec(), Some(input[index + 1..].to_vec()));
            }
        }
        (content.to_vec(), None)
    }

    fn chunks(input: &[u8]) -> Vec<u8> {
        let (mut chunks, mut content) = (SloppyChunks::default(), BytesMut::new());
        chunks.push(input, &mut content);
        content.to_vec()
    }

    #[test]
    fn in5_bare_line_ends_become_crlf_and_never_end_the_data() {
        let table: [(&[u8], &[u8]); 12] = [
            (b"a\nb\r\n", b"a\r\nb\r\n"),
            (b"a\rb\r\n", b"a\r\nb\r\n"),
            (b"a\n.\nb\r\n", b"a\r\n.\r\nb\r\n"),
            (b"a\n.\r\nb\r\n", b"a\r\n.\r\nb\r\n"),
            (b"a\r\n.\nb\r\n", b"a\r\n.\r\nb\r\n"),
            (b"a\r\n.\rb\r\n", b"a\r\n.\r\nb\r\n"),
            (b"a\r.\rb\r\n", b"a\r\n.\r\nb\r\n"),
            (b"a\n..b\n", b"a\r\n.b\r\n"),
            (b"a\n.b\r\n", b"a\r\nb\r\n"),
            (b"..\r\n", b".\r\n"),
            (b".\n", b".\r\n"),
            (b"a\r\r\nb\r\n", b"a\r\n\r\nb\r\n"),
        ];
        for (input, expected) in table {
            let ended = [input, b".\r\nQUIT\r\n"].concat();
            let (content, rest) = data(&ended);
            if input.ends_with(b"\r\n") {
                assert_eq!(content, expected, "{input:?}");
                assert_eq!(rest.as_deref(), Some(&b"QUIT\r\n"[..]), "{input:?}");
            } else {
                // Behind a bare LF the dot is a line of its own.
                assert_eq!(rest, None, "{input:?}");
            }
        }
    }

    #[test]
    fn in5_chunks_are_made_canonical_too() {
        assert_eq!(chunks(b"a\nb\rc\r\nd\r"), b"a\r\nb\r\nc\r\nd\r\n");
        assert_eq!(chunks(b"\r\r\n\n"), b"\r\n\r\n\r\n");
    }

    fn is_canonical(content: &[u8]) -> bool {
        let without = content.to_vec();
        let text = String::from_utf8_lossy(&without).replace("\r\n", "");
        !text.contains(['\r', '\n'])
    }

    proptest! {
        #[test]
        fn in5_only_the_real_end_ends_and_what_comes_out_is_canonical(
            pieces in prop::collection::vec(
                prop::sample::select(vec!["\r\n", "\r", "\n", ".", "a", "..", "\r\n.\r\n"]), 0..14),
        ) {
            let input = pieces.concat();
            let real_end = format!("\r\n{input}").find("\r\n.\r\n").map(|at| at + 3);
            let (content, rest) = data(input.as_bytes());
            prop_assert_eq!(rest.as_deref(), real_end.map(|end| &input.as_bytes()[end..]));
            prop_assert!(is_canonical(&content));
            prop_assert!(is_canonical(&chunks(input.as_bytes())));
        }

        #[test]
        fn what_is_canonical_stays_as_it_is(lines in prop::collection::vec("[a.]{0,4}", 0..8)) {
            let content: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
            prop_assert_eq!(chunks(content.as_bytes()), content.as_bytes());
            let stuffed: String = lines.iter()
                .map(|line| format!("{}{line}\r\n", if line.starts_with('.') { "." } else { "" }))
                .chain([".\r\n".to_owned()]).collect();
            prop_assert_eq!(data(stuffed.as_bytes()), (content.into_bytes(), Some(Vec::new())));
        }
    }
}
