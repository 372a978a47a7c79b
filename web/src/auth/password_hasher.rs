//! Hashing passwords: argon2id with fixed figures, on a bounded number of threads.
//!
//! Invariants: never more hashes at one time than cores, never more callers waiting than
//! 64; an account that does not exist costs the same time as a wrong password; a hash
//! made with other figures is still verified, and reported as outdated.

use std::fmt;
use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher as _, PasswordVerifier as _, Version};
use tokio::sync::Semaphore;
use unicode_normalization::UnicodeNormalization as _;

/// Callers that may wait for a thread; who comes later is told to come back.
const WAITING_MAX: usize = 64;
/// When to come back, in seconds: by then those who wait have been served.
pub const RETRY_AFTER_SECONDS: u32 = 5;

/// Whose password it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cost {
    /// A user's: 19 MiB, two passes. Everybody signs in during the first minutes of an outage.
    User,
    /// An administrator's: 64 MiB, three passes.
    Administrator,
}

impl Cost {
    const fn memory_kib(self) -> u32 {
        match self {
            Self::User => 19_456,
            Self::Administrator => 65_536,
        }
    }

    const fn passes(self) -> u32 {
        match self {
            Self::User => 2,
            Self::Administrator => 3,
        }
    }

    /// What is verified when there is no account: the same work, and no password fits.
    fn dummy(self) -> String {
        format!(
            "$argon2id$v=19$m={},t={},p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            self.memory_kib(),
            self.passes(),
        )
    }
}

/// What a comparison has found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// Whether it is the password.
    pub matches: bool,
    /// Whether its hash was made with other figures than today's.
    pub outdated: bool,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HashError {
    /// Too many are waiting already.
    #[error("too many are signing in at this moment")]
    Busy,
    /// The library refused; its words.
    #[error("passwords cannot be hashed: {0}")]
    Failed(String),
}

/// The threads that hash, and the line before them. Cheap to clone.
#[derive(Clone)]
pub struct PasswordHasher {
    threads: Arc<Semaphore>,
    line: Arc<Semaphore>,
}

impl fmt::Debug for PasswordHasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let free = self.threads.available_permits();
        write!(f, "PasswordHasher {{ free: {free} }}")
    }
}

impl PasswordHasher {
    /// As many threads as there are cores.
    #[must_use]
    pub fn new() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self::with_threads(cores)
    }

    /// So many threads.
    #[must_use]
    pub fn with_threads(threads: usize) -> Self {
        Self {
            threads: Arc::new(Semaphore::new(threads)),
            line: Arc::new(Semaphore::new(threads + WAITING_MAX)),
        }
    }

    /// The hash of a password with today's figures and a fresh salt, in PHC form.
    ///
    /// # Errors
    /// [`HashError`].
    pub async fn hash(&self, cost: Cost, password: &str) -> Result<String, HashError> {
        let password = normalised(password);
        self.run(move || {
            let hash = argon2(cost)?.hash_password(password.as_bytes());
            hash.map(|hash| hash.to_string())
                .map_err(|error| error.to_string())
        })
        .await
    }

    /// Whether `password` is the one behind `stored`; does the same work when there is none.
    ///
    /// # Errors
    /// [`HashError`].
    pub async fn verify(
        &self,
        cost: Cost,
        password: &str,
        stored: Option<&str>,
    ) -> Result<Verdict, HashError> {
        let password = normalised(password);
        let exists = stored.is_some();
        let stored = stored.map_or_else(|| cost.dummy(), ToOwned::to_owned);
        self.run(move || {
            let argon2 = argon2(cost)?;
            let matches = argon2.verify_password(password.as_bytes(), stored.as_str());
            Ok(Verdict {
                matches: exists && matches.is_ok(),
                outdated: exists && is_outdated(cost, &stored),
            })
        })
        .await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, String> + Send + 'static,
    ) -> Result<T, HashError> {
        let Ok(_place) = Arc::clone(&self.line).try_acquire_owned() else {
            return Err(HashError::Busy);
        };
        let thread = Arc::clone(&self.threads).acquire_owned().await;
        let thread = thread.map_err(|_| HashError::Busy)?;
        let done = tokio::task::spawn_blocking(move || {
            // Held here, so that a caller who has gone away does not make room that is not there.
            let _thread = thread;
            work()
        });
        match done.await {
            Ok(done) => done.map_err(HashError::Failed),
            Err(ended) => Err(HashError::Failed(ended.to_string())),
        }
    }
}

