//! What an attempt, the clock or a person did to the recipients of an entry: a pure step from the
//! old entry to the new one, the parts set aside, and the change of the ledger.

use crate::model::{
    AsideKind, Counters, Disposition, QueueEntry, RecipientState, StoredReply, Timestamp,
};

/// What became of one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecipientOutcome {
    /// The destination has taken the message.
    Delivered {
        /// What it said.
        reply: StoredReply,
    },
    /// Permanently refused, and a notification went out or none was owed.
    Failed {
        /// What it said.
        reply: StoredReply,
    },
    /// The hold period is over: set aside for 30 days.
    Expired,
    /// The hold period is over, and a notification went out or none was owed.
    ExpiredReported,
    /// Discarded or bounced by an administrator.
    Removed,
    /// Permanently refused, but nobody may be told: set aside for 30 days (D2).
    Parked {
        /// What the destination said.
        reply: StoredReply,
    },
    /// Still open.
    Deferred {
        /// Not before this time; zero leaves an entry of the ready lane where it is.
        due_at: Timestamp,
        /// What the destination said, or what happened (code 0).
        reply: StoredReply,
        /// Whether the attempt counts against this recipient; a destination that is down does not.
        charged: bool,
    },
}

/// What is to be written for one settled entry.
#[derive(Debug)]
pub(super) struct Applied {
    /// The entry with its open recipients, when some are left.
    pub(super) kept: Option<QueueEntry>,
    /// Parts to be set aside, by kind. Their positions are given later.
    pub(super) aside: Vec<AsidePart>,
    /// Recipients that are settled now.
    pub(super) tally: Tally,
    /// Whether losing this in a power cut costs no more than a second delivery.
    pub(super) only_delivered: bool,
}

/// Recipients set aside together.
#[derive(Debug)]
pub(super) struct AsidePart {
    pub(super) kind: AsideKind,
    pub(super) reason: String,
    pub(super) recipients: Vec<RecipientState>,
}

/// How many recipients went where.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) delivered: u64,
    pub(super) failed: u64,
    pub(super) expired: u64,
    pub(super) removed: u64,
    pub(super) parked: u64,
    pub(super) quarantined: u64,
}

impl Tally {
    /// Moves the counted recipients out of the queue's count.
    pub(super) const fn apply(&self, counters: &mut Counters) {
        counters.delivered += self.delivered;
        counters.failed += self.failed;
        counters.expired += self.expired;
        counters.removed += self.removed;
        counters.parked += self.parked;
        counters.quarantined += self.quarantined;
        let settled = self.delivered
            + self.failed
            + self.expired
            + self.removed
            + self.parked
            + self.quarantined;
        counters.queued = counters.queued.saturating_sub(settled);
    }

    /// Counts recipients set aside as `kind`.
    pub(super) const fn set_aside(&mut self, kind: AsideKind, recipients: u64) {
        match kind {
            AsideKind::Parked | AsideKind::Corrupt => self.parked += recipients,
            AsideKind::Expired => self.expired += recipients,
            AsideKind::Quarantined => self.quarantined += recipients,
        }
    }
}

/// Applies outcomes to an entry. An outcome for a recipient that does not exist or is settled is a
/// fault of the caller, and so is an empty list.
pub(super) fn apply(
    entry: &QueueEntry,
    outcomes: Vec<(usize, RecipientOutcome)>,
) -> Result<Applied, &'static str> {
    let mut applied = Applied {
        kept: None,
        aside: Vec::new(),
        tally: Tally::default(),
        only_delivered: true,
    };
    if outcomes.is_empty() {
        return Err("a settlement without outcomes");
    }
    let mut next = entry.clone();
    for (index, outcome) in outcomes {
        let recipient = next
            .recipients
            .get_mut(index)
            .filter(|state| state.settled.is_none())
            .ok_or("an outcome for a recipient that is not open")?;
        applied.only_delivered &= matches!(outcome, RecipientOutcome::Delivered { .. });
        applied.one(recipient, outcome, entry.due_at());
    }
    if next.open_recipients().next().is_some() {
        next.revision = next.revision.wrapping_add(1);
        applied.kept = Some(next);
    }
    Ok(applied)
}

/// Sets every open recipient of an entry aside.
pub(super) fn set_aside(entry: &QueueEntry, kind: AsideKind, reason: String) -> Applied {
    let recipients: Vec<_> = entry
        .open_recipients()
        .map(|(_, state)| state.clone())
        .collect();
    let mut tally = Tally::default();
    tally.set_aside(kind, recipients.len() as u64);
    Applied {
        kept: None,
        aside: vec![AsidePart {
            kind,
            reason,
            recipients,
        }],
        tally,
        only_delivered: false,
    }
}

