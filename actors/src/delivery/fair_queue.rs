//! A queue that is first in, first out, but in which no sender and no run of large messages makes
//! the others wait.
//!
//! Start-time fair queueing over sender domains: a message's tag is the later of the queue's virtual
//! time and the end of its sender's previous message, whose length is its size plus a fixed cost;
//! the smallest tag goes first. With one sender, or with senders that ask for no more than their
//! share, that is arrival order, so threads stay ordered and expiry stays a prefix. Nobody is
//! overtaken more than [`OVERTAKEN_MAX`] times or for longer than [`OVERTAKEN_FOR_MAX`].

use std::collections::BTreeMap;
use std::time::Duration;

use storage::model::{QueueEntry, ReversePath, Sequence, Timestamp};

/// What a message costs besides its octets: a small message takes about as long as this many.
pub const MESSAGE_COST: u64 = 64 * 1024;
/// Messages that may overtake the oldest one.
pub const OVERTAKEN_MAX: u32 = 500;
/// Time for which the oldest one may be overtaken.
pub const OVERTAKEN_FOR_MAX: Duration = Duration::from_secs(60);

/// What the order of sending depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Its place in the domain's queue.
    pub sequence: Sequence,
    /// Octets of the body.
    pub size_bytes: u64,
    /// The 250's time.
    pub accepted_at: Timestamp,
    /// Domain of the reverse path, in lower case; empty for the null sender.
    pub sender_domain: String,
    /// List mail or null sender: half the weight.
    pub bulk: bool,
}

impl Candidate {
    /// The candidate that stands for an entry.
    #[must_use]
    pub fn of(entry: &QueueEntry) -> Self {
        let (sender_domain, null) = match &entry.reverse_path {
            ReversePath::Null => (String::new(), true),
            ReversePath::Mailbox(_) => (sender_domain(&entry.reverse_path), false),
        };
        Self {
            sequence: entry.sequence,
            size_bytes: entry.size_bytes,
            accepted_at: entry.accepted_at,
            sender_domain,
            bulk: entry.bulk || null,
        }
    }

    const fn cost(&self) -> u64 {
        let cost = MESSAGE_COST.saturating_add(self.size_bytes);
        if self.bulk {
            cost.saturating_mul(2)
        } else {
            cost
        }
    }
}

fn sender_domain(path: &ReversePath) -> String {
    let text = path.to_string();
    let domain = text.rsplit_once('@').map_or("", |(_, domain)| domain);
    domain.to_ascii_lowercase()
}

/// The queue. All operations are logarithmic in its length but for the two searches by size.
#[derive(Debug, Default)]
pub struct FairQueue {
    by_tag: BTreeMap<(u64, Sequence), Candidate>,
    tags: BTreeMap<Sequence, u64>,
    /// Where each sender's last message ends; senders behind the virtual time are forgotten.
    ends: BTreeMap<String, u64>,
    virtual_time: u64,
    overtaken: Option<Overtaken>,
}

#[derive(Debug)]
struct Overtaken {
    sequence: Sequence,
    times: u32,
    since: Timestamp,
}

