//! Signing in: from an address and a password to a session.
//!
//! Invariants: the answer and its time are the same whether there is no such mailbox, it is
//! disabled, it has no password, or the password is another one; nothing about an account is told to
//! whoever does not know its password; every outcome that opens or refuses something is counted.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use storage::model::{
    AccountId, Actor, AuditRow, Credentials, Mailbox, SecretDigest, Session, SessionKind,
};
use storage::spool::{AccountChange, AccountEffects, EndSessions, Resolution, Spool, SpoolError};

use super::client::Client;
use super::failures::Failures;
use super::passkey::Challenges;
use super::password_hasher::{Cost, HashError, PasswordHasher};
use super::second_factor::{SecondFactors, site_word};
use super::secret::{NoRandomness, Secret};

/// Everything that signing in needs. Cheap to clone.
#[derive(Debug, Clone)]
pub struct SignIn {
    /// The store.
    pub spool: Spool,
    /// Where passwords are hashed.
    pub hasher: PasswordHasher,
    /// Who has failed lately.
    pub failures: Arc<Failures>,
    /// Sign-ins that wait for their second factor.
    pub second_factors: SecondFactors,
    /// What passkeys are to sign.
    pub(super) passkeys: Arc<Challenges>,
}

/// How a try to sign in ended.
#[derive(Debug)]
pub enum SignInOutcome {
    /// Here is the session.
    SignedIn(NewSession),
    /// The password is right; a second factor is asked for, and this continues the sign-in.
    SecondFactor(Secret),
    /// The address is an alias, and the password is that of its mailbox.
    Alias {
        /// The mailbox to sign in to.
        parent: Mailbox,
    },
    /// Address and password do not belong together.
    Refused,
    /// Too many failures: try again after this time.
    Wait(Duration),
}

/// Why signing in could not be tried.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// Too many are signing in.
    #[error(transparent)]
    Hash(#[from] HashError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] SpoolError),
    /// No session id can be made.
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
}

/// A session that has just begun; its id goes to the browser and nowhere else.
#[derive(Debug)]
pub struct NewSession {
    /// The id.
    pub id: Secret,
    /// Whose it is.
    pub account: AccountId,
}

/// An account as far as it can be found by an address.
#[derive(Debug)]
struct Found {
    account: AccountId,
    mailbox: Mailbox,
    is_alias: bool,
}

/// What came of a password.
#[derive(Debug)]
pub enum Proof {
    /// It is the account's.
    Right {
        /// Whether a second factor is switched on.
        second_factor: bool,
    },
    /// It is not, or there is no such account.
    Wrong,
    /// Too many failures: try again after this time.
    Wait(Duration),
}

impl SignIn {
    /// Signing in to this store, where nobody has failed yet.
    #[must_use]
    pub fn new(spool: Spool, hasher: PasswordHasher) -> Self {
        Self {
            spool,
            hasher,
            failures: Arc::default(),
            second_factors: SecondFactors::default(),
            passkeys: Arc::default(),
        }
    }

    /// Tries to sign a user in.
    ///
    /// # Errors
    /// [`SignInError`] when it could not be tried.
    pub async fn user(
        &self,
        address: &str,
        password: &str,
        client: &Client,
    ) -> Result<SignInOutcome, SignInError> {
        let found = self.find_user(address);
        let account = found.as_ref().map(|found| &found.account);
        let proof = self.prove(SessionKind::Portal, account, address, password, client);
        match (proof.await?, found) {
            (Proof::Wait(wait), _) => Ok(SignInOutcome::Wait(wait)),
            (Proof::Right { .. }, Some(found)) if found.is_alias => Ok(SignInOutcome::Alias {
                parent: found.mailbox,
            }),
            (Proof::Right { second_factor }, Some(found)) => {
                let address = found.mailbox.to_string();
                self.go_on(
                    &found.account,
                    SessionKind::Portal,
                    &address,
                    second_factor,
                    client,
                )
                .await
            }
            (Proof::Right { .. } | Proof::Wrong, _) => Ok(SignInOutcome::Refused),
        }
    }

