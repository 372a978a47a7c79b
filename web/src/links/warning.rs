//! Links that say one thing and lead to another.

use super::finder::pieces;
use super::lookalike::is_mixed;
use super::target::Target;

/// What the reader is told about a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkWarning {
    /// The text names one host, the address another.
    OtherHost {
        /// The host in the text.
        shown: String,
        /// The host it leads to.
        target: String,
    },
    /// The host is written with letters that look like others.
    Lookalike {
        /// As it looks.
        shown: String,
        /// As it is: in its ASCII form.
        target: String,
    },
}

/// What is wrong with a link of this text, if anything.
#[must_use]
pub fn warning(text: &str, target: &Target) -> Option<LinkWarning> {
    let Target::Web(url) = target else {
        return None;
    };
    let host = url.host_str()?;
    if host.split('.').any(|label| label.starts_with("xn--")) {
        let (shown, _) = idna::domain_to_unicode(host);
        if is_mixed(&shown) {
            return Some(LinkWarning::Lookalike {
                shown,
                target: host.to_owned(),
            });
        }
    }
    let shown = shown_host(text)?;
    (!is_within(host, &shown) && !is_within(&shown, host)).then(|| LinkWarning::OtherHost {
        shown,
        target: host.to_owned(),
    })
}

/// Whether `host` is `parent` or a name below it, `www.` aside.
fn is_within(host: &str, parent: &str) -> bool {
    let parent = parent.strip_prefix("www.").unwrap_or(parent);
    host.strip_suffix(parent)
        .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// The host that a link's text names.
fn shown_host(text: &str) -> Option<String> {
    let found = pieces(text)
        .into_iter()
        .find_map(|piece| match piece.target {
            Some(Target::Web(url)) => url.host_str().map(str::to_owned),
            _ => None,
        });
    // A bare name counts when it is all there is.
    found.or_else(|| {
        let word = text.trim().trim_end_matches('/');
        let (host, _) = word.split_once('/').unwrap_or((word, ""));
        let top = host.rsplit('.').next().unwrap_or_default();
        let plain = |letter: char| letter.is_alphanumeric() || matches!(letter, '.' | '-');
        (host.contains('.')
            && !host.starts_with('.')
            && (2..=24).contains(&top.len())
            && top.chars().all(char::is_alphabetic)
            && host.chars().all(plain))
        .then(|| idna::domain_to_ascii(host).ok())
        .flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::super::target::target;
    use super::*;

    fn is_marked(text: &str, href: &str) -> bool {
        warning(text, &target(href).unwrap()).is_some()
    }

    #[test]
    fn a_text_that_names_another_host_is_marked() {
        for (text, href, marked) in [
            ("https://bank.example/login", "https://evil.example/", true),
            ("bank.example", "https://bank.example.evil.example/", true),
            ("www.bank.example", "https://bank.example/", false),
            ("bank.example", "https://www.bank.example/a", false),
            ("bank.example/path", "https://login.bank.example/", false),
            ("notbank.example", "https://bank.example/", true),
            ("Click here", "https://evil.example/", false),
            ("Version 2.0", "https://evil.example/", false),
            ("report.pdf", "https://files.example/report.pdf", true),
            ("x", "mailto:a@b.example", false),
            ("x", "https://xn--80ak6aa92e.example/", false),
            ("x", "https://xn--pypal-4ve.example/", true),
        ] {
            assert_eq!(is_marked(text, href), marked, "{text} {href}");
        }
    }
}
