//! How people sign in: credentials, sessions and one-time tokens, changed one account at a time.
//!
//! A change reads the credentials, decides, and commits them together with what it does to the
//! account's sessions and tokens and with its audit row. Two changes of one account never overlap,
//! so a code or a token is taken once, whoever else presents it at the same moment.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use tokio::sync::{Mutex, MutexGuard};

use super::Spool;
use super::aside::put_audit;
use super::user_months::count_sign_in;
use crate::access::AccessTables;
use crate::codec::{self, RowError};
use crate::commit::Batch;
use crate::engine::{Durability, EngineError, KeyspaceId};
use crate::error::SpoolError;
use crate::keyspace::accounts as keys;
use crate::limits::{PAGE_ROWS_MAX, SESSIONS_PER_ACCOUNT_MAX};
use crate::model::{
    AccountId, AuditRow, Credentials, DomainId, OneTimeToken, Password, Preferences, SecretDigest,
    Session, Timestamp, TokenPurpose, UserHandle,
};

/// Accounts that can change at the same time.
const LANES: usize = 64;

/// Lets one change of an account happen at a time.
#[derive(Debug)]
pub(super) struct AccountLanes([Mutex<()>; LANES]);

impl Default for AccountLanes {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Mutex::new(())))
    }
}

impl AccountLanes {
    async fn enter(&self, account: &AccountId) -> Option<MutexGuard<'_, ()>> {
        Some(self.0.get(lane_of(account))?.lock().await)
    }

    /// Lets one change of all these accounts happen. Lanes are entered in their order, so that two
    /// such changes never wait for each other.
    pub(super) async fn enter_all(
        &self,
        accounts: impl Iterator<Item = &AccountId>,
    ) -> Vec<MutexGuard<'_, ()>> {
        let wanted: BTreeSet<usize> = accounts.map(lane_of).collect();
        let mut held = Vec::with_capacity(wanted.len());
        for lane in wanted {
            if let Some(lane) = self.0.get(lane) {
                held.push(lane.lock().await);
            }
        }
        held
    }
}

fn lane_of(account: &AccountId) -> usize {
    let mut hasher = DefaultHasher::new();
    account.hash(&mut hasher);
    usize::try_from(hasher.finish() % LANES as u64).unwrap_or_default()
}

/// Which of an account's sessions end with a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EndSessions {
    /// None.
    #[default]
    None,
    /// This one.
    One(SecretDigest),
    /// All but this one.
    AllBut(SecretDigest),
    /// All.
    All,
}

/// What a change of an account does besides changing its credentials.
#[derive(Debug, Clone, Default)]
pub struct AccountEffects {
    /// Sessions that end.
    pub end_sessions: EndSessions,
    /// A session that begins.
    pub begin_session: Option<(SecretDigest, Session)>,
    /// A token that is used up; the change happens only if it can be.
    pub spend: Option<SecretDigest>,
    /// Purposes whose open tokens become worthless.
    pub void: Vec<TokenPurpose>,
    /// A token that is handed out.
    pub hand_out: Option<(SecretDigest, OneTimeToken)>,
    /// Who did it.
    pub audit: Option<AuditRow>,
}

/// How a change of an account ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountChange<T> {
    /// It is in force.
    Done(T),
    /// The token was used, replaced or too old: nothing was changed.
    TokenSpent,
}

/// Why a change was not staged.
enum Refusal {
    Spent,
    Spool(SpoolError),
}

impl From<EngineError> for Refusal {
    fn from(error: EngineError) -> Self {
        Self::Spool(error.into())
    }
}

impl From<RowError> for Refusal {
    fn from(error: RowError) -> Self {
        Self::Spool(error.into())
    }
}

impl Spool {
    /// How an account signs in; the default when nothing is stored.
    ///
    /// # Errors
    /// [`SpoolError`] when the row cannot be read.
    pub async fn credentials(&self, account: &AccountId) -> Result<Credentials, SpoolError> {
        let key = keys::stored(keys::credentials_key(account));
        let row = self.engine().get(KeyspaceId::Accounts, key).await?;
        let row = row.map(|row| keys::decode_credentials(&row)).transpose()?;
        Ok(row.unwrap_or_default())
    }

