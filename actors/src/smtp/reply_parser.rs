//! Reading a peer's replies (RFC 5321 §4.2.1) from bytes that arrive in any pieces.
//!
//! Lenient where that is safe (a bare LF ends a line, differing codes in one reply: the last line
//! decides), strict where memory is at stake: at most 100 lines of 2,048 octets.

use storage::model::EnhancedStatus;

use super::limits::{PEER_REPLY_LINE_MAX, PEER_REPLY_LINES_MAX};
use super::reply::Reply;

/// What arrived is no reply. The connection is of no further use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReplyError {
    /// A line does not begin with three digits and a space, a hyphen or its end.
    #[error("the peer's answer is not an SMTP reply")]
    Malformed,
    /// A line longer than 2,048 octets.
    #[error("the peer's reply has a line of more than {PEER_REPLY_LINE_MAX} octets")]
    LineTooLong,
    /// More than 100 lines.
    #[error("the peer's reply has more than {PEER_REPLY_LINES_MAX} lines")]
    TooManyLines,
}

/// Collects bytes into replies.
#[derive(Debug, Default)]
pub struct ReplyParser {
    line: Vec<u8>,
    lines: Vec<String>,
}

impl ReplyParser {
    /// Takes bytes from the front of `input` until a reply is complete. `input` is shortened by what
    /// was taken; the rest belongs to the next reply.
    ///
    /// # Errors
    /// When the peer does not speak SMTP or says too much.
    pub fn push(&mut self, input: &mut &[u8]) -> Result<Option<Reply>, ReplyError> {
        while let Some(end) = memchr::memchr(b'\n', input) {
            let (line, rest) = input.split_at(end);
            self.extend(line)?;
            *input = rest.get(1..).unwrap_or_default();
            if let Some(reply) = self.end_line()? {
                return Ok(Some(reply));
            }
        }
        self.extend(input)?;
        *input = &[];
        Ok(None)
    }

    /// Whether a reply has begun and not ended.
    #[must_use]
    pub const fn is_partial(&self) -> bool {
        !self.line.is_empty() || !self.lines.is_empty()
    }

    fn extend(&mut self, bytes: &[u8]) -> Result<(), ReplyError> {
        if self.line.len() + bytes.len() > PEER_REPLY_LINE_MAX {
            return Err(ReplyError::LineTooLong);
        }
        self.line.extend_from_slice(bytes);
        Ok(())
    }

    fn end_line(&mut self) -> Result<Option<Reply>, ReplyError> {
        let raw = std::mem::take(&mut self.line);
        let raw = raw.strip_suffix(b"\r").unwrap_or(&raw);
        let (code, rest) = split_code(raw).ok_or(ReplyError::Malformed)?;
        let (last, text) = match rest.split_first() {
            None => (true, rest),
            Some((b' ', text)) => (true, text),
            Some((b'-', text)) => (false, text),
            Some(_) => return Err(ReplyError::Malformed),
        };
        if self.lines.len() == PEER_REPLY_LINES_MAX {
            return Err(ReplyError::TooManyLines);
        }
        self.lines.push(clean(text));
        Ok(last.then(|| finish(code, std::mem::take(&mut self.lines))))
    }
}

fn split_code(line: &[u8]) -> Option<(u16, &[u8])> {
    let (digits, rest) = line.split_at_checked(3)?;
    let code: u16 = std::str::from_utf8(digits).ok()?.parse().ok()?;
    let sound = digits.iter().all(u8::is_ascii_digit) && (200..600).contains(&code);
    sound.then_some((code, rest))
}

fn clean(text: &[u8]) -> String {
    let replace = |c: char| if c.is_control() { ' ' } else { c };
    String::from_utf8_lossy(text).chars().map(replace).collect()
}

/// Takes the enhanced code off every line that repeats it.
fn finish(code: u16, mut lines: Vec<String>) -> Reply {
    let class = code / 100;
    let enhanced = lines
        .first()
        .and_then(|line| enhanced_status(line))
        .filter(|status| u16::from(status.class) == class);
    if let Some(status) = enhanced {
        let prefix = status.to_string();
        for line in &mut lines {
            if let Some(rest) = line.strip_prefix(&prefix) {
                *line = rest.trim_start().to_owned();
            }
        }
    }
    Reply {
        code,
        enhanced,
        lines,
    }
}

