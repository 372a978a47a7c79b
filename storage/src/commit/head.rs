//! Where a domain's ready lane begins.
//!
//! Rows leave the lane nearly in order. The watermark moves over those that are gone; rows that
//! left ahead of it are remembered as ranges, so that a page starts neither at deleted rows nor
//! behind a living one.

use std::collections::BTreeMap;

use crate::model::Sequence;

/// Ranges remembered at most; beyond that a page may walk over some deleted rows.
const RANGES_MAX: usize = 4_096;

/// The watermark of one lane and what is gone in front of it.
#[derive(Debug, Default)]
pub(crate) struct HeadTracker {
    head: u64,
    /// Start → end (excluded) of runs that are gone, all behind `head`, never touching.
    gone: BTreeMap<u64, u64>,
}

impl HeadTracker {
    pub(crate) fn new(head: Sequence) -> Self {
        Self {
            head: head.0,
            gone: BTreeMap::new(),
        }
    }

    /// No row of the lane has a smaller position.
    pub(crate) const fn head(&self) -> Sequence {
        Sequence(self.head)
    }

    /// The first position from `from` on that may hold a row.
    pub(crate) fn first_from(&self, from: Sequence) -> Sequence {
        let from = from.0.max(self.head);
        let inside = self.gone.range(..=from).next_back();
        Sequence(inside.map_or(from, |(_, end)| from.max(*end)))
    }

    /// Whether the row at this position is known to have left the lane.
    pub(crate) fn is_gone(&self, sequence: Sequence) -> bool {
        self.first_from(sequence) != sequence
    }

    /// A row has left the lane.
    pub(crate) fn remove(&mut self, sequence: Sequence) {
        let at = sequence.0;
        if self.is_gone(sequence) {
            return;
        }
        let mut start = at;
        let mut end = at.saturating_add(1);
        if let Some((before, stop)) = self.gone.range(..at).next_back()
            && *stop == at
        {
            start = *before;
        }
        if let Some(stop) = self.gone.remove(&end) {
            end = stop;
        }
        if start == self.head {
            self.head = end;
        } else if self.gone.len() < RANGES_MAX || self.gone.contains_key(&start) {
            self.gone.insert(start, end);
        }
    }

    /// A scan has shown that no row stands before `sequence`.
    pub(crate) fn advance(&mut self, sequence: Sequence) {
        if sequence.0 > self.head {
            self.head = self.first_from(sequence).0;
            self.gone = self.gone.split_off(&self.head);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_watermark_waits_for_the_oldest_row() {
        let mut lane = HeadTracker::new(Sequence(0));
        for gone in [2, 1, 4] {
            lane.remove(Sequence(gone));
        }
        assert_eq!(lane.head(), Sequence(0));
        assert_eq!(lane.first_from(Sequence(1)), Sequence(3));
        lane.remove(Sequence(0));
        assert_eq!(lane.head(), Sequence(3));
        lane.advance(Sequence(4));
        assert_eq!(lane.head(), Sequence(5));
    }

    proptest! {
        #[test]
        fn no_living_row_is_ever_passed(order in Just((0..60_u64).collect::<Vec<_>>()).prop_shuffle()) {
            let mut lane = HeadTracker::new(Sequence(0));
            let mut alive: BTreeSet<u64> = (0..60).collect();
            for gone in order {
                lane.remove(Sequence(gone));
                alive.remove(&gone);
                for from in 0..60 {
                    let first = alive.range(from..).next().copied().unwrap_or(60);
                    prop_assert_eq!(lane.first_from(Sequence(from)).0, first);
                }
            }
            prop_assert_eq!(lane.head(), Sequence(60));
        }
    }
}
