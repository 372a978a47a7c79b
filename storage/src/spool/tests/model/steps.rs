//! What may happen, in which proportion, and where it leaves a recipient.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;

use crate::model::{AsideKind, Timestamp};
use crate::spool::RecipientOutcome;
use crate::spool::testing::reply;

#[derive(Debug, Clone)]
pub(super) enum Step {
    /// Recipients at each of the two domains; whether the second part is quarantined.
    Accept {
        x: usize,
        y: usize,
        quarantine: bool,
    },
    /// Settle the n-th open entry, its recipients in turn by these outcomes.
    Settle {
        domain: u32,
        nth: usize,
        outcomes: Vec<u8>,
    },
    /// Settle it with a copy from before its last change.
    SettleOld {
        domain: u32,
        nth: usize,
    },
    Release {
        domain: u32,
        nth: usize,
    },
    Delete {
        domain: u32,
        nth: usize,
    },
    SetAside {
        domain: u32,
        nth: usize,
    },
    /// Drop what was set aside long ago.
    Sweep,
    Restart,
    /// As a restart, without what was not synced.
    PowerCut,
}

/// Where a recipient is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Queued,
    Aside(AsideKind),
    Delivered,
    Failed,
    Removed,
}

/// Recipients by domain and address; every address is used once.
pub(super) type Model = BTreeMap<(u32, String), Place>;

pub(super) fn steps() -> impl Strategy<Value = Vec<Step>> {
    let domain = 1..=2_u32;
    let nth = 0..6_usize;
    let at = (domain, nth);
    let step = prop_oneof![
        4 => (0..3_usize, 0..3_usize, proptest::bool::weighted(0.1))
            .prop_map(|(x, y, quarantine)| Step::Accept { x, y, quarantine }),
        6 => (at.clone(), proptest::collection::vec(0..7_u8, 3))
            .prop_map(|((domain, nth), outcomes)| Step::Settle { domain, nth, outcomes }),
        1 => at.clone().prop_map(|(domain, nth)| Step::SettleOld { domain, nth }),
        1 => at.clone().prop_map(|(domain, nth)| Step::Release { domain, nth }),
        1 => at.clone().prop_map(|(domain, nth)| Step::Delete { domain, nth }),
        1 => at.prop_map(|(domain, nth)| Step::SetAside { domain, nth }),
        1 => Just(Step::Sweep),
        1 => Just(Step::Restart),
        1 => Just(Step::PowerCut),
    ];
    proptest::collection::vec(step, 1..60)
}

pub(super) fn outcome(choice: u8, now: Timestamp) -> (RecipientOutcome, Place) {
    let deferred = |due_at, charged| RecipientOutcome::Deferred {
        due_at,
        reply: reply(451),
        charged,
    };
    match choice {
        0 | 1 => (
            RecipientOutcome::Delivered { reply: reply(250) },
            Place::Delivered,
        ),
        2 => (
            RecipientOutcome::Failed { reply: reply(550) },
            Place::Failed,
        ),
        3 => (
            RecipientOutcome::Parked { reply: reply(550) },
            Place::Aside(AsideKind::Parked),
        ),
        4 => (RecipientOutcome::Expired, Place::Aside(AsideKind::Expired)),
        5 => (deferred(Timestamp::default(), false), Place::Queued),
        _ => {
            let due_at = now.saturating_add(Duration::from_secs(60));
            (deferred(due_at, true), Place::Queued)
        }
    }
}
