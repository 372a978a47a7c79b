//! What became of the messages of a run, as the sender saw it.

use std::time::Duration;

/// What the sender knows about one message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// The end of the content was answered 250: the message is the relay's.
    Accepted,
    /// A 4xx or 5xx at some step; the message stays the sender's.
    Refused(String),
    /// The connection ended before the content was complete; the message stays the sender's.
    NotSent,
    /// The connection ended after the final dot and before its reply: either may have it.
    Unknown,
}

/// One message of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its `X-Load-Id`.
    pub id: String,
    /// Its recipients that RCPT accepted.
    pub recipients: Vec<String>,
    /// What became of it.
    pub fate: Fate,
    /// When that was known, on the sender's clock (monotonic).
    pub at: Duration,
    /// From MAIL to the final reply.
    pub transaction: Duration,
    /// From the last octet of the content to the final reply.
    pub final_reply: Duration,
}

/// A finished run.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// One record per message that was begun.
    pub records: Vec<Record>,
    /// From the first connect to the last record.
    pub elapsed: Duration,
}

impl Report {
    /// The messages answered 250.
    pub fn accepted(&self) -> impl Iterator<Item = &Record> {
        self.records
            .iter()
            .filter(|record| record.fate == Fate::Accepted)
    }

    /// How many were answered 250.
    #[must_use]
    pub fn accepted_count(&self) -> u64 {
        self.accepted().count() as u64
    }

    /// Messages accepted per second of the run.
    #[must_use]
    pub fn accepted_per_second(&self) -> f64 {
        self.accepted_count() as f64 / self.elapsed.as_secs_f64().max(f64::EPSILON)
    }

    /// The `share` (0 to 1) quantile of the time to the final reply of accepted messages.
    #[must_use]
    pub fn final_reply_quantile(&self, share: f64) -> Duration {
        let mut times: Vec<_> = self.accepted().map(|record| record.final_reply).collect();
        times.sort_unstable();
        let rank = (times.len() as f64 * share).ceil() as usize;
        let index = rank.saturating_sub(1);
        times.get(index).copied().unwrap_or_default()
    }

    /// The replies that refused, each with its count.
    #[must_use]
    pub fn refusals(&self) -> Vec<(String, usize)> {
        let mut counts = std::collections::BTreeMap::<&str, usize>::new();
        for record in &self.records {
            if let Fate::Refused(reply) = &record.fate {
                *counts.entry(reply).or_default() += 1;
            }
        }
        let owned = |(reply, count): (&str, usize)| (reply.to_owned(), count);
        counts.into_iter().map(owned).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_nearest_rank() {
        let record = |millis| Record {
            id: String::new(),
            recipients: Vec::new(),
            fate: Fate::Accepted,
            at: Duration::ZERO,
            transaction: Duration::ZERO,
            final_reply: Duration::from_millis(millis),
        };
        let report = Report {
            records: (1..=100).rev().map(record).collect(),
            elapsed: Duration::from_secs(4),
        };
        let quantile = |share| report.final_reply_quantile(share).as_millis();
        assert_eq!(
            (quantile(0.5), quantile(0.99), quantile(1.0)),
            (50, 99, 100)
        );
        assert_eq!(report.accepted_per_second().round(), 25.0);
        assert_eq!(Report::default().final_reply_quantile(0.5), Duration::ZERO);
    }
}
