//! A reply (RFC 5321 §4.2) with its enhanced status code (RFC 2034, RFC 3463).
//!
//! Whatever the text holds, what [`Reply::write_to`] prints is lines of at most 512 octets, each
//! ended by CRLF, without control characters.

use storage::model::EnhancedStatus;

use super::limits::REPLY_LINE_MAX;

/// A reply as sent or received: one code, an optional enhanced code, one or more lines of text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// Three digits, 200–599.
    pub code: u16,
    /// The enhanced code that stands before the text of every line, when there is one.
    pub enhanced: Option<EnhancedStatus>,
    /// The text of each line, without codes and line ends; at least one line, possibly empty.
    pub lines: Vec<String>,
}

impl Reply {
    /// A reply of one line without an enhanced code: greeting, EHLO, 354 (RFC 2034 §4).
    #[must_use]
    pub fn plain(code: u16, text: impl Into<String>) -> Self {
        Self {
            code,
            enhanced: None,
            lines: vec![text.into()],
        }
    }

    /// A reply of one line with an enhanced code, whose class is that of the code.
    #[must_use]
    pub fn new(code: u16, (subject, detail): (u16, u16), text: impl Into<String>) -> Self {
        let class = u8::try_from(code / 100).unwrap_or(5);
        Self {
            code,
            enhanced: Some(EnhancedStatus::new(class, subject, detail)),
            lines: vec![text.into()],
        }
    }

    /// 2yz: done.
    #[must_use]
    pub const fn is_positive(&self) -> bool {
        self.code / 100 == 2
    }

    /// 4yz: try again later.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        self.code / 100 == 4
    }

    /// 5yz: never.
    #[must_use]
    pub const fn is_permanent(&self) -> bool {
        self.code / 100 == 5
    }

    /// The text of all lines, joined by a space.
    #[must_use]
    pub fn text(&self) -> String {
        self.lines.join(" ")
    }

    /// Appends the reply as it goes over the wire.
    pub fn write_to(&self, out: &mut Vec<u8>) {
        let enhanced = self.enhanced.map(|status| status.to_string());
        let last = self.lines.len().saturating_sub(1);
        if self.lines.is_empty() {
            write_line(out, self.code, b' ', enhanced.as_deref(), "");
        }
        for (index, line) in self.lines.iter().enumerate() {
            let separator = if index == last { b' ' } else { b'-' };
            write_line(out, self.code, separator, enhanced.as_deref(), line);
        }
    }
}

fn write_line(out: &mut Vec<u8>, code: u16, separator: u8, enhanced: Option<&str>, text: &str) {
    let start = out.len();
    out.extend_from_slice(code.to_string().as_bytes());
    out.push(separator);
    if let Some(enhanced) = enhanced {
        out.extend_from_slice(enhanced.as_bytes());
        out.push(b' ');
    }
    let mut room = REPLY_LINE_MAX.saturating_sub(out.len() - start + 2);
    for c in text.chars() {
        let c = if c.is_control() { ' ' } else { c };
        let Some(left) = room.checked_sub(c.len_utf8()) else {
            break;
        };
        room = left;
        out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
    }
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn printed(reply: &Reply) -> String {
        let mut out = Vec::new();
        reply.write_to(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn in19_every_line_carries_the_enhanced_code() {
        let mut reply = Reply::new(550, (1, 1), "no such mailbox");
        reply.lines.push("ask postmaster".to_owned());
        assert_eq!(
            printed(&reply),
            "550-5.1.1 no such mailbox\r\n550 5.1.1 ask postmaster\r\n"
        );
    }

    #[test]
    fn replies_without_enhanced_code_print_none() {
        assert_eq!(printed(&Reply::plain(354, "go on")), "354 go on\r\n");
    }

    #[test]
    fn q41_text_from_outside_starts_no_new_line() {
        let reply = Reply::new(550, (1, 1), "a\r\n250 2.0.0 fooled\0");
        assert_eq!(printed(&reply), "550 5.1.1 a  250 2.0.0 fooled \r\n");
    }

    proptest! {
        #[test]
        fn no_text_makes_a_line_too_long(text in "\\PC{0,600}", code in 200_u16..600) {
            let out = printed(&Reply::new(code, (0, 0), text));
            prop_assert!(out.len() <= REPLY_LINE_MAX);
            prop_assert_eq!(out.matches("\r\n").count(), 1);
            prop_assert!(out.ends_with("\r\n"));
        }
    }
}
