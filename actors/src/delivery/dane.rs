//! DANE for SMTP (RFC 7672, OUT15): what the TLSA records of exchangers ask for.
//!
//! Only hosts of a domain whose MX records are secure have it, and of these only the ones with secure
//! addresses. A host that has it is spoken to with a certificate that its records name, or, when none
//! of them can be used, at least encrypted; the MTA-STS policy of the domain says nothing about it
//! then (RFC 8461 §2). A host of which DNSSEC does not tell is left out for now, because an attacker
//! who can break an answer must not get the mail in clear.

use std::sync::Arc;

use storage::model::{Destination, TlsPolicy};

use super::exchange::NoRoute;
use crate::dns::{LookupError, SecureLookup, TlsaRecords};

/// What DNSSEC says about one host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// It has no DANE.
    None,
    /// It has these records.
    Records(TlsaRecords),
    /// It cannot be known now.
    Unknown(String),
}

/// A host and how it is bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bound {
    /// The host, with the policy that its records ask for.
    pub host: Destination,
    /// Its records decide, and no other policy does.
    pub by_dane: bool,
}

impl Bound {
    /// A host that no record binds.
    #[must_use]
    pub const fn freely(host: Destination) -> Self {
        Self {
            host,
            by_dane: false,
        }
    }
}

/// Applies what was found, host by host. A pin of our own says more than a record.
///
/// # Errors
/// [`NoRoute::Unavailable`] when nothing is left.
pub fn bound(
    domain: &Destination,
    found: Vec<(Destination, Finding)>,
) -> Result<Vec<Bound>, NoRoute> {
    let mut left = Vec::with_capacity(found.len());
    let mut unknown = None;
    for (host, finding) in found {
        match finding {
            Finding::None => left.push(Bound::freely(host)),
            Finding::Records(records) => left.push(Bound {
                host: Destination {
                    tls: policy(host.tls, records),
                    ..host
                },
                by_dane: true,
            }),
            Finding::Unknown(why) => unknown = Some(format!("DANE of {}: {why}", host.host)),
        }
    }
    match unknown {
        Some(why) if left.is_empty() => Err(NoRoute::Unavailable {
            domain: domain.host.clone(),
            why,
        }),
        _ => Ok(left),
    }
}

fn policy(configured: TlsPolicy, records: TlsaRecords) -> TlsPolicy {
    match configured {
        pinned @ TlsPolicy::Pinned(_) => pinned,
        _ if !records.usable.is_empty() => TlsPolicy::Dane(records.usable),
        // Unusable records: encrypted, whoever it is (RFC 7672 §2.2); more when more was configured.
        TlsPolicy::Verified => TlsPolicy::Verified,
        _ => TlsPolicy::Required,
    }
}

/// Asks what DNSSEC says about every host of a domain.
///
/// # Errors
/// [`NoRoute::Unavailable`] when it cannot be known whether the domain's MX records are secure, or
/// nothing is left.
pub async fn ask(
    lookup: &Arc<dyn SecureLookup>,
    domain: &Destination,
    hosts: Vec<Destination>,
) -> Result<Vec<Bound>, NoRoute> {
    let secure = lookup.has_secure_exchangers(&domain.host).await;
    let secure = secure.map_err(|error| NoRoute::Unavailable {
        domain: domain.host.clone(),
        why: format!("DNSSEC: {error}"),
    })?;
    let mut found = Vec::with_capacity(hosts.len());
    for host in hosts {
        let finding = if secure {
            match of_host(lookup, &host).await {
                Ok(finding) => finding,
                Err(error) => Finding::Unknown(error.to_string()),
            }
        } else {
            Finding::None
        };
        found.push((host, finding));
    }
    bound(domain, found)
}

