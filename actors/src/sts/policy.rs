//! A policy (RFC 8461 §3.2) and which exchangers it permits (§4.1).

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Octets of a policy, at most (§3.2 suggests 64 KiB).
pub(super) const POLICY_BYTES_MAX: usize = 64 * 1024;
/// Patterns of a policy, at most: more exchangers are never asked either.
const PATTERNS_MAX: usize = 256;
/// The longest `max_age` (§3.2), in seconds.
const MAX_AGE_MAX: u64 = 31_557_600;

/// What happens when no exchanger keeps to the policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mode {
    /// Mail is not sent there.
    Enforce,
    /// Mail is sent all the same; failures are only reported.
    Testing,
    /// The domain has no policy any more.
    None,
}

/// An exchanger's name in a policy, in lower case; `*.` in front stands for one label.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MxPattern(String);

impl MxPattern {
    fn new(text: &str) -> Option<Self> {
        let name = text.to_ascii_lowercase();
        let bare = name.strip_prefix("*.").unwrap_or(&name);
        let label = |label: &str| {
            let mut bytes = label.bytes();
            !label.is_empty()
                && label.len() <= 63
                && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        };
        (name.len() <= 255 && bare.split('.').all(label)).then_some(Self(name))
    }

    /// Whether an exchanger's name is meant; the wildcard stands for exactly one label (§4.1).
    #[must_use]
    pub fn matches(&self, host: &str) -> bool {
        let host = host.strip_suffix('.').unwrap_or(host);
        match self.0.strip_prefix("*.") {
            None => host.eq_ignore_ascii_case(&self.0),
            Some(parent) => host.split_once('.').is_some_and(|(label, rest)| {
                !label.is_empty() && rest.eq_ignore_ascii_case(parent)
            }),
        }
    }
}

/// What a domain asks of those who send to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// How strictly.
    pub mode: Mode,
    /// Exchangers that may be used; empty only in [`Mode::None`].
    pub mx: Vec<MxPattern>,
    /// How long it may be kept, in seconds.
    pub max_age_secs: u64,
}

/// Why a text is no policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// Longer than 64 KiB.
    #[error("the policy is longer than {POLICY_BYTES_MAX} octets")]
    TooLong,
    /// No UTF-8.
    #[error("the policy is no text")]
    NoText,
    /// A line is none of `key: value`.
    #[error("line {0} of the policy is no `key: value`")]
    Line(usize),
    /// A field is missing or has no sound value.
    #[error("the policy has no sound `{0}`")]
    Field(&'static str),
}

impl Policy {
    /// Reads a policy. Of a field that stands there twice the first counts, except `mx`; unknown
    /// fields are passed over.
    ///
    /// # Errors
    /// [`PolicyError`].
    pub fn parse(text: &[u8]) -> Result<Self, PolicyError> {
        if text.len() > POLICY_BYTES_MAX {
            return Err(PolicyError::TooLong);
        }
        let text = std::str::from_utf8(text).map_err(|_| PolicyError::NoText)?;
        let (mut version, mut mode, mut max_age) = (None, None, None);
        let mut mx = Vec::new();
        for (number, line) in text.lines().enumerate() {
            if line.trim().is_empty() {
                continue;
            }
            let field = line.split_once(':').ok_or(PolicyError::Line(number + 1))?;
            let value = field.1.trim();
            match field.0.trim() {
                "version" => version = version.or(Some(value)),
                "mode" => mode = mode.or(Some(value)),
                "max_age" => max_age = max_age.or(Some(value)),
                "mx" if mx.len() < PATTERNS_MAX => {
                    mx.push(MxPattern::new(value).ok_or(PolicyError::Field("mx"))?);
                }
                _ => {}
            }
        }
        if version != Some("STSv1") {
            return Err(PolicyError::Field("version"));
        }
        let mode = match mode {
            Some("enforce") => Mode::Enforce,
            Some("testing") => Mode::Testing,
            Some("none") => Mode::None,
            _ => return Err(PolicyError::Field("mode")),
        };
        if mx.is_empty() && mode != Mode::None {
            return Err(PolicyError::Field("mx"));
        }
        let digits = |text: &&str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let max_age = max_age.filter(digits).and_then(|age| age.parse().ok());
        let max_age: u64 = max_age.ok_or(PolicyError::Field("max_age"))?;
        Ok(Self {
            mode,
            mx,
            max_age_secs: max_age.min(MAX_AGE_MAX),
        })
    }

