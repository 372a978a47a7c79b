//! `intents`: what an administrator wants done with queued mail.
//!
//! ```text
//! number u64 → version | Intent
//! ```
//! Writer: an administrator's command adds; the domain's DeliveryActor deletes when it is done.
//! Expiry: none needed. The open ones are also in memory, so the keyspace is read only at start.

use crate::model::IntentId;

/// Key of an intent.
pub(crate) const fn key(id: IntentId) -> [u8; 8] {
    id.0.to_be_bytes()
}
