//! Getting in and staying in control: forgotten passwords, the second factor, security settings.

pub(super) mod forgot;
pub(super) mod passkey_door;
pub(super) mod passkeys;
pub(super) mod second_step;
pub(super) mod security;
pub(super) mod setup;
mod words;
