//! Which domains have new mail that nobody has been told about yet.
//!
//! Commits that share a group are told of once: whoever is answered first tells for all of them.

use std::collections::BTreeMap;

use crate::model::DomainId;

/// Domains with the first and the last commit that nobody was told about.
#[derive(Debug, Default)]
pub(crate) struct News {
    domains: BTreeMap<DomainId, (u64, u64)>,
}

impl News {
    /// The commit with this ticket adds mail of a domain.
    pub(crate) fn note(&mut self, ticket: u64, domain: DomainId) {
        self.domains
            .entry(domain)
            .and_modify(|(_, last)| *last = ticket)
            .or_insert((ticket, ticket));
    }

    /// Domains whose new mail has become visible with the commits up to `visible`.
    pub(crate) fn take(&mut self, visible: u64) -> Vec<DomainId> {
        let mut told = Vec::new();
        self.domains.retain(|domain, (first, last)| {
            if *first <= visible {
                told.push(*domain);
                *first = visible + 1;
            }
            *last > visible
        });
        told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_told_of_once_and_nobody_is_forgotten() {
        let (x, y) = (DomainId(1), DomainId(2));
        let mut news = News::default();
        for ticket in 1..=4 {
            news.note(ticket, x);
        }
        news.note(5, y);
        assert_eq!(news.take(3), [x], "1 to 3 are visible");
        assert_eq!(news.take(3), []);
        assert_eq!(news.take(5), [x, y], "4 was not");
        assert_eq!(news.take(9), []);
    }
}
