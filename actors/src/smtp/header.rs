//! The header section of a message going by (RFC 5322 §2.2): collected up to its limit, then looked
//! at for loops (RFC 5321 §6.3) and bulk mail. Nothing in it is changed.

use bytes::BytesMut;

use super::limits::HEADER_SECTION_MAX;

/// Collects the header section from the front of the content. It ends before the first line that is
/// neither a field nor the continuation of one: the empty line, as a rule.
#[derive(Debug, Default)]
pub struct HeaderSection {
    bytes: BytesMut,
    /// Where the line begins whose end has not come yet.
    line_start: usize,
    is_complete: bool,
}

/// The header section is larger than 256 KiB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeaderTooLarge;

impl HeaderSection {
    /// Takes the next piece of content.
    ///
    /// # Errors
    /// When the header section exceeds its limit.
    pub fn push(&mut self, content: &[u8]) -> Result<(), HeaderTooLarge> {
        if self.is_complete {
            return Ok(());
        }
        let seen = self.bytes.len();
        let room = (HEADER_SECTION_MAX + 1).saturating_sub(seen);
        let taken = content.get(..room).unwrap_or(content);
        self.bytes.extend_from_slice(taken);
        for offset in memchr::memchr_iter(b'\n', taken) {
            let next = seen + offset + 1;
            let line = self.bytes.get(self.line_start..next).unwrap_or_default();
            if !is_header_line(line) {
                self.bytes.truncate(self.line_start);
                self.is_complete = true;
                return Ok(());
            }
            self.line_start = next;
        }
        if self.bytes.len() > HEADER_SECTION_MAX {
            return Err(HeaderTooLarge);
        }
        Ok(())
    }

    /// Whether its end has been seen.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        self.is_complete
    }

    /// The section so far, with the CRLF of its last line, without the empty line.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Takes the section out.
    #[must_use]
    pub fn into_bytes(self) -> bytes::Bytes {
        self.bytes.freeze()
    }
}

/// A field (RFC 5322 §2.2) or the continuation of one (§2.2.3).
pub(crate) fn is_header_line(line: &[u8]) -> bool {
    if matches!(line.first(), Some(b' ' | b'\t')) {
        return true;
    }
    let Some(colon) = memchr::memchr(b':', line) else {
        return false;
    };
    let name = line.get(..colon).unwrap_or_default().trim_ascii_end();
    !name.is_empty() && name.iter().all(u8::is_ascii_graphic)
}

/// What the header section tells us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct HeaderFacts {
    /// `Received` fields.
    pub received_fields: u32,
    /// `Received` fields that name us behind `by`.
    pub own_stamps: u32,
    /// `List-Id`, or `Precedence: bulk`, `list` or `junk`.
    pub is_bulk: bool,
    /// It is not ASCII: the message needs SMTPUTF8 (RFC 6532).
    pub has_utf8: bool,
}

impl HeaderFacts {
    /// Reads a header section; `host` is our own name.
    #[must_use]
    pub fn read(section: &[u8], host: &str) -> Self {
        let mut facts = Self {
            has_utf8: !section.is_ascii(),
            ..Self::default()
        };
        let mut rest = section;
        while !rest.is_empty() {
            let end = field_end(rest);
            let (field, next) = rest.split_at(end);
            rest = next;
            let Some(colon) = memchr::memchr(b':', field) else {
                continue;
            };
            let (name, value) = field.split_at(colon);
            let value = value.get(1..).unwrap_or_default();
            facts.read_field(name.trim_ascii_end(), value, host);
        }
        facts
    }

    fn read_field(&mut self, name: &[u8], value: &[u8], host: &str) {
        if name.eq_ignore_ascii_case(b"Received") {
            self.received_fields += 1;
            self.own_stamps += u32::from(names_us(value, host));
        } else if name.eq_ignore_ascii_case(b"List-Id") {
            self.is_bulk = true;
        } else if name.eq_ignore_ascii_case(b"Precedence") {
            let value = value.trim_ascii();
            self.is_bulk |= [&b"bulk"[..], b"list", b"junk"]
                .iter()
                .any(|word| value.eq_ignore_ascii_case(word));
        }
    }
}

