//! Whose passkeys they are: the site, as browsers bind keys to it.

use url::{Host, Url};

/// The site that passkeys belong to. Both parts come from the configuration, never from a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelyingParty {
    /// The host name of the site.
    pub id: String,
    /// Scheme, host and port, as browsers write them.
    pub origin: String,
}

impl RelyingParty {
    /// The relying party of a site; none where browsers know no passkeys: at bare addresses, and
    /// without TLS anywhere but on `localhost`.
    #[must_use]
    pub fn of(url: &str) -> Option<Self> {
        let url = Url::parse(url).ok()?;
        let Some(Host::Domain(host)) = url.host() else {
            return None;
        };
        let secure = url.scheme() == "https" || host == "localhost";
        secure.then(|| Self {
            id: host.to_owned(),
            origin: url.origin().ascii_serialization(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a7_only_a_named_site_over_tls_has_passkeys() {
        for (url, expected) in [
            (
                "https://Mail.Example.net",
                Some(("mail.example.net", "https://mail.example.net")),
            ),
            (
                "https://mail.example.net:8443/",
                Some(("mail.example.net", "https://mail.example.net:8443")),
            ),
            (
                "http://localhost:8080",
                Some(("localhost", "http://localhost:8080")),
            ),
            ("http://mail.example.net", None),
            ("https://192.0.2.1", None),
            ("https://[2001:db8::1]", None),
            ("nonsense", None),
        ] {
            let found = RelyingParty::of(url);
            let found = found.as_ref().map(|it| (&*it.id, &*it.origin));
            assert_eq!(found, expected, "{url}");
        }
    }
}
