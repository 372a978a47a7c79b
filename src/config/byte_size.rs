//! Sizes such as `50MiB`.

use std::fmt;

use super::value::Text;

/// A number of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteSize(u64);

impl ByteSize {
    /// A size in bytes.
    #[must_use]
    pub const fn new(bytes: u64) -> Self {
        Self(bytes)
    }

    /// In bytes.
    #[must_use]
    pub const fn bytes(self) -> u64 {
        self.0
    }
}

/// Largest first, so that printing takes the largest that divides.
const UNITS: [(&str, u64); 5] = [
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("B", 1),
];

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = UNITS
            .iter()
            .find(|(_, factor)| self.0.is_multiple_of(*factor) && self.0 > 0);
        let (name, factor) = unit.copied().unwrap_or(("B", 1));
        write!(f, "{}{name}", self.0 / factor)
    }
}

impl Text for ByteSize {
    const EXPECTED: &'static str = "a size such as \"50MiB\" (B, KiB, MiB, GiB, TiB)";

    fn from_text(text: &str) -> Result<Self, Option<String>> {
        let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
        let unit = text.get(digits.len()..).unwrap_or_default().trim_start();
        let number: u64 = digits.parse().map_err(|_| None)?;
        UNITS
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(unit))
            .and_then(|(_, factor)| number.checked_mul(*factor))
            .map(Self)
            .ok_or(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units_and_print_as_they_are_read() {
        for (text, bytes) in [
            ("50MiB", 50 << 20),
            ("1 KiB", 1024),
            ("7B", 7),
            ("2gib", 2 << 30),
        ] {
            let size = ByteSize::from_text(text).unwrap();
            assert_eq!(size.bytes(), bytes, "{text}");
            assert_eq!(ByteSize::from_text(&size.to_string()), Ok(size));
        }
        for text in ["", "MiB", "50", "50MB", "-1MiB", "1.5MiB", "99999999999TiB"] {
            assert!(ByteSize::from_text(text).is_err(), "{text}");
        }
    }
}