    /// Whose passkeys have this handle.
    ///
    /// # Errors
    /// [`SpoolError`] when the row cannot be read.
    pub async fn account_of_handle(
        &self,
        handle: UserHandle,
    ) -> Result<Option<AccountId>, SpoolError> {
        let key = keys::stored(keys::handle_key(handle).to_vec());
        let row = self.engine().get(KeyspaceId::Accounts, key).await?;
        Ok(row.map(|row| codec::decode(&row)).transpose()?)
    }

    /// Changes an account: `decide` sees the credentials as they are, changes them, and says what
    /// else happens and what is answered.
    ///
    /// # Errors
    /// [`SpoolError`]; nothing is changed then.
    pub async fn change_account<T: Send>(
        &self,
        account: &AccountId,
        decide: impl FnOnce(&mut Credentials) -> (AccountEffects, T) + Send,
    ) -> Result<AccountChange<T>, SpoolError> {
        let _lane = self.inner.lanes.enter(account).await;
        let before = self.credentials(account).await?;
        let mut after = before.clone();
        let (effects, answer) = decide(&mut after);
        let now = self.clock().now();
        let staged = self
            .inner
            .committer
            .commit(Batch::new(), Durability::Synced, |order, batch| {
                let mut tables = self.inner.access.lock();
                if after != before {
                    let key = keys::credentials_key(account);
                    batch.encode(KeyspaceId::Accounts, &key, |out| {
                        keys::encode_credentials(out, &after)
                    })?;
                    if let Some(handle) = after.passkeys.handle {
                        batch.encode(KeyspaceId::Accounts, &keys::handle_key(handle), |out| {
                            codec::encode(out, account)
                        })?;
                    }
                }
                stage(&mut tables, batch, account, &effects, now)?;
                count_sign_in(&mut tables, batch, account, &before, &after)?;
                if let Some(audit) = &effects.audit {
                    put_audit(order, batch, audit)?;
                }
                Ok(())
            })
            .await;
        match staged {
            Ok(()) => Ok(AccountChange::Done(answer)),
            Err(Refusal::Spent) => Ok(AccountChange::TokenSpent),
            Err(Refusal::Spool(error)) => Err(error),
        }
    }

    /// The session of an id's digest, while it is alive; notes the request.
    ///
    /// # Errors
    /// [`SpoolError`] when the time of the request was to be stored and could not be.
    pub async fn session(&self, digest: &SecretDigest) -> Result<Option<Session>, SpoolError> {
        let now = self.clock().now();
        let Some((session, stale)) = self.inner.access.lock().touch(digest, now) else {
            return Ok(None);
        };
        if stale {
            self.inner
                .committer
                .commit(Batch::new(), Durability::Buffer, |_, batch| {
                    // It may have ended since; then its row must not come back.
                    let tables = self.inner.access.lock();
                    if let Some(session) = tables.session(digest, now) {
                        batch.encode(KeyspaceId::Sessions, digest.as_bytes(), |out| {
                            codec::encode(out, session)
                        })?;
                    }
                    Ok::<_, SpoolError>(())
                })
                .await?;
        }
        Ok(Some(session))
    }

    /// An account's living sessions, newest request first.
    #[must_use]
    pub fn sessions_of(&self, account: &AccountId) -> Vec<(SecretDigest, Session)> {
        let now = self.clock().now();
        let mut sessions = self.inner.access.lock().sessions_of(account);
        sessions.retain(|(_, session)| session.is_alive(now));
        sessions.sort_by_key(|(_, session)| std::cmp::Reverse(session.seen_at));
        sessions
    }

    /// The token of a digest, while it can be used.
    #[must_use]
    pub fn one_time_token(&self, digest: &SecretDigest) -> Option<OneTimeToken> {
        let now = self.clock().now();
        self.inner.access.lock().token(digest, now).cloned()
    }

    /// An account's open token for a purpose; the one that lives longest.
    #[must_use]
    pub fn open_token(&self, account: &AccountId, purpose: TokenPurpose) -> Option<OneTimeToken> {
        let now = self.clock().now();
        let tokens = self.inner.access.lock().tokens_of(account, purpose);
        let open = tokens.into_iter().map(|(_, token)| token);
        open.filter(|token| token.expires_at > now)
            .max_by_key(|token| token.expires_at)
    }

