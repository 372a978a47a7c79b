//! How many links may be asked for (A8): three an hour for an account, ten an hour from a network.
//! Bounded in memory; nobody is locked out, only no further letter is written.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use storage::model::{AccountId, Timestamp};

use crate::auth::window::{Window, prefix};

const HOUR: Duration = Duration::from_secs(3600);
/// Links an hour for one account.
const PER_ACCOUNT: u32 = 3;
/// Requests an hour from one IPv4 address or IPv6 /64.
const PER_NETWORK: u32 = 10;
/// Accounts and networks that are remembered.
const REMEMBERED_MAX: usize = 20_000;

/// What has been asked for lately.
#[derive(Debug, Default)]
pub(super) struct ResetLimit {
    tables: Mutex<Tables>,
}

#[derive(Debug, Default)]
struct Tables {
    accounts: HashMap<AccountId, Window>,
    networks: HashMap<(usize, u128), Window>,
}

impl ResetLimit {
    /// Whether a request from here may be looked at; counts it.
    pub(super) fn admits_network(&self, from: IpAddr, now: Timestamp) -> bool {
        let mut tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        admit(&mut tables.networks, prefix(0, from), PER_NETWORK, now)
    }

    /// Whether one more link for this account may be sent; counts it.
    pub(super) fn admits_account(&self, account: &AccountId, now: Timestamp) -> bool {
        let mut tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        admit(&mut tables.accounts, account.clone(), PER_ACCOUNT, now)
    }
}

fn admit<K: Eq + Hash>(windows: &mut HashMap<K, Window>, key: K, max: u32, now: Timestamp) -> bool {
    if windows.len() >= REMEMBERED_MAX {
        windows.retain(|_, window| window.is_open(HOUR, now));
        if windows.len() >= REMEMBERED_MAX {
            windows.clear();
        }
    }
    let window = windows.entry(key).or_insert(Window::new(now));
    if window.wait(HOUR, max, now) > Duration::ZERO {
        return false;
    }
    window.note(HOUR, now);
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use storage::model::DomainId;

    #[test]
    fn a8_three_an_hour_for_an_account_and_ten_for_a_network() {
        let limit = ResetLimit::default();
        let at = |minutes: u64| Timestamp::from_secs(1_800_000_000 + minutes * 60);
        let account = |local: &str| AccountId::User {
            domain: DomainId(1),
            local: local.to_owned(),
        };
        for minutes in 0..3 {
            assert!(limit.admits_account(&account("alice"), at(minutes)));
        }
        assert!(!limit.admits_account(&account("alice"), at(3)));
        assert!(limit.admits_account(&account("bob"), at(3)));
        assert!(limit.admits_account(&account("alice"), at(60)));
        let here = "192.0.2.1".parse().unwrap();
        for _ in 0..10 {
            assert!(limit.admits_network(here, at(0)));
        }
        assert!(!limit.admits_network(here, at(59)));
        assert!(limit.admits_network("192.0.2.2".parse().unwrap(), at(59)));
        assert!(limit.admits_network(here, at(60)));
    }
}