impl FairQueue {
    /// Messages in the queue.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_tag.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_tag.is_empty()
    }

    /// Whether this message is in the queue.
    #[must_use]
    pub fn contains(&self, sequence: Sequence) -> bool {
        self.tags.contains_key(&sequence)
    }

    /// Adds a message at the end of its sender's share. One that is there already stays where it is.
    pub fn push(&mut self, candidate: Candidate) {
        if self.contains(candidate.sequence) {
            return;
        }
        let end = self.ends.get(&candidate.sender_domain).copied();
        let tag = end.unwrap_or(0).max(self.virtual_time);
        let end = tag.saturating_add(candidate.cost());
        self.ends.insert(candidate.sender_domain.clone(), end);
        self.insert(tag, candidate);
    }

    /// Puts a message back to the head: it was on its way and nothing was held against it.
    pub fn push_front(&mut self, candidate: Candidate) {
        self.remove(candidate.sequence);
        self.insert(0, candidate);
    }

    /// Takes the next message.
    pub fn pop(&mut self, now: Timestamp) -> Option<Candidate> {
        let (tag, fair) = self.by_tag.first_key_value().map(|(key, _)| *key)?;
        let oldest = self.tags.first_key_value().map(|(sequence, _)| *sequence)?;
        let chosen = if self.is_owed(oldest, fair, now) {
            oldest
        } else {
            fair
        };
        self.virtual_time = self.virtual_time.max(tag);
        if self.ends.len() > 2 * self.by_tag.len() + 16 {
            let virtual_time = self.virtual_time;
            self.ends.retain(|_, end| *end > virtual_time);
        }
        self.remove(chosen)
    }

    /// Takes the oldest message for which `wanted` holds.
    pub fn pop_oldest(&mut self, wanted: impl Fn(&Candidate) -> bool) -> Option<Candidate> {
        let found = self.iter().find(|candidate| wanted(candidate))?.sequence;
        self.remove(found)
    }

    /// Takes the smallest message.
    pub fn pop_smallest(&mut self) -> Option<Candidate> {
        let found = self
            .iter()
            .min_by_key(|candidate| (candidate.size_bytes, candidate.sequence))?
            .sequence;
        self.remove(found)
    }

    /// Takes a message out, wherever it stands.
    pub fn remove(&mut self, sequence: Sequence) -> Option<Candidate> {
        let tag = self.tags.remove(&sequence)?;
        self.by_tag.remove(&(tag, sequence))
    }

    /// All messages, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Candidate> {
        self.tags
            .iter()
            .filter_map(|(sequence, tag)| self.by_tag.get(&(*tag, *sequence)))
    }

    fn insert(&mut self, tag: u64, candidate: Candidate) {
        self.tags.insert(candidate.sequence, tag);
        self.by_tag.insert((tag, candidate.sequence), candidate);
    }

    /// Whether the oldest message has been overtaken enough; counts the overtaking if not.
    fn is_owed(&mut self, oldest: Sequence, fair: Sequence, now: Timestamp) -> bool {
        if oldest == fair {
            self.overtaken = None;
            return false;
        }
        match self.overtaken.as_mut().filter(|one| one.sequence == oldest) {
            Some(one) => {
                one.times += 1;
                one.times > OVERTAKEN_MAX || now.saturating_since(one.since) > OVERTAKEN_FOR_MAX
            }
            None => {
                self.overtaken = Some(Overtaken {
                    sequence: oldest,
                    times: 1,
                    since: now,
                });
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn mail(sequence: u64, sender: &str, size_bytes: u64) -> Candidate {
        Candidate {
            sequence: Sequence(sequence),
            size_bytes,
            accepted_at: Timestamp::from_secs(sequence),
            sender_domain: sender.to_owned(),
            bulk: false,
        }
    }

    fn drain(queue: &mut FairQueue) -> Vec<u64> {
        std::iter::from_fn(|| queue.pop(Timestamp::default()))
            .map(|candidate| candidate.sequence.0)
            .collect()
    }

    #[test]
    fn q9_one_sender_is_first_in_first_out() {
        let mut queue = FairQueue::default();
        for n in 0..20 {
            queue.push(mail(n, "a.example", n % 7 * 100_000));
        }
        assert_eq!(drain(&mut queue), (0..20).collect::<Vec<_>>());
    }

    #[test]
    fn a_flood_of_one_sender_does_not_make_another_wait() {
        let mut queue = FairQueue::default();
        for n in 0..100 {
            queue.push(mail(n, "flood.example", 0));
        }
        queue.push(mail(100, "quiet.example", 0));
        let order = drain(&mut queue);
        let place = order.iter().position(|n| *n == 100).unwrap();
        assert!(place <= 2, "{place}");
    }

    #[test]
    fn large_messages_do_not_block_small_ones_of_others() {
        let mut queue = FairQueue::default();
        for n in 0..4 {
            queue.push(mail(n, "large.example", 25 << 20));
        }
        for n in 4..104 {
            queue.push(mail(n, "small.example", 4096));
        }
        let order = drain(&mut queue);
        assert_eq!(order[0], 0);
        assert_eq!(order[1..101], (4..104).collect::<Vec<_>>());
    }

    #[test]
    fn bulk_has_half_the_weight() {
        let mut queue = FairQueue::default();
        for n in 0..60 {
            let mut candidate = mail(n, if n % 2 == 0 { "bulk" } else { "person" }, 0);
            candidate.bulk = n % 2 == 0;
            queue.push(candidate);
        }
        let first: Vec<u64> = drain(&mut queue).into_iter().take(30).collect();
        let bulk = first.iter().filter(|n| *n % 2 == 0).count();
        assert!((9..=11).contains(&bulk), "{bulk} of 30");
    }

    #[test]
    fn nobody_is_overtaken_for_ever() {
        let mut queue = FairQueue::default();
        queue.push(mail(0, "large.example", 50 << 20));
        queue.push(mail(1, "large.example", 50 << 20));
        let mut order = Vec::new();
        for n in 2..2000 {
            queue.push(mail(n, "small.example", 0));
            order.push(queue.pop(Timestamp::default()).unwrap().sequence.0);
        }
        let place = order.iter().position(|n| *n == 1).unwrap();
        assert!(place <= OVERTAKEN_MAX as usize + 2, "{place}");
        let mut queue = FairQueue::default();
        queue.push(mail(0, "large.example", 50 << 20));
        queue.push(mail(1, "large.example", 50 << 20));
        let mut order = Vec::new();
        for n in 2..100 {
            queue.push(mail(n, "small.example", 0));
            let now = Timestamp::from_secs(n * 10);
            order.push(queue.pop(now).unwrap().sequence.0);
        }
        assert!(order.iter().position(|n| *n == 1).unwrap() <= 9);
    }

    #[test]
    fn what_comes_back_untouched_goes_first() {
        let mut queue = FairQueue::default();
        for n in 0..5 {
            queue.push(mail(n, "a.example", 0));
        }
        let first = queue.pop(Timestamp::default()).unwrap();
        let second = queue.pop(Timestamp::default()).unwrap();
        queue.push_front(second);
        queue.push_front(first);
        assert_eq!(drain(&mut queue), [0, 1, 2, 3, 4]);
    }

    proptest! {
        #[test]
        fn every_message_comes_out_exactly_once(
            mails in prop::collection::vec((0_u8..5, 0_u64..10_000_000, any::<bool>()), 0..200)
        ) {
            let mut queue = FairQueue::default();
            for (n, (sender, size, bulk)) in mails.iter().enumerate() {
                let mut candidate = mail(n as u64, &sender.to_string(), *size);
                candidate.bulk = *bulk;
                queue.push(candidate.clone());
                queue.push(candidate);
            }
            let mut order = drain(&mut queue);
            order.sort_unstable();
            prop_assert_eq!(order, (0..mails.len() as u64).collect::<Vec<_>>());
            prop_assert!(queue.is_empty());
        }
    }
}