/// `class "." subject "." detail` followed by a space or the end (RFC 3463 §2).
fn enhanced_status(line: &str) -> Option<EnhancedStatus> {
    let word = line.split(' ').next()?;
    let mut parts = word.split('.');
    let class = parts.next()?;
    let (subject, detail) = (parts.next()?, parts.next()?);
    let number = |part: &str| {
        let canonical = (1..=3).contains(&part.len())
            && part.bytes().all(|byte| byte.is_ascii_digit())
            && (part == "0" || !part.starts_with('0'));
        canonical.then(|| part.parse::<u16>().ok()).flatten()
    };
    if parts.next().is_some() || !matches!(class, "2" | "4" | "5") {
        return None;
    }
    Some(EnhancedStatus::new(
        class.parse().ok()?,
        number(subject)?,
        number(detail)?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse_all(pieces: &[&[u8]]) -> Result<Vec<Reply>, ReplyError> {
        let mut parser = ReplyParser::default();
        let mut replies = Vec::new();
        for piece in pieces {
            let mut input = *piece;
            while let Some(reply) = parser.push(&mut input)? {
                replies.push(reply);
            }
        }
        Ok(replies)
    }

    #[test]
    fn several_lines_make_one_reply() {
        let replies = parse_all(&[b"250-mx.example\r\n250-SIZE 1000\r\n250 8BITMIME\r\n"]).unwrap();
        assert_eq!(replies.len(), 1);
        assert_eq!(replies[0].lines, ["mx.example", "SIZE 1000", "8BITMIME"]);
    }

    #[test]
    fn the_enhanced_code_is_taken_off_every_line() {
        let replies = parse_all(&[b"550-5.1.1 no\r\n550 5.1.1 such user\r\n"]).unwrap();
        assert_eq!(replies[0].enhanced, Some(EnhancedStatus::new(5, 1, 1)));
        assert_eq!(replies[0].text(), "no such user");
    }

    #[test]
    fn what_only_looks_like_an_enhanced_code_is_text() {
        for line in [
            "250 4.1.1 odd\r\n",
            "550 5.1 x\r\n",
            "550 5.1.1.1 x\r\n",
            "550 5.01.1 x\r\n",
            "250 2.0.0x\r\n",
        ] {
            let replies = parse_all(&[line.as_bytes()]).unwrap();
            assert_eq!(replies[0].enhanced, None, "{line}");
        }
    }

    #[test]
    fn short_and_sloppy_replies_are_understood() {
        let replies = parse_all(&[b"250\r\n354 \r\n220 hi\n"]).unwrap();
        let codes: Vec<u16> = replies.iter().map(|reply| reply.code).collect();
        assert_eq!(codes, [250, 354, 220]);
    }

    #[test]
    fn q22_what_is_no_reply_or_never_ends_is_refused() {
        assert_eq!(parse_all(&[b"SSH-2.0-x\r\n"]), Err(ReplyError::Malformed));
        assert_eq!(parse_all(&[b"25\r\n"]), Err(ReplyError::Malformed));
        assert_eq!(parse_all(&[b"150 x\r\n"]), Err(ReplyError::Malformed));
        assert_eq!(parse_all(&[b"2500 x\r\n"]), Err(ReplyError::Malformed));
        assert_eq!(parse_all(&[b"+50 x\r\n"]), Err(ReplyError::Malformed));
        let long = vec![b'2'; PEER_REPLY_LINE_MAX + 1];
        assert_eq!(parse_all(&[&long]), Err(ReplyError::LineTooLong));
        let endless = b"250-x\r\n".repeat(PEER_REPLY_LINES_MAX + 1);
        assert_eq!(parse_all(&[&endless]), Err(ReplyError::TooManyLines));
    }

    proptest! {
        #[test]
        fn pieces_do_not_matter(text in "[ -~]{0,60}", code in 200_u16..600, cut in 0_usize..100) {
            let mut reply = Reply::plain(code, text);
            reply.lines.push("second".to_owned());
            let mut bytes = Vec::new();
            reply.write_to(&mut bytes);
            let (left, right) = bytes.split_at(cut.min(bytes.len()));
            prop_assert_eq!(parse_all(&[left, right]), parse_all(&[&bytes]));
        }

        #[test]
        fn what_we_print_parses_back(text in "[a-z][ -~]{0,60}", class in prop::sample::select(vec![2_u16, 4, 5]), status in (0_u16..1000, 0_u16..1000)) {
            let reply = Reply::new(class * 100 + 50, status, text);
            let mut bytes = Vec::new();
            reply.write_to(&mut bytes);
            prop_assert_eq!(parse_all(&[&bytes]), Ok(vec![reply]));
        }

        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..5000)) {
            let _ = parse_all(&[&bytes]);
        }
    }
}
