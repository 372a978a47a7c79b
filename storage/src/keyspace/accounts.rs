//! `accounts`, `sessions` and `tokens`: how people sign in.
//!
//! ```text
//! accounts  1 | account           → version | Credentials | Passkeys, when there are any
//!           2 | account           → version | Administrator
//!           3 | account           → version | Preferences as JSON, so that fields can be added
//!           4 | domain id u32, month u32 → version | MonthCount
//!           5 | domain id u32, handle [16] → version | AccountId: whose passkeys have this handle
//! sessions  SHA-256 of the id     → version | Session
//! tokens    1 | SHA-256 of token  → version | OneTimeToken
//!           2 | SHA-256 of token  → version | ApiToken
//!
//! account = 'u' | domain id u32 | local part, key   or   'a' | address, text
//! ```
//! Writer: the spool, one change of an account at a time. Expiry: sessions and tokens by their own
//! times, swept by the spool; the rest goes with its mailbox, administrator or domain.

use bytes::{BufMut as _, Bytes, BytesMut};

use super::prefix_range;
use crate::codec::{self, ROW_VERSION, RowError};
use crate::engine::KeyRange;
use crate::model::{
    AccountId, Credentials, DomainId, Month, Passkeys, Preferences, SecretDigest, UserHandle,
};

const CREDENTIALS: u8 = 1;
const ADMINISTRATOR: u8 = 2;
const PREFERENCES: u8 = 3;
const MONTH: u8 = 4;
const HANDLE: u8 = 5;
const ONE_TIME: u8 = 1;
const API: u8 = 2;

/// What a row of `accounts` is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AccountRow {
    Credentials,
    Administrator,
    Preferences,
    Month,
    Handle,
}

/// The kind of a key of `accounts`.
pub(crate) fn row_of(key: &[u8]) -> Option<AccountRow> {
    match *key.first()? {
        CREDENTIALS => Some(AccountRow::Credentials),
        ADMINISTRATOR => Some(AccountRow::Administrator),
        PREFERENCES => Some(AccountRow::Preferences),
        MONTH => Some(AccountRow::Month),
        HANDLE => Some(AccountRow::Handle),
        _ => None,
    }
}

/// Key of an account's credentials.
pub(crate) fn credentials_key(account: &AccountId) -> Vec<u8> {
    key_of(CREDENTIALS, account)
}

/// Key of an account's preferences.
pub(crate) fn preferences_key(account: &AccountId) -> Vec<u8> {
    key_of(PREFERENCES, account)
}

/// The rows of a domain: its users' credentials and preferences, the handles of their
/// passkeys, and their number by month.
pub(crate) fn of_domain(domain: DomainId) -> [KeyRange; 4] {
    let domain = domain.0.to_be_bytes();
    [
        prefix_range(&[&[CREDENTIALS, b'u'], domain.as_slice()].concat()),
        prefix_range(&[&[PREFERENCES, b'u'], domain.as_slice()].concat()),
        prefix_range(&[&[MONTH], domain.as_slice()].concat()),
        prefix_range(&[&[HANDLE], domain.as_slice()].concat()),
    ]
}

/// Key of what says whose passkeys have a handle.
pub(crate) fn handle_key(handle: UserHandle) -> [u8; 21] {
    super::joined(&[&[HANDLE], &handle.to_bytes()])
}

/// Appends credentials.
pub(crate) fn encode_credentials(
    out: &mut BytesMut,
    credentials: &Credentials,
) -> Result<(), RowError> {
    codec::encode(out, credentials)?;
    if credentials.passkeys == Passkeys::default() {
        return Ok(());
    }
    codec::encode_bare(out, &credentials.passkeys)
}

/// Reads credentials.
pub(crate) fn decode_credentials(row: &[u8]) -> Result<Credentials, RowError> {
    let (mut credentials, rest) = codec::decode_front::<Credentials>(codec::versioned(row)?)?;
    if !rest.is_empty() {
        credentials.passkeys = codec::decode_bare(rest)?;
    }
    Ok(credentials)
}

/// Key of a domain's users in a month.
pub(crate) fn month_key(domain: DomainId, month: Month) -> [u8; 9] {
    let (domain, month) = (domain.0.to_be_bytes(), month.number().to_be_bytes());
    super::joined(&[&[MONTH], &domain, &month])
}

