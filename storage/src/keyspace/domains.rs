//! `domains`: who is protected and where their mail goes.
//!
//! ```text
//! domains  domain id u32 → 3 | Domain, its passwords empty | passwords
//!                          4 | Domain, its passwords empty | passwords | limits of destinations
//! ```
//! Version 4 is written only when a limit is set, so that the version before reads everything else.
//! A password is what we sign in with at a destination (SMTP AUTH). Each is sealed with the node's
//! own key for its domain, host and user, so that a copy of the store signs in nowhere; one that
//! does not open is left empty, which a person sees when signing in fails, and the domain with its
//! mail stays. Rows of version 2 have destinations without XFORWARD; rows of version 1 held passwords as
//! they are besides, and the oldest have destinations without role and login. They are read, and
//! written anew when they hold a password.
//!
//! Writer: administrators, through the spool. Expiry: none; removed on request.

use bytes::{BufMut, Bytes, BytesMut};
use serde::{Deserialize, Serialize};

use crate::codec::{self, ROW_VERSION, RowError};
use crate::error::SpoolError;
use crate::model::{
    Continuity, Destination, Domain, DomainId, DomainName, Hold, HostLimits, HostRole, Login,
    Secret, Timestamp, TlsPolicy, VerifyMode,
};
use crate::seal::Keyring;

/// Version of a row of this keyspace as it is written today.
const DOMAIN_VERSION: u8 = 3;
/// The same with limits of destinations behind it.
const LIMITED_VERSION: u8 = 4;
/// Version of rows whose destinations do not say anything about XFORWARD.
const UNFORWARDED_VERSION: u8 = 2;

/// The password of one destination.
#[derive(Debug, Serialize, Deserialize)]
struct SealedPassword {
    /// Its place in the list of destinations.
    destination: u16,
    sealed: Vec<u8>,
}

/// A domain as it was read.
#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) domain: Domain,
    /// A password lies in the row as it is: the row is to be written anew.
    pub(crate) is_bare: bool,
}

/// The row of a domain.
///
/// # Errors
/// [`SpoolError::Seal`] when the operating system gives no random bytes.
pub(crate) fn row(domain: &Domain, keys: &Keyring) -> Result<Bytes, SpoolError> {
    let mut bare = domain.clone();
    let mut passwords = Vec::new();
    for (place, destination) in bare.destinations.iter_mut().enumerate() {
        let name = place_of(domain.id, destination);
        let Some(login) = destination.login.as_mut() else {
            continue;
        };
        let password = std::mem::replace(&mut login.password, Secret::new(String::new()));
        passwords.push(SealedPassword {
            destination: u16::try_from(place).unwrap_or(u16::MAX),
            sealed: keys.seal_for_node(&name, password.expose().as_bytes())?,
        });
    }
    let mut out = BytesMut::new();
    let limits: Vec<HostLimits> = domain.destinations.iter().map(|one| one.limits).collect();
    let is_limited = limits.iter().any(|one| !one.is_empty());
    out.put_u8(if is_limited {
        LIMITED_VERSION
    } else {
        DOMAIN_VERSION
    });
    codec::encode_bare(&mut out, &bare)?;
    codec::encode_bare(&mut out, &passwords)?;
    if is_limited {
        codec::encode_bare(&mut out, &limits)?;
    }
    Ok(out.freeze())
}

/// Reads a row, with the passwords that open.
///
/// # Errors
/// Any [`RowError`].
pub(crate) fn read(row: &[u8], keys: &Keyring) -> Result<Read, RowError> {
    let (mut domain, passwords) = parse(row)?;
    let is_bare = row.first() == Some(&ROW_VERSION) && has_login(&domain);
    let id = domain.id;
    for SealedPassword {
        destination,
        sealed,
    } in passwords
    {
        let Some(destination) = domain.destinations.get_mut(usize::from(destination)) else {
            continue;
        };
        let name = place_of(id, destination);
        let opened = keys.open_for_node(&name, &sealed).ok();
        match (
            opened.and_then(|text| String::from_utf8(text).ok()),
            &mut destination.login,
        ) {
            (Some(text), Some(login)) => login.password = Secret::new(text),
            (None, Some(_)) => {
                tracing::error!(domain.name = %domain.name, host = destination.host, "the password for a destination does not open with this node's master key: set it again");
            }
            (_, None) => {}
        }
    }
    Ok(Read { domain, is_bare })
}

/// Whether a row is one, without its passwords.
///
/// # Errors
/// Any [`RowError`].
pub(crate) fn check(row: &[u8]) -> Result<(), RowError> {
    parse(row).map(drop)
}