async fn of_host(
    lookup: &Arc<dyn SecureLookup>,
    host: &Destination,
) -> Result<Finding, LookupError> {
    if !lookup.has_secure_address(&host.host).await? {
        return Ok(Finding::None);
    }
    let name = format!("_{}._tcp.{}", host.port, host.host);
    let records = lookup.tlsa(&name).await?;
    Ok(records.map_or(Finding::None, Finding::Records))
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::future::BoxFuture;
    use storage::model::Tlsa;

    fn host(name: &str, tls: TlsPolicy) -> Destination {
        Destination {
            host: name.to_owned(),
            tls,
            ..Destination::default()
        }
    }

    fn records(usable: usize) -> Finding {
        let record = Tlsa::usable(3, 1, 1, &[7; 32]).unwrap();
        Finding::Records(TlsaRecords {
            usable: vec![record; usable],
            has_unusable: true,
        })
    }

    #[test]
    fn out15_records_ask_for_their_certificate_and_unusable_ones_for_encryption() {
        use TlsPolicy::{Opportunistic, Pinned, Required, Verified};
        let dane = TlsPolicy::Dane(vec![Tlsa::usable(3, 1, 1, &[7; 32]).unwrap()]);
        for (configured, finding, expected, by_dane) in [
            (Opportunistic, Finding::None, Opportunistic, false),
            (Opportunistic, records(1), dane.clone(), true),
            (TlsPolicy::None, records(1), dane.clone(), true),
            (Verified, records(1), dane.clone(), true),
            (Pinned(Vec::new()), records(1), Pinned(Vec::new()), true),
            (Opportunistic, records(0), Required, true),
            (TlsPolicy::None, records(0), Required, true),
            (Verified, records(0), Verified, true),
        ] {
            let domain = Destination::by_mx("example.org");
            let found = vec![(host("a.example", configured), finding)];
            let bound = bound(&domain, found).unwrap();
            assert_eq!((&bound[0].host.tls, bound[0].by_dane), (&expected, by_dane));
        }
    }

    #[test]
    fn out15_a_host_that_dnssec_does_not_tell_of_is_left_out_and_never_trusted() {
        let domain = Destination::by_mx("example.org");
        let unknown = || Finding::Unknown("forged".to_owned());
        let a = || host("a.example", TlsPolicy::Opportunistic);
        let b = || host("b.example", TlsPolicy::Opportunistic);
        let left = bound(&domain, vec![(a(), unknown()), (b(), Finding::None)]).unwrap();
        assert_eq!(left.len(), 1);
        assert_eq!(left[0].host, b());
        let refused = bound(&domain, vec![(a(), unknown()), (b(), unknown())]).unwrap_err();
        assert!(!refused.is_permanent());
        assert!(refused.to_string().contains("forged"), "{refused}");
    }

    /// What DNSSEC says of MX records, of addresses, and of TLSA records.
    #[derive(Debug, Clone)]
    struct Zone(
        Result<bool, LookupError>,
        Result<bool, LookupError>,
        Result<Option<TlsaRecords>, LookupError>,
    );

    impl SecureLookup for Zone {
        fn has_secure_exchangers(&self, _: &str) -> BoxFuture<'_, Result<bool, LookupError>> {
            Box::pin(async { self.0.clone() })
        }

        fn has_secure_address(&self, host: &str) -> BoxFuture<'_, Result<bool, LookupError>> {
            assert_eq!(host, "a.example");
            Box::pin(async { self.1.clone() })
        }

        fn tlsa(&self, name: &str) -> BoxFuture<'_, Result<Option<TlsaRecords>, LookupError>> {
            assert_eq!(name, "_25._tcp.a.example");
            Box::pin(async { self.2.clone() })
        }
    }

    #[tokio::test]
    async fn out15_only_secure_mx_records_and_addresses_lead_to_tlsa_and_no_error_takes_it_away() {
        let Finding::Records(records) = records(1) else {
            panic!("there are records")
        };
        let some = || Ok(Some(records.clone()));
        let failed = || LookupError::Unavailable("SERVFAIL".to_owned());
        for (zone, by_dane) in [
            (Zone(Ok(true), Ok(true), some()), Some(true)),
            (Zone(Ok(false), Ok(true), some()), Some(false)),
            (Zone(Ok(true), Ok(false), some()), Some(false)),
            (Zone(Ok(true), Ok(true), Ok(None)), Some(false)),
            (Zone(Err(failed()), Ok(true), some()), None),
            (Zone(Ok(true), Err(failed()), some()), None),
            (Zone(Ok(true), Ok(true), Err(failed())), None),
        ] {
            let shown = format!("{zone:?}");
            let lookup: Arc<dyn SecureLookup> = Arc::new(zone);
            let domain = Destination::by_mx("example.org");
            let hosts = vec![host("a.example", TlsPolicy::Opportunistic)];
            let asked = ask(&lookup, &domain, hosts).await;
            assert_eq!(asked.ok().map(|left| left[0].by_dane), by_dane, "{shown}");
        }
    }
}
