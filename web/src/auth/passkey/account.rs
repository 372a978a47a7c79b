//! Passkeys of an account: signing in with one, adding one, giving it a name, taking it away.
//!
//! Invariants: what opens an account is judged in the change that notes its use, so a counter is
//! never read past another use; a signature whose counter went back is refused and audited; adding
//! or removing a passkey ends all other sessions (A1).

use std::time::Duration;

use serde_json::json;
use sha2::{Digest as _, Sha256};
use storage::model::{
    AccountId, AuditRow, Credentials, Mailbox, Passkey, SecretDigest, SessionKind, UserHandle,
};
use storage::spool::{AccountChange, AccountEffects, EndSessions};

use super::ceremony::{Assertion, PasskeyFault, Registration};
use super::challenge::Purpose;
use super::relying_party::RelyingParty;
use crate::auth::client::Client;
use crate::auth::second_factor::site_word;
use crate::auth::secret::NoRandomness;
use crate::auth::sign_in::{NewSession, SignIn, SignInError};

/// Characters of a passkey's name.
const NAME_MAX: usize = 60;

/// How a try to sign in with a passkey ended.
#[derive(Debug)]
pub enum PasskeySignIn {
    /// Here is the session.
    SignedIn(NewSession),
    /// It opens nothing, for this reason, which is for the log only.
    Refused(PasskeyFault),
    /// Too many failures: try again after this time.
    Wait(Duration),
}

/// A passkey that is to be added.
#[derive(Debug)]
pub struct NewPasskey<'r> {
    /// What the browser sent.
    pub registration: &'r Registration,
    /// Its name; a text without characters becomes `Passkey`.
    pub name: &'r str,
    /// From which session, which goes on.
    pub session: SecretDigest,
}

impl SignIn {
    /// A challenge for whoever holds what `bound_to` says.
    ///
    /// # Errors
    /// [`NoRandomness`].
    pub fn passkey_challenge(
        &self,
        purpose: Purpose,
        bound_to: &[u8],
    ) -> Result<String, NoRandomness> {
        let now = self.spool.clock().now();
        self.passkeys.issue(purpose, bound_to, now)
    }

    /// Tries to sign a user in with a passkey: neither password nor second factor is asked for.
    ///
    /// # Errors
    /// [`SignInError`] when it could not be tried.
    pub async fn with_passkey(
        &self,
        party: &RelyingParty,
        bound_to: &[u8],
        assertion: &Assertion,
        client: &Client,
    ) -> Result<PasskeySignIn, SignInError> {
        let wait = self.code_wait(client);
        if wait > Duration::ZERO {
            return Ok(PasskeySignIn::Wait(wait));
        }
        let kind = SessionKind::Portal;
        let refused = |fault: PasskeyFault| {
            tracing::info!(%fault, client.address = %client.address, "a passkey was refused");
            self.note_failure(&client.address.to_string(), client.address, site_word(kind));
            PasskeySignIn::Refused(fault)
        };
        let Some((account, mailbox)) = self.holder(&assertion.user_handle).await? else {
            return Ok(refused(PasskeyFault::Unknown));
        };
        let address = mailbox.to_string();
        let used = self
            .spool
            .change_account(&account, |credentials| {
                let judged = self.judge(party, bound_to, assertion, credentials);
                let audit = (judged == Err(PasskeyFault::Counter)).then(|| AuditRow {
                    detail: json!({ "reason": PasskeyFault::Counter.to_string() }).to_string(),
                    ..self.audit_row(&account, &address, client, "passkey.refuse")
                });
                let effects = AccountEffects {
                    audit,
                    ..AccountEffects::default()
                };
                (effects, judged)
            })
            .await?;
        match used {
            AccountChange::Done(Ok(())) => {
                let session = self.begin(&account, kind, &address, client).await?;
                Ok(PasskeySignIn::SignedIn(session))
            }
            AccountChange::Done(Err(fault)) => Ok(refused(fault)),
            AccountChange::TokenSpent => Ok(refused(PasskeyFault::Challenge)),
        }
    }

    /// The enabled mailbox whose passkeys have this handle.
    async fn holder(&self, handle: &[u8]) -> Result<Option<(AccountId, Mailbox)>, SignInError> {
        let Some(handle) = UserHandle::from_bytes(handle) else {
            return Ok(None);
        };
        let account = self.spool.account_of_handle(handle).await?;
        let Some(AccountId::User { domain, local }) = &account else {
            return Ok(None);
        };
        let directory = self.spool.directory();
        let mailbox = directory
            .domain(*domain)
            .and_then(|domain| Mailbox::new(local, domain.name.clone()).ok())
            .filter(|mailbox| directory.mailbox_enabled(mailbox) == Some(true));
        Ok(account.zip(mailbox))
    }

    /// Judges a signature by the account's passkeys and notes its use.
    fn judge(
        &self,
        party: &RelyingParty,
        bound_to: &[u8],
        assertion: &Assertion,
        credentials: &mut Credentials,
    ) -> Result<(), PasskeyFault> {
        let now = self.spool.clock().now();
        let mut all = credentials.passkeys.all.iter_mut();
        let passkey = all.find(|passkey| passkey.id == assertion.id);
        let passkey = passkey.ok_or(PasskeyFault::Unknown)?;
        let signed = assertion.judge(party, passkey)?;
        self.use_challenge(&signed.challenge, Purpose::SignIn, bound_to)?;
        passkey.sign_count = signed.sign_count;
        passkey.used_at = Some(now);
        Ok(())
    }

