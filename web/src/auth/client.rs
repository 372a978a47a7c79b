//! Where a request comes from, as far as that can be known.

use std::convert::Infallible;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::header::USER_AGENT;
use axum::http::request::Parts;

use crate::server::Peer;

/// Characters of a browser's name that are kept.
const AGENT_MAX: usize = 200;

/// Which peers say the truth in `X-Forwarded-For`; nobody, unless the configuration names them.
#[derive(Clone)]
pub struct TrustedProxies(Arc<dyn Fn(IpAddr) -> bool + Send + Sync>);

impl TrustedProxies {
    /// Those for which `is_trusted` holds.
    pub fn new(is_trusted: impl Fn(IpAddr) -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(is_trusted))
    }

    /// The client's address: that of the peer, or of the last hop before the proxies that are ours.
    fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let hops = headers.get_all("x-forwarded-for").iter();
        let hops = hops.filter_map(|value| value.to_str().ok());
        let hops: Vec<&str> = hops.flat_map(|value| value.split(',')).collect();
        let mut client = peer;
        for hop in hops.iter().rev() {
            if !(self.0)(client) {
                break;
            }
            // What cannot be read was not written by a proxy of ours.
            let Ok(before) = hop.trim().parse::<IpAddr>() else {
                break;
            };
            client = before;
        }
        client.to_canonical()
    }
}

impl Default for TrustedProxies {
    fn default() -> Self {
        Self::new(|_| false)
    }
}

impl fmt::Debug for TrustedProxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TrustedProxies")
    }
}

/// The other end, for limits, for display and for the audit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// Its address.
    pub address: IpAddr,
    /// What it says it is; text of a stranger.
    pub agent: String,
}

impl Client {
    /// The client of a request.
    #[must_use]
    pub fn of(parts: &Parts, proxies: &TrustedProxies) -> Self {
        let peer = parts.extensions.get::<Peer>();
        let peer = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.0.ip());
        let agent = parts.headers.get(USER_AGENT);
        let agent = agent.and_then(|agent| agent.to_str().ok());
        Self {
            address: proxies.client(peer, &parts.headers),
            agent: agent.unwrap_or_default().chars().take(AGENT_MAX).collect(),
        }
    }
}

impl<S> FromRequestParts<S> for Client
where
    S: Send + Sync,
    TrustedProxies: axum::extract::FromRef<S>,
{
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let proxies = <TrustedProxies as axum::extract::FromRef<S>>::from_ref(state);
        Ok(Self::of(parts, &proxies))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn a5_only_our_own_proxies_are_believed() {
        let proxies = TrustedProxies::new(|address| address.to_string().starts_with("10."));
        for (peer, forwarded, expected) in [
            ("192.0.2.1", Some("198.51.100.7"), "192.0.2.1"),
            ("10.0.0.1", None, "10.0.0.1"),
            ("10.0.0.1", Some("198.51.100.7"), "198.51.100.7"),
            (
                "10.0.0.1",
                Some("203.0.113.9, 198.51.100.7"),
                "198.51.100.7",
            ),
            ("10.0.0.1", Some("198.51.100.7, 10.0.0.2"), "198.51.100.7"),
            ("10.0.0.1", Some("nonsense"), "10.0.0.1"),
            ("10.0.0.1", Some("::ffff:198.51.100.7"), "198.51.100.7"),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(forwarded) = forwarded {
                headers.insert("x-forwarded-for", HeaderValue::from_str(forwarded).unwrap());
            }
            let client = proxies.client(peer.parse().unwrap(), &headers);
            assert_eq!(client.to_string(), expected, "{peer} {forwarded:?}");
        }
    }
}
