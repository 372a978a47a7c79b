//! What a peer announced in its answer to EHLO (RFC 5321 §4.1.1.1).

use super::super::reply::Reply;
use super::xforward::Attribute;

/// The extensions that change what we send. All false until an EHLO was answered, and again after
/// STARTTLS (RFC 3207 §4.2).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Capabilities {
    /// The largest message the peer takes, when it announced one (RFC 1870); zero is no limit.
    pub size_max: Option<u64>,
    /// SIZE was announced, with or without a figure.
    pub size: bool,
    /// RFC 2920.
    pub pipelining: bool,
    /// RFC 3030.
    pub chunking: bool,
    /// RFC 6152.
    pub eight_bit_mime: bool,
    /// RFC 6531.
    pub smtputf8: bool,
    /// RFC 3461.
    pub dsn: bool,
    /// RFC 2034.
    pub enhanced_status_codes: bool,
    /// RFC 3207.
    pub starttls: bool,
    /// RFC 8689.
    pub require_tls: bool,
    /// AUTH PLAIN (RFC 4954, RFC 4616).
    pub auth_plain: bool,
    /// AUTH LOGIN, which old servers have.
    pub auth_login: bool,
    /// What XFORWARD may tell; empty when it was not announced.
    pub xforward: Vec<Attribute>,
    /// `RCPTMAX` of RFC 9422.
    pub recipients_max: Option<u32>,
    /// `MAILMAX` of RFC 9422.
    pub messages_max: Option<u32>,
}

impl Capabilities {
    /// Reads the answer to EHLO; the first line is the peer's greeting, unknown words are ignored.
    #[must_use]
    pub fn from_ehlo(reply: &Reply) -> Self {
        let mut found = Self::default();
        for line in reply.lines.iter().skip(1) {
            let mut words = line.split_ascii_whitespace();
            let Some(keyword) = words.next() else {
                continue;
            };
            match keyword.to_ascii_uppercase().as_str() {
                "SIZE" => {
                    found.size = true;
                    found.size_max = words.next().and_then(|figure| figure.parse().ok());
                }
                "PIPELINING" => found.pipelining = true,
                "CHUNKING" => found.chunking = true,
                "8BITMIME" => found.eight_bit_mime = true,
                "SMTPUTF8" => found.smtputf8 = true,
                "DSN" => found.dsn = true,
                "ENHANCEDSTATUSCODES" => found.enhanced_status_codes = true,
                "STARTTLS" => found.starttls = true,
                "REQUIRETLS" => found.require_tls = true,
                "XFORWARD" => found.xforward = words.filter_map(Attribute::from_keyword).collect(),
                "LIMITS" => found.read_limits(words),
                "AUTH" => found.read_mechanisms(words),
                // The form of servers before RFC 2554.
                old if old.starts_with("AUTH=") => {
                    found.read_mechanisms(old.split('=').skip(1).chain(words));
                }
                _ => {}
            }
        }
        found
    }

    /// Whether a message of this size is known to be too large for the peer.
    #[must_use]
    pub fn is_too_large(&self, size_bytes: u64) -> bool {
        self.size_max
            .is_some_and(|limit| limit > 0 && size_bytes > limit)
    }

    fn read_mechanisms<'a>(&mut self, words: impl Iterator<Item = &'a str>) {
        for word in words {
            self.auth_plain |= word.eq_ignore_ascii_case("PLAIN");
            self.auth_login |= word.eq_ignore_ascii_case("LOGIN");
        }
    }

    fn read_limits<'a>(&mut self, words: impl Iterator<Item = &'a str>) {
        for (name, value) in words.filter_map(|word| word.split_once('=')) {
            let value = value.parse().ok();
            match name.to_ascii_uppercase().as_str() {
                "RCPTMAX" => self.recipients_max = value,
                "MAILMAX" => self.messages_max = value,
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ehlo(lines: &[&str]) -> Capabilities {
        let mut reply = Reply::plain(250, "mx.example greets you");
        reply.lines.extend(lines.iter().map(ToString::to_string));
        Capabilities::from_ehlo(&reply)
    }

    #[test]
    fn out5_keywords_are_learnt_in_any_case() {
        let found = ehlo(&[
            "size 1000",
            "Pipelining",
            "CHUNKING",
            "8bitmime",
            "SMTPUTF8",
            "DSN",
            "STARTTLS",
            "LIMITS RCPTMAX=50 MAILMAX=10 FUTURE=x",
            "XFORWARD NAME addr FUTURE",
            "X-UNKNOWN y",
            "",
        ]);
        assert_eq!(found.size_max, Some(1000));
        assert!(found.pipelining && found.chunking && found.eight_bit_mime);
        assert!(found.smtputf8 && found.dsn && found.starttls);
        assert_eq!(found.recipients_max, Some(50));
        assert_eq!(found.messages_max, Some(10));
        assert_eq!(found.xforward, [Attribute::Name, Attribute::Address]);
    }

    #[test]
    fn the_greeting_line_announces_nothing() {
        let reply = Reply::plain(250, "PIPELINING");
        assert_eq!(Capabilities::from_ehlo(&reply), Capabilities::default());
    }

    #[test]
    fn out18_mechanisms_are_learnt_in_both_forms() {
        for (line, plain, login) in [
            ("AUTH PLAIN LOGIN", true, true),
            ("AUTH CRAM-MD5 login", false, true),
            ("AUTH=LOGIN PLAIN", true, true),
            ("AUTH", false, false),
        ] {
            let found = ehlo(&[line]);
            assert_eq!(
                (found.auth_plain, found.auth_login),
                (plain, login),
                "{line}"
            );
        }
    }

    #[test]
    fn out9_zero_and_missing_sizes_are_no_limit() {
        assert!(!ehlo(&["SIZE 0"]).is_too_large(u64::MAX));
        assert!(!ehlo(&["SIZE"]).is_too_large(u64::MAX));
        assert!(ehlo(&["SIZE 10"]).is_too_large(11));
        assert!(!ehlo(&["SIZE 10"]).is_too_large(10));
    }
}
