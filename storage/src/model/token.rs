//! Secrets that are handed out: to be used once, or by programs.

use serde::{Deserialize, Serialize};

use super::credentials::AccountId;
use super::time::Timestamp;

/// What a token is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum TokenPurpose {
    /// A code or link that an administrator hands out: sets a password.
    Enrolment,
    /// A link that was asked for on the page for forgotten passwords: sets a password.
    Reset,
    /// Somebody without a way in has asked the administrators. Opens nothing: nobody has its secret.
    Request,
}

/// With this a program asks in the name of an administrator. The secret itself is not kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiToken {
    /// In whose name.
    pub administrator: AccountId,
    /// What it is for.
    pub name: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it is worthless.
    pub expires_at: Timestamp,
}

/// A token that has not been used. The secret itself is not kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OneTimeToken {
    /// Whose password it sets.
    pub account: AccountId,
    /// What it is good for.
    pub purpose: TokenPurpose,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it is worthless.
    pub expires_at: Timestamp,
    /// Who handed it out.
    pub created_by: String,
}
