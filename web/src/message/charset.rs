//! Bytes of a text part to text (H2): by its declared charset, a byte-order mark, a `meta` element, or
//! a look at the bytes.
//!
//! UTF-7 and `x-user-defined` do not exist here: their bytes are read as ASCII, so `+ADw-` stays
//! what it looks like.

use encoding_rs::{Encoding, UTF_8, WINDOWS_1252, X_USER_DEFINED};

/// Bytes of HTML in which a `meta` element may declare the charset.
const META_WINDOW: usize = 1024;

/// Decodes a part; `is_html` lets a `meta` element speak when nothing else does.
#[must_use]
pub fn decode(bytes: &[u8], declared: Option<&str>, is_html: bool) -> String {
    let encoding = match declared.map(label) {
        Some(Label::Known(encoding)) => encoding,
        Some(Label::Ascii) => return cleaned(&ascii(bytes)),
        Some(Label::Unknown) | None => match guess(bytes, is_html) {
            Some(encoding) => encoding,
            None => return cleaned(&ascii(bytes)),
        },
    };
    let (text, _, _) = encoding.decode(bytes);
    cleaned(&text)
}

enum Label {
    Known(&'static Encoding),
    /// Named on purpose so that its bytes mean nothing special.
    Ascii,
    Unknown,
}

fn label(name: &str) -> Label {
    let name = name.trim().trim_matches(['"', '\'']);
    if name.to_ascii_lowercase().contains("utf-7") || name.eq_ignore_ascii_case("utf7") {
        return Label::Ascii;
    }
    match Encoding::for_label(name.as_bytes()) {
        Some(encoding) if encoding == X_USER_DEFINED || encoding == encoding_rs::REPLACEMENT => {
            Label::Ascii
        }
        Some(encoding) => Label::Known(encoding),
        None => Label::Unknown,
    }
}

/// What undeclared bytes are; none for ASCII.
fn guess(bytes: &[u8], is_html: bool) -> Option<&'static Encoding> {
    if let Some((encoding, _)) = Encoding::for_bom(bytes) {
        return Some(encoding);
    }
    if is_html && let Some(name) = meta_charset(bytes) {
        match label(&name) {
            // A document that is read byte by byte to find this cannot be UTF-16.
            Label::Known(encoding) if !encoding.is_ascii_compatible() => return Some(UTF_8),
            Label::Known(encoding) => return Some(encoding),
            Label::Ascii => return None,
            Label::Unknown => {}
        }
    }
    let is_utf8 = std::str::from_utf8(bytes).is_ok();
    Some(if is_utf8 { UTF_8 } else { WINDOWS_1252 })
}

/// The charset that a `meta` element near the start names.
fn meta_charset(bytes: &[u8]) -> Option<String> {
    let window = bytes.get(..META_WINDOW).unwrap_or(bytes);
    let head = String::from_utf8_lossy(window).to_ascii_lowercase();
    let mut rest = head.as_str();
    while let Some(at) = rest.find("<meta") {
        rest = rest.get(at + 5..)?;
        let tag = rest.split('>').next()?;
        if let Some((_, value)) = tag.split_once("charset=") {
            let value = value.trim_start_matches(['"', '\'', ' ']);
            let name: String = value
                .chars()
                .take_while(|letter| letter.is_ascii_alphanumeric() || "-_:.".contains(*letter))
                .collect();
            return Some(name);
        }
    }
    None
}

/// ASCII, with a replacement for everything else.
fn ascii(bytes: &[u8]) -> String {
    bytes
        .iter()
        .map(|byte| {
            if byte.is_ascii() {
                char::from(*byte)
            } else {
                '\u{fffd}'
            }
        })
        .collect()
}

/// Text without NUL, C1 and other controls that no text has.
fn cleaned(text: &str) -> String {
    text.chars()
        .filter(|letter| !letter.is_control() || matches!(letter, '\t' | '\n' | '\r' | '\u{c}'))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn h2_charsets_are_decoded_in_the_order_of_their_weight() {
        for (bytes, declared, wanted) in [
            (&b"gr\xfc\xdfe"[..], Some("iso-8859-1"), "grüße"),
            (b"gr\xc3\xbc\xc3\x9fe", Some("utf-8"), "grüße"),
            (b"gr\xc3\xbc\xc3\x9fe", None, "grüße"),
            (b"gr\xfc\xdfe", None, "grüße"),
            (b"\xff\xfeh\0i\0", None, "hi"),
            (
                b"<meta charset=koi8-r>\xd0\xd2",
                None,
                "<meta charset=koi8-r>пр",
            ),
            (b"<meta charset=utf-16>x", None, "<meta charset=utf-16>x"),
            (b"\x82\xb1", Some("shift_jis"), "こ"),
            (b"\x1b$B$3\x1b(B", Some("iso-2022-jp"), "こ"),
            (b"a\0b\x85c\x1bd", Some("no-such-thing"), "ab…cd"),
            (b"+ADw-script+AD4-", Some("utf-7"), "+ADw-script+AD4-"),
            (b"+ADw-", Some("UNICODE-1-1-UTF-7"), "+ADw-"),
            (
                b"<meta charset=utf-7>+ADw-",
                None,
                "<meta charset=utf-7>+ADw-",
            ),
            (b"\xbcx", Some("x-user-defined"), "\u{fffd}x"),
            (b"~{<script~}", Some("hz-gb-2312"), "~{<script~}"),
        ] {
            assert_eq!(decode(bytes, declared, true), wanted, "{declared:?}");
        }
    }
}
