//! The outages of one domain. Pure: one look after the other, newest outage last.

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use storage::model::Timestamp;

use super::outage::{Outage, OutageKind};
use crate::status::{DestinationState, DomainStatus};

/// How long an outage is remembered after its end.
const REMEMBERED: Duration = Duration::from_secs(30 * 24 * 3600);
/// Outages of one domain that are remembered; the oldest go first.
pub(crate) const OUTAGES_MAX: usize = 100;
/// Octets of a reason.
const REASON_BYTES_MAX: usize = 200;

/// What is remembered of one domain.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct History {
    outages: VecDeque<Outage>,
    /// Since when the destination has been in trouble without being down.
    trouble_since: Option<Timestamp>,
}

/// What a look means for the history.
enum Seen {
    /// Mail is taken.
    Taking,
    /// It may be on its way down.
    Trouble,
    /// It is down.
    Down,
    /// A person stopped delivery.
    Planned,
    /// It is tried, or nothing is known yet: whatever was, goes on.
    Undecided,
}

fn seen(status: &DomainStatus) -> Seen {
    match status.state {
        DestinationState::Healthy | DestinationState::Degraded | DestinationState::Ramp => {
            Seen::Taking
        }
        DestinationState::Suspect => Seen::Trouble,
        DestinationState::Down | DestinationState::Policy | DestinationState::Faulty => Seen::Down,
        DestinationState::Held if status.hold.is_some() => Seen::Planned,
        // The guard against a destination that has gone mad is no plan of anybody.
        DestinationState::Held => Seen::Down,
        DestinationState::Unknown | DestinationState::Canary => Seen::Undecided,
    }
}

impl History {
    /// The outages, oldest first.
    #[must_use]
    pub fn outages(&self) -> Vec<Outage> {
        self.outages.iter().cloned().collect()
    }

    /// Whether there is anything to remember.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.outages.is_empty()
    }

    /// One look; whether an outage began, ended or drained, or one was forgotten.
    pub fn look(&mut self, status: &DomainStatus, now: Timestamp) -> bool {
        let open = self.outages.back().filter(|last| last.is_open());
        let open = open.map(|last| last.kind);
        let mut changed = self.forget(now);
        match (seen(status), open) {
            (Seen::Trouble, None) => {
                self.trouble_since.get_or_insert(known(status.since, now));
            }
            (Seen::Down, None) => {
                self.begin(OutageKind::Outage, status, now);
                changed = true;
            }
            (Seen::Planned, None) => {
                self.begin(OutageKind::Planned, status, now);
                changed = true;
            }
            // Released, and found that the server is away: that is another matter.
            (Seen::Down, Some(OutageKind::Planned)) => {
                self.end(status, now);
                self.begin(OutageKind::Outage, status, now);
                changed = true;
            }
            (Seen::Taking, Some(_)) => {
                self.end(status, now);
                changed = true;
            }
            (Seen::Undecided | Seen::Trouble, Some(OutageKind::Planned)) => {
                self.end(status, now);
                changed = true;
            }
            (Seen::Taking, None) => self.trouble_since = None,
            (Seen::Undecided, None)
            | (Seen::Down | Seen::Trouble | Seen::Undecided, Some(OutageKind::Outage))
            | (Seen::Planned, Some(_)) => {}
        }
        self.measure(status, now) || changed
    }

    fn begin(&mut self, kind: OutageKind, status: &DomainStatus, now: Timestamp) {
        let noticed_at = known(status.since, now);
        let trouble = self.trouble_since.take();
        let started_at = match kind {
            OutageKind::Outage => trouble.unwrap_or(noticed_at).min(noticed_at),
            OutageKind::Planned => noticed_at,
        };
        let mut reason = status.reason.clone().unwrap_or_default();
        let cut = reason.floor_char_boundary(REASON_BYTES_MAX);
        reason.truncate(cut);
        self.outages.push_back(Outage {
            kind,
            reason,
            started_at,
            noticed_at,
            ended_at: None,
            drained_at: None,
            held_max: 0,
            wait_max_millis: 0,
        });
        while self.outages.len() > OUTAGES_MAX {
            self.outages.pop_front();
        }
    }

    fn end(&mut self, status: &DomainStatus, now: Timestamp) {
        if let Some(last) = self.outages.back_mut() {
            let since = known(status.since, now);
            last.ended_at = Some(if since < last.noticed_at { now } else { since });
        }
        self.trouble_since = None;
    }

    /// What waits, while it is for the last outage; whether that is over now.
    fn measure(&mut self, status: &DomainStatus, now: Timestamp) -> bool {
        let Some(last) = self
            .outages
            .back_mut()
            .filter(|last| last.drained_at.is_none())
        else {
            return false;
        };
        let waiting = status.oldest_at.filter(|_| status.queued > 0);
        if let Some(ended_at) = last.ended_at
            && waiting.is_none_or(|oldest| oldest > ended_at)
        {
            last.drained_at = Some(now.max(ended_at));
            return true;
        }
        last.held_max = last.held_max.max(status.queued);
        if let Some(oldest) = waiting {
            let waited = now.saturating_since(oldest).as_millis();
            let waited = u64::try_from(waited).unwrap_or(u64::MAX);
            last.wait_max_millis = last.wait_max_millis.max(waited);
        }
        false
    }

    fn forget(&mut self, now: Timestamp) -> bool {
        let is_old = |outage: &Outage| {
            let ended = outage.ended_at;
            ended.is_some_and(|ended| now.saturating_since(ended) > REMEMBERED)
        };
        let before = self.outages.len();
        while self.outages.front().is_some_and(is_old) {
            self.outages.pop_front();
        }
        before != self.outages.len()
    }
}

