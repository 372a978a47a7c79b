//! Values as they stand in the file.

use std::fmt::Display;
use std::net::{IpAddr, SocketAddr};
use std::ops::Range;
use std::path::PathBuf;

use storage::model::DomainName;
use toml::de::DeValue;

/// A value that is not what was expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mismatch {
    pub(super) expected: String,
    /// Where exactly, when it is a part of the value.
    pub(super) place: Option<Range<usize>>,
}

impl Mismatch {
    /// A mismatch of the whole value.
    pub(super) fn expected(expected: impl Into<String>) -> Self {
        Self {
            expected: expected.into(),
            place: None,
        }
    }

    /// The same mismatch at `place`, unless it already knows a finer one.
    pub(super) fn at(self, place: Range<usize>) -> Self {
        Self {
            place: Some(self.place.unwrap_or(place)),
            ..self
        }
    }
}

/// A type that a key can have.
pub(super) trait Value: Sized {
    /// What stands in the reference and in faults, e.g. `a size such as "50MiB"`.
    fn expected() -> String;
    /// Reads it.
    fn read(value: &DeValue<'_>) -> Result<Self, Mismatch>;
    /// The value as text, equal for equal values.
    fn shown(&self) -> String;
}

/// A type that stands in the file as a string.
pub(super) trait Text: Sized + Display {
    /// See [`Value::expected`].
    const EXPECTED: &'static str;
    /// Reads it; an error may say more precisely what was expected.
    fn from_text(text: &str) -> Result<Self, Option<String>>;
}

impl<T: Text> Value for T {
    fn expected() -> String {
        T::EXPECTED.to_owned()
    }

    fn read(value: &DeValue<'_>) -> Result<Self, Mismatch> {
        let DeValue::String(text) = value else {
            return Err(Mismatch::expected(T::EXPECTED));
        };
        T::from_text(text)
            .map_err(|expected| Mismatch::expected(expected.unwrap_or_else(|| T::EXPECTED.into())))
    }

    fn shown(&self) -> String {
        self.to_string()
    }
}

impl Value for bool {
    fn expected() -> String {
        "true or false".to_owned()
    }

    fn read(value: &DeValue<'_>) -> Result<Self, Mismatch> {
        match value {
            DeValue::Boolean(value) => Ok(*value),
            _ => Err(Mismatch::expected(Self::expected())),
        }
    }

    fn shown(&self) -> String {
        self.to_string()
    }
}

impl Value for u32 {
    fn expected() -> String {
        "a whole number".to_owned()
    }

    fn read(value: &DeValue<'_>) -> Result<Self, Mismatch> {
        let DeValue::Integer(number) = value else {
            return Err(Mismatch::expected(Self::expected()));
        };
        // What does not fit becomes a bound, which the caller's range then names.
        let read = i128::from_str_radix(number.as_str(), number.radix()).unwrap_or(i128::MAX);
        Ok(Self::try_from(read).unwrap_or(if read < 0 { 0 } else { Self::MAX }))
    }

    fn shown(&self) -> String {
        self.to_string()
    }
}

impl<T: Value> Value for Vec<T> {
    fn expected() -> String {
        format!("a list of: {}", T::expected())
    }

    fn read(value: &DeValue<'_>) -> Result<Self, Mismatch> {
        let DeValue::Array(items) = value else {
            return Err(Mismatch::expected(Self::expected()));
        };
        items
            .iter()
            .map(|item| T::read(item.get_ref()).map_err(|fault| fault.at(item.span())))
            .collect()
    }

    fn shown(&self) -> String {
        let items: Vec<String> = self.iter().map(Value::shown).collect();
        items.join(", ")
    }
}

impl Text for SocketAddr {
    const EXPECTED: &'static str =
        "an address and port such as \"127.0.0.1:2525\" or \"[::1]:2525\"";

    fn from_text(text: &str) -> Result<Self, Option<String>> {
        text.parse().map_err(|_| None)
    }
}

impl Text for IpAddr {
    const EXPECTED: &'static str = "an address such as \"192.0.2.1\" or \"2001:db8::1\"";

    fn from_text(text: &str) -> Result<Self, Option<String>> {
        text.parse().map_err(|_| None)
    }
}

impl Text for DomainName {
    const EXPECTED: &'static str = "a host name such as \"mx.example.net\"";

    fn from_text(text: &str) -> Result<Self, Option<String>> {
        let name: Self = text.parse().map_err(|_| None)?;
        if name.is_literal() || name.needs_utf8() {
            return Err(None);
        }
        Ok(name)
    }
}

/// A path as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FilePath(pub(super) PathBuf);

impl Display for FilePath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.display().fmt(f)
    }
}

impl Text for FilePath {
    const EXPECTED: &'static str = "a path";

    fn from_text(text: &str) -> Result<Self, Option<String>> {
        if text.is_empty() || text.contains('\0') {
            return Err(None);
        }
        Ok(Self(text.into()))
    }
}

/// An address with an optional port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NameServer(pub(super) SocketAddr);

/// RFC 1035 §4.2.
const DNS_PORT: u16 = 53;

impl Display for NameServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl Text for NameServer {
    const EXPECTED: &'static str = "an address such as \"192.0.2.53\" or \"192.0.2.53:5353\"";

    fn from_text(text: &str) -> Result<Self, Option<String>> {
        let with_port = text.parse::<SocketAddr>();
        let without = || text.parse::<IpAddr>().map(|ip| (ip, DNS_PORT).into());
        with_port.or_else(|_| without()).map(Self).map_err(|_| None)
    }
}