impl Applied {
    fn one(&mut self, state: &mut RecipientState, outcome: RecipientOutcome, was_due: Timestamp) {
        let disposition = match outcome {
            RecipientOutcome::Delivered { reply } => {
                self.tally.delivered += 1;
                state.last_reply = Some(reply);
                Disposition::Delivered
            }
            RecipientOutcome::Failed { reply } => {
                self.tally.failed += 1;
                state.last_reply = Some(reply);
                Disposition::Failed
            }
            RecipientOutcome::Removed => {
                self.tally.removed += 1;
                Disposition::Removed
            }
            RecipientOutcome::ExpiredReported => {
                self.tally.expired += 1;
                Disposition::Expired
            }
            RecipientOutcome::Expired => {
                let reason = state
                    .last_reply
                    .as_ref()
                    .map_or_else(|| "never tried".to_owned(), |reply| reply.text.clone());
                self.aside(AsideKind::Expired, reason, state);
                Disposition::Expired
            }
            RecipientOutcome::Parked { reply } => {
                let reason = reply.text.clone();
                state.last_reply = Some(reply);
                state.attempts = state.attempts.saturating_add(1);
                self.aside(AsideKind::Parked, reason, state);
                Disposition::Parked
            }
            RecipientOutcome::Deferred {
                due_at,
                reply,
                charged,
            } => {
                state.due_at = lane_time(due_at, was_due);
                state.last_reply = Some(reply);
                state.attempts = state.attempts.saturating_add(u32::from(charged));
                return;
            }
        };
        state.settled = Some(disposition);
    }

    fn aside(&mut self, kind: AsideKind, reason: String, state: &RecipientState) {
        self.tally.set_aside(kind, 1);
        let recipient = state.clone();
        match self.aside.iter_mut().find(|part| part.kind == kind) {
            Some(part) => part.recipients.push(recipient),
            None => self.aside.push(AsidePart {
                kind,
                reason,
                recipients: vec![recipient],
            }),
        }
    }
}

/// An entry that waits for a time of its own never goes back into the ready lane, where a cursor
/// may have passed its position already: "at once" is the earliest time there is.
fn lane_time(due_at: Timestamp, was_due: Timestamp) -> Timestamp {
    let at_once = Timestamp::default();
    if was_due > at_once && due_at == at_once {
        Timestamp::from_millis(1)
    } else {
        due_at
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spool::testing::{entry, reply};

    fn deferred(due_at: u64, charged: bool) -> RecipientOutcome {
        RecipientOutcome::Deferred {
            due_at: Timestamp::from_millis(due_at),
            reply: reply(451),
            charged,
        }
    }

    #[test]
    fn a_partial_success_stays_settled() {
        let entry = entry(&["a@x.example", "b@x.example"]);
        let outcomes = vec![
            (0, RecipientOutcome::Delivered { reply: reply(250) }),
            (1, deferred(500, true)),
        ];
        let applied = apply(&entry, outcomes).unwrap();
        let kept = applied.kept.unwrap();
        assert_eq!(kept.recipients[0].settled, Some(Disposition::Delivered));
        assert_eq!(kept.recipients[1].attempts, 1);
        assert_eq!(kept.due_at(), Timestamp::from_millis(500));
        assert_eq!(kept.revision, entry.revision + 1);
        assert!(!applied.only_delivered);
        let again = vec![(0, RecipientOutcome::Delivered { reply: reply(250) })];
        assert!(apply(&kept, again).is_err());
    }

    #[test]
    fn a_destination_that_is_down_charges_nobody_and_moves_nothing() {
        let entry = entry(&["a@x.example"]);
        let kept = apply(&entry, vec![(0, deferred(0, false))])
            .unwrap()
            .kept
            .unwrap();
        assert_eq!(kept.recipients[0].attempts, 0);
        assert_eq!(kept.due_at(), Timestamp::default());
    }

    #[test]
    fn what_waits_for_its_time_does_not_return_to_the_ready_lane() {
        let mut entry = entry(&["a@x.example"]);
        entry.recipients[0].due_at = Timestamp::from_millis(9_000);
        let kept = apply(&entry, vec![(0, deferred(0, false))])
            .unwrap()
            .kept
            .unwrap();
        assert_eq!(kept.due_at(), Timestamp::from_millis(1));
    }

    #[test]
    fn the_set_aside_are_grouped_by_kind_and_counted() {
        let entry = entry(&["a@x.example", "b@x.example", "c@x.example"]);
        let parked = |code| RecipientOutcome::Parked { reply: reply(code) };
        let outcomes = vec![
            (0, parked(550)),
            (1, RecipientOutcome::Expired),
            (2, parked(553)),
        ];
        let applied = apply(&entry, outcomes).unwrap();
        assert!(applied.kept.is_none());
        assert_eq!(applied.aside.len(), 2);
        assert_eq!(applied.aside[0].recipients.len(), 2);
        assert_eq!((applied.tally.parked, applied.tally.expired), (2, 1));
    }
}
