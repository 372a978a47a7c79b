//! Who is asking: the holder of the operator token, a user, an administrator.
//!
//! `password_hasher`, `password_rule`, `secret` and `failures` are the rules; `sign_in` applies them
//! to an account; `cookie`, `csrf` and `client` read what a browser says about itself.

mod bearer;
mod client;
mod cookie;
pub mod csrf;
mod failures;
mod operator_token;
pub mod passkey;
mod password_change;
mod password_hasher;
pub mod password_rule;
pub mod reset;
mod second_factor;
mod secret;
mod sign_in;
mod totp;
mod waiting;
pub(crate) mod window;

pub use bearer::require_operator;
pub(crate) use bearer::{presented, unauthorized};
pub use client::{Client, TrustedProxies};
pub use cookie::CookieName;
pub use failures::Failures;
pub use operator_token::{OperatorToken, TOKEN_FILE, TokenError};
pub use password_change::SetBy;
pub use password_hasher::{Cost, HashError, PasswordHasher, RETRY_AFTER_SECONDS, Verdict};
pub use second_factor::{SecondFactors, SecondStep, is_fresh};
pub use secret::{NoRandomness, Secret};
pub use sign_in::{NewSession, Proof, SignIn, SignInError, SignInOutcome};
pub use totp::SharedSecret;