    fn use_challenge(
        &self,
        text: &str,
        purpose: Purpose,
        bound_to: &[u8],
    ) -> Result<(), PasskeyFault> {
        let now = self.spool.clock().now();
        let nonce = self.passkeys.check(text, purpose, bound_to, now);
        let nonce = nonce.ok_or(PasskeyFault::Challenge)?;
        let first = self.passkeys.spend(nonce, now);
        first.then_some(()).ok_or(PasskeyFault::Challenge)
    }

    /// The handle under which devices keep an account's passkeys: the one it has, or the one that a
    /// first passkey from this session will give it. None for accounts without a domain.
    #[must_use]
    pub fn passkey_handle(
        &self,
        account: &AccountId,
        credentials: &Credentials,
        session: &SecretDigest,
    ) -> Option<UserHandle> {
        if credentials.passkeys.handle.is_some() {
            return credentials.passkeys.handle;
        }
        // From the session's digest, which no page shows: as random as the session's id, and the same
        // when the page is asked for again.
        let digest = Sha256::new()
            .chain_update(b"mailhold passkey handle 1")
            .chain_update(session.as_bytes())
            .finalize();
        let random = digest.first_chunk().copied()?;
        let domain = account.domain()?;
        Some(UserHandle { domain, random })
    }

    /// Adds a passkey.
    ///
    /// # Errors
    /// [`SignInError`] when it could not be tried.
    pub async fn add_passkey(
        &self,
        account: &AccountId,
        party: &RelyingParty,
        new: NewPasskey<'_>,
        audit: AuditRow,
    ) -> Result<Result<(), PasskeyFault>, SignInError> {
        let now = self.spool.clock().now();
        let add = |credentials: &mut Credentials| {
            let made = new.registration.judge(party, &credentials.passkeys)?;
            let bound_to = new.session.as_bytes();
            self.use_challenge(&made.challenge, Purpose::Register, bound_to)?;
            let handle = self.passkey_handle(account, credentials, &new.session);
            credentials.passkeys.handle = handle;
            credentials.passkeys.all.push(Passkey {
                id: made.id,
                name: name_of(new.name),
                key: made.key,
                sign_count: made.sign_count,
                created_at: now,
                used_at: None,
            });
            Ok(())
        };
        self.change_passkeys(account, new.session, audit, add).await
    }

    /// Takes a passkey away.
    ///
    /// # Errors
    /// [`SignInError`].
    pub async fn remove_passkey(
        &self,
        account: &AccountId,
        id: &[u8],
        session: SecretDigest,
        audit: AuditRow,
    ) -> Result<Result<(), PasskeyFault>, SignInError> {
        let remove = |credentials: &mut Credentials| {
            let all = &mut credentials.passkeys.all;
            let before = all.len();
            all.retain(|passkey| passkey.id != id);
            let gone = all.len() < before;
            gone.then_some(()).ok_or(PasskeyFault::Unknown)
        };
        self.change_passkeys(account, session, audit, remove).await
    }

    async fn change_passkeys(
        &self,
        account: &AccountId,
        session: SecretDigest,
        audit: AuditRow,
        change: impl FnOnce(&mut Credentials) -> Result<(), PasskeyFault> + Send,
    ) -> Result<Result<(), PasskeyFault>, SignInError> {
        let changed = self
            .spool
            .change_account(account, |credentials| {
                let done = change(credentials);
                let effects = match done {
                    Ok(()) => AccountEffects {
                        end_sessions: EndSessions::AllBut(session),
                        audit: Some(audit),
                        ..AccountEffects::default()
                    },
                    Err(_) => AccountEffects::default(),
                };
                (effects, done)
            })
            .await?;
        Ok(match changed {
            AccountChange::Done(done) => done,
            AccountChange::TokenSpent => Err(PasskeyFault::Challenge),
        })
    }

    /// Gives a passkey another name.
    ///
    /// # Errors
    /// [`SignInError`].
    pub async fn rename_passkey(
        &self,
        account: &AccountId,
        id: &[u8],
        name: &str,
        audit: AuditRow,
    ) -> Result<Result<(), PasskeyFault>, SignInError> {
        let changed = self
            .spool
            .change_account(account, |credentials| {
                let mut all = credentials.passkeys.all.iter_mut();
                let Some(passkey) = all.find(|passkey| passkey.id == id) else {
                    return (AccountEffects::default(), Err(PasskeyFault::Unknown));
                };
                passkey.name = name_of(name);
                let effects = AccountEffects {
                    audit: Some(audit),
                    ..AccountEffects::default()
                };
                (effects, Ok(()))
            })
            .await?;
        Ok(match changed {
            AccountChange::Done(done) => done,
            AccountChange::TokenSpent => Err(PasskeyFault::Unknown),
        })
    }
}

/// A name as it is kept: one line, not too long, never empty.
fn name_of(typed: &str) -> String {
    let line: String = typed
        .chars()
        .filter(|letter| !letter.is_control())
        .collect();
    let line: String = line.trim().chars().take(NAME_MAX).collect();
    if line.is_empty() {
        "Passkey".to_owned()
    } else {
        line
    }
}