fn parse(row: &[u8]) -> Result<(Domain, Vec<SealedPassword>), RowError> {
    match row.split_first() {
        Some((&DOMAIN_VERSION, rest)) => {
            let (domain, rest) = codec::decode_front(rest)?;
            return Ok((domain, codec::decode_bare(rest)?));
        }
        Some((&LIMITED_VERSION, rest)) => {
            let (mut domain, rest): (Domain, _) = codec::decode_front(rest)?;
            let (passwords, rest) = codec::decode_front(rest)?;
            let limits: Vec<HostLimits> = codec::decode_bare(rest)?;
            for (destination, limits) in domain.destinations.iter_mut().zip(limits) {
                destination.limits = limits;
            }
            return Ok((domain, passwords));
        }
        Some((&UNFORWARDED_VERSION, rest)) => {
            let (domain, rest) = codec::decode_front::<Earlier<Unforwarded>>(rest)?;
            return Ok((domain.into(), codec::decode_bare(rest)?));
        }
        _ => {}
    }
    let rest = codec::versioned(row)?;
    let domain = match codec::decode_bare::<Earlier<Unforwarded>>(rest) {
        Ok(domain) => domain.into(),
        // Two forms had this version; each has bytes left over or missing in the other's eyes.
        Err(error) => codec::decode_bare::<Earlier<Earliest>>(rest)
            .map_err(|_| error)?
            .into(),
    };
    Ok((domain, Vec::new()))
}

fn has_login(domain: &Domain) -> bool {
    domain.destinations.iter().any(|one| one.login.is_some())
}

/// What a password is sealed for: it opens nowhere else.
fn place_of(domain: DomainId, destination: &Destination) -> Vec<u8> {
    let user = destination.login.as_ref().map(|login| login.user.as_str());
    let parts = [
        b"next hop".as_slice(),
        &domain.0.to_be_bytes(),
        destination.host.as_bytes(),
        &destination.port.to_be_bytes(),
        user.unwrap_or_default().as_bytes(),
    ];
    parts.join(&0)
}

/// A domain whose hosts are written in an earlier form.
#[derive(Deserialize)]
struct Earlier<Host> {
    id: DomainId,
    name: DomainName,
    destinations: Vec<Host>,
    verify: Option<VerifyMode>,
    catch_all: bool,
    hold_days: u16,
    hold: Option<Hold>,
    continuity: Option<Continuity>,
    created_at: Timestamp,
}

/// A host before roles and logins.
#[derive(Deserialize)]
struct Earliest {
    host: String,
    port: u16,
    priority: u16,
    weight: u16,
    tls: TlsPolicy,
}

/// A host before XFORWARD.
#[derive(Deserialize)]
#[cfg_attr(test, derive(Serialize))]
struct Unforwarded {
    host: String,
    port: u16,
    priority: u16,
    weight: u16,
    tls: TlsPolicy,
    role: HostRole,
    login: Option<Login>,
}

impl<Host: Into<Destination>> From<Earlier<Host>> for Domain {
    fn from(earlier: Earlier<Host>) -> Self {
        let destinations = earlier.destinations.into_iter();
        Self {
            id: earlier.id,
            name: earlier.name,
            destinations: destinations.map(Into::into).collect(),
            verify: earlier.verify,
            catch_all: earlier.catch_all,
            hold_days: earlier.hold_days,
            hold: earlier.hold,
            continuity: earlier.continuity,
            created_at: earlier.created_at,
        }
    }
}

impl From<Earliest> for Destination {
    fn from(earlier: Earliest) -> Self {
        Self {
            host: earlier.host,
            port: earlier.port,
            priority: earlier.priority,
            weight: earlier.weight,
            tls: earlier.tls,
            ..Self::default()
        }
    }
}

