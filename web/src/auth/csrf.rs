//! Whether a request that changes something was made by our own page (A2).
//!
//! Two independent checks: what the browser says about where the request comes from, and a token
//! that only a page made for this session contains.

use std::fmt;
use std::sync::Arc;

use axum::http::header::{CONTENT_TYPE, ORIGIN};
use axum::http::{HeaderMap, HeaderValue};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

use super::cookie::CookieName;
use super::secret::Secret;

/// The token's field in every form.
pub const FIELD: &str = "csrf";

/// Why a request is taken for somebody else's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CsrfFault {
    /// The browser says that another site made it, or says nothing.
    Origin,
    /// It is none of the two types that forms have.
    ContentType,
    /// Its token is missing or belongs to another session.
    Token,
}

/// The origins that are ours, e.g. `https://mail.example.net`, in lower case.
#[derive(Debug, Clone)]
pub struct Origins(pub Arc<[String]>);

impl Origins {
    /// Whether a form was sent by a page of ours, as far as its header says.
    ///
    /// # Errors
    /// [`CsrfFault::Origin`] or [`CsrfFault::ContentType`].
    pub fn check_form(&self, headers: &HeaderMap) -> Result<(), CsrfFault> {
        if !self.is_same_origin(headers) {
            return Err(CsrfFault::Origin);
        }
        let kind = one(headers, CONTENT_TYPE.as_str()).unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim();
        let of_form = ["application/x-www-form-urlencoded", "multipart/form-data"]
            .iter()
            .any(|form| kind.eq_ignore_ascii_case(form));
        if of_form {
            Ok(())
        } else {
            Err(CsrfFault::ContentType)
        }
    }

    /// What the browser says about the page that made the request. `Sec-Fetch-Site` cannot be set by
    /// a page; browsers without it send `Origin` with everything that is not GET.
    #[must_use]
    pub fn is_same_origin(&self, headers: &HeaderMap) -> bool {
        match headers.get_all("sec-fetch-site").iter().count() {
            0 => one(headers, ORIGIN.as_str())
                .is_some_and(|origin| self.0.iter().any(|ours| ours.eq_ignore_ascii_case(origin))),
            _ => one(headers, "sec-fetch-site") == Some("same-origin"),
        }
    }
}

fn one<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok(),
        _ => None,
    }
}

/// Bytes of the tag in a token, and of its mask.
const TAG_BYTES: usize = 32;

/// The token for the pages of one session: derived from the session's id, which the pages do not
/// contain, so nothing has to be kept. Each page gets it under another mask, so that the length of
/// compressed pages tells nothing about it (BREACH).
#[derive(Clone, PartialEq, Eq)]
pub struct CsrfToken([u8; TAG_BYTES]);

impl fmt::Debug for CsrfToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CsrfToken")
    }
}

impl CsrfToken {
    /// The token for forms before sign-in, which are bound to the browser by a cookie of their own,
    /// and that cookie when the browser has none yet.
    #[must_use]
    pub fn before_sign_in(cookie: CookieName, headers: &HeaderMap) -> (Self, Option<HeaderValue>) {
        if let Some(known) = cookie.read(headers).and_then(Secret::presented) {
            return (Self::of(known.reveal()), None);
        }
        let fresh = Secret::token().map_or_else(|_| String::new(), |id| id.reveal().into());
        (Self::of(&fresh), cookie.set(&fresh))
    }

    /// The token that belongs to a session id (or to the id before sign-in).
    #[must_use]
    pub fn of(session_id: &str) -> Self {
        // HMAC takes keys of any length, so there is always one.
        let tag = Hmac::<Sha256>::new_from_slice(session_id.as_bytes())
            .map(|mac| mac.chain_update(b"mailhold csrf 1").finalize().into_bytes())
            .unwrap_or_default();
        Self(tag.into())
    }

    /// Its text for one page.
    #[must_use]
    pub fn masked(&self) -> String {
        let mut mask = [0; TAG_BYTES];
        // Without randomness the token is still right, only not hidden from compression.
        let _ = getrandom::fill(&mut mask);
        let hidden = mask.iter().zip(&self.0).map(|(mask, tag)| mask ^ tag);
        let bytes: Vec<u8> = mask.iter().copied().chain(hidden).collect();
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Whether a form's token is this one. Takes the same time wherever they differ.
    #[must_use]
    pub fn accepts(&self, presented: Option<&str>) -> bool {
        let Some(Ok(bytes)) = presented.map(|text| URL_SAFE_NO_PAD.decode(text)) else {
            return false;
        };
        let Some((mask, hidden)) = bytes.split_at_checked(TAG_BYTES) else {
            return false;
        };
        let tag: Vec<u8> = mask
            .iter()
            .zip(hidden)
            .map(|(mask, it)| mask ^ it)
            .collect();
        tag.ct_eq(&self.0).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::{HeaderName, HeaderValue};

    fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            let name: HeaderName = name.parse().unwrap();
            headers.append(name, HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    #[test]
    fn a2_origins_by_table() {
        let ours = Origins(["https://mail.example.net".to_owned()].into());
        for (pairs, expected) in [
            (&[("sec-fetch-site", "same-origin")][..], true),
            (&[("sec-fetch-site", "same-site")], false),
            (&[("sec-fetch-site", "cross-site")], false),
            (&[("sec-fetch-site", "none")], false),
            (
                &[
                    ("sec-fetch-site", "cross-site"),
                    ("origin", "https://mail.example.net"),
                ],
                false,
            ),
            (
                &[
                    ("sec-fetch-site", "same-origin"),
                    ("sec-fetch-site", "cross-site"),
                ],
                false,
            ),
            (&[("origin", "https://mail.example.net")], true),
            (&[("origin", "https://MAIL.example.net")], true),
            (&[("origin", "null")], false),
            (&[("origin", "http://mail.example.net")], false),
            (
                &[("origin", "https://mail.example.net.evil.example")],
                false,
            ),
            (&[], false),
        ] {
            assert_eq!(ours.is_same_origin(&headers(pairs)), expected, "{pairs:?}");
        }
    }

    #[test]
    fn a2_only_the_types_of_forms_pass() {
        let ours = Origins(["https://mail.example.net".to_owned()].into());
        for (kind, expected) in [
            ("application/x-www-form-urlencoded", Ok(())),
            ("multipart/form-data; boundary=x", Ok(())),
            ("text/plain", Err(CsrfFault::ContentType)),
            ("application/json", Err(CsrfFault::ContentType)),
        ] {
            let headers = headers(&[("sec-fetch-site", "same-origin"), ("content-type", kind)]);
            assert_eq!(ours.check_form(&headers), expected, "{kind}");
        }
    }

    #[test]
    fn a2_a_token_belongs_to_one_session() {
        let token = CsrfToken::of("one session");
        assert!(token.accepts(Some(&CsrfToken::of("one session").masked())));
        assert_ne!(
            token.masked(),
            token.masked(),
            "no two pages show the same text"
        );
        assert!(!token.accepts(Some(&CsrfToken::of("another").masked())));
        let cut = token.masked();
        assert!(!token.accepts(cut.get(..cut.len() - 4)));
        assert!(!token.accepts(Some("")));
        assert!(!token.accepts(Some("\u{e4}")));
        assert!(!token.accepts(None));
    }
}
