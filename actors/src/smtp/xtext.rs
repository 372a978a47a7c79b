//! `xtext` of RFC 3461 §4: how ENVID and ORCPT carry what a parameter may not.

/// Encodes: printable ASCII stays, `+`, `=` and everything else becomes `+XX`.
#[must_use]
pub fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if matches!(byte, b'!'..=b'~') && byte != b'+' && byte != b'=' {
            out.push(char::from(byte));
        } else {
            out.push('+');
            out.extend(hex(byte));
        }
    }
    out
}

/// Decodes; none when the text is no xtext, or decodes to controls or to broken UTF-8.
#[must_use]
pub fn decode(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut out = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'+' => unhex(bytes.next()?)? * 16 + unhex(bytes.next()?)?,
            b'=' => return None,
            b'!'..=b'~' => byte,
            _ => return None,
        });
    }
    let decoded = String::from_utf8(out).ok()?;
    (!decoded.chars().any(char::is_control)).then_some(decoded)
}

fn hex(byte: u8) -> [char; 2] {
    let digit = |value: u8| char::from(value + if value < 10 { b'0' } else { b'A' - 10 });
    [digit(byte >> 4), digit(byte & 15)]
}

/// RFC 3461 allows capital letters only.
const fn unhex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn in18_xtext_follows_rfc_3461() {
        assert_eq!(decode("a+20b"), Some("a b".to_owned()));
        for broken in ["a+2", "a+2g", "a+2b+", "a=b", "a b", "a+0D+0A", "+FF"] {
            assert_eq!(decode(broken), None, "{broken}");
        }
    }

    proptest! {
        #[test]
        fn decode_undoes_encode(text in "\\PC{0,80}") {
            prop_assume!(!text.chars().any(char::is_control));
            let encoded = encode(&text);
            prop_assert!(encoded.bytes().all(|byte| byte.is_ascii_graphic()));
            prop_assert_eq!(decode(&encoded), Some(text));
        }
    }
}
