//! `sender-rules`: who is allowed and who is blocked.
//!
//! ```text
//! domain id u32 | mailbox, key | 0 | subject  → version | SenderRule
//! ```
//! The mailbox is empty for a rule of the whole domain; no local part holds a zero byte. One row per
//! subject and scope, so that a sender is not allowed and blocked at once.
//! Writer: administrators, through the spool. Expiry: none; removed on request and with the domain.

use crate::model::{DomainId, RuleSubject};

/// Key of a rule.
pub(crate) fn key(domain: DomainId, scope: &str, subject: &RuleSubject) -> Vec<u8> {
    let subject = subject.to_string();
    let mut key = Vec::with_capacity(5 + scope.len() + subject.len());
    key.extend_from_slice(&domain.0.to_be_bytes());
    key.extend_from_slice(scope.as_bytes());
    key.push(0);
    key.extend_from_slice(subject.as_bytes());
    key
}
