//! Where a link may lead: the web, a new message, a telephone (H7).

use url::{Url, form_urlencoded};

/// Bytes of an address that is kept.
const URL_BYTES_MAX: usize = 8 * 1024;
/// Characters of a subject taken over from a link.
const SUBJECT_MAX: usize = 500;
/// Characters of a body taken over from a link.
const BODY_MAX: usize = 4000;

/// Where a link leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// An http or https address without credentials.
    Web(Url),
    /// A message to write.
    Mail(Mail),
    /// A `tel:` address.
    Telephone(String),
}

/// What a `mailto:` address asks for: nothing that the writer would not see.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mail {
    /// Recipients, as written.
    pub to: String,
    /// Further recipients.
    pub cc: String,
    /// Subject.
    pub subject: String,
    /// Text.
    pub body: String,
}

impl Mail {
    /// The path of the composing page with these fields.
    #[must_use]
    pub fn compose_path(&self) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, value) in [
            ("to", &self.to),
            ("cc", &self.cc),
            ("subject", &self.subject),
            ("body", &self.body),
        ] {
            if !value.is_empty() {
                query.append_pair(name, value);
            }
        }
        format!("/compose?{}", query.finish())
    }

    fn read(url: &str) -> Self {
        let (path, query) = url.split_once('?').unwrap_or((url, ""));
        let mut mail = Self {
            to: line(&percent_decoded(path), URL_BYTES_MAX),
            ..Self::default()
        };
        for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
            let value = percent_decoded(value);
            match name.to_ascii_lowercase().as_str() {
                "to" if mail.to.is_empty() => mail.to = line(&value, URL_BYTES_MAX),
                "to" => mail.to = format!("{},{}", mail.to, line(&value, URL_BYTES_MAX)),
                "cc" => mail.cc = line(&value, URL_BYTES_MAX),
                "subject" => mail.subject = line(&value, SUBJECT_MAX),
                "body" => {
                    mail.body = value
                        .chars()
                        .filter(|letter| !letter.is_control() || *letter == '\n')
                        .take(BODY_MAX)
                        .collect();
                }
                // Neither bcc nor attach: what the writer does not see is not sent.
                _ => {}
            }
        }
        mail
    }
}

/// Reads an address as a link; none when it may not be one.
#[must_use]
pub fn target(href: &str) -> Option<Target> {
    if href.len() > URL_BYTES_MAX {
        return None;
    }
    let mut url = Url::parse(href).ok()?;
    match url.scheme() {
        "http" | "https" => {
            url.host_str().filter(|host| !host.is_empty())?;
            // What stands before an @ is there to be taken for the host.
            url.set_username("").ok()?;
            url.set_password(None).ok()?;
            Some(Target::Web(url))
        }
        "mailto" => {
            let (_, rest) = url.as_str().split_once(':')?;
            let rest = rest.split('#').next().unwrap_or_default();
            Some(Target::Mail(Mail::read(rest)))
        }
        "tel" => {
            let decoded = percent_decoded(url.path());
            let number: String = decoded
                .chars()
                .filter(|letter| letter.is_ascii_digit() || "+-.()*".contains(*letter))
                .take(40)
                .collect();
            (!number.is_empty()).then(|| Target::Telephone(format!("tel:{number}")))
        }
        _ => None,
    }
}

/// One line: no control characters, so nothing becomes a header of its own.
fn line(text: &str, max: usize) -> String {
    text.chars()
        .filter(|letter| !letter.is_control())
        .take(max)
        .collect()
}

/// Text without its percent escapes; as it is when one of them is cut short.
pub(crate) fn percent_decoded(text: &str) -> String {
    let bytes = crate::guard::percent_decoded(text).unwrap_or_else(|| text.as_bytes().to_vec());
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn h7_three_kinds_of_links_and_no_more() {
        for href in [
            "javascript:alarm()",
            "JaVaScRiPt:alarm()",
            "java\nscript:alarm()",
            "\u{1}javascript:x",
            "vbscript:x",
            "data:text/html,x",
            "file:///etc/passwd",
            "blob:x",
            "about:blank",
            "ftp://x/",
            "/relative",
            "//host/x",
            "#frag",
            "?q",
            "",
            " ",
            "http://",
            "view-source:http://x/",
            "ms-word:ofe|u|http://x/",
            "sms:1",
            "intent://x",
            "cid:x",
            "ws://x/",
            "filesystem:http://x/",
            "http:///",
            "search-ms:x",
            "steam://run/1",
            "tel:",
            "chrome://settings",
        ] {
            let read = target(href);
            assert!(
                read.is_none()
                    || matches!(&read, Some(Target::Web(url)) if url.host_str().is_some()),
                "{href:?} is {read:?}"
            );
            if !href.starts_with("http") {
                assert_eq!(read, None, "{href:?}");
            }
        }
        for href in [
            "http://example.com/",
            "\thttps://example.com\n",
            "HTTPS:example.com",
        ] {
            assert!(matches!(target(href), Some(Target::Web(_))), "{href:?}");
        }
    }

    #[test]
    fn h7_a_link_to_write_carries_four_fields() {
        let Some(Target::Mail(mail)) = target(
            "mailto:a@x.example?cc=b@x.example&BCC=c@x.example&Subject=a%0Ab+c&body=1%0A2&attach=x&in-reply-to=y",
        ) else {
            panic!("not mail");
        };
        assert_eq!(mail.to, "a@x.example");
        assert_eq!(mail.cc, "b@x.example");
        assert_eq!(mail.subject, "ab+c");
        assert_eq!(mail.body, "1\n2");
        assert_eq!(
            mail.compose_path(),
            "/compose?to=a%40x.example&cc=b%40x.example&subject=ab%2Bc&body=1%0A2"
        );
    }
}
