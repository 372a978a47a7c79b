//! Whose turn it is among the domains that share a route: deficit round robin over octets plus a
//! fixed cost per message, so that five hundred domains behind one server share it evenly whatever
//! they send. A message is charged when it is chosen, after its turn was given: who sent something
//! large waits that much longer for the next turn.

use std::collections::{BTreeMap, VecDeque};

use storage::model::DomainId;

use super::super::fair_queue::MESSAGE_COST;

/// What a turn adds to a domain's account: one small message.
const QUANTUM: i64 = MESSAGE_COST as i64;

/// Who waits for a permit.
#[derive(Debug, Default)]
pub(super) struct Demand {
    claims: BTreeMap<DomainId, Claim>,
    ring: VecDeque<DomainId>,
    waiting: u64,
}

#[derive(Debug, Default)]
struct Claim {
    ready: u32,
    has_canary: bool,
    account: i64,
}

impl Demand {
    /// What a domain says about itself.
    pub(super) fn set(&mut self, domain: DomainId, ready: u32, has_canary: bool) {
        let claim = self.claims.entry(domain).or_default();
        let joins = claim.ready == 0 && ready > 0;
        self.waiting = self.waiting - u64::from(claim.ready) + u64::from(ready);
        claim.ready = ready;
        claim.has_canary = has_canary;
        if joins {
            // Waiting earns nothing while there is nothing to send; debts stay.
            claim.account = claim.account.min(0);
            if !self.ring.contains(&domain) {
                self.ring.push_back(domain);
            }
        } else if ready == 0 {
            self.leave(domain);
        }
    }

    /// Messages that wait.
    pub(super) const fn waiting(&self) -> u64 {
        self.waiting
    }

    /// Gives the next turn; `canary` prefers a domain that has a good one.
    pub(super) fn next(&mut self, canary: bool) -> Option<DomainId> {
        if canary && let Some(domain) = self.with_canary() {
            return self.give(domain);
        }
        for _ in 0..2 {
            for _ in 0..self.ring.len() {
                let domain = *self.ring.front()?;
                let claim = self.claims.get_mut(&domain)?;
                if claim.account > 0 {
                    return self.give(domain);
                }
                claim.account += QUANTUM;
                self.ring.rotate_left(1);
            }
            self.forgive();
        }
        let domain = *self.ring.front()?;
        self.give(domain)
    }

    /// A message of this size was chosen.
    pub(super) fn charge(&mut self, domain: DomainId, size_bytes: u64) {
        if let Some(claim) = self.claims.get_mut(&domain) {
            let size = i64::try_from(size_bytes).unwrap_or(i64::MAX);
            claim.account = claim.account.saturating_sub(size);
        }
    }

    fn with_canary(&self) -> Option<DomainId> {
        self.ring
            .iter()
            .find(|domain| {
                self.claims
                    .get(domain)
                    .is_some_and(|claim| claim.has_canary)
            })
            .copied()
    }

    fn give(&mut self, domain: DomainId) -> Option<DomainId> {
        let claim = self.claims.get_mut(&domain)?;
        claim.ready = claim.ready.saturating_sub(1);
        claim.account -= QUANTUM;
        self.waiting = self.waiting.saturating_sub(1);
        if claim.ready == 0 {
            self.leave(domain);
        }
        Some(domain)
    }

    fn leave(&mut self, domain: DomainId) {
        self.ring.retain(|one| *one != domain);
        let settled = self.claims.get(&domain).is_some_and(|c| c.account >= 0);
        if settled {
            self.claims.remove(&domain);
        }
    }

    /// Everybody is in debt: as many rounds at once as it takes until somebody is not.
    fn forgive(&mut self) {
        let accounts = self
            .ring
            .iter()
            .filter_map(|domain| self.claims.get(domain));
        let Some(highest) = accounts.map(|claim| claim.account).max() else {
            return;
        };
        let missing = (1 - highest).max(0);
        let lift = (missing + QUANTUM - 1) / QUANTUM * QUANTUM;
        for domain in &self.ring {
            if let Some(claim) = self.claims.get_mut(domain) {
                claim.account = claim.account.saturating_add(lift);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn turns(demand: &mut Demand, count: usize) -> Vec<u32> {
        (0..count)
            .filter_map(|_| demand.next(false))
            .map(|domain| domain.0)
            .collect()
    }

    #[test]
    fn q8_domains_take_turns_whatever_they_have_waiting() {
        let mut demand = Demand::default();
        demand.set(DomainId(1), 100_000, false);
        demand.set(DomainId(2), 3, false);
        demand.set(DomainId(3), 3, false);
        let mut first: Vec<u32> = turns(&mut demand, 9);
        first.sort_unstable();
        assert_eq!(first, [1, 1, 1, 2, 2, 2, 3, 3, 3]);
        assert_eq!(turns(&mut demand, 3), [1, 1, 1]);
        assert_eq!(demand.waiting(), 100_000 - 6);
    }

    #[test]
    fn large_messages_cost_their_domain_turns() {
        let mut demand = Demand::default();
        demand.set(DomainId(1), 1000, false);
        demand.set(DomainId(2), 1000, false);
        let mut counts = [0; 3];
        for _ in 0..200 {
            let domain = demand.next(false).unwrap();
            counts[domain.0 as usize] += 1;
            if domain.0 == 1 {
                // Three more quanta: a quarter of the messages for the same octets.
                demand.charge(domain, 3 * MESSAGE_COST);
            }
        }
        assert!((38..=42).contains(&counts[1]), "{counts:?}");
    }

    #[test]
    fn one_enormous_message_does_not_stop_the_only_domain() {
        let mut demand = Demand::default();
        demand.set(DomainId(1), 2, false);
        assert_eq!(demand.next(false), Some(DomainId(1)));
        demand.charge(DomainId(1), 50 << 30);
        assert_eq!(demand.next(false), Some(DomainId(1)));
        assert_eq!(demand.next(false), None);
    }

    #[test]
    fn a_canary_is_taken_where_there_is_a_good_one() {
        let mut demand = Demand::default();
        demand.set(DomainId(1), 1, false);
        demand.set(DomainId(2), 1, true);
        assert_eq!(demand.next(true), Some(DomainId(2)));
        assert_eq!(demand.next(true), Some(DomainId(1)));
    }

    proptest! {
        #[test]
        fn every_message_that_waits_gets_exactly_one_turn(
            claims in prop::collection::vec((0_u32..20, 0_u32..5, any::<bool>(), 0_u64..1_000_000), 0..60)
        ) {
            let mut demand = Demand::default();
            let mut ready = BTreeMap::new();
            for (domain, count, canary, _) in &claims {
                demand.set(DomainId(*domain), *count, *canary);
                ready.insert(*domain, *count);
            }
            let total: u64 = ready.values().copied().map(u64::from).sum();
            prop_assert_eq!(demand.waiting(), total);
            let mut sizes = claims.iter().cycle();
            for _ in 0..total {
                let domain = demand.next(false);
                prop_assert!(domain.is_some());
                let domain = domain.unwrap();
                demand.charge(domain, sizes.next().unwrap().3);
                *ready.get_mut(&domain.0).unwrap() -= 1;
            }
            prop_assert_eq!(demand.next(false), None);
            prop_assert!(ready.values().all(|left| *left == 0));
        }
    }
}
