//! Who has signed in and which one-time tokens are open, in memory: what every request asks.
//!
//! Loaded when the store is opened and changed together with each commit that changes the rows. A
//! session costs some 300 bytes; nothing gets in without a password or an administrator's wish, and
//! both have bounds per account.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::model::{
    AccountId, DomainId, Month, MonthCount, OneTimeToken, SecretDigest, Session, Timestamp,
    TokenPurpose,
};

/// How far the stored time of a session's last request may lag behind.
const SEEN_LAG: Duration = Duration::from_secs(300);

/// Sessions and one-time tokens.
#[derive(Debug, Default)]
pub(crate) struct Access {
    tables: Mutex<AccessTables>,
}

#[derive(Debug, Default)]
pub(crate) struct AccessTables {
    sessions: HashMap<SecretDigest, LiveSession>,
    sessions_by_account: BTreeSet<(AccountId, SecretDigest)>,
    tokens: HashMap<SecretDigest, OneTimeToken>,
    tokens_by_account: BTreeSet<(AccountId, SecretDigest)>,
    months: BTreeMap<(DomainId, Month), MonthCount>,
}

#[derive(Debug)]
struct LiveSession {
    session: Session,
    stored_seen_at: Timestamp,
}

impl Access {
    /// The tables. Never held across an await.
    pub(crate) fn lock(&self) -> MutexGuard<'_, AccessTables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AccessTables {
    /// Adds a session, or replaces it.
    pub(crate) fn put_session(&mut self, digest: SecretDigest, session: Session) {
        self.sessions_by_account
            .insert((session.account.clone(), digest));
        let stored_seen_at = session.seen_at;
        let live = LiveSession {
            session,
            stored_seen_at,
        };
        self.sessions.insert(digest, live);
    }

    /// Takes a session out.
    pub(crate) fn take_session(&mut self, digest: &SecretDigest) -> Option<Session> {
        let live = self.sessions.remove(digest)?;
        let place = (live.session.account.clone(), *digest);
        self.sessions_by_account.remove(&place);
        Some(live.session)
    }

    /// A session that is alive.
    pub(crate) fn session(&self, digest: &SecretDigest, now: Timestamp) -> Option<&Session> {
        let live = self.sessions.get(digest)?;
        live.session.is_alive(now).then_some(&live.session)
    }

    /// Notes a request. Answers the session, and whether its row should be written again.
    pub(crate) fn touch(
        &mut self,
        digest: &SecretDigest,
        now: Timestamp,
    ) -> Option<(Session, bool)> {
        let live = self.sessions.get_mut(digest)?;
        if !live.session.is_alive(now) {
            return None;
        }
        live.session.seen_at = live.session.seen_at.max(now);
        let stale = now.saturating_since(live.stored_seen_at) >= SEEN_LAG;
        if stale {
            live.stored_seen_at = now;
        }
        Some((live.session.clone(), stale))
    }

    /// An account's sessions, dead ones included.
    pub(crate) fn sessions_of(&self, account: &AccountId) -> Vec<(SecretDigest, Session)> {
        digests(&self.sessions_by_account, account)
            .filter_map(|digest| {
                let live = self.sessions.get(&digest)?;
                Some((digest, live.session.clone()))
            })
            .collect()
    }

    /// Adds a token, or replaces it.
    pub(crate) fn put_token(&mut self, digest: SecretDigest, token: OneTimeToken) {
        self.tokens_by_account
            .insert((token.account.clone(), digest));
        self.tokens.insert(digest, token);
    }

    /// Takes a token out.
    pub(crate) fn take_token(&mut self, digest: &SecretDigest) -> Option<OneTimeToken> {
        let token = self.tokens.remove(digest)?;
        self.tokens_by_account
            .remove(&(token.account.clone(), *digest));
        Some(token)
    }

    /// A token that can still be used.
    pub(crate) fn token(&self, digest: &SecretDigest, now: Timestamp) -> Option<&OneTimeToken> {
        let token = self.tokens.get(digest)?;
        (now < token.expires_at).then_some(token)
    }

    /// An account's open tokens for one purpose.
    pub(crate) fn tokens_of(
        &self,
        account: &AccountId,
        purpose: TokenPurpose,
    ) -> Vec<(SecretDigest, OneTimeToken)> {
        digests(&self.tokens_by_account, account)
            .filter_map(|digest| Some((digest, self.tokens.get(&digest)?.clone())))
            .filter(|(_, token)| token.purpose == purpose)
            .collect()
    }

    /// How many users a domain had in a month; none when nobody has counted yet.
    pub(crate) fn month(&self, domain: DomainId, month: Month) -> Option<MonthCount> {
        self.months.get(&(domain, month)).copied()
    }

    /// Keeps a count.
    pub(crate) fn put_month(&mut self, domain: DomainId, month: Month, count: MonthCount) {
        self.months.insert((domain, month), count);
    }

    /// The counts of a domain, oldest month first.
    pub(crate) fn months_of(&self, domain: DomainId) -> Vec<(Month, MonthCount)> {
        let first = (domain, Month::from_number(0));
        let last = (domain, Month::from_number(u32::MAX));
        let months = self.months.range(first..=last);
        months.map(|((_, month), count)| (*month, *count)).collect()
    }

    /// Forgets the counts of a domain.
    pub(crate) fn drop_months(&mut self, domain: DomainId) {
        self.months.retain(|(of, _), _| *of != domain);
    }

    /// Everything that belongs to an account.
    pub(crate) fn belongings(&self, account: &AccountId) -> (Vec<SecretDigest>, Vec<SecretDigest>) {
        (
            digests(&self.sessions_by_account, account).collect(),
            digests(&self.tokens_by_account, account).collect(),
        )
    }

    /// The users of a domain that have anything here.
    pub(crate) fn accounts_of_domain(&self, domain: DomainId) -> BTreeSet<AccountId> {
        let first = AccountId::User {
            domain,
            local: String::new(),
        };
        let start = Bound::Included((first, SecretDigest::from_bytes([0; 32])));
        [&self.sessions_by_account, &self.tokens_by_account]
            .into_iter()
            .flat_map(|index| {
                index
                    .range((start.clone(), Bound::Unbounded))
                    .map(|(account, _)| account)
                    .take_while(|account| account.domain() == Some(domain))
            })
            .cloned()
            .collect()
    }

    /// Sessions and tokens whose time is over: at most `limit` of each.
    pub(crate) fn expired(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> (Vec<SecretDigest>, Vec<SecretDigest>) {
        let sessions = self.sessions.iter();
        let tokens = self.tokens.iter();
        (
            sessions
                .filter(|(_, live)| !live.session.is_alive(now))
                .map(|(digest, _)| *digest)
                .take(limit)
                .collect(),
            tokens
                .filter(|(_, token)| now >= token.expires_at)
                .map(|(digest, _)| *digest)
                .take(limit)
                .collect(),
        )
    }
}

fn digests<'i>(
    index: &'i BTreeSet<(AccountId, SecretDigest)>,
    account: &AccountId,
) -> impl Iterator<Item = SecretDigest> + 'i {
    let first = (account.clone(), SecretDigest::from_bytes([0; 32]));
    let last = (account.clone(), SecretDigest::from_bytes([u8::MAX; 32]));
    index.range(first..=last).map(|(_, digest)| *digest)
}
