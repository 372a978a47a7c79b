//! The key that signs mail of a domain's users.

use std::fmt;

use super::time::Timestamp;

/// A signing key with the DNS record that goes with it (RFC 6376 §3.6.1).
#[derive(Clone, PartialEq, Eq)]
pub struct DkimKey {
    /// The name under which the record is published.
    pub selector: String,
    /// The record's text.
    pub record: String,
    /// When the key was made.
    pub created_at: Timestamp,
    /// The private half, PKCS#1 DER; sealed where it is stored.
    pub private: Vec<u8>,
}

impl fmt::Debug for DkimKey {
    /// Without the private half.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DkimKey")
            .field("selector", &self.selector)
            .field("record", &self.record)
            .field("created_at", &self.created_at)
            .finish_non_exhaustive()
    }
}
