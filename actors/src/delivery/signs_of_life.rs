//! Signs that a host which is down may be back (delivery.md B3): a connection *from* its address to
//! our intake, and a connection of ours *to* its address that another route has opened.
//!
//! Whoever waits for a host looks out for its addresses; whoever sees an address says so. A sign only
//! makes a probe earlier; what the host can do, the probe finds out.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What is done about a sign. It is called while the table is locked and must not wait.
pub type Tell = Arc<dyn Fn() + Send + Sync>;

/// Who looks out for which address. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct SignsOfLife(Arc<Table>);

#[derive(Debug, Default)]
struct Table {
    /// Somebody looks out for something: nearly always nobody does, and every connection asks.
    in_use: AtomicBool,
    next_number: AtomicU64,
    watchers: Mutex<HashMap<IpAddr, Vec<Watcher>>>,
}

struct Watcher {
    number: u64,
    tell: Tell,
}

impl fmt::Debug for Watcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watcher")
            .field("number", &self.number)
            .finish_non_exhaustive()
    }
}

/// Somebody who looks out until this is dropped.
pub struct Lookout {
    table: Arc<Table>,
    number: u64,
    tell: Tell,
    addresses: BTreeSet<IpAddr>,
}

impl fmt::Debug for Lookout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lookout")
            .field("addresses", &self.addresses)
            .finish_non_exhaustive()
    }
}

impl SignsOfLife {
    /// Somebody who will look out, for nothing yet.
    #[must_use]
    pub fn look_out(&self, tell: Tell) -> Lookout {
        Lookout {
            table: Arc::clone(&self.0),
            number: self.0.next_number.fetch_add(1, Ordering::Relaxed),
            tell,
            addresses: BTreeSet::new(),
        }
    }

    /// The address is alive.
    pub fn seen(&self, address: IpAddr) {
        if !self.0.in_use.load(Ordering::Relaxed) {
            return;
        }
        let watchers = self.0.lock();
        for watcher in watchers.get(&address.to_canonical()).into_iter().flatten() {
            (watcher.tell)();
        }
    }
}

impl Lookout {
    /// Looks out for these addresses from now on, and for no others.
    pub fn watch(&mut self, addresses: impl IntoIterator<Item = IpAddr>) {
        let wanted: BTreeSet<IpAddr> = addresses
            .into_iter()
            .map(|address| address.to_canonical())
            .collect();
        if wanted == self.addresses {
            return;
        }
        let before = std::mem::replace(&mut self.addresses, wanted);
        let mut watchers = self.table.lock();
        forget(&mut watchers, &before, self.number);
        for address in &self.addresses {
            watchers.entry(*address).or_default().push(Watcher {
                number: self.number,
                tell: Arc::clone(&self.tell),
            });
        }
        let in_use = !watchers.is_empty();
        self.table.in_use.store(in_use, Ordering::Relaxed);
    }
}

impl Drop for Lookout {
    fn drop(&mut self) {
        self.watch([]);
    }
}

impl Table {
    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, Vec<Watcher>>> {
        self.watchers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn forget(watchers: &mut HashMap<IpAddr, Vec<Watcher>>, addresses: &BTreeSet<IpAddr>, number: u64) {
    for address in addresses {
        if let Some(of_address) = watchers.get_mut(address) {
            of_address.retain(|watcher| watcher.number != number);
            if of_address.is_empty() {
                watchers.remove(address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicU32;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn only_who_looks_out_for_an_address_hears_of_it_and_only_until_it_stops() {
        let signs = SignsOfLife::default();
        let heard = Arc::new(AtomicU32::new(0));
        let counter = Arc::clone(&heard);
        let mut lookout = signs.look_out(Arc::new(move || {
            counter.fetch_add(1, Ordering::Relaxed);
        }));
        signs.seen(ip("192.0.2.1"));
        lookout.watch([ip("192.0.2.1"), ip("2001:db8::1")]);
        signs.seen(ip("::ffff:192.0.2.1"));
        signs.seen(ip("192.0.2.2"));
        assert_eq!(heard.load(Ordering::Relaxed), 1);
        lookout.watch([ip("192.0.2.2")]);
        signs.seen(ip("192.0.2.1"));
        signs.seen(ip("192.0.2.2"));
        assert_eq!(heard.load(Ordering::Relaxed), 2);
        drop(lookout);
        signs.seen(ip("192.0.2.2"));
        assert_eq!(heard.load(Ordering::Relaxed), 2);
        assert!(signs.0.lock().is_empty() && !signs.0.in_use.load(Ordering::Relaxed));
    }
}