impl Default for PasswordHasher {
    fn default() -> Self {
        Self::new()
    }
}

fn argon2(cost: Cost) -> Result<Argon2<'static>, String> {
    let params = Params::new(cost.memory_kib(), cost.passes(), 1, Some(32));
    let params = params.map_err(|error| error.to_string())?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// Keyboards differ in how they compose letters; the password is the same.
fn normalised(password: &str) -> String {
    password.nfc().collect()
}

fn is_outdated(cost: Cost, stored: &str) -> bool {
    let Ok(hash) = PasswordHash::new(stored) else {
        return true;
    };
    let of_today = Params::try_from(&hash).is_ok_and(|params| {
        params.m_cost() == cost.memory_kib()
            && params.t_cost() == cost.passes()
            && params.p_cost() == 1
    });
    !of_today
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a3_the_figures_are_in_the_hash_and_each_salt_is_fresh() {
        let hasher = PasswordHasher::with_threads(1);
        let one = hasher.hash(Cost::User, "correct horse").await.unwrap();
        let other = hasher.hash(Cost::User, "correct horse").await.unwrap();
        assert!(one.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{one}");
        assert_ne!(one, other);
        let salt = one.split('$').nth(4).unwrap();
        assert_eq!(salt.len(), 22, "16 bytes");
        let tag = one.split('$').nth(5).unwrap();
        assert_eq!(tag.len(), 43, "32 bytes");
        let admin = hasher.hash(Cost::Administrator, "x").await.unwrap();
        assert!(
            admin.starts_with("$argon2id$v=19$m=65536,t=3,p=1$"),
            "{admin}"
        );
    }

    #[tokio::test]
    async fn a4_the_same_letters_are_the_same_password_however_they_are_composed() {
        let hasher = PasswordHasher::with_threads(1);
        let stored = hasher
            .hash(Cost::User, "Gr\u{fc}\u{df}e aus K\u{f6}ln")
            .await
            .unwrap();
        let typed = "Gru\u{308}\u{df}e aus Ko\u{308}ln";
        let verdict = hasher
            .verify(Cost::User, typed, Some(&stored))
            .await
            .unwrap();
        assert!(verdict.matches && !verdict.outdated);
        let trimmed = hasher.verify(Cost::User, "Gr\u{fc}\u{df}e aus K\u{f6}ln ", Some(&stored));
        assert!(!trimmed.await.unwrap().matches, "spaces count");
    }

    #[tokio::test]
    async fn a3_no_account_is_verified_against_a_hash_with_the_same_figures() {
        for cost in [Cost::User, Cost::Administrator] {
            assert!(PasswordHash::new(&cost.dummy()).is_ok());
            assert!(!is_outdated(cost, &cost.dummy()));
            let hasher = PasswordHasher::with_threads(1);
            let verdict = hasher.verify(cost, "anything", None).await.unwrap();
            assert!(!verdict.matches && !verdict.outdated);
        }
    }

    #[tokio::test]
    async fn a3_a_hash_of_other_figures_still_opens_and_is_reported() {
        let hasher = PasswordHasher::with_threads(1);
        let stored = hasher
            .hash(Cost::Administrator, "correct horse")
            .await
            .unwrap();
        let verdict = hasher
            .verify(Cost::User, "correct horse", Some(&stored))
            .await
            .unwrap();
        assert!(verdict.matches && verdict.outdated);
    }

    #[tokio::test]
    async fn a3_who_comes_when_the_line_is_full_is_told_so_at_once() {
        let hasher = PasswordHasher::with_threads(1);
        let _all = hasher.line.clone().try_acquire_many_owned(1 + 64).unwrap();
        let refused = hasher.verify(Cost::User, "x", None).await;
        assert_eq!(refused, Err(HashError::Busy));
    }
}
