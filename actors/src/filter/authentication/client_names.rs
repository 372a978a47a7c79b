//! The names of a client's address that lead back to it (RFC 7208 §5.5, RFC 8601 §2.7.3).

use std::net::IpAddr;

use crate::dns::Lookup;
use crate::filter::limits::SPF_NAMES_MAX;

/// The client's names whose own addresses include the client's, in lower case and without the
/// final dot. A DNS failure is no name.
pub(super) async fn validated(dns: &dyn Lookup, client: IpAddr) -> Vec<String> {
    let names = dns.ptr(client).await.unwrap_or_default();
    let mut validated = Vec::new();
    for name in names.into_iter().take(SPF_NAMES_MAX) {
        let leads_back = match client {
            IpAddr::V4(v4) => dns.ipv4(&name).await.is_ok_and(|all| all.contains(&v4)),
            IpAddr::V6(v6) => dns.ipv6(&name).await.is_ok_and(|all| all.contains(&v6)),
        };
        if leads_back {
            validated.push(name.trim_end_matches('.').to_ascii_lowercase());
        }
    }
    validated
}
