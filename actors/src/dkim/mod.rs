//! Signing mail that is written in the portal (RFC 6376), so that it passes for its domain (C27).
//!
//! A domain has a key of its own, made in place; its public half is a DNS record that the
//! administrator publishes. Relayed mail is never signed: its signatures are its author's.

mod key;
mod sign;

pub use key::{DkimError, KeyPair, Selector, record_name};
pub use sign::Signer;
