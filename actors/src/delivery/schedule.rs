//! Which of a domain's messages goes next.
//!
//! Two lanes: *Fresh* holds what arrived after the recovery began or less than 15 minutes ago,
//! *Backlog* the rest. Three fresh ones go for one of the backlog; a lane that is empty leaves its
//! share to the other. Fresh mail that is late borrows fifteen of sixteen turns of the backlog, 1,024
//! at most until they are paid back. So the backlog always progresses, and mail that somebody is
//! waiting for (a code, an answer) waits seconds instead of the whole drain (D4). Newest-first was considered: it
//! starves the tail towards its expiry and delivers answers before questions.
//!
//! The schedule holds the small ready window of a domain, never its whole queue: the shell fills it
//! by [`Schedule::room`] from two cursors, one at the head of the queue, one where the recovery
//! began.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use storage::model::{Sequence, Timestamp};

use super::fair_queue::{Candidate, FairQueue};
use super::governor::{CANARY_SIZE_MAX, Pick};

/// Mail younger than this is fresh whatever happened.
pub const FRESH_AGE_MAX: Duration = Duration::from_secs(15 * 60);
/// Messages of one lane in the ready window.
pub const LANE_MAX: usize = 256;
/// One turn in so many is the backlog's.
const BACKLOG_EVERY: u8 = 4;
/// The same while fresh mail is late and borrows.
const BACKLOG_EVERY_AT_LEAST: u8 = 64;
/// Fresh mail that has waited this long is late: the destination was slow to start, and at three
/// turns in four a load of 0.7 of its capacity would not catch up before the drain ends.
const LATE: Duration = Duration::from_secs(2);
/// Turns of the backlog that fresh mail may have borrowed at most.
const BORROWED_MAX: u16 = 1024;
/// A message that ended this many connections while others passed is poison.
const POISON_AT: u32 = 2;
/// Messages whose deaths are remembered.
const DEATHS_MAX: usize = 1024;

/// Where a message waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lane {
    /// Arrived after the recovery began, or lately.
    Fresh,
    /// Held.
    Backlog,
}

/// The ready window of one domain.
#[derive(Debug, Default)]
pub struct Schedule {
    fresh: FairQueue,
    backlog: FairQueue,
    turn: u8,
    borrowed: u16,
    recovery_began: Option<Timestamp>,
    canaries_tried: BTreeSet<Sequence>,
    deaths: BTreeMap<Sequence, Deaths>,
}

/// The connections that a message has ended.
#[derive(Debug, Clone, Copy, Default)]
struct Deaths {
    count: u32,
    is_poison: bool,
}

impl Schedule {
    /// The destination has come back: what is accepted from now on is fresh.
    pub fn recovery_began(&mut self, now: Timestamp) {
        self.recovery_began = Some(now);
        self.canaries_tried.clear();
    }

    /// The lane of a message accepted at `accepted_at`.
    #[must_use]
    pub fn lane(&self, accepted_at: Timestamp, now: Timestamp) -> Lane {
        let young = now.saturating_since(accepted_at) < FRESH_AGE_MAX;
        let after = self.recovery_began.is_some_and(|at| accepted_at >= at);
        if young || after {
            Lane::Fresh
        } else {
            Lane::Backlog
        }
    }

    /// Messages in the window.
    #[must_use]
    pub fn len(&self) -> usize {
        self.fresh.len() + self.backlog.len()
    }