impl From<Unforwarded> for Destination {
    fn from(earlier: Unforwarded) -> Self {
        Self {
            host: earlier.host,
            port: earlier.port,
            priority: earlier.priority,
            weight: earlier.weight,
            tls: earlier.tls,
            role: earlier.role,
            login: earlier.login,
            xforward: false,
            limits: HostLimits::NONE,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::spool::testing::domain;

    /// `x.example` at `mail.x.example:25`, held for 15 days, as the first version wrote it.
    const EARLIEST: &[u8] = b"\x01\x07\x09x.example\x01\x0email.x.example\x19\x0a\x01\x01\
        \x00\x00\x0f\x00\x00\x80\xd8\xc1\xa2\x8c\x34";

    fn with_login(password: &str) -> Domain {
        let mut domain = domain(7, "x.example");
        domain.destinations[0].tls = TlsPolicy::Required;
        domain.destinations[0].login = Some(Login {
            user: "relay".to_owned(),
            password: Secret::new(password.to_owned()),
        });
        domain
    }

    fn keys(folder: &std::path::Path) -> Keyring {
        Keyring::open(crate::seal::KeySource::Files {
            master: folder.join("master.key"),
            folder: folder.join("keys"),
        })
        .unwrap()
    }

    #[test]
    fn out18_d8_a_password_is_sealed_for_its_node_domain_host_and_user() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let written = with_login("hunter2");
        let row = row(&written, &keys(one.path())).unwrap();
        assert!(!row.windows(7).any(|window| window == b"hunter2"));
        let found = read(&row, &keys(one.path())).unwrap();
        assert_eq!((found.domain, found.is_bare), (written.clone(), false));
        // Another node keeps the domain and signs in nowhere.
        let found = read(&row, &keys(two.path())).unwrap().domain;
        assert_eq!(found, with_login(""));
        assert!(check(&row).is_ok());
        assert!(check(&row[..row.len() - 1]).is_err());
        let place = |change: fn(&mut Domain)| {
            let mut other = written.clone();
            change(&mut other);
            place_of(other.id, &other.destinations[0])
        };
        let same = place(|_| {});
        assert_ne!(same, place(|domain| domain.id.0 = 8));
        assert_ne!(same, place(|domain| domain.destinations[0].port = 26));
        let renamed = |domain: &mut Domain| domain.destinations[0].host = "evil".to_owned();
        assert_ne!(same, place(renamed));
    }

    #[test]
    fn limits_are_kept_and_a_row_without_them_is_as_it_was() {
        let keys = Keyring::default();
        let mut domain = domain(7, "x.example");
        let plain = row(&domain, &keys).unwrap();
        assert_eq!(plain[0], DOMAIN_VERSION);
        domain.destinations[0].limits = HostLimits {
            window: Some(8),
            connections_per_second: Some(2),
        };
        let limited = row(&domain, &keys).unwrap();
        assert_eq!(limited[0], LIMITED_VERSION);
        assert_eq!(read(&limited, &keys).unwrap().domain, domain);
        for cut in 1..limited.len() {
            assert!(read(&limited[..cut], &keys).is_err(), "{cut}");
        }
    }

    #[test]
    fn a_row_from_before_roles_and_logins_is_read() {
        let found = read(EARLIEST, &Keyring::default()).unwrap();
        assert!(!found.is_bare);
        let host = &found.domain.destinations[0];
        assert_eq!((host.host.as_str(), host.port), ("mail.x.example", 25));
        assert_eq!((host.priority, &host.tls), (10, &TlsPolicy::Opportunistic));
        assert_eq!(found.domain.id, DomainId(7));
        assert_eq!(found.domain.hold_days, 15);
        assert_eq!(found.domain.created_at, Timestamp::from_secs(1_790_000_000));
        for cut in 1..EARLIEST.len() {
            assert!(
                read(&EARLIEST[..cut], &Keyring::default()).is_err(),
                "{cut}"
            );
        }
        assert!(read(&[EARLIEST, &[0]].concat(), &Keyring::default()).is_err());
    }

    /// The body of a row as it was written before hosts said anything about XFORWARD.
    pub(crate) fn unforwarded(domain: &Domain) -> BytesMut {
        let mut out = BytesMut::new();
        let hosts: Vec<Unforwarded> = domain
            .destinations
            .iter()
            .map(|host| Unforwarded {
                host: host.host.clone(),
                port: host.port,
                priority: host.priority,
                weight: host.weight,
                tls: host.tls.clone(),
                role: host.role,
                login: host.login.clone(),
            })
            .collect();
        codec::encode_bare(&mut out, &(domain.id, &domain.name, hosts)).unwrap();
        let rest = (
            domain.verify,
            domain.catch_all,
            domain.hold_days,
            &domain.hold,
            domain.continuity,
            domain.created_at,
        );
        codec::encode_bare(&mut out, &rest).unwrap();
        out
    }

    #[test]
    fn a_row_of_version_1_is_read_with_its_password_and_is_to_be_written_anew() {
        for (domain, is_bare) in [
            (with_login("hunter2"), true),
            (domain(7, "x.example"), false),
        ] {
            let bare = [&[ROW_VERSION][..], &unforwarded(&domain)].concat();
            let found = read(&bare, &Keyring::default()).unwrap();
            assert_eq!((found.domain, found.is_bare), (domain, is_bare));
        }
        assert_eq!(check(&[5, 0]), Err(RowError::Version(5)));
    }

    #[test]
    fn out22_a_row_from_before_xforward_is_read_and_forwards_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let keys = keys(folder.path());
        let written = with_login("hunter2");
        let mut today = written.clone();
        today.destinations[0].xforward = true;
        assert_eq!(
            read(&row(&today, &keys).unwrap(), &keys).unwrap().domain,
            today
        );
        let bare = with_login("");
        let mut old = BytesMut::from(&[UNFORWARDED_VERSION][..]);
        old.put_slice(&unforwarded(&bare));
        let place = place_of(bare.id, &bare.destinations[0]);
        let sealed = SealedPassword {
            destination: 0,
            sealed: keys.seal_for_node(&place, b"hunter2").unwrap(),
        };
        codec::encode_bare(&mut old, &[sealed].as_slice()).unwrap();
        assert_eq!(read(&old, &keys).unwrap().domain, written);
    }
}