    /// What a user has chosen; the default when nothing is stored.
    ///
    /// # Errors
    /// [`SpoolError`] when the row cannot be read.
    pub async fn preferences(&self, account: &AccountId) -> Result<Preferences, SpoolError> {
        let key = keys::stored(keys::preferences_key(account));
        let row = self.engine().get(KeyspaceId::Accounts, key).await?;
        let row = row.map(|row| keys::decode_preferences(&row)).transpose()?;
        Ok(row.unwrap_or_default())
    }

    /// Keeps what a user has chosen.
    ///
    /// # Errors
    /// [`SpoolError`].
    pub async fn put_preferences(
        &self,
        account: &AccountId,
        preferences: &Preferences,
    ) -> Result<(), SpoolError> {
        let key = keys::preferences_key(account);
        self.inner
            .committer
            .commit(Batch::new(), Durability::Synced, |_, batch| {
                batch.encode(KeyspaceId::Accounts, &key, |out| {
                    keys::encode_preferences(out, preferences)
                })?;
                Ok::<_, SpoolError>(())
            })
            .await
    }

    /// Deletes sessions and tokens whose time is over: at most `limit` of each, and how many it
    /// were.
    ///
    /// # Errors
    /// [`SpoolError`].
    pub async fn sweep_access(&self, limit: usize) -> Result<usize, SpoolError> {
        let now = self.clock().now();
        let limit = limit.min(PAGE_ROWS_MAX);
        self.inner
            .committer
            .commit(Batch::new(), Durability::Buffer, |_, batch| {
                let mut tables = self.inner.access.lock();
                let (sessions, tokens) = tables.expired(now, limit);
                let count = sessions.len() + tokens.len();
                drop_all(&mut tables, batch, &sessions, &tokens);
                Ok::<_, SpoolError>(count)
            })
            .await
    }

    /// A secret of an account, sealed with this node's own key.
    ///
    /// # Errors
    /// [`SpoolError::Seal`].
    pub fn seal_secret(&self, account: &AccountId, secret: &[u8]) -> Result<Vec<u8>, SpoolError> {
        let place = keys::credentials_key(account);
        Ok(self.inner.keyring.seal_for_node(&place, secret)?)
    }

    /// What [`Spool::seal_secret`] has sealed for this account.
    ///
    /// # Errors
    /// [`SpoolError::Seal`].
    pub fn open_secret(&self, account: &AccountId, sealed: &[u8]) -> Result<Vec<u8>, SpoolError> {
        let place = keys::credentials_key(account);
        Ok(self.inner.keyring.open_for_node(&place, sealed)?)
    }

    /// The credentials of these users with their new passwords; their lanes are held.
    pub(super) async fn with_passwords(
        &self,
        passwords: Vec<(AccountId, Password)>,
    ) -> Result<Vec<(AccountId, Credentials)>, SpoolError> {
        let mut all = Vec::with_capacity(passwords.len());
        for (user, password) in passwords {
            let mut credentials = self.credentials(&user).await?;
            credentials.password = Some(password);
            credentials.passkeys.all.clear();
            all.push((user, credentials));
        }
        Ok(all)
    }

    /// Puts a password in force with the commit of its mailbox (C23).
    pub(super) fn put_new_password(
        &self,
        batch: &mut Batch,
        user: &AccountId,
        credentials: &Credentials,
    ) -> Result<(), RowError> {
        let key = keys::credentials_key(user);
        batch.encode(KeyspaceId::Accounts, &key, |out| {
            keys::encode_credentials(out, credentials)
        })?;
        let mut tables = self.inner.access.lock();
        let (sessions, tokens) = tables.belongings(user);
        drop_all(&mut tables, batch, &sessions, &tokens);
        Ok(())
    }

    /// Takes everything of a user out with the mailbox, in the same commit.
    pub(super) fn drop_user(&self, batch: &mut Batch, account: &AccountId) {
        let mut tables = self.inner.access.lock();
        let (sessions, tokens) = tables.belongings(account);
        drop_all(&mut tables, batch, &sessions, &tokens);
        batch.delete(KeyspaceId::Accounts, &keys::credentials_key(account));
        batch.delete(KeyspaceId::Accounts, &keys::preferences_key(account));
    }