    /// Whether the window is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.fresh.is_empty() && self.backlog.is_empty()
    }

    /// Messages of one lane in the window.
    #[must_use]
    pub fn lane_len(&self, lane: Lane) -> usize {
        self.queue(lane).len()
    }

    /// How many more messages a lane takes.
    #[must_use]
    pub fn room(&self, lane: Lane) -> usize {
        LANE_MAX.saturating_sub(self.lane_len(lane))
    }

    /// Whether a message is in the window.
    #[must_use]
    pub fn contains(&self, sequence: Sequence) -> bool {
        self.fresh.contains(sequence) || self.backlog.contains(sequence)
    }

    /// Whether a good canary is among them (see [`Pick::Canary`]).
    #[must_use]
    pub fn has_canary(&self) -> bool {
        let mut all = self.backlog.iter().chain(self.fresh.iter());
        all.any(|candidate| self.is_canary(candidate))
    }

    /// Adds a message that is ready to go.
    pub fn push(&mut self, candidate: Candidate, now: Timestamp) {
        if !self.contains(candidate.sequence) {
            let lane = self.lane(candidate.accepted_at, now);
            self.queue_mut(lane).push(candidate);
        }
    }

    /// Puts a message that was on its way back to the head of its lane.
    pub fn push_front(&mut self, candidate: Candidate, now: Timestamp) {
        self.remove(candidate.sequence);
        let lane = self.lane(candidate.accepted_at, now);
        self.queue_mut(lane).push_front(candidate);
    }

    /// Takes a message out: it was retried, bounced or removed by hand, or has expired.
    pub fn remove(&mut self, sequence: Sequence) -> Option<Candidate> {
        self.fresh
            .remove(sequence)
            .or_else(|| self.backlog.remove(sequence))
    }

    /// Empties the window (the destination is down: nothing is kept in memory).
    pub fn clear(&mut self) {
        self.fresh = FairQueue::default();
        self.backlog = FairQueue::default();
    }

    /// Takes the message to send with a permit.
    pub fn next(&mut self, pick: Pick, now: Timestamp) -> Option<Candidate> {
        match pick {
            Pick::Next => self.next_in_turn(now),
            Pick::Canary => self
                .next_canary()
                .or_else(|| self.next_harmless())
                .or_else(|| self.next_in_turn(now)),
            Pick::Smallest => self
                .backlog
                .pop_smallest()
                .or_else(|| self.fresh.pop_smallest()),
        }
    }

    /// A message's transaction ended with its connection. True when the message is poison: it did
    /// so before, and others pass; it then waits for a time of its own (the ordinary retry table)
    /// and is never a canary. It stays poison until it is answered: a night without other mail does
    /// not make it better.
    pub fn on_connection_death(&mut self, sequence: Sequence, others_pass: bool) -> bool {
        if self.deaths.len() >= DEATHS_MAX {
            self.deaths.pop_first();
        }
        let deaths = self.deaths.entry(sequence).or_default();
        deaths.count = deaths.count.saturating_add(1);
        deaths.is_poison |= deaths.count >= POISON_AT && others_pass;
        deaths.is_poison
    }

    /// A message was answered: whatever ended its connections before is forgotten.
    pub fn on_answered(&mut self, sequence: Sequence) {
        self.deaths.remove(&sequence);
    }

    fn next_in_turn(&mut self, now: Timestamp) -> Option<Candidate> {
        if self.backlog.is_empty() {
            return self.fresh.pop(now);
        }
        if self.fresh.is_empty() {
            self.borrowed = self.borrowed.saturating_sub(1);
            return self.backlog.pop(now);
        }
        self.turn = (self.turn + 1) % BACKLOG_EVERY_AT_LEAST;
        if !self.turn.is_multiple_of(BACKLOG_EVERY) {
            return self.fresh.pop(now);
        }
        let may_borrow = self.turn != 0 && self.borrowed < BORROWED_MAX;
        let oldest = self
            .fresh
            .iter()
            .map(|candidate| candidate.accepted_at)
            .min();
        let late = oldest.is_some_and(|at| now.saturating_since(at) > LATE);
        if may_borrow && late {
            self.borrowed += 1;
            return self.fresh.pop(now);
        }
        self.backlog.pop(now)
    }

    fn next_canary(&mut self) -> Option<Candidate> {
        let (tried, deaths) = (&self.canaries_tried, &self.deaths);
        let wanted = |candidate: &Candidate| is_canary(candidate, tried, deaths);
        let chosen = self
            .backlog
            .pop_oldest(wanted)
            .or_else(|| self.fresh.pop_oldest(wanted))?;
        self.canaries_tried.insert(chosen.sequence);
        Some(chosen)
    }

    /// Large or bulk, but it has broken nothing.
    fn next_harmless(&mut self) -> Option<Candidate> {
        let deaths = &self.deaths;
        let wanted = |candidate: &Candidate| !deaths.contains_key(&candidate.sequence);
        self.backlog
            .pop_oldest(wanted)
            .or_else(|| self.fresh.pop_oldest(wanted))
    }

    /// Messages that are remembered to have broken a connection.
    #[must_use]
    pub fn harmful(&self) -> usize {
        self.deaths.len()
    }

    fn is_canary(&self, candidate: &Candidate) -> bool {
        is_canary(candidate, &self.canaries_tried, &self.deaths)
    }

    const fn queue(&self, lane: Lane) -> &FairQueue {
        match lane {
            Lane::Fresh => &self.fresh,
            Lane::Backlog => &self.backlog,
        }
    }

    const fn queue_mut(&mut self, lane: Lane) -> &mut FairQueue {
        match lane {
            Lane::Fresh => &mut self.fresh,
            Lane::Backlog => &mut self.backlog,
        }
    }
}

