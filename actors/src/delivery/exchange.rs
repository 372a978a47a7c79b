//! From MX records to the hosts of a route (RFC 5321 §5.1, RFC 7505): pure.
//!
//! Exchangers are tried in the order of their preference; those of one preference share the mail, as
//! the governor's choice inside a tier is random. When this node is one of them, it, its equals and
//! everything behind it are left out: mail only ever moves towards the most preferred host. A domain
//! without MX records is its own exchanger.

use storage::model::{Destination, HostRole, TlsPolicy};

use super::dane::Bound;
use crate::dns::{DnsError, Exchanger};
use crate::smtp::Reply;
use crate::sts::{Mode, Policy};

/// Why mail for a domain has no route now.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoRoute {
    /// The null MX: the domain takes no mail.
    #[error("{0} declares by its MX record that it takes no mail")]
    NullMx(String),
    /// There is no such domain.
    #[error("the domain {0} does not exist")]
    NoDomain(String),
    /// Every exchanger that may be used is this node.
    #[error("the best MX of {0} is this node itself: mail would loop")]
    Ourselves(String),
    /// The domain's MTA-STS policy names none of its exchangers.
    #[error(
        "the MTA-STS policy of {0} permits none of its MX hosts: mail waits until one of them is corrected"
    )]
    NotPermitted(String),
    /// DNS does not answer, or not sensibly.
    #[error("the MX records of {domain} cannot be looked up: {why}")]
    Unavailable {
        /// The domain.
        domain: String,
        /// What went wrong.
        why: String,
    },
}

impl NoRoute {
    /// Whether the domain itself says so, and asking again will not change it.
    #[must_use]
    pub const fn is_permanent(&self) -> bool {
        matches!(self, Self::NullMx(_) | Self::NoDomain(_))
    }

    /// The reply that says so, as if a destination had given it.
    #[must_use]
    pub fn reply(&self) -> Reply {
        let (code, enhanced) = match self {
            Self::NullMx(_) => (556, (1, 10)),
            Self::NoDomain(_) => (550, (1, 2)),
            Self::Ourselves(_) => (554, (4, 6)),
            Self::NotPermitted(_) => (451, (7, 0)),
            Self::Unavailable { .. } => (451, (4, 3)),
        };
        Reply::new(code, enhanced, self.to_string())
    }
}

/// The hosts of a mail domain. `domain` carries port, TLS policy, weight and login for all of them;
/// the priorities of the answer count from zero. `names` are ours, in lower case.
///
/// # Errors
/// [`NoRoute`].
pub fn hosts(
    domain: &Destination,
    answer: Result<Vec<Exchanger>, DnsError>,
    names: &[String],
) -> Result<Vec<Destination>, NoRoute> {
    let name = domain.host.clone();
    let mut exchangers = match answer {
        Ok(exchangers) => exchangers,
        Err(DnsError::NoDomain { .. }) => return Err(NoRoute::NoDomain(name)),
        Err(error) => {
            return Err(NoRoute::Unavailable {
                domain: name,
                why: error.to_string(),
            });
        }
    };
    if exchangers.is_empty() {
        exchangers.push(Exchanger {
            preference: 0,
            host: name.to_ascii_lowercase(),
        });
    }
    // Beside real exchangers a null MX means nothing (RFC 7505 §3).
    exchangers.retain(|exchanger| !exchanger.host.is_empty());
    if exchangers.is_empty() {
        return Err(NoRoute::NullMx(name));
    }
    let is_ours = |exchanger: &&Exchanger| names.contains(&exchanger.host);
    let own = exchangers.iter().filter(is_ours).map(|own| own.preference);
    if let Some(own) = own.min() {
        exchangers.retain(|exchanger| exchanger.preference < own);
    }
    if exchangers.is_empty() {
        return Err(NoRoute::Ourselves(name));
    }
    exchangers.sort();
    exchangers.dedup_by(|later, earlier| later.host == earlier.host);
    Ok(ranked(exchangers, domain))
}

