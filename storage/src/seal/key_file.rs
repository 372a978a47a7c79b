//! A domain's keys on the disk: one file per domain, one line per key, the last one current.
//!
//! ```text
//! mailhold-domain-key 1
//! <key id, 8 digits> <nonce, 24 digits> <key sealed by the master key, 96 digits>
//! ```
//! The master key seals with the domain and the key's id as associated data. The files lie beside
//! the store, not in it: no backup of the store has them, so destroying a file destroys the key.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use ring::aead::{Aad, LessSafeKey, Nonce};
use ring::rand::SystemRandom;

use super::master::{hex, io, parse_hex, sync_folder, write_new};
use super::{KEY_BYTES, KeyError, NONCE_BYTES, TAG_BYTES, random};
use crate::model::DomainId;

const FIRST_LINE: &str = "mailhold-domain-key 1";
const PREFIX: &str = "domain-";
const SUFFIX: &str = ".key";

/// Keys of a domain as they are in its file, opened; the last one is current.
pub(super) type Secrets = Vec<(u32, [u8; KEY_BYTES])>;

/// The file of a domain.
pub(super) fn path(folder: &Path, domain: DomainId) -> PathBuf {
    folder.join(format!("{PREFIX}{}{SUFFIX}", domain.0))
}

/// Every domain that has a file.
pub(super) fn list(folder: &Path) -> Result<Vec<DomainId>, KeyError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(io("listing", folder, source)),
    };
    let mut domains = Vec::new();
    for entry in entries {
        let name = entry
            .map_err(|source| io("listing", folder, source))?
            .file_name();
        let number = name.to_str().and_then(|name| {
            name.strip_prefix(PREFIX)?
                .strip_suffix(SUFFIX)?
                .parse()
                .ok()
        });
        domains.extend(number.map(DomainId));
    }
    Ok(domains)
}

/// Reads and opens a domain's keys.
pub(super) fn read(
    folder: &Path,
    domain: DomainId,
    master: &LessSafeKey,
    master_path: &Path,
) -> Result<Secrets, KeyError> {
    let path = path(folder, domain);
    let text = fs::read_to_string(&path).map_err(|source| io("reading", &path, source))?;
    let malformed = |reason| KeyError::Malformed {
        path: path.clone(),
        reason,
    };
    let mut lines = text.lines();
    if lines.next() != Some(FIRST_LINE) {
        return Err(malformed("its first line is not `mailhold-domain-key 1`"));
    }
    let mut secrets = Secrets::new();
    for line in lines {
        let (id, nonce, sealed) =
            parse_line(line).ok_or_else(|| malformed("a line is no sealed key"))?;
        let mut sealed = sealed.to_vec();
        let opened = master
            .open_in_place(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(place(domain, id)),
                &mut sealed,
            )
            .map_err(|_| KeyError::MasterForeign {
                master: master_path.to_owned(),
                key: path.clone(),
            })?;
        let secret = opened
            .first_chunk()
            .ok_or_else(|| malformed("a key is too short"))?;
        secrets.push((id, *secret));
    }
    if secrets.is_empty() {
        return Err(malformed("it has no key"));
    }
    Ok(secrets)
}

/// Writes a domain's keys, whole and durably.
pub(super) fn write(
    folder: &Path,
    domain: DomainId,
    secrets: &Secrets,
    master: &LessSafeKey,
    source: &SystemRandom,
) -> Result<(), KeyError> {
    let mut text = format!("{FIRST_LINE}\n");
    for (id, secret) in secrets {
        let nonce: [u8; NONCE_BYTES] = random(source).map_err(|_| KeyError::Random)?;
        let mut sealed = secret.to_vec();
        master
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(place(domain, *id)),
                &mut sealed,
            )
            .map_err(|_| KeyError::Random)?;
        let line = format!("{id:08x} {} {}\n", hex(&nonce), hex(&sealed));
        text.push_str(&line);
    }
    write_new(&path(folder, domain), text.as_bytes())
}

/// Destroys a domain's keys: the file is overwritten before it is removed.
pub(super) fn destroy(folder: &Path, domain: DomainId) -> Result<(), KeyError> {
    let path = path(folder, domain);
    let destroyed = || {
        let length = fs::metadata(&path)?.len();
        let mut file = fs::OpenOptions::new().write(true).open(&path)?;
        file.write_all(&vec![0; usize::try_from(length).unwrap_or(0)])?;
        file.sync_all()?;
        fs::remove_file(&path)?;
        sync_folder(&path)
    };
    match destroyed() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        other => other.map_err(|source| io("destroying", &path, source)),
    }
}

fn parse_line(line: &str) -> Option<(u32, [u8; NONCE_BYTES], [u8; KEY_BYTES + TAG_BYTES])> {
    let mut fields = line.split(' ');
    let id = u32::from_str_radix(fields.next()?, 16).ok()?;
    let nonce = parse_hex(fields.next()?)?;
    let sealed = parse_hex(fields.next()?)?;
    fields.next().is_none().then_some((id, nonce, sealed))
}

fn place(domain: DomainId, key: u32) -> [u8; 8] {
    (u64::from(domain.0) << 32 | u64::from(key)).to_be_bytes()
}