/// Behind the CRLF that ends the field: the first one not followed by a space or tab (folding,
/// RFC 5322 §2.2.3).
fn field_end(section: &[u8]) -> usize {
    for position in memchr::memchr_iter(b'\n', section) {
        if !matches!(section.get(position + 1), Some(b' ' | b'\t')) {
            return position + 1;
        }
    }
    section.len()
}

fn names_us(value: &[u8], host: &str) -> bool {
    let mut words = value
        .split(u8::is_ascii_whitespace)
        .filter(|word| !word.is_empty());
    while let Some(word) = words.next() {
        if word.eq_ignore_ascii_case(b"by") {
            let name = words.next().unwrap_or_default();
            let name = name.strip_suffix(b";").unwrap_or(name);
            return name.eq_ignore_ascii_case(host.as_bytes());
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn section(pieces: &[&[u8]]) -> Result<Vec<u8>, HeaderTooLarge> {
        let mut section = HeaderSection::default();
        for piece in pieces {
            section.push(piece)?;
        }
        Ok(section.as_bytes().to_vec())
    }

    #[test]
    fn the_section_ends_at_the_first_empty_line() {
        assert_eq!(section(&[b"A: b\r\n\r\nbody\r\n"]).unwrap(), b"A: b\r\n");
        assert_eq!(section(&[b"\r\nbody\r\n"]).unwrap(), b"");
        assert_eq!(section(&[b"A: b\r\n"]).unwrap(), b"A: b\r\n");
        assert_eq!(section(&[]).unwrap(), b"");
        assert_eq!(
            section(&[b"A: b\r\n c\r\nno field\r\nD: e\r\n"]).unwrap(),
            b"A: b\r\n c\r\n"
        );
    }

    #[test]
    fn a_message_without_a_header_may_be_as_long_as_any() {
        let body = b"text without end\r\n".repeat(20_000);
        assert_eq!(section(&[&body]).unwrap(), b"");
    }

    #[test]
    fn q31_a_section_may_have_256_kib_and_no_more() {
        let line = b"X: y\r\n";
        let filling = line.repeat(HEADER_SECTION_MAX / line.len() + 1);
        assert_eq!(section(&[&filling]), Err(HeaderTooLarge));
        let fitting = &filling[..HEADER_SECTION_MAX - HEADER_SECTION_MAX % line.len()];
        assert_eq!(section(&[fitting, b"\r\n", &filling]).unwrap(), fitting);
    }

    #[test]
    fn in8_received_fields_and_our_own_stamps_are_counted() {
        let header = b"received: from a by b.example; x\r\n\
            Received : from a\r\n\t(x [192.0.2.1])\r\n\tby MX.Example.NET with ESMTP; y\r\n\
            X-Received: by mx.example.net\r\n\
            Received: from mx.example.net by c.example; z\r\n";
        let facts = HeaderFacts::read(header, "mx.example.net");
        assert_eq!(facts.received_fields, 3);
        assert_eq!(facts.own_stamps, 1);
        assert!(!facts.is_bulk && !facts.has_utf8);
    }

    #[test]
    fn bulk_mail_says_so() {
        for header in [
            &b"List-ID: <x>\r\n"[..],
            b"Precedence:  Bulk\r\n",
            b"precedence: list\r\n",
        ] {
            assert!(HeaderFacts::read(header, "h").is_bulk);
        }
        assert!(!HeaderFacts::read(b"Precedence: first-class\r\n", "h").is_bulk);
    }

    proptest! {
        #[test]
        fn pieces_do_not_matter(
            content in prop::collection::vec(prop::sample::select(b"\r\n:a ".to_vec()), 0..40),
            cut in 0_usize..40,
        ) {
            let (left, right) = content.split_at(cut.min(content.len()));
            prop_assert_eq!(section(&[left, right]), section(&[&content]));
            let _ = HeaderFacts::read(&content, "a");
        }
    }
}