/// What is left of a domain's hosts under its MTA-STS policy (RFC 8461 §4, §5): in `enforce` those
/// that the policy names, each with a certificate that verifies, or with a pin of our own, which says
/// more. Whatever was configured, no mail goes there in clear. Hosts that DANE binds stay as they are:
/// it wins (RFC 8461 §2).
///
/// # Errors
/// [`NoRoute::NotPermitted`] when none is left.
pub fn permitted(
    domain: &Destination,
    hosts: Vec<Bound>,
    policy: Option<&Policy>,
) -> Result<Vec<Destination>, NoRoute> {
    let Some(policy) = policy.filter(|policy| policy.mode == Mode::Enforce) else {
        return Ok(hosts.into_iter().map(|bound| bound.host).collect());
    };
    let named = hosts
        .into_iter()
        .filter(|bound| bound.by_dane || policy.permits(&bound.host.host));
    let hosts: Vec<Destination> = named
        .map(|Bound { host, by_dane }| Destination {
            tls: match host.tls {
                tls if by_dane => tls,
                pinned @ TlsPolicy::Pinned(_) => pinned,
                _ => TlsPolicy::Verified,
            },
            ..host
        })
        .collect();
    if hosts.is_empty() {
        return Err(NoRoute::NotPermitted(domain.host.clone()));
    }
    Ok(hosts)
}

fn ranked(exchangers: Vec<Exchanger>, domain: &Destination) -> Vec<Destination> {
    let mut priority = 0;
    let mut last = None;
    let host = |exchanger: Exchanger| {
        if last.is_some_and(|last| last != exchanger.preference) {
            priority += 1;
        }
        last = Some(exchanger.preference);
        Destination {
            host: exchanger.host,
            priority,
            role: HostRole::Exchanger,
            ..domain.clone()
        }
    };
    exchangers.into_iter().map(host).collect()
}

