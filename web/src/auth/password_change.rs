//! Setting a password: by its owner, by whoever holds a one-time token, by an administrator.
//!
//! Invariants: a password that is set is in force at once and ends the account's sessions (C23), all
//! but the one it was set from; one that is not set by its owner takes passkeys away; open tokens
//! become worthless; nothing of the password is kept but
//! its hash.

use storage::model::{AccountId, AuditRow, Password, SecretDigest, TokenPurpose};
use storage::spool::{AccountChange, AccountEffects, EndSessions};

use super::password_hasher::Cost;
use super::sign_in::{SignIn, SignInError};

/// On whose word a password is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetBy {
    /// The owner, from this session, which goes on.
    Owner(SecretDigest),
    /// Whoever holds this token, which is used up.
    Token(SecretDigest),
    /// An administrator of the domain.
    Administrator,
}

impl SignIn {
    /// A password that an administrator gives a user, hashed. Whether it is good enough was judged
    /// before (`password_rule`).
    ///
    /// # Errors
    /// [`SignInError`].
    pub async fn new_password(&self, password: &str) -> Result<Password, SignInError> {
        Ok(Password {
            hash: self.hasher.hash(Cost::User, password).await?,
            changed_at: self.spool.clock().now(),
            set_by_administrator: true,
        })
    }

    /// Sets a password. Answers whether it was set: a token can be used only once.
    ///
    /// # Errors
    /// [`SignInError`]; then nothing has changed.
    pub async fn set_password(
        &self,
        account: &AccountId,
        password: &str,
        by: SetBy,
        audit: AuditRow,
    ) -> Result<bool, SignInError> {
        let hash = self.hasher.hash(Cost::of(account), password).await?;
        let changed_at = self.spool.clock().now();
        let effects = AccountEffects {
            end_sessions: match by {
                SetBy::Owner(session) => EndSessions::AllBut(session),
                SetBy::Token(_) | SetBy::Administrator => EndSessions::All,
            },
            spend: match by {
                SetBy::Token(token) => Some(token),
                SetBy::Owner(_) | SetBy::Administrator => None,
            },
            void: vec![
                TokenPurpose::Enrolment,
                TokenPurpose::Reset,
                TokenPurpose::Request,
            ],
            audit: Some(audit),
            ..AccountEffects::default()
        };
        let changed = self
            .spool
            .change_account(account, |credentials| {
                if !matches!(by, SetBy::Owner(_)) {
                    // Whoever asks for this has lost faith in what opened the account so far.
                    credentials.passkeys.all.clear();
                }
                credentials.password = Some(Password {
                    hash,
                    changed_at,
                    set_by_administrator: by == SetBy::Administrator,
                });
                (effects, ())
            })
            .await?;
        Ok(changed == AccountChange::Done(()))
    }
}

impl Cost {
    /// What hashing costs for an account.
    #[must_use]
    pub const fn of(account: &AccountId) -> Self {
        match account {
            AccountId::User { .. } => Self::User,
            AccountId::Administrator { .. } => Self::Administrator,
        }
    }
}