/// A time that the status knows; now when it does not, or when it lies ahead.
fn known(since: Timestamp, now: Timestamp) -> Timestamp {
    if since == Timestamp::default() || since > now {
        now
    } else {
        since
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use storage::model::Hold;

    fn status(state: DestinationState, since: u64, queued: u64, oldest: u64) -> DomainStatus {
        let at = Timestamp::from_secs;
        let hold = (state == DestinationState::Held).then(|| Hold {
            reason: "work".to_owned(),
            by: "operator".to_owned(),
            since: at(since),
            until: None,
        });
        DomainStatus {
            domain: "x.example".parse().unwrap(),
            state,
            since: at(since),
            reason: Some("connection refused".to_owned()),
            hold,
            window: 1,
            in_flight: 0,
            pace_max: None,
            delivered_per_second: 0.0,
            queued,
            queued_bytes: 0,
            oldest_at: (queued > 0).then(|| at(oldest)),
            next_due_at: None,
            next_probe_at: None,
            seconds_left: None,
        }
    }

    use DestinationState::{Canary, Down, Healthy, Held, Ramp, Suspect, Unknown};

    #[test]
    fn s21_an_outage_is_told_from_its_first_trouble_to_its_last_message() {
        let mut history = History::default();
        let at = Timestamp::from_secs;
        for (now, state, since, queued, oldest, changed) in [
            (1_000, Healthy, 900, 1, 1_000, false),
            (1_001, Suspect, 1_001, 2, 1_000, false),
            (1_003, Down, 1_003, 5, 1_000, true),
            (1_300, Down, 1_003, 40, 1_000, false),
            // A restart of ours, and an attempt that did not work: it goes on.
            (1_310, Unknown, 0, 41, 1_000, false),
            (1_311, Down, 1_311, 42, 1_000, false),
            (1_400, Canary, 1_400, 50, 1_000, false),
            (1_402, Down, 1_311, 50, 1_000, false),
            (1_500, Ramp, 1_500, 60, 1_000, true),
            (1_510, Ramp, 1_500, 30, 1_200, false),
            // Fresh mail is no backlog.
            (1_520, Ramp, 1_500, 3, 1_519, true),
            (1_530, Healthy, 1_525, 70, 1_529, false),
        ] {
            let status = status(state, since, queued, oldest);
            assert_eq!(history.look(&status, at(now)), changed, "at {now}");
        }
        let outages = history.outages();
        let [outage] = outages.as_slice() else {
            panic!("{outages:?}")
        };
        let expected = Outage {
            kind: OutageKind::Outage,
            reason: "connection refused".to_owned(),
            started_at: at(1_001),
            noticed_at: at(1_003),
            ended_at: Some(at(1_500)),
            drained_at: Some(at(1_520)),
            held_max: 60,
            wait_max_millis: 500_000,
        };
        assert_eq!(*outage, expected);
        let kept = postcard::to_stdvec(&history).unwrap();
        assert_eq!(postcard::from_bytes::<History>(&kept).unwrap(), history);
    }

    #[test]
    fn s3_a_hold_is_planned_and_what_is_found_after_it_is_an_outage_of_its_own() {
        let mut history = History::default();
        for (now, state) in [(10, Held), (50, Held), (60, Down), (90, Healthy)] {
            history.look(&status(state, now, 4, 5), Timestamp::from_secs(now));
        }
        let kinds: Vec<_> = history.outages().iter().map(|one| one.kind).collect();
        assert_eq!(kinds, [OutageKind::Planned, OutageKind::Outage]);
        assert_eq!(
            history.outages()[0].ended_at,
            Some(Timestamp::from_secs(60))
        );
        assert!(!history.outages()[1].is_open());
    }

    #[test]
    fn what_is_remembered_is_bounded_in_time_and_number() {
        let mut history = History::default();
        for number in 0..1_000 {
            let now = 100 + number * 100;
            let at = Timestamp::from_secs;
            history.look(&status(Down, now, 1, now), at(now));
            history.look(&status(Healthy, now + 50, 0, 0), at(now + 50));
        }
        assert_eq!(history.outages().len(), OUTAGES_MAX);
        let later = Timestamp::from_secs(100_000 + 40 * 86_400);
        assert!(history.look(&status(Healthy, 1, 0, 0), later));
        assert!(history.is_empty());
    }
}