    /// Ends a user's sessions with the commit that disables the mailbox.
    pub(super) fn end_sessions_of(&self, batch: &mut Batch, account: &AccountId) {
        let mut tables = self.inner.access.lock();
        let (sessions, _) = tables.belongings(account);
        drop_all(&mut tables, batch, &sessions, &[]);
    }

    /// Takes out what the users of a domain have, before the domain goes.
    pub(super) async fn discard_accounts(&self, domain: DomainId) -> Result<(), SpoolError> {
        self.inner
            .committer
            .commit(Batch::new(), Durability::Buffer, |_, batch| {
                let accounts = self.inner.access.lock().accounts_of_domain(domain);
                for account in &accounts {
                    self.drop_user(batch, account);
                }
                self.inner.access.lock().drop_months(domain);
                Ok::<_, SpoolError>(())
            })
            .await?;
        for range in keys::of_domain(domain) {
            let mut more = true;
            while more {
                let page = self
                    .scan(KeyspaceId::Accounts, range.clone(), PAGE_ROWS_MAX)
                    .await?;
                let mut batch = Batch::new();
                for (key, _) in &page.rows {
                    batch.delete(KeyspaceId::Accounts, key);
                }
                self.inner
                    .committer
                    .commit(batch, Durability::Buffer, |_, _| Ok::<_, SpoolError>(()))
                    .await?;
                more = page.more;
            }
        }
        Ok(())
    }
}

fn stage(
    tables: &mut AccessTables,
    batch: &mut Batch,
    account: &AccountId,
    effects: &AccountEffects,
    now: Timestamp,
) -> Result<(), Refusal> {
    if let Some(digest) = &effects.spend {
        let usable = tables.token(digest, now);
        if usable.is_none_or(|token| token.account != *account) {
            return Err(Refusal::Spent);
        }
        drop_all(tables, batch, &[], &[*digest]);
    }
    for purpose in &effects.void {
        let open = tables.tokens_of(account, *purpose);
        let open: Vec<_> = open.into_iter().map(|(digest, _)| digest).collect();
        drop_all(tables, batch, &[], &open);
    }
    if let Some((digest, token)) = &effects.hand_out {
        batch.encode(KeyspaceId::Tokens, &keys::token_key(digest), |out| {
            codec::encode(out, token)
        })?;
        tables.put_token(*digest, token.clone());
    }
    end_sessions(tables, batch, account, effects.end_sessions);
    if let Some((digest, session)) = &effects.begin_session {
        make_room(tables, batch, account);
        batch.encode(KeyspaceId::Sessions, digest.as_bytes(), |out| {
            codec::encode(out, session)
        })?;
        tables.put_session(*digest, session.clone());
    }
    Ok(())
}

fn end_sessions(
    tables: &mut AccessTables,
    batch: &mut Batch,
    account: &AccountId,
    which: EndSessions,
) {
    let ended: Vec<SecretDigest> = tables
        .sessions_of(account)
        .into_iter()
        .map(|(digest, _)| digest)
        .filter(|digest| match which {
            EndSessions::None => false,
            EndSessions::One(one) => *digest == one,
            EndSessions::AllBut(kept) => *digest != kept,
            EndSessions::All => true,
        })
        .collect();
    drop_all(tables, batch, &ended, &[]);
}

/// The longest unused sessions of an account make room for a new one.
fn make_room(tables: &mut AccessTables, batch: &mut Batch, account: &AccountId) {
    let mut sessions = tables.sessions_of(account);
    sessions.sort_by_key(|(_, session)| session.seen_at);
    let excess = (sessions.len() + 1).saturating_sub(SESSIONS_PER_ACCOUNT_MAX);
    let oldest: Vec<_> = sessions
        .iter()
        .take(excess)
        .map(|(digest, _)| *digest)
        .collect();
    drop_all(tables, batch, &oldest, &[]);
}

fn drop_all(
    tables: &mut AccessTables,
    batch: &mut Batch,
    sessions: &[SecretDigest],
    tokens: &[SecretDigest],
) {
    for digest in sessions {
        tables.take_session(digest);
        batch.delete(KeyspaceId::Sessions, digest.as_bytes());
    }
    for digest in tokens {
        tables.take_token(digest);
        batch.delete(KeyspaceId::Tokens, &keys::token_key(digest));
    }
}
