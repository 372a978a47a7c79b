//! Passkeys (A7, WebAuthn Level 3): discoverable key pairs that replace password and second factor.
//!
//! `client_data` and `authenticator_data` read what a browser and a device say, `cose_key` the key
//! among it; `ceremony` judges both and is pure; `challenge` makes what a device signs;
//! `account` is what it all does to an account. Attestation is neither asked for nor looked at: which
//! make a device is does not matter here, and what is not attested proves nothing about it.

mod account;
mod authenticator_data;
mod ceremony;
mod challenge;
mod client_data;
mod cose_key;
mod relying_party;

pub use account::{NewPasskey, PasskeySignIn};
pub use ceremony::{Assertion, PasskeyFault, Registration};
pub(super) use challenge::Challenges;
pub use challenge::Purpose;
pub use relying_party::RelyingParty;