    /// Whether an exchanger is one of those that the domain has named.
    #[must_use]
    pub fn permits(&self, host: &str) -> bool {
        self.mx.iter().any(|pattern| pattern.matches(host))
    }

    /// How long it may be kept.
    #[must_use]
    pub const fn max_age(&self) -> Duration {
        Duration::from_secs(self.max_age_secs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const GOOD: &str = "version: STSv1\r\nmode: enforce\r\nmx: mail.example.com\r\n\
        mx: *.example.net\r\nmx: backupmx.example.com\r\nmax_age: 604800\r\n";

    #[test]
    fn out15_the_policy_of_the_rfc_is_read_with_either_line_end() {
        for text in [GOOD.to_owned(), GOOD.replace("\r\n", "\n")] {
            let policy = Policy::parse(text.as_bytes()).unwrap();
            assert_eq!((policy.mode, policy.mx.len()), (Mode::Enforce, 3));
            assert_eq!(policy.max_age(), Duration::from_secs(604_800));
        }
        let order = "max_age:1\nfuture: x\nmode :testing\nmode: none\nmx:A.example\nversion:STSv1";
        let policy = Policy::parse(order.as_bytes()).unwrap();
        assert_eq!(policy.mode, Mode::Testing);
        assert!(policy.permits("a.EXAMPLE"));
        let none = Policy::parse(b"version: STSv1\nmode: none\nmax_age: 99999999999").unwrap();
        assert_eq!((none.mode, none.max_age_secs), (Mode::None, MAX_AGE_MAX));
    }

    #[test]
    fn out15_what_is_no_policy_is_refused_by_its_reason() {
        for (from, to, error) in [
            ("STSv1", "STSv2", PolicyError::Field("version")),
            ("version: STSv1\r\n", "", PolicyError::Field("version")),
            ("enforce", "enforced", PolicyError::Field("mode")),
            ("604800", "-1", PolicyError::Field("max_age")),
            ("604800", "+1", PolicyError::Field("max_age")),
            ("max_age", "maxage", PolicyError::Field("max_age")),
            ("mail.example.com", "a..b", PolicyError::Field("mx")),
            ("mail.example.com", "*.*.b", PolicyError::Field("mx")),
            ("mode: ", "mode ", PolicyError::Line(2)),
            ("mx: ", "ex: ", PolicyError::Field("mx")),
        ] {
            let text = GOOD.replace(from, to);
            assert_eq!(Policy::parse(text.as_bytes()), Err(error), "{text}");
        }
        let long = vec![b'\n'; POLICY_BYTES_MAX + 1];
        assert_eq!(Policy::parse(&long), Err(PolicyError::TooLong));
        assert_eq!(Policy::parse(b"\xff"), Err(PolicyError::NoText));
    }

    #[test]
    fn out15_a_wildcard_stands_for_one_label() {
        let policy = Policy::parse(GOOD.as_bytes()).unwrap();
        for (host, permitted) in [
            ("mail.example.com", true),
            ("Mail.Example.com.", true),
            ("mx1.example.net", true),
            ("a.mx1.example.net", false),
            ("example.net", false),
            (".example.net", false),
            ("mail.example.com.evil.example", false),
            ("evil-mail.example.com", false),
        ] {
            assert_eq!(policy.permits(host), permitted, "{host}");
        }
    }

    proptest! {
        #[test]
        fn out15_no_text_panics_and_what_is_read_is_sound(text in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Policy::parse(&text);
        }

        #[test]
        fn out15_no_near_policy_panics(text in "((version|mode|mx|max_age): ?(STSv1|enforce|none|[*.a-c]{0,5}|[0-9]{0,4})\r?\n){0,6}") {
            if let Ok(policy) = Policy::parse(text.as_bytes()) {
                prop_assert!(policy.max_age_secs <= MAX_AGE_MAX);
                prop_assert!(policy.mode == Mode::None || !policy.mx.is_empty());
            }
        }
    }
}