/// Puts the hosts of several destinations into one list, tier after tier: first by the priority of
/// the destination they come from, then by their own.
#[must_use]
pub fn merged(groups: Vec<(u16, Vec<Destination>)>) -> Vec<Destination> {
    let mut all: Vec<((u16, u16), Destination)> = groups
        .into_iter()
        .flat_map(|(outer, hosts)| {
            hosts
                .into_iter()
                .map(move |host| ((outer, host.priority), host))
        })
        .collect();
    all.sort_by_key(|(tier, _)| *tier);
    let mut tiers: Vec<(u16, u16)> = all.iter().map(|(tier, _)| *tier).collect();
    tiers.dedup();
    let rank = |tier: (u16, u16)| tiers.iter().position(|one| *one == tier).unwrap_or(0);
    all.into_iter()
        .map(|(tier, host)| Destination {
            priority: u16::try_from(rank(tier)).unwrap_or(u16::MAX),
            ..host
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(records: &[(u16, &str)]) -> Result<Vec<(u16, String)>, NoRoute> {
        let records = records.iter().map(|(preference, host)| Exchanger {
            preference: *preference,
            host: (*host).to_owned(),
        });
        let names = ["mx.relay.example".to_owned()];
        let domain = Destination::by_mx("Example.org");
        let hosts = hosts(&domain, Ok(records.collect()), &names)?;
        assert!(hosts.iter().all(|host| host.role == HostRole::Exchanger));
        Ok(hosts
            .into_iter()
            .map(|host| (host.priority, host.host))
            .collect())
    }

    fn listed(hosts: &[(u16, &str)]) -> Result<Vec<(u16, String)>, NoRoute> {
        Ok(hosts
            .iter()
            .map(|(priority, host)| (*priority, (*host).to_owned()))
            .collect())
    }

    #[test]
    fn out3_exchangers_go_by_preference_and_equals_share_a_tier() {
        assert_eq!(
            route(&[(20, "c.example"), (10, "a.example"), (10, "b.example")]),
            listed(&[(0, "a.example"), (0, "b.example"), (1, "c.example")])
        );
        assert_eq!(
            route(&[(10, "a.example"), (30, "a.example")]),
            listed(&[(0, "a.example")])
        );
    }

    #[test]
    fn out3_a_domain_without_mx_is_its_own_exchanger() {
        assert_eq!(route(&[]), listed(&[(0, "example.org")]));
    }

    #[test]
    fn out3_we_and_what_is_no_better_than_we_are_left_out() {
        let records = [
            (5, "best.example"),
            (10, "mx.relay.example"),
            (10, "equal.example"),
            (20, "worse.example"),
        ];
        assert_eq!(route(&records), listed(&[(0, "best.example")]));
        assert_eq!(
            route(&records[1..]),
            Err(NoRoute::Ourselves("Example.org".to_owned()))
        );
    }

    #[test]
    fn out4_null_mx_is_permanent_and_has_no_fallback() {
        let refused = route(&[(0, "")]).unwrap_err();
        assert_eq!(refused, NoRoute::NullMx("Example.org".to_owned()));
        assert!(refused.is_permanent());
        let reply = refused.reply();
        assert_eq!(reply.enhanced.unwrap().to_string(), "5.1.10");
        assert_eq!(
            route(&[(0, ""), (10, "a.example")]),
            listed(&[(0, "a.example")])
        );
    }

    #[test]
    fn out3_a_failure_of_dns_is_temporary_and_a_missing_domain_is_not() {
        let domain = Destination::by_mx("example.org");
        let host = "example.org".to_owned();
        let why = "SERVFAIL".to_owned();
        let failed = DnsError::Unavailable {
            host: host.clone(),
            why,
        };
        let failed = hosts(&domain, Err(failed), &[]).unwrap_err();
        assert!(!failed.is_permanent() && failed.reply().is_transient());
        let missing = hosts(&domain, Err(DnsError::NoDomain { host }), &[]).unwrap_err();
        assert!(missing.is_permanent());
        assert_eq!(missing.reply().enhanced.unwrap().to_string(), "5.1.2");
    }

    fn policy(mode: &str) -> Policy {
        let text = format!("version: STSv1\nmode: {mode}\nmx: *.good.example\nmax_age: 9");
        Policy::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn out15_enforce_leaves_named_hosts_with_verified_certificates_and_nothing_else() {
        let domain = Destination::by_mx("example.org");
        let pinned = TlsPolicy::Pinned(Vec::new());
        let hosts: Vec<Destination> = [
            ("a.good.example", TlsPolicy::Opportunistic),
            ("b.bad.example", TlsPolicy::Opportunistic),
            ("c.good.example", TlsPolicy::None),
            ("d.good.example", pinned.clone()),
        ]
        .into_iter()
        .map(|(name, tls)| Destination {
            host: name.to_owned(),
            tls,
            ..Destination::default()
        })
        .collect();
        let free = |hosts: &[Destination]| -> Vec<Bound> {
            hosts.iter().cloned().map(Bound::freely).collect()
        };
        let left = permitted(&domain, free(&hosts), Some(&policy("enforce"))).unwrap();
        let left: Vec<_> = left.into_iter().map(|host| (host.host, host.tls)).collect();
        assert_eq!(
            left,
            [
                ("a.good.example".to_owned(), TlsPolicy::Verified),
                ("c.good.example".to_owned(), TlsPolicy::Verified),
                ("d.good.example".to_owned(), pinned),
            ]
        );
        for lenient in [None, Some(policy("testing")), Some(policy("none"))] {
            let left = permitted(&domain, free(&hosts), lenient.as_ref());
            assert_eq!(left, Ok(hosts.clone()));
        }
        let dane = Bound {
            by_dane: true,
            host: Destination {
                tls: TlsPolicy::Dane(Vec::new()),
                ..hosts[1].clone()
            },
        };
        let won = permitted(&domain, vec![dane.clone()], Some(&policy("enforce")));
        assert_eq!(won, Ok(vec![dane.host]), "DANE wins");
        let none_left = permitted(&domain, free(&hosts[1..2]), Some(&policy("enforce")));
        let refused = none_left.unwrap_err();
        assert!(!refused.is_permanent() && refused.reply().is_transient());
    }

    #[test]
    fn destinations_of_both_kinds_stand_in_one_list() {
        let named = |host: &str, priority| Destination {
            host: host.to_owned(),
            priority,
            ..Destination::default()
        };
        let groups = vec![
            (10, vec![named("late", 10)]),
            (0, vec![named("a", 0), named("b", 1), named("b2", 1)]),
            (0, vec![named("c", 0)]),
        ];
        let listed: Vec<_> = merged(groups)
            .into_iter()
            .map(|host| (host.priority, host.host))
            .collect();
        let expected = [(0, "a"), (0, "c"), (1, "b"), (1, "b2"), (2, "late")];
        assert_eq!(listed, expected.map(|(rank, host)| (rank, host.to_owned())));
    }
}