    /// Tries to sign an administrator in.
    ///
    /// # Errors
    /// [`SignInError`] when it could not be tried.
    pub async fn administrator(
        &self,
        address: &str,
        password: &str,
        client: &Client,
    ) -> Result<SignInOutcome, SignInError> {
        let known = match address.trim().parse::<Mailbox>() {
            Ok(address) => self.spool.administrator(&address).await?,
            Err(_) => None,
        };
        let known = known.filter(|row| !row.grants.is_empty());
        let account = known.as_ref();
        let account = account.map(|row| AccountId::administrator(&row.address));
        let proof = self.prove(
            SessionKind::Admin,
            account.as_ref(),
            address,
            password,
            client,
        );
        match (proof.await?, account, known) {
            (Proof::Wait(wait), ..) => Ok(SignInOutcome::Wait(wait)),
            (Proof::Right { second_factor }, Some(account), Some(row)) => {
                let address = row.address.to_string();
                self.go_on(
                    &account,
                    SessionKind::Admin,
                    &address,
                    second_factor,
                    client,
                )
                .await
            }
            _ => Ok(SignInOutcome::Refused),
        }
    }

    async fn go_on(
        &self,
        account: &AccountId,
        kind: SessionKind,
        address: &str,
        second_factor: bool,
        client: &Client,
    ) -> Result<SignInOutcome, SignInError> {
        if second_factor {
            let id = self.challenge(account, address, kind)?;
            return Ok(SignInOutcome::SecondFactor(id));
        }
        let session = self.begin(account, kind, address, client).await?;
        Ok(SignInOutcome::SignedIn(session))
    }

    /// Whether a password is an account's, with the limits on failures. The address is what was
    /// typed; the work is the same when there is no account.
    ///
    /// # Errors
    /// [`SignInError`] when it could not be tried.
    pub async fn prove(
        &self,
        kind: SessionKind,
        account: Option<&AccountId>,
        address: &str,
        password: &str,
        client: &Client,
    ) -> Result<Proof, SignInError> {
        let now = self.spool.clock().now();
        let key = failure_key(kind, address);
        let wait = self.failures.wait(&key, client.address, now);
        if wait > Duration::ZERO {
            return Ok(Proof::Wait(wait));
        }
        let cost = match kind {
            SessionKind::Portal => Cost::User,
            SessionKind::Admin => Cost::Administrator,
        };
        let credentials = match account {
            Some(account) => self.spool.credentials(account).await?,
            None => Credentials::default(),
        };
        let stored = credentials.password.as_ref().map(|it| it.hash.as_str());
        let verdict = self.hasher.verify(cost, password, stored).await?;
        let Some(account) = account.filter(|_| verdict.matches) else {
            self.note_failure(&key, client.address, site_word(kind));
            return Ok(Proof::Wrong);
        };
        self.failures.succeeded(&key);
        if verdict.outdated {
            self.rehash(account, &credentials, password).await?;
        }
        Ok(Proof::Right {
            second_factor: credentials.totp.is_some(),
        })
    }

    /// Gives somebody who has just proved who they are a new session instead of `old`: its id is
    /// new, and it counts as proven now.
    ///
    /// # Errors
    /// [`SignInError`].
    pub async fn renew(
        &self,
        account: &AccountId,
        kind: SessionKind,
        old: SecretDigest,
        client: &Client,
    ) -> Result<NewSession, SignInError> {
        let id = Secret::token()?;
        let effects = AccountEffects {
            end_sessions: EndSessions::One(old),
            begin_session: Some((id.digest(), self.session(account, kind, client))),
            ..AccountEffects::default()
        };
        self.spool
            .change_account(account, |_| (effects, ()))
            .await?;
        Ok(NewSession {
            id,
            account: account.clone(),
        })
    }

    fn session(&self, account: &AccountId, kind: SessionKind, client: &Client) -> Session {
        let now = self.spool.clock().now();
        Session {
            account: account.clone(),
            kind,
            created_at: now,
            seen_at: now,
            proven_at: now,
            from: client.address.to_string(),
            agent: client.agent.clone(),
        }
    }

    /// Begins a session of an account that has proved who it is.
    ///
    /// # Errors
    /// [`SignInError`].
    pub async fn begin(
        &self,
        account: &AccountId,
        kind: SessionKind,
        address: &str,
        client: &Client,
    ) -> Result<NewSession, SignInError> {
        let id = Secret::token()?;
        let now = self.spool.clock().now();
        let session = self.session(account, kind, client);
        let effects = AccountEffects {
            begin_session: Some((id.digest(), session)),
            audit: Some(self.audit_row(account, address, client, "session.begin")),
            ..AccountEffects::default()
        };
        self.spool
            .change_account(account, |credentials| {
                credentials.last_login_at = Some(now);
                (effects, ())
            })
            .await?;
        Ok(NewSession {
            id,
            account: account.clone(),
        })
    }

