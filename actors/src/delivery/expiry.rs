//! When held mail expires (S4).
//!
//! The period counts from the 250 and is the domain's present setting: a longer one reaches mail
//! that is already held, a shorter one as well. An entry is held for the whole period and expires
//! only after it.

use std::time::Duration;

use storage::model::{Domain, QueueEntry, Timestamp};

/// Whether an entry is past its domain's hold period.
#[must_use]
pub fn is_expired(domain: &Domain, entry: &QueueEntry, now: Timestamp) -> bool {
    now > domain.expires_at(entry.accepted_at)
}

/// When to look again at a queue whose oldest entry was accepted at `oldest`: the first moment at
/// which it is expired.
#[must_use]
pub fn next_expiry(domain: &Domain, oldest: Timestamp) -> Timestamp {
    domain
        .expires_at(oldest)
        .saturating_add(Duration::from_millis(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use storage::model::{
        BodyKind, ClientFacts, Destination, DomainId, MessageId, ReversePath, Sequence, TlsPolicy,
    };

    const MINUTE: u64 = 60;
    const DAY: u64 = 24 * 60 * MINUTE;
    const ACCEPTED: u64 = 20_000 * DAY + 12_345;

    fn domain(hold_days: u16) -> Domain {
        Domain {
            id: DomainId(1),
            name: "example.org".parse().unwrap(),
            destinations: vec![Destination {
                host: "mail.example.org".to_owned(),
                port: 25,
                priority: 0,
                weight: 1,
                tls: TlsPolicy::Opportunistic,
                ..Destination::default()
            }],
            verify: None,
            catch_all: false,
            hold_days,
            hold: None,
            continuity: None,
            created_at: Timestamp::default(),
        }
    }

    fn entry() -> QueueEntry {
        QueueEntry {
            domain: DomainId(1),
            sequence: Sequence(1),
            message: MessageId::from_bytes([0; 12]),
            size_bytes: 1,
            chunks: 1,
            place: storage::model::BodyPlace::Transit,
            accepted_at: Timestamp::from_secs(ACCEPTED),
            reverse_path: ReversePath::Null,
            recipients: Vec::new(),
            body: BodyKind::SevenBit,
            smtputf8: false,
            dsn_return: None,
            envelope_id: None,
            client: ClientFacts {
                ip: std::net::IpAddr::from([192, 0, 2, 1]),
                helo: "client.example".to_owned(),
                reverse_name: None,
                tls_version: None,
                tls_cipher: None,
                authenticated_sender: false,
            },
            authentication: None,
            bulk: false,
            shared: false,
            revision: 0,
        }
    }

    #[test]
    fn s4_held_at_14_days_23_59_and_expired_only_after_the_full_period() {
        let after = |seconds: u64| Timestamp::from_secs(ACCEPTED + seconds);
        for (hold_days, seconds, expired) in [
            (15, 0, false),
            (15, 14 * DAY + 23 * 60 * MINUTE + 59 * MINUTE, false),
            (15, 15 * DAY, false),
            (15, 15 * DAY + 1, true),
            (1, DAY, false),
            (1, DAY + 1, true),
            (60, 60 * DAY, false),
            (60, 60 * DAY + 1, true),
        ] {
            assert_eq!(
                is_expired(&domain(hold_days), &entry(), after(seconds)),
                expired,
                "{hold_days} days, {seconds} s"
            );
        }
    }

    #[test]
    fn s4_a_change_of_the_period_applies_to_held_mail() {
        let now = Timestamp::from_secs(ACCEPTED + 20 * DAY);
        assert!(is_expired(&domain(15), &entry(), now));
        assert!(!is_expired(&domain(30), &entry(), now));
        assert!(!is_expired(&domain(20), &entry(), now));
        assert!(is_expired(&domain(19), &entry(), now));
    }

    #[test]
    fn the_next_look_is_the_first_moment_of_expiry() {
        let domain = domain(15);
        let next = next_expiry(&domain, entry().accepted_at);
        assert!(is_expired(&domain, &entry(), next));
        let before = Timestamp::from_millis(next.as_millis() - 1);
        assert!(!is_expired(&domain, &entry(), before));
    }
}