/// The domain and the month of such a key.
pub(crate) fn parse_month_key(key: &[u8]) -> Option<(DomainId, Month)> {
    let (domain, month) = key.strip_prefix(&[MONTH])?.split_first_chunk()?;
    let month = u32::from_be_bytes(month.try_into().ok()?);
    Some((
        DomainId(u32::from_be_bytes(*domain)),
        Month::from_number(month),
    ))
}

/// Key of an administrator.
pub(crate) fn administrator_key(account: &AccountId) -> Vec<u8> {
    key_of(ADMINISTRATOR, account)
}

/// All administrators.
pub(crate) fn administrators() -> KeyRange {
    prefix_range(&[ADMINISTRATOR])
}

fn key_of(kind: u8, account: &AccountId) -> Vec<u8> {
    let mut key = vec![kind];
    match account {
        AccountId::User { domain, local } => {
            key.push(b'u');
            key.extend_from_slice(&domain.0.to_be_bytes());
            key.extend_from_slice(local.as_bytes());
        }
        AccountId::Administrator { address } => {
            key.push(b'a');
            key.extend_from_slice(address.as_bytes());
        }
    }
    key
}

/// The digest that a key of `sessions` is.
pub(crate) fn parse_session_key(key: &[u8]) -> Option<SecretDigest> {
    key.try_into().ok().map(SecretDigest::from_bytes)
}

/// Key of a one-time token.
pub(crate) fn token_key(digest: &SecretDigest) -> [u8; 33] {
    super::joined(&[&[ONE_TIME], digest.as_bytes()])
}

/// The digest of a one-time token's key.
pub(crate) fn parse_token_key(key: &[u8]) -> Option<SecretDigest> {
    let digest = key.strip_prefix(&[ONE_TIME])?;
    digest.try_into().ok().map(SecretDigest::from_bytes)
}

/// Key of a token of programs.
pub(crate) fn api_token_key(digest: &SecretDigest) -> [u8; 33] {
    super::joined(&[&[API], digest.as_bytes()])
}

/// The digest of such a key.
pub(crate) fn parse_api_token_key(key: &[u8]) -> Option<SecretDigest> {
    let digest = key.strip_prefix(&[API])?;
    digest.try_into().ok().map(SecretDigest::from_bytes)
}

/// All tokens of programs.
pub(crate) fn api_tokens() -> KeyRange {
    prefix_range(&[API])
}

/// Whether a key of `tokens` is that of a token to be used once.
pub(crate) fn is_one_time(key: &[u8]) -> bool {
    key.first() == Some(&ONE_TIME)
}

/// Appends preferences.
pub(crate) fn encode_preferences(
    out: &mut BytesMut,
    preferences: &Preferences,
) -> Result<(), RowError> {
    out.put_u8(ROW_VERSION);
    serde_json::to_writer(out.writer(), preferences)
        .map_err(|error| RowError::Malformed(error.to_string()))
}

/// Reads preferences.
pub(crate) fn decode_preferences(row: &[u8]) -> Result<Preferences, RowError> {
    serde_json::from_slice(codec::versioned(row)?)
        .map_err(|error| RowError::Malformed(error.to_string()))
}

/// A key as the engine wants it.
pub(crate) fn stored(key: Vec<u8>) -> Bytes {
    Bytes::from(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Passkey, PasskeyKey, Timestamp};

    #[test]
    fn a7_rows_from_before_passkeys_are_read_and_those_with_some_come_back() {
        let mut credentials = Credentials {
            last_login_at: Some(Timestamp::from_secs(1_800_000_000)),
            ..Credentials::default()
        };
        let mut before = BytesMut::new();
        codec::encode(&mut before, &credentials).unwrap();
        assert_eq!(decode_credentials(&before), Ok(credentials.clone()));
        let mut same = BytesMut::new();
        encode_credentials(&mut same, &credentials).unwrap();
        assert_eq!(same, before, "without passkeys the row is as it was");
        credentials.passkeys = Passkeys {
            handle: UserHandle::from_bytes(&[3; 20]),
            all: vec![Passkey {
                id: vec![1, 2],
                name: "phone".to_owned(),
                key: PasskeyKey::EdDsa(vec![5; 32]),
                sign_count: 9,
                created_at: Timestamp::default(),
                used_at: None,
            }],
        };
        let mut row = BytesMut::new();
        encode_credentials(&mut row, &credentials).unwrap();
        assert_eq!(decode_credentials(&row), Ok(credentials));
        row.put_u8(0);
        assert_eq!(decode_credentials(&row), Err(RowError::Trailing(1)));
    }
}