    /// Ends a session.
    ///
    /// # Errors
    /// [`SpoolError`].
    pub async fn end(
        &self,
        account: &AccountId,
        address: &str,
        session: SecretDigest,
        client: &Client,
    ) -> Result<(), SpoolError> {
        let effects = AccountEffects {
            end_sessions: EndSessions::One(session),
            audit: Some(self.audit_row(account, address, client, "session.end")),
            ..AccountEffects::default()
        };
        self.spool
            .change_account(account, |_| (effects, ()))
            .await
            .map(drop)
    }

    /// The audit row of something that an account does to itself.
    #[must_use]
    pub fn audit_row(
        &self,
        account: &AccountId,
        address: &str,
        client: &Client,
        action: &str,
    ) -> AuditRow {
        let (address, from) = (address.to_owned(), client.address.to_string());
        AuditRow {
            at: self.spool.clock().wall(),
            subject: address.clone(),
            actor: match account {
                AccountId::User { .. } => Actor::User { address, from },
                AccountId::Administrator { .. } => Actor::Administrator { address, from },
            },
            action: action.to_owned(),
            detail: String::new(),
        }
    }

    /// How long somebody who types one-time codes has to wait; nobody knows yet whose they are.
    #[must_use]
    pub fn code_wait(&self, client: &Client) -> Duration {
        let now = self.spool.clock().now();
        self.failures.wait("", client.address, now)
    }

    /// Notes a one-time code that was none.
    pub fn note_wrong_code(&self, client: &Client) {
        self.note_failure(&client.address.to_string(), client.address, "portal");
    }

    /// The enabled mailbox that an address, or an alias, belongs to.
    pub(super) fn mailbox_of(&self, address: &str) -> Option<Mailbox> {
        self.find_user(address).map(|found| found.mailbox)
    }

    fn find_user(&self, address: &str) -> Option<Found> {
        let address: Mailbox = address.trim().parse().ok()?;
        let directory = self.spool.directory();
        let Resolution::Known {
            domain,
            mailbox_key,
        } = directory.resolve(&address)
        else {
            return None;
        };
        let is_alias = mailbox_key != address.key();
        let mailbox = Mailbox::new(&mailbox_key, address.domain().clone()).ok()?;
        // A catch-all or the postmaster is known without a mailbox.
        directory
            .mailbox_enabled(&mailbox)
            .filter(|enabled| *enabled)?;
        Some(Found {
            account: AccountId::user(domain, &mailbox),
            mailbox,
            is_alias,
        })
    }

    /// Notes a failure, in words that hold nothing of what was typed.
    pub(crate) fn note_failure(&self, key: &str, from: IpAddr, site: &'static str) {
        let now = self.spool.clock().now();
        self.failures.failed(key, from, now);
        metrics::counter!(crate::metrics::SIGN_IN_FAILURES.name, "site" => site).increment(1);
        tracing::info!(client.address = %from, site, "somebody failed to sign in");
    }

    async fn rehash(
        &self,
        account: &AccountId,
        seen: &Credentials,
        password: &str,
    ) -> Result<(), SignInError> {
        let hash = self.hasher.hash(Cost::of(account), password).await?;
        let before = seen.password.clone();
        let changed = self
            .spool
            .change_account(account, |credentials| {
                // Somebody may have set another one meanwhile.
                if credentials.password == before
                    && let Some(password) = &mut credentials.password
                {
                    password.hash = hash;
                }
                (AccountEffects::default(), ())
            })
            .await?;
        debug_assert_eq!(changed, AccountChange::Done(()));
        Ok(())
    }
}

/// What failures are counted by: the address as typed, without its case, on one site.
pub(crate) fn failure_key(kind: SessionKind, address: &str) -> String {
    const KEY_MAX: usize = 320;
    let site = site_word(kind);
    let address: String = address.trim().chars().take(KEY_MAX).collect();
    format!("{site} {}", address.to_lowercase())
}
