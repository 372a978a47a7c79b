//! How often somebody may fail to sign in (A5). Success is never limited, and nobody is locked out:
//! an account that is being guessed at answers more slowly, for a minute at most.
//!
//! Pure but for the lock around it: time is an argument. The tables are in memory and bounded; whoever
//! can restart the process needs no guessing.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use storage::model::Timestamp;

use super::window::{LEVELS, Window, prefix};

/// Failures of one account before the next try has to wait.
const FREE_PER_ACCOUNT: u32 = 5;
/// The longest wait of an account.
const WAIT_MAX: Duration = Duration::from_secs(60);
/// An account that nobody has guessed at for so long starts afresh.
const ACCOUNT_MEMORY: Duration = Duration::from_secs(86_400);
/// Failures from one address (IPv4) or /64 (IPv6) in a minute and in a day.
const PER_MINUTE: u32 = 10;
const PER_DAY: u32 = 50;
const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(86_400);
/// Accounts and prefixes that are remembered.
const REMEMBERED_MAX: usize = 100_000;

/// Who has failed lately.
#[derive(Debug, Default)]
pub struct Failures {
    tables: Mutex<Tables>,
}

#[derive(Debug, Default)]
struct Tables {
    accounts: HashMap<String, AccountFailures>,
    prefixes: HashMap<(usize, u128), PrefixFailures>,
}

#[derive(Debug, Clone, Copy)]
struct AccountFailures {
    count: u32,
    last_at: Timestamp,
}

#[derive(Debug, Clone, Copy)]
struct PrefixFailures {
    minute: Window,
    day: Window,
}

impl Failures {
    /// How long a try for `account` from `from` has to wait; zero when it may be made now. Does not
    /// depend on whether there is such an account.
    #[must_use]
    pub fn wait(&self, account: &str, from: IpAddr, now: Timestamp) -> Duration {
        let tables = self.lock();
        let of_account = tables.accounts.get(account);
        let of_account = of_account.map_or(Duration::ZERO, |failures| failures.wait(now));
        let of_prefixes = LEVELS.iter().enumerate().map(|(level, (_, _, factor))| {
            let failures = tables.prefixes.get(&prefix(level, from));
            failures.map_or(Duration::ZERO, |failures| failures.wait(*factor, now))
        });
        of_prefixes.fold(of_account, Duration::max)
    }

    /// Notes a failure.
    pub fn failed(&self, account: &str, from: IpAddr, now: Timestamp) {
        let mut tables = self.lock();
        tables.make_room(now);
        let entry = tables.accounts.entry(account.to_owned());
        let failures = entry.or_insert(AccountFailures {
            count: 0,
            last_at: now,
        });
        if now.saturating_since(failures.last_at) > ACCOUNT_MEMORY {
            failures.count = 0;
        }
        failures.count = failures.count.saturating_add(1);
        failures.last_at = now;
        for level in 0..LEVELS.len() {
            let fresh = Window::new(now);
            let failures = tables.prefixes.entry(prefix(level, from));
            let failures = failures.or_insert(PrefixFailures {
                minute: fresh,
                day: fresh,
            });
            failures.minute.note(MINUTE, now);
            failures.day.note(DAY, now);
        }
    }

    /// The account has signed in: its failures are forgotten, those of the address are not.
    pub fn succeeded(&self, account: &str) {
        self.lock().accounts.remove(account);
    }

