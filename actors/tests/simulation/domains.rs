//! The domains of a route: what waits, and what their bounce breakers make of refusals.

use std::collections::BTreeMap;
use std::time::Duration;

use actors::delivery::breaker::{Belief, BounceBreaker};
use actors::delivery::classify::ReplyKey;
use storage::model::{DomainId, Timestamp};

const UNKNOWN_USER: ReplyKey = ReplyKey {
    code: 550,
    enhanced: Some((5, 1, 1)),
};

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Delivered,
    /// 5yz to its recipient.
    Rejected,
    /// Back in the queue, nothing held against it.
    Untouched,
}

/// What follows for its domain.
#[derive(Debug, Clone, Copy)]
pub(crate) struct After {
    pub(crate) bounced: bool,
    /// The domain has something to say about its demand.
    pub(crate) has_more: bool,
}

#[derive(Debug, Default)]
struct Domain {
    waiting: u64,
    breaker: BounceBreaker,
}

#[derive(Debug)]
pub(crate) struct Domains(BTreeMap<DomainId, Domain>);

impl Domains {
    /// So many domains with so many messages each.
    pub(crate) fn new(count: u32, messages: u64) -> Self {
        let backlog = |number| {
            let domain = Domain {
                waiting: messages,
                ..Domain::default()
            };
            (DomainId(number), domain)
        };
        Self((0..count).map(backlog).collect())
    }

    pub(crate) fn ids(&self) -> Vec<DomainId> {
        self.0.keys().copied().collect()
    }

    /// Messages in all queues.
    pub(crate) fn waiting(&self) -> u64 {
        self.0.values().map(|domain| domain.waiting).sum()
    }

    /// Messages that could go now, and when to look again if the breaker is open.
    pub(crate) fn ready(&self, domain: DomainId, now: Duration) -> (u32, Option<Duration>) {
        let domain = &self.0[&domain];
        let may_send = domain.breaker.may_send(date(now));
        let ready = match domain.breaker.is_open() {
            Some(_) if may_send => domain.waiting.min(1),
            Some(_) => 0,
            None => domain.waiting,
        };
        let next = domain.breaker.next_test_at().filter(|_| !may_send);
        let next = next.map(|at| at.saturating_since(Timestamp::default()));
        (u32::try_from(ready).unwrap(), next)
    }

    pub(crate) fn arrived(&mut self, domain: DomainId) {
        self.0.get_mut(&domain).unwrap().waiting += 1;
    }

    pub(crate) fn sent(&mut self, domain: DomainId, now: Duration) {
        let domain = self.0.get_mut(&domain).unwrap();
        domain.waiting -= 1;
        domain.breaker.on_sent(date(now));
    }

    pub(crate) fn finished(
        &mut self,
        domain: DomainId,
        fate: Fate,
        recovering: bool,
        now: Duration,
    ) -> After {
        let domain = self.0.get_mut(&domain).unwrap();
        let failures: &[ReplyKey] = match fate {
            Fate::Rejected => &[UNKNOWN_USER],
            Fate::Delivered | Fate::Untouched => &[],
        };
        let delivered = fate == Fate::Delivered;
        let changed = domain.breaker.on_message(failures, delivered, date(now));
        let believed = domain.breaker.belief(recovering) == Belief::Believed;
        let bounced = fate == Fate::Rejected && believed;
        let returns = !delivered && !bounced;
        domain.waiting += u64::from(returns);
        After {
            bounced,
            has_more: returns || changed.is_some() || domain.breaker.is_open().is_some(),
        }
    }
}

/// The breaker counts in dates.
fn date(now: Duration) -> Timestamp {
    Timestamp::default().saturating_add(now)
}
