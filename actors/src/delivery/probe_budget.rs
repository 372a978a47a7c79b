//! The probes of the whole node, shared by its governors (delivery.md B3).
//!
//! A node asks at most 1,000 hosts a second. Two rules keep that: *who is asked how often* depends on
//! how many are down, so that the demand over time fits; and every probe takes a *slot*, so that not
//! even ten thousand governors that start in the same second send more. Up to 3,500 hosts are asked
//! every 3.35 to 3.5 s. Beyond that the least urgent fall to 8 s, and from 8,000 on to 20 s: urgent is a
//! large backlog at a host that took mail a short time ago.
//!
//! Nobody keeps a list: governors hold a seat in one of 64 ranks, and the numbers of seats by rank
//! say on which side of the line a seat is. A governor that dies gives its seat back.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Probes a second of the whole node.
pub const PROBES_PER_SECOND: u32 = 1000;
/// Mean time between two probes of a host that does not answer, with budget to spare: within 1,100 an
/// hour, and half of all returns are known in less than two seconds.
pub const PERIOD: Duration = Duration::from_millis(3350);
/// The same when the budget is just enough for all.
pub const PERIOD_FULL: Duration = Duration::from_millis(3500);
/// The same for the less urgent beyond it.
pub const PERIOD_LESS: Duration = Duration::from_secs(8);
/// The same for the least urgent far beyond it.
pub const PERIOD_LEAST: Duration = Duration::from_secs(20);
/// Ranks of urgency.
const RANKS: usize = 64;

/// How urgent it is to know that a host is back; larger is more urgent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Urgency(u8);

impl Urgency {
    /// `queued_bytes` wait for a host that took mail `silent_for` ago. Twice the bytes outweigh twice
    /// the silence.
    #[must_use]
    pub fn of(queued_bytes: u64, silent_for: Duration) -> Self {
        let silence = (silent_for.as_secs() / 60).saturating_add(1).ilog2();
        let bytes = queued_bytes.saturating_add(1).ilog2();
        let rank = (bytes + 20).saturating_sub(silence).min(RANKS as u32 - 1);
        Self(u8::try_from(rank).unwrap_or(u8::MAX))
    }
}

/// The budget; a cheap clone that shares it.
#[derive(Debug, Clone, Default)]
pub struct ProbeBudget(Arc<Mutex<Books>>);

/// A governor's part in it while hosts of its route are down.
#[derive(Debug)]
pub struct ProbeSeat {
    budget: ProbeBudget,
    urgency: Urgency,
    hosts: u32,
    /// Where among those of its rank, 0..1.
    place: f64,
}

#[derive(Debug)]
struct Books {
    hosts: [u32; RANKS],
    next_slot: Duration,
}

impl Default for Books {
    fn default() -> Self {
        Self {
            hosts: [0; RANKS],
            next_slot: Duration::ZERO,
        }
    }
}

impl ProbeBudget {
    /// Takes part with so many hosts. `place`, in 0..1 and different for every governor, decides
    /// among the equally urgent.
    #[must_use]
    pub fn take_seat(&self, urgency: Urgency, hosts: u32, place: f64) -> ProbeSeat {
        self.books().add(urgency, hosts);
        ProbeSeat {
            budget: self.clone(),
            urgency,
            hosts,
            place: place.clamp(0.0, 1.0),
        }
    }

    /// When a probe that is due may go out: now, or when its slot comes.
    #[must_use]
    pub fn slot(&self, now: Duration) -> Duration {
        let mut books = self.books();
        let at = books.next_slot.max(now);
        books.next_slot = at + Duration::from_secs(1) / PROBES_PER_SECOND;
        at
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        // Numbers are right after each statement, whoever panicked.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ProbeSeat {
    /// It is more or less urgent now, or other hosts are down.
    pub fn change(&mut self, urgency: Urgency, hosts: u32) {
        let mut books = self.budget.books();
        books.remove(self.urgency, self.hosts);
        books.add(urgency, hosts);
        drop(books);
        (self.urgency, self.hosts) = (urgency, hosts);
    }

    /// The mean time between two probes of each of its hosts.
    #[must_use]
    pub fn period(&self) -> Duration {
        self.budget.books().period(self.urgency, self.place)
    }
}

impl Drop for ProbeSeat {
    fn drop(&mut self) {
        self.budget.books().remove(self.urgency, self.hosts);
    }
}

impl Books {
    fn add(&mut self, urgency: Urgency, hosts: u32) {
        if let Some(count) = self.hosts.get_mut(usize::from(urgency.0)) {
            *count = count.saturating_add(hosts);
        }
    }

