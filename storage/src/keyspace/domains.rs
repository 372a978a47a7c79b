//! `domains`: who is protected and where their mail goes.
//!
//! ```text
//! domains  domain id u32 → 2 | Domain, its passwords empty | passwords
//! ```
//! A password is what we sign in with at a destination (SMTP AUTH). Each is sealed with the node's
//! own key for its domain, host and user, so that a copy of the store signs in nowhere; one that
//! does not open is left empty, which a person sees when signing in fails, and the domain with its
//! mail stays. Rows of version 1 held passwords as they are; the oldest have destinations without
//! role and login. They are read, and written anew when they hold a password.
//!
//! Writer: administrators, through the spool. Expiry: none; removed on request.

use bytes::{BufMut, Bytes, BytesMut};
use serde::{Deserialize, Serialize};

use crate::codec::{self, ROW_VERSION, RowError};
use crate::error::SpoolError;
use crate::model::{
    Continuity, Destination, Domain, DomainId, DomainName, Hold, Secret, Timestamp, TlsPolicy,
    VerifyMode,
};
use crate::seal::Keyring;

/// Version of a row of this keyspace as it is written today.
const DOMAIN_VERSION: u8 = 2;

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
    out.put_u8(DOMAIN_VERSION);
    codec::encode_bare(&mut out, &bare)?;
    codec::encode_bare(&mut out, &passwords)?;
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
    if let Some((&DOMAIN_VERSION, rest)) = row.split_first() {
        let (domain, rest) = codec::decode_front(rest)?;
        return Ok((domain, codec::decode_bare(rest)?));
    }
    let rest = codec::versioned(row)?;
    let domain = codec::decode_bare(rest).or_else(|error| {
        // Two forms had this version; each has bytes left over or missing in the other's eyes.
        let earlier = codec::decode_bare::<Earlier>(rest).map_err(|_| error)?;
        Ok(earlier.into())
    })?;
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

/// A domain before its hosts had roles and logins.
#[derive(Deserialize)]
struct Earlier {
    id: DomainId,
    name: DomainName,
    destinations: Vec<EarlierDestination>,
    verify: Option<VerifyMode>,
    catch_all: bool,
    hold_days: u16,
    hold: Option<Hold>,
    continuity: Option<Continuity>,
    created_at: Timestamp,
}

#[derive(Deserialize)]
struct EarlierDestination {
    host: String,
    port: u16,
    priority: u16,
    weight: u16,
    tls: TlsPolicy,
}

impl From<Earlier> for Domain {
    fn from(earlier: Earlier) -> Self {
        let destinations = earlier.destinations.into_iter();
        Self {
            id: earlier.id,
            name: earlier.name,
            destinations: destinations.map(Destination::from).collect(),
            verify: earlier.verify,
            catch_all: earlier.catch_all,
            hold_days: earlier.hold_days,
            hold: earlier.hold,
            continuity: earlier.continuity,
            created_at: earlier.created_at,
        }
    }
}

impl From<EarlierDestination> for Destination {
    fn from(earlier: EarlierDestination) -> Self {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Login;
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

    #[test]
    fn a_row_of_version_1_is_read_with_its_password_and_is_to_be_written_anew() {
        let mut bare = BytesMut::new();
        codec::encode(&mut bare, &with_login("hunter2")).unwrap();
        let found = read(&bare, &Keyring::default()).unwrap();
        assert_eq!((found.domain, found.is_bare), (with_login("hunter2"), true));
        let mut bare = BytesMut::new();
        codec::encode(&mut bare, &domain(7, "x.example")).unwrap();
        assert!(!read(&bare, &Keyring::default()).unwrap().is_bare);
        assert_eq!(check(&[3, 0]), Err(RowError::Version(3)));
    }
}
