//! The address under which people reach a site: scheme, host and port.

use std::fmt;

use super::value::Text;

/// How a site speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// In clear; only on loopback.
    Http,
    /// With TLS.
    Https,
}

/// `https://host[:port]`, nothing behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SiteUrl {
    scheme: Scheme,
    host: String,
    port: Option<u16>,
}

impl SiteUrl {
    /// How the site speaks.
    #[must_use]
    pub const fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The host name or address, in lower case; IPv6 in brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// What a `Host` header says for this site.
    #[must_use]
    pub fn authority(&self) -> String {
        match self.port {
            Some(port) => format!("{}:{port}", self.host),
            None => self.host.clone(),
        }
    }
}

impl fmt::Display for SiteUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.scheme {
            Scheme::Http => "http",
            Scheme::Https => "https",
        };
        write!(f, "{scheme}://{}", self.authority())
    }
}

impl Text for SiteUrl {
    const EXPECTED: &'static str = "a URL such as \"https://mx.example.net:8444\"";

    fn from_text(text: &str) -> Result<Self, Option<String>> {
        let uri: hyper::Uri = text.parse().map_err(|_| None)?;
        let scheme = match uri.scheme_str() {
            Some("https") => Scheme::Https,
            Some("http") => Scheme::Http,
            _ => {
                return Err(Some(
                    "a URL that begins with https:// or http://".to_owned(),
                ));
            }
        };
        let authority = uri.authority().ok_or(None)?;
        if authority.as_str().contains('@') || authority.host().is_empty() {
            return Err(None);
        }
        let bare = matches!(uri.path(), "" | "/") && uri.query().is_none();
        if !bare || text.contains('#') {
            return Err(Some("a URL without a path, query or fragment".to_owned()));
        }
        Ok(Self {
            scheme,
            host: authority.host().to_ascii_lowercase(),
            port: authority.port_u16(),
        })
    }
}
