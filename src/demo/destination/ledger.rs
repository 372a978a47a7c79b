//! What a destination received: every message × recipient with its time, and what it refused.
//!
//! The ledger belongs to the destination and survives its stops, so that a test can ask what
//! reached the other side over several outages and lives of the relay. A message is known by its
//! `X-Load-Id` header, or else its `Message-ID`.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::watch;

/// One recipient's copy of one message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The recipient as it stood in RCPT, in lower case.
    pub recipient: String,
    /// When the content was complete, on the clock of the destination (monotonic).
    pub at: Duration,
    /// Size of the content in octets, dots unstuffed.
    pub size_bytes: usize,
}

/// Sums over the life of the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// Connections that were accepted by the operating system while the destination was up.
    pub connections: u64,
    /// Messages taken, second copies included.
    pub messages: u64,
    /// Message × recipient taken, second copies included.
    pub deliveries: u64,
    /// Message × recipient taken, each counted once.
    pub distinct: u64,
    /// 4xx answers for want of capacity.
    pub overload_refusals: u64,
    /// Faults of the script carried out.
    pub faults: u64,
    /// Breaches of the protocol by the peer: bare CR or LF, lines too long, commands out of order.
    pub violations: u64,
}

/// The book of a destination.
#[derive(Debug)]
pub struct Ledger {
    books: Mutex<Books>,
    totals: watch::Sender<Totals>,
    keep_content: bool,
}

#[derive(Debug, Default)]
struct Books {
    deliveries: HashMap<String, Vec<Delivery>>,
    content: HashMap<String, Bytes>,
    violations: Vec<String>,
    order: Vec<(Duration, String)>,
}

impl Ledger {
    /// An empty ledger; with `keep_content` it also keeps each message's octets.
    #[must_use]
    pub fn new(keep_content: bool) -> Self {
        Self {
            books: Mutex::default(),
            totals: watch::Sender::new(Totals::default()),
            keep_content,
        }
    }

    /// The sums so far.
    #[must_use]
    pub fn totals(&self) -> Totals {
        *self.totals.borrow()
    }

    /// Resolves with the totals as soon as `reached` holds for them.
    pub async fn wait_for(&self, mut reached: impl FnMut(&Totals) -> bool) -> Totals {
        let mut totals = self.totals.subscribe();
        loop {
            let seen = *totals.borrow_and_update();
            if reached(&seen) || totals.changed().await.is_err() {
                return seen;
            }
        }
    }

    /// The copies of one message that arrived.
    #[must_use]
    pub fn deliveries_of(&self, id: &str) -> Vec<Delivery> {
        self.books().deliveries.get(id).cloned().unwrap_or_default()
    }

    /// How many copies of a message one recipient got.
    #[must_use]
    pub fn copies(&self, id: &str, recipient: &str) -> usize {
        let books = self.books();
        let deliveries = books.deliveries.get(id).map_or(&[][..], Vec::as_slice);
        deliveries
            .iter()
            .filter(|delivery| delivery.recipient.eq_ignore_ascii_case(recipient))
            .count()
    }

    /// Ids in the order of arrival, with the time (one per message taken).
    #[must_use]
    pub fn arrivals(&self) -> Vec<(Duration, String)> {
        self.books().order.clone()
    }

    /// When the first message after `moment` was taken.
    #[must_use]
    pub fn first_after(&self, moment: Duration) -> Option<Duration> {
        let books = self.books();
        let later = books.order.iter().map(|(at, _)| *at);
        later.filter(|at| *at >= moment).min()
    }

    /// The octets of a message's last copy, when they are kept.
    #[must_use]
    pub fn content(&self, id: &str) -> Option<Bytes> {
        self.books().content.get(id).cloned()
    }

    /// The first breaches of the protocol, in words.
    #[must_use]
    pub fn violations(&self) -> Vec<String> {
        self.books().violations.clone()
    }

    /// Message × recipient pairs that arrived more than once: id, recipient, copies.
    #[must_use]
    pub fn second_copies(&self) -> Vec<(String, String, usize)> {
        let books = self.books();
        let mut counts: HashMap<(&str, &str), usize> = HashMap::new();
        for (id, deliveries) in &books.deliveries {
            for delivery in deliveries {
                *counts.entry((id, &delivery.recipient)).or_default() += 1;
            }
        }
        let mut several: Vec<_> = counts
            .into_iter()
            .filter(|(_, copies)| *copies > 1)
            .map(|((id, recipient), copies)| (id.to_owned(), recipient.to_owned(), copies))
            .collect();
        several.sort();
        several
    }

    /// Notes a message that was taken.
    pub(super) fn delivered(
        &self,
        id: String,
        recipients: &[String],
        content: &Bytes,
        at: Duration,
    ) {
        let mut distinct = 0;
        {
            let mut books = self.books();
            books.order.push((at, id.clone()));
            if self.keep_content {
                books.content.insert(id.clone(), content.clone());
            }
            let known = books.deliveries.entry(id).or_default();
            for recipient in recipients {
                let recipient = recipient.to_ascii_lowercase();
                if !known.iter().any(|delivery| delivery.recipient == recipient) {
                    distinct += 1;
                }
                known.push(Delivery {
                    recipient,
                    at,
                    size_bytes: content.len(),
                });
            }
        }
        self.totals.send_modify(|totals| {
            totals.messages += 1;
            totals.deliveries += recipients.len() as u64;
            totals.distinct += distinct;
        });
    }

    pub(super) fn connected(&self) {
        self.totals.send_modify(|totals| totals.connections += 1);
    }

    pub(super) fn refused(&self) {
        self.totals
            .send_modify(|totals| totals.overload_refusals += 1);
    }

    pub(super) fn faulted(&self) {
        self.totals.send_modify(|totals| totals.faults += 1);
    }

    pub(super) fn violated(&self, what: &str) {
        const KEPT: usize = 100;
        {
            let mut books = self.books();
            if books.violations.len() < KEPT {
                books.violations.push(what.to_owned());
            }
        }
        self.totals.send_modify(|totals| totals.violations += 1);
    }

    fn books(&self) -> std::sync::MutexGuard<'_, Books> {
        self.books
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn copies_are_counted_per_recipient_and_waiters_hear_of_them() {
        let ledger = Ledger::new(true);
        let both = ["a@x.example".to_owned(), "B@x.example".to_owned()];
        let body = Bytes::from_static(b"Subject: x\r\n\r\n");
        ledger.delivered("m1".to_owned(), &both, &body, Duration::from_secs(1));
        ledger.delivered("m1".to_owned(), &both[1..], &body, Duration::from_secs(2));
        let totals = ledger.wait_for(|totals| totals.messages == 2).await;
        assert_eq!((totals.deliveries, totals.distinct), (3, 2));
        assert_eq!(ledger.copies("m1", "b@X.example"), 2);
        let second = vec![("m1".to_owned(), "b@x.example".to_owned(), 2)];
        assert_eq!(ledger.second_copies(), second);
        assert_eq!(ledger.content("m1"), Some(body));
        assert_eq!(
            ledger.first_after(Duration::from_millis(1500)),
            Some(Duration::from_secs(2))
        );
    }
}
