//! The second factor: codes by time, and recovery codes for who has lost the device (A6).
//!
//! Invariants: a code opens once, whoever presents it at the same moment; five tries and five
//! minutes for one sign-in; switching it on or off ends all other sessions; the shared secret is
//! sealed at rest, recovery codes are kept as digests.

use std::sync::Arc;
use std::time::Duration;

use storage::model::{
    AccountId, AuditRow, Credentials, SecretDigest, SessionKind, Timestamp, Totp,
};
use storage::spool::{AccountChange, AccountEffects, EndSessions};

use super::client::Client;
use super::secret::{NoRandomness, Secret};
use super::sign_in::{NewSession, SignIn, SignInError};
use super::totp::SharedSecret;
use super::waiting::Waiting;

/// How long a sign-in waits for its second factor.
const CHALLENGE_LIFE: Duration = Duration::from_secs(300);
/// How long a new secret waits for its first code.
const SETUP_LIFE: Duration = Duration::from_secs(900);
/// Wrong codes for one sign-in.
const TRIES_MAX: u8 = 5;
/// Recovery codes at one time.
const RECOVERY_CODES: usize = 10;

/// Sign-ins and secrets that wait for a code.
#[derive(Debug, Clone)]
pub struct SecondFactors {
    challenges: Arc<Waiting<Challenge>>,
    setups: Arc<Waiting<SharedSecret>>,
}

impl Default for SecondFactors {
    fn default() -> Self {
        Self {
            challenges: Arc::new(Waiting::new(CHALLENGE_LIFE)),
            setups: Arc::new(Waiting::new(SETUP_LIFE)),
        }
    }
}

/// A sign-in whose password was right.
#[derive(Debug, Clone)]
struct Challenge {
    account: AccountId,
    address: String,
    kind: SessionKind,
    tries: u8,
}

/// How a try with a second factor ended.
#[derive(Debug)]
pub enum SecondStep {
    /// Here is the session.
    SignedIn(NewSession),
    /// It was no code of this account.
    Wrong,
    /// The sign-in has to begin again: too late, or too many wrong codes.
    Over,
    /// Too many failures: try again after this time.
    Wait(Duration),
}

impl SignIn {
    /// Lets a sign-in wait for its second factor; answers the secret that continues it.
    pub(super) fn challenge(
        &self,
        account: &AccountId,
        address: &str,
        kind: SessionKind,
    ) -> Result<Secret, NoRandomness> {
        let id = Secret::token()?;
        let challenge = Challenge {
            account: account.clone(),
            address: address.to_owned(),
            kind,
            tries: 0,
        };
        let now = self.spool.clock().now();
        self.second_factors
            .challenges
            .put(id.digest(), challenge, now);
        Ok(id)
    }

    /// Continues a sign-in with a code by time or a recovery code.
    ///
    /// # Errors
    /// [`SignInError`] when it could not be tried.
    pub async fn second_step(
        &self,
        kind: SessionKind,
        id: &Secret,
        typed: &str,
        client: &Client,
    ) -> Result<SecondStep, SignInError> {
        let (digest, now) = (id.digest(), self.spool.clock().now());
        let challenges = &self.second_factors.challenges;
        let challenge = challenges.with(&digest, now, |challenge| {
            challenge.tries = challenge.tries.saturating_add(1);
            challenge.clone()
        });
        let challenge = challenge.filter(|it| it.kind == kind && it.tries <= TRIES_MAX);
        let Some(challenge) = challenge else {
            challenges.take(&digest);
            return Ok(SecondStep::Over);
        };
        let site = site_word(kind);
        let key = format!("{site} second {}", challenge.address);
        let wait = self.failures.wait(&key, client.address, now);
        if wait > Duration::ZERO {
            return Ok(SecondStep::Wait(wait));
        }
        if !self.use_code(&challenge.account, typed).await? {
            self.note_failure(&key, client.address, site);
            return Ok(SecondStep::Wrong);
        }
        if challenges.take(&digest).is_none() {
            return Ok(SecondStep::Over);
        }
        self.failures.succeeded(&key);
        let session = self.begin(&challenge.account, kind, &challenge.address, client);
        Ok(SecondStep::SignedIn(session.await?))
    }

    /// Whether a code is one of this account's at this moment; it is used up then.
    ///
    /// # Errors
    /// [`SignInError`].
    pub async fn use_code(&self, account: &AccountId, typed: &str) -> Result<bool, SignInError> {
        let seconds = self.spool.clock().wall().as_secs();
        let done = self
            .spool
            .change_account(account, |credentials| {
                let taken = self.take_code(account, credentials, typed, seconds);
                (AccountEffects::default(), taken)
            })
            .await?;
        Ok(done == AccountChange::Done(true))
    }

