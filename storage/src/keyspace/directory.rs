//! `mailboxes`, `aliases` and `domain-aliases`: who exists; and the keys of `domains`.
//!
//! ```text
//! mailboxes  domain id u32 | local part, key  → version | flags u8 (1 = enabled) | MailboxAccount
//! aliases    domain id u32 | local part, key  → version | Alias
//! domain-aliases  the further name, in lower case → version | DomainAlias
//! ```
//! The local part in keys is that of `Mailbox::key`: unquoted and in lower case. The flags allow
//! the directory to be loaded without decoding a million accounts.
//! Writer: administrators, through the spool. Expiry: none; removed on request.

use std::ops::Bound;

use bytes::{BufMut, Bytes, BytesMut};

use super::u32_at;
use crate::codec::{self, ROW_VERSION, RowError};
use crate::engine::KeyRange;
use crate::model::{DomainId, MailboxAccount};

const ENABLED: u8 = 1;

/// Key of a domain.
pub(crate) const fn domain_key(domain: DomainId) -> [u8; 4] {
    domain.0.to_be_bytes()
}

/// The domain of a key of `domains`.
pub(crate) fn parse_domain_key(key: &[u8]) -> Option<DomainId> {
    (key.len() == 4).then_some(())?;
    u32_at(key, 0).map(DomainId)
}

/// Key of a mailbox or alias.
pub(crate) fn local_key(domain: DomainId, local_part: &str) -> Vec<u8> {
    let mut key = Vec::with_capacity(4 + local_part.len());
    key.extend_from_slice(&domain.0.to_be_bytes());
    key.extend_from_slice(local_part.as_bytes());
    key
}

/// What a key of `mailboxes` or `aliases` says.
pub(crate) fn parse_local_key(key: &[u8]) -> Option<(DomainId, &str)> {
    let (domain, local_part) = key.split_at_checked(4)?;
    Some((
        DomainId(u32_at(domain, 0)?),
        std::str::from_utf8(local_part).ok()?,
    ))
}

/// All rows of a domain behind a local part; from the start when it is empty.
pub(crate) fn local_range(domain: DomainId, after: &str) -> KeyRange {
    let end = match domain.0.checked_add(1) {
        Some(next) => Bound::Excluded(Bytes::copy_from_slice(&next.to_be_bytes())),
        None => Bound::Unbounded,
    };
    (Bound::Excluded(local_key(domain, after).into()), end)
}

/// Appends the row of a mailbox.
pub(crate) fn encode_mailbox(out: &mut BytesMut, account: &MailboxAccount) -> Result<(), RowError> {
    out.put_u8(ROW_VERSION);
    out.put_u8(if account.enabled { ENABLED } else { 0 });
    codec::encode_bare(out, account)
}

/// Whether a mailbox is enabled, without decoding it.
pub(crate) fn is_enabled(row: &[u8]) -> Option<bool> {
    Some(row.get(1)? & ENABLED != 0)
}

/// Reads the row of a mailbox.
pub(crate) fn decode_mailbox(row: &[u8]) -> Result<MailboxAccount, RowError> {
    let rest = codec::versioned(row)?;
    codec::decode_bare(rest.get(1..).ok_or(RowError::Truncated(row.len()))?)
}
