//! Cookies: what a browser sent, and what it is to keep (HD4).

use axum::http::header::{COOKIE, HeaderMap, HeaderValue};

/// A cookie of one site: always `Path=/`, `HttpOnly`, without `Domain` and `Max-Age`; over TLS with
/// `Secure` and the `__Host-` prefix, which no other site can set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CookieName {
    name: &'static str,
    tls: bool,
    same_site: &'static str,
}

impl CookieName {
    /// A cookie that also comes with a link from elsewhere, so that a link in a notice does not
    /// sign its reader out.
    #[must_use]
    pub const fn lax(name: &'static str, tls: bool) -> Self {
        let same_site = "Lax";
        Self {
            name,
            tls,
            same_site,
        }
    }

    /// A cookie that comes from our own pages only.
    #[must_use]
    pub const fn strict(name: &'static str, tls: bool) -> Self {
        let same_site = "Strict";
        Self {
            name,
            tls,
            same_site,
        }
    }

    /// What the browser sent. A name that comes twice is none: one of them is not ours.
    #[must_use]
    pub fn read(self, headers: &HeaderMap) -> Option<&str> {
        let full = self.full_name();
        let mut found = headers
            .get_all(COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .filter(|(name, _)| *name == full)
            .map(|(_, value)| value);
        match (found.next(), found.next()) {
            (Some(value), None) => Some(value),
            _ => None,
        }
    }

    /// `Set-Cookie` for a value of our own alphabet; none for any other.
    #[must_use]
    pub fn set(self, value: &str) -> Option<HeaderValue> {
        let ours = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
        let sound = value.bytes().all(ours);
        let name = self.full_name();
        let (secure, same_site) = (if self.tls { "; Secure" } else { "" }, self.same_site);
        let text = format!("{name}={value}; Path=/{secure}; HttpOnly; SameSite={same_site}");
        HeaderValue::from_str(&text).ok().filter(|_| sound)
    }

    /// `Set-Cookie` that takes the cookie away.
    #[must_use]
    pub fn clear(self) -> Option<HeaderValue> {
        let name = self.full_name();
        let (secure, same_site) = (if self.tls { "; Secure" } else { "" }, self.same_site);
        let text = format!("{name}=; Path=/{secure}; HttpOnly; SameSite={same_site}; Max-Age=0");
        HeaderValue::from_str(&text).ok()
    }

    fn full_name(self) -> String {
        let prefix = if self.tls { "__Host-" } else { "" };
        format!("{prefix}{}", self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(COOKIE, HeaderValue::from_str(line).unwrap());
        }
        headers
    }

    #[test]
    fn hd4_attributes() {
        let portal = CookieName::lax("portal", true).set("abc-_1").unwrap();
        let wanted = "__Host-portal=abc-_1; Path=/; Secure; HttpOnly; SameSite=Lax";
        assert_eq!(portal.to_str().unwrap(), wanted);
        let admin = CookieName::strict("admin", true).set("x").unwrap();
        let wanted = "__Host-admin=x; Path=/; Secure; HttpOnly; SameSite=Strict";
        assert_eq!(admin.to_str().unwrap(), wanted);
        let plain = CookieName::lax("portal", false).set("x").unwrap();
        assert_eq!(
            plain.to_str().unwrap(),
            "portal=x; Path=/; HttpOnly; SameSite=Lax"
        );
        assert_eq!(CookieName::lax("portal", true).set("a; Domain=evil"), None);
    }

    #[test]
    fn a_cookie_is_read_by_its_whole_name_and_only_once() {
        let portal = CookieName::lax("portal", true);
        for (lines, expected) in [
            (&["__Host-portal=a"][..], Some("a")),
            (&["x=1; __Host-portal=a; y=2"], Some("a")),
            (&["x=1", "__Host-portal=a"], Some("a")),
            (&["portal=a"], None),
            (&["__Host-portal-pre=a"], None),
            (&["__Host-portal=a; __Host-portal=b"], None),
            (&[], None),
        ] {
            assert_eq!(portal.read(&headers(lines)), expected, "{lines:?}");
        }
    }
}