    fn take_code(
        &self,
        account: &AccountId,
        credentials: &mut Credentials,
        typed: &str,
        seconds: u64,
    ) -> bool {
        let Some(totp) = &mut credentials.totp else {
            return false;
        };
        if let Some(code) = Secret::typed(typed) {
            let before = credentials.recovery_codes.len();
            let digest = code.digest();
            credentials.recovery_codes.retain(|kept| *kept != digest);
            return credentials.recovery_codes.len() < before;
        }
        let opened = self.spool.open_secret(account, &totp.sealed_secret);
        let secret = match &opened {
            Ok(opened) => SharedSecret::from_slice(opened),
            Err(error) => {
                tracing::error!(%error, "the second factor of an account cannot be opened");
                None
            }
        };
        let step = secret.and_then(|it| it.step_of(typed, seconds, Some(totp.last_step)));
        if let Some(step) = step {
            totp.last_step = step;
        }
        step.is_some()
    }

    /// The secret that a session is setting up; a new one when there is none.
    ///
    /// # Errors
    /// [`NoRandomness`].
    pub fn set_up(&self, session: &SecretDigest) -> Result<SharedSecret, NoRandomness> {
        let now = self.spool.clock().now();
        let setups = &self.second_factors.setups;
        if let Some(secret) = setups.with(session, now, |secret| *secret) {
            return Ok(secret);
        }
        let secret = SharedSecret::new(super::secret::random()?);
        setups.put(*session, secret, now);
        Ok(secret)
    }

    /// Switches the second factor on, when `typed` is the present code of the secret being set up.
    /// Answers the recovery codes, shown this once. Ends all other sessions.
    ///
    /// # Errors
    /// [`SignInError`].
    pub async fn switch_on(
        &self,
        account: &AccountId,
        session: SecretDigest,
        typed: &str,
        audit: AuditRow,
    ) -> Result<Option<Vec<Secret>>, SignInError> {
        let (now, seconds) = (
            self.spool.clock().now(),
            self.spool.clock().wall().as_secs(),
        );
        let secret = self.set_up(&session)?;
        let Some(step) = secret.step_of(typed, seconds, None) else {
            return Ok(None);
        };
        let sealed_secret = self.spool.seal_secret(account, secret.as_bytes())?;
        let codes = recovery_codes()?;
        let totp = Totp {
            sealed_secret,
            enabled_at: now,
            last_step: step,
        };
        self.put_factor(
            account,
            Some(totp),
            &codes,
            EndSessions::AllBut(session),
            audit,
        )
        .await?;
        self.second_factors.setups.take(&session);
        Ok(Some(codes))
    }

    /// Lets in again who has lost the device, on the word of somebody with the right to say so:
    /// second factor, recovery codes and passkeys are gone, all sessions end.
    ///
    /// # Errors
    /// [`SignInError`].
    pub async fn forget_devices(
        &self,
        account: &AccountId,
        audit: AuditRow,
    ) -> Result<(), SignInError> {
        let effects = AccountEffects {
            end_sessions: EndSessions::All,
            audit: Some(audit),
            ..AccountEffects::default()
        };
        self.spool
            .change_account(account, |credentials| {
                credentials.totp = None;
                credentials.recovery_codes.clear();
                credentials.passkeys.all.clear();
                (effects, ())
            })
            .await?;
        Ok(())
    }

    /// Switches the second factor off.
    ///
    /// # Errors
    /// [`SignInError`].
    pub async fn switch_off(
        &self,
        account: &AccountId,
        end_sessions: EndSessions,
        audit: AuditRow,
    ) -> Result<(), SignInError> {
        self.put_factor(account, None, &[], end_sessions, audit)
            .await
    }

    async fn put_factor(
        &self,
        account: &AccountId,
        totp: Option<Totp>,
        codes: &[Secret],
        end_sessions: EndSessions,
        audit: AuditRow,
    ) -> Result<(), SignInError> {
        let effects = AccountEffects {
            end_sessions,
            audit: Some(audit),
            ..AccountEffects::default()
        };
        let digests = codes.iter().map(Secret::digest).collect();
        self.spool
            .change_account(account, |credentials| {
                credentials.totp = totp;
                credentials.recovery_codes = digests;
                (effects, ())
            })
            .await?;
        Ok(())
    }

    /// Makes new recovery codes; those from before are worthless then.
    ///
    /// # Errors
    /// [`SignInError`].
    pub async fn renew_recovery_codes(
        &self,
        account: &AccountId,
        audit: AuditRow,
    ) -> Result<Vec<Secret>, SignInError> {
        let codes = recovery_codes()?;
        let digests = codes.iter().map(Secret::digest).collect();
        let effects = AccountEffects {
            audit: Some(audit),
            ..AccountEffects::default()
        };
        self.spool
            .change_account(account, |credentials| {
                credentials.recovery_codes = digests;
                (effects, ())
            })
            .await?;
        Ok(codes)
    }
}

fn recovery_codes() -> Result<Vec<Secret>, NoRandomness> {
    (0..RECOVERY_CODES).map(|_| Secret::code()).collect()
}

/// How a site is named in metrics and limits.
pub(super) const fn site_word(kind: SessionKind) -> &'static str {
    match kind {
        SessionKind::Portal => "portal",
        SessionKind::Admin => "admin",
    }
}

/// Whether somebody has proved who they are lately enough for what cannot be undone (A9).
#[must_use]
pub fn is_fresh(proven_at: Timestamp, now: Timestamp) -> bool {
    const FRESH: Duration = Duration::from_secs(600);
    now.saturating_since(proven_at) < FRESH
}