    fn lock(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tables {
    /// Forgets what does not limit anybody any more; under attack from more places than can be
    /// remembered, also what limits for the day only.
    fn make_room(&mut self, now: Timestamp) {
        if self.accounts.len() >= REMEMBERED_MAX {
            self.accounts.retain(|_, it| it.wait(now) > Duration::ZERO);
            if self.accounts.len() >= REMEMBERED_MAX {
                self.accounts.clear();
            }
        }
        if self.prefixes.len() >= REMEMBERED_MAX {
            self.prefixes.retain(|_, it| it.minute.is_open(MINUTE, now));
            if self.prefixes.len() >= REMEMBERED_MAX {
                self.prefixes.clear();
            }
        }
    }
}

impl AccountFailures {
    fn wait(&self, now: Timestamp) -> Duration {
        let Some(beyond) = self.count.checked_sub(FREE_PER_ACCOUNT) else {
            return Duration::ZERO;
        };
        let seconds = 1_u64.checked_shl(beyond).unwrap_or(u64::MAX);
        let wait = Duration::from_secs(seconds).min(WAIT_MAX);
        wait.saturating_sub(now.saturating_since(self.last_at))
    }
}

impl PrefixFailures {
    fn wait(&self, factor: u32, now: Timestamp) -> Duration {
        let minute = self.minute.wait(MINUTE, PER_MINUTE * factor, now);
        minute.max(self.day.wait(DAY, PER_DAY * factor, now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::from_secs(1_800_000_000);

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_secs(1_800_000_000 + seconds)
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    /// From a different place each time, so that only the account counts.
    fn elsewhere(number: u32) -> IpAddr {
        IpAddr::from((0x0a00_0000 + (number << 12)).to_be_bytes())
    }

    #[test]
    fn a5_an_account_answers_more_slowly_after_five_failures_and_is_never_locked() {
        let failures = Failures::default();
        let mut waits = Vec::new();
        for number in 0..14 {
            failures.failed("a@x.example", elsewhere(number), START);
            let wait = failures.wait("a@x.example", elsewhere(99), START);
            waits.push(wait.as_secs());
        }
        assert_eq!(waits, [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60, 60]);
        assert_eq!(
            failures.wait("a@x.example", elsewhere(99), at(60)),
            Duration::ZERO
        );
        assert_eq!(
            failures.wait("b@x.example", elsewhere(99), START),
            Duration::ZERO
        );
    }

    #[test]
    fn a5_success_resets_the_account_and_not_the_address() {
        let failures = Failures::default();
        let from = address("192.0.2.7");
        for _ in 0..10 {
            failures.failed("a@x.example", from, START);
        }
        failures.succeeded("a@x.example");
        assert_eq!(
            failures.wait("a@x.example", address("198.51.100.1"), START),
            Duration::ZERO
        );
        assert_eq!(failures.wait("a@x.example", from, START), MINUTE);
        assert_eq!(
            failures.wait("b@x.example", from, at(59)),
            Duration::from_secs(1)
        );
        assert_eq!(failures.wait("b@x.example", from, at(60)), Duration::ZERO);
    }

    #[test]
    fn a5_a_day_has_fifty_failures() {
        let failures = Failures::default();
        let from = address("192.0.2.7");
        for number in 0..50 {
            failures.failed(&format!("{number}@x.example"), from, at(number * 120));
        }
        let wait = failures.wait("z@x.example", from, at(49 * 120 + 61));
        assert!(wait > Duration::from_secs(20 * 3600), "{wait:?}");
        assert_eq!(
            failures.wait("z@x.example", from, at(86_400)),
            Duration::ZERO
        );
    }

    #[test]
    fn a5_wider_networks_have_three_and_nine_times_as_many() {
        for (network, inside, outside) in [
            ("192.0.2", "192.0.2.63", "192.0.2.64"),
            ("2001:db8:0", "2001:db8:0:ffff::1", "2001:db8:1::1"),
        ] {
            let failures = Failures::default();
            for number in 0..30 {
                let from = if network.contains(':') {
                    address(&format!("{network}:{number:x}::1"))
                } else {
                    address(&format!("{network}.{number}"))
                };
                failures.failed(&format!("{number}@x.example"), from, START);
            }
            let wait = |from: &str| failures.wait("z@x.example", address(from), START);
            assert_eq!(wait(inside), MINUTE, "{inside}");
            assert_eq!(wait(outside), Duration::ZERO, "{outside}");
        }
    }

    #[test]
    fn a5_two_addresses_of_one_ipv6_customer_count_as_one() {
        let failures = Failures::default();
        for number in 0..10 {
            let from = address(&format!("2001:db8::{number:x}"));
            failures.failed(&format!("{number}@x.example"), from, START);
        }
        assert_eq!(
            failures.wait("z@x.example", address("2001:db8::ffff"), START),
            MINUTE
        );
    }
}
