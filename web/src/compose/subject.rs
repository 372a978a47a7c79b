//! Subjects of answers (RFC 5322 §3.6.5): one prefix, never a chain of them.

use super::limits::SUBJECT_CHARS_MAX;
use super::party::plain;

/// Prefixes that programs put before a subject one replies to, in the languages one meets.
const REPLY_PREFIXES: [&str; 6] = ["re", "aw", "antw", "sv", "vs", "odp"];
/// Prefixes of what is forwarded.
const FORWARD_PREFIXES: [&str; 4] = ["fwd", "fw", "wg", "tr"];

/// The subject of a reply: `Re: ` before what was there without such prefixes.
#[must_use]
pub fn reply(subject: &str) -> String {
    prefixed("Re: ", without(&REPLY_PREFIXES, subject))
}

/// The subject of what is passed on.
#[must_use]
pub fn forward(subject: &str) -> String {
    prefixed("Fwd: ", without(&FORWARD_PREFIXES, subject))
}

/// A subject as it may stand in a header: one line, not endless.
#[must_use]
pub fn tidy(subject: &str) -> String {
    plain(subject).chars().take(SUBJECT_CHARS_MAX).collect()
}

fn prefixed(prefix: &str, rest: &str) -> String {
    tidy(&format!("{prefix}{rest}"))
}

fn without<'a>(prefixes: &[&str], subject: &'a str) -> &'a str {
    let mut rest = subject.trim();
    while let Some((head, tail)) = rest.split_once(':') {
        // `Re[2]:` counts like `Re:`.
        let word = head.split_once('[').map_or(head, |(word, _)| word).trim();
        if !prefixes
            .iter()
            .any(|known| word.eq_ignore_ascii_case(known))
        {
            break;
        }
        rest = tail.trim();
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c27_a_reply_has_one_prefix() {
        for (subject, wanted) in [
            ("Offer", "Re: Offer"),
            ("Re: Offer", "Re: Offer"),
            ("RE: AW: Re[3]: Offer", "Re: Offer"),
            ("Reorder: 12", "Re: Reorder: 12"),
            ("Fwd: Offer", "Re: Fwd: Offer"),
            ("", "Re:"),
            ("a\r\nBcc: x@y", "Re: a  Bcc: x@y"),
        ] {
            assert_eq!(reply(subject), wanted, "{subject:?}");
        }
        assert_eq!(forward("WG: Fwd: Offer"), "Fwd: Offer");
        assert_eq!(forward("Re: Offer"), "Fwd: Re: Offer");
        assert_eq!(tidy(&"x".repeat(9_000)).len(), SUBJECT_CHARS_MAX);
    }
}