    fn remove(&mut self, urgency: Urgency, hosts: u32) {
        if let Some(count) = self.hosts.get_mut(usize::from(urgency.0)) {
            *count = count.saturating_sub(hosts);
        }
    }

    fn period(&self, urgency: Urgency, place: f64) -> Duration {
        let budget = f64::from(PROBES_PER_SECOND);
        let sum = |hosts: &[u32]| hosts.iter().copied().map(f64::from).sum::<f64>();
        let all = sum(&self.hosts);
        let fits = |period: Duration| all <= budget * period.as_secs_f64();
        let even = Duration::from_secs_f64(all / budget);
        let (quick, slow) = match all {
            _ if fits(PERIOD_FULL) => return even.max(PERIOD),
            _ if fits(PERIOD_LESS) => (PERIOD_FULL, PERIOD_LESS),
            _ if fits(PERIOD_LEAST) => (PERIOD_LESS, PERIOD_LEAST),
            _ => return even,
        };
        // So many quick ones and the others slow use the budget up.
        let (rate, base) = (1.0 / quick.as_secs_f64(), 1.0 / slow.as_secs_f64());
        let fit = (budget - all * base) / (rate - base);
        let rank = usize::from(urgency.0);
        let above = sum(self.hosts.get(rank + 1..).unwrap_or_default());
        let alike = self.hosts.get(rank).copied().map_or(0.0, f64::from);
        if place.mul_add(alike, above) < fit {
            quick
        } else {
            slow
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seats(budget: &ProbeBudget, count: u32, urgency: Urgency) -> Vec<ProbeSeat> {
        let place = |n| f64::from(n) / f64::from(count);
        (0..count)
            .map(|n| budget.take_seat(urgency, 1, place(n)))
            .collect()
    }

    fn rate(seats: &[ProbeSeat]) -> f64 {
        let each = seats.iter().map(|seat| 1.0 / seat.period().as_secs_f64());
        each.sum()
    }

    #[test]
    fn s11_the_node_never_asks_more_than_a_thousand_hosts_a_second() {
        let urgency = Urgency::of(1 << 20, Duration::from_secs(600));
        for count in [1, 3_500, 3_501, 5_000, 8_000, 10_000, 20_000, 50_000] {
            let budget = ProbeBudget::default();
            let seats = seats(&budget, count, urgency);
            let rate = rate(&seats);
            assert!(rate <= 1001.0, "{count}: {rate}");
            let wanted = (f64::from(count) / 3.35).min(1000.0);
            assert!(rate >= wanted * 0.99, "{count}: {rate}, the budget is used");
            let longest = seats.iter().map(ProbeSeat::period).max().unwrap();
            assert!(longest <= PERIOD_LEAST.max(Duration::from_millis(u64::from(count))));
        }
    }

    #[test]
    fn s11_beyond_the_budget_the_least_urgent_wait_longest() {
        let budget = ProbeBudget::default();
        let urgent = Urgency::of(1 << 30, Duration::from_secs(60));
        let small = Urgency::of(1 << 10, Duration::from_secs(60));
        let old = Urgency::of(1 << 30, Duration::from_secs(30 * 86_400));
        assert!(small < old && old < urgent);
        let first = seats(&budget, 1_000, urgent);
        let last = seats(&budget, 5_000, small);
        assert!(first.iter().all(|seat| seat.period() == PERIOD_FULL));
        assert!(last.iter().any(|seat| seat.period() == PERIOD_LESS));
        drop(last);
        let again = seats(&budget, 1_000, small);
        assert!(again.iter().all(|seat| seat.period() == PERIOD));
    }

    #[test]
    fn s11_slots_are_a_millisecond_apart_and_unused_ones_are_not_saved_up() {
        let budget = ProbeBudget::default();
        let now = Duration::from_secs(7);
        let slots: Vec<_> = (0..3).map(|_| budget.slot(now)).collect();
        let ms = Duration::from_millis;
        assert_eq!(slots, [now, now + ms(1), now + ms(2)]);
        let later = now + Duration::from_secs(60);
        assert_eq!(budget.slot(later), later);
        assert_eq!(budget.slot(later), later + ms(1));
    }

    #[test]
    fn a_seat_that_changes_leaves_nothing_behind() {
        let budget = ProbeBudget::default();
        let mut seat = budget.take_seat(Urgency::of(0, Duration::ZERO), 2, 0.5);
        seat.change(Urgency::of(1 << 40, Duration::ZERO), 3);
        drop(seat);
        assert_eq!(budget.books().hosts, [0; RANKS]);
    }
}