fn is_canary(
    candidate: &Candidate,
    tried: &BTreeSet<Sequence>,
    deaths: &BTreeMap<Sequence, Deaths>,
) -> bool {
    !candidate.bulk
        && candidate.size_bytes < CANARY_SIZE_MAX
        && !tried.contains(&candidate.sequence)
        && !deaths.contains_key(&candidate.sequence)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_000_000);

    fn mail(sequence: u64, age_secs: u64) -> Candidate {
        Candidate {
            sequence: Sequence(sequence),
            size_bytes: 4096,
            accepted_at: Timestamp::from_secs(1_000_000 - age_secs),
            sender_domain: "a.example".to_owned(),
            bulk: false,
        }
    }

    fn order(schedule: &mut Schedule, count: usize) -> Vec<u64> {
        (0..count)
            .filter_map(|_| schedule.next(Pick::Next, NOW))
            .map(|candidate| candidate.sequence.0)
            .collect()
    }

    #[test]
    fn d4_three_fresh_messages_go_for_one_of_the_backlog() {
        let mut schedule = Schedule::default();
        for n in 0..8 {
            schedule.push(mail(n, 3600), NOW);
        }
        for n in 100..106 {
            schedule.push(mail(n, 1), NOW);
        }
        assert_eq!(
            order(&mut schedule, 20),
            [100, 101, 102, 0, 103, 104, 105, 1, 2, 3, 4, 5, 6, 7]
        );
    }

    #[test]
    fn d4_late_fresh_mail_borrows_turns_but_never_all_and_not_for_ever() {
        let late = NOW.saturating_add(Duration::from_secs(60));
        let mut schedule = Schedule::default();
        for n in 0..20 {
            schedule.push(mail(n, 3600), NOW);
        }
        let mut next = 100;
        let mut backlog_in = |schedule: &mut Schedule, turns: usize| {
            let mut count = 0;
            for _ in 0..turns {
                next += 1;
                schedule.push(mail(next, 10), late);
                let sent = schedule.next(Pick::Next, late).unwrap();
                if sent.sequence.0 < 100 {
                    count += 1;
                    schedule.push_front(sent, late);
                }
            }
            count
        };
        assert_eq!(backlog_in(&mut schedule, 640), 10);
        let turns = usize::from(BORROWED_MAX) * 64 / 15;
        backlog_in(&mut schedule, turns);
        assert_eq!(backlog_in(&mut schedule, 160), 40, "the credit is used up");
    }

    #[test]
    fn d4_what_arrives_after_the_recovery_began_stays_fresh_when_it_ages() {
        let mut schedule = Schedule::default();
        schedule.recovery_began(Timestamp::from_secs(990_000));
        assert_eq!(
            schedule.lane(Timestamp::from_secs(990_001), NOW),
            Lane::Fresh
        );
        assert_eq!(
            schedule.lane(Timestamp::from_secs(989_999), NOW),
            Lane::Backlog
        );
        assert_eq!(
            schedule.lane(Timestamp::from_secs(999_500), NOW),
            Lane::Fresh
        );
    }

    #[test]
    fn an_overload_costs_a_message_its_turn_and_nothing_else() {
        let mut schedule = Schedule::default();
        for n in 0..4 {
            schedule.push(mail(n, 3600), NOW);
        }
        let first = schedule.next(Pick::Next, NOW).unwrap();
        schedule.push_front(first, NOW);
        assert_eq!(order(&mut schedule, 4), [0, 1, 2, 3]);
    }

    #[test]
    fn a_canary_is_the_oldest_small_message_that_is_no_bulk_and_another_at_each_try() {
        let mut schedule = Schedule::default();
        schedule.push(
            Candidate {
                size_bytes: 1 << 20,
                ..mail(0, 9000)
            },
            NOW,
        );
        schedule.push(
            Candidate {
                bulk: true,
                ..mail(1, 8000)
            },
            NOW,
        );
        schedule.push(mail(2, 7000), NOW);
        schedule.push(mail(3, 10), NOW);
        let first = schedule.next(Pick::Canary, NOW).unwrap();
        assert_eq!(first.sequence, Sequence(2));
        schedule.push_front(first, NOW);
        let second = schedule.next(Pick::Canary, NOW).unwrap();
        assert_eq!(second.sequence, Sequence(3));
        assert!(!schedule.has_canary());
        assert!(
            schedule.next(Pick::Canary, NOW).is_some(),
            "better than none"
        );
        schedule.recovery_began(NOW);
        assert!(schedule.has_canary());
    }

    #[test]
    fn a_message_that_kills_connections_while_others_pass_is_poison_and_no_canary() {
        let mut schedule = Schedule::default();
        assert!(!schedule.on_connection_death(Sequence(1), true));
        assert!(!schedule.on_connection_death(Sequence(2), false));
        assert!(!schedule.on_connection_death(Sequence(2), false), "all die");
        assert!(schedule.on_connection_death(Sequence(1), true));
        assert!(schedule.on_connection_death(Sequence(1), false), "still");
        schedule.push(mail(1, 3600), NOW);
        assert!(!schedule.has_canary());
        schedule.on_answered(Sequence(1));
        assert!(schedule.has_canary());
    }

    #[test]
    fn a_destination_short_of_space_gets_the_smallest_message() {
        let mut schedule = Schedule::default();
        for (n, size_bytes) in [(0, 900), (1, 100), (2, 500)] {
            let candidate = Candidate {
                size_bytes,
                ..mail(n, 3600)
            };
            schedule.push(candidate, NOW);
        }
        let smallest = schedule.next(Pick::Smallest, NOW).unwrap();
        assert_eq!(smallest.sequence, Sequence(1));
    }
}
