//! How a demo ended, and whether its books add up.
//!
//! Two books are compared message by message: what the senders were told (250 or not) and what the
//! customer's server holds. The relay's own ledger has to say the same.

use std::fmt;
use std::time::Duration;

use storage::model::Counters;

use super::destination::Ledger;
use super::figures::{grouped, seconds};
use super::play::Times;
use super::sender::{Fate, Report};
use super::user::Story;

/// The end of a demo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Recipients of messages that were answered 250.
    pub accepted: u64,
    /// Of those, the ones that reached the customer's server.
    pub delivered: u64,
    /// Of those, the ones that did not: has to be 0.
    pub lost: u64,
    /// Second copies at the customer's server: has to be 0, as nothing crashed.
    pub second_copies: u64,
    /// Messages that were not answered 250; they stay with their senders.
    pub not_accepted: u64,
    /// Times the customer's server said that it had too much to do.
    pub overload_refusals: u64,
    /// What the relay's own ledger is off by, or says otherwise than the other two: has to be
    /// nothing.
    pub discrepancy: Option<String>,
    pub(super) times: Times,
    /// What the user did in the portal and what came of it.
    pub story: Story,
    /// Time of the slowest of 99 in 100 final replies.
    pub reply_p99: Duration,
}

impl Summary {
    /// Compares the books.
    pub(super) fn of(
        report: &Report,
        ledger: &Ledger,
        counters: &Counters,
        times: Times,
        story: &Story,
    ) -> Self {
        let (mut accepted, mut delivered) = (0, 0);
        for record in report.accepted() {
            for recipient in &record.recipients {
                accepted += 1;
                delivered += u64::from(ledger.copies(&record.id, recipient) > 0);
            }
        }
        // What the user wrote is in the relay's books and in those of the customer's server, but
        // not in those of the senders outside.
        let (written, arrived) = (story.recipients_at_the_customers(), story.arrived());
        let totals = ledger.totals();
        let refused = report
            .records
            .iter()
            .filter(|record| record.fate != Fate::Accepted);
        Self {
            accepted,
            delivered,
            lost: accepted - delivered,
            second_copies: totals.deliveries - totals.distinct,
            not_accepted: refused.count() as u64,
            overload_refusals: totals.overload_refusals,
            discrepancy: discrepancy(counters, accepted + written, delivered + arrived),
            times,
            story: story.clone(),
            reply_p99: report.final_reply_quantile(0.99),
        }
    }

    /// Whether the books add up: nothing lost, nothing twice, all three of one mind.
    #[must_use]
    pub const fn is_balanced(&self) -> bool {
        self.accepted > 0 && self.lost == 0 && self.second_copies == 0 && self.discrepancy.is_none()
    }

    /// Whether the demo showed what it is to show: the books add up, and the user's answer arrived
    /// (or the spectator left before she went to the portal).
    #[must_use]
    pub const fn is_success(&self) -> bool {
        self.is_balanced() && (self.story.is_complete() || !self.story.has_begun())
    }
}

/// In what the relay's ledger differs from the books of its peers.
fn discrepancy(counters: &Counters, accepted: u64, delivered: u64) -> Option<String> {
    let difference = counters.difference();
    if difference != 0 {
        return Some(format!("the relay's ledger is off by {difference}"));
    }
    if (counters.accepted, counters.delivered) != (accepted, delivered) {
        return Some(format!(
            "the relay's ledger says {} accepted, {} delivered",
            counters.accepted, counters.delivered
        ));
    }
    (counters.queued > 0).then(|| format!("{} are still queued", counters.queued))
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = |time: Option<Duration>| time.map_or_else(|| "never".to_owned(), seconds);
        let mut line = |name: &str, value: String| writeln!(f, "  {name:<42}{value}");
        line("accepted", grouped(self.accepted))?;
        line("delivered", grouped(self.delivered))?;
        line("lost", grouped(self.lost))?;
        line("delivered twice", grouped(self.second_copies))?;
        line("most held at once", grouped(self.times.held_max))?;
        line("outage noticed after", time(self.times.outage_noticed))?;
        line("return noticed after", time(self.times.return_noticed))?;
        line("backlog drained after", time(self.times.drained))?;
        line(
            "refusals for want of capacity",
            grouped(self.overload_refusals),
        )?;
        let p99 = self.reply_p99.as_secs_f64() * 1e3;
        line("reply to senders, 99 of 100 within", format!("{p99:.0} ms"))?;
        let story = &self.story;
        line(
            "the user's answer was with its reader in",
            time(story.reached_author),
        )?;
        line(
            "with her colleague, after the return, in",
            time(story.reached_colleague),
        )?;
        line(
            "in her own mailbox, after the return, in",
            time(story.reached_home),
        )?;
        let seen = if story.is_confirmed { "yes" } else { "no" };
        line("and the portal showed her so", seen.to_owned())?;
        if self.not_accepted > 0 {
            line("left with their senders", grouped(self.not_accepted))?;
        }
        match &self.discrepancy {
            Some(what) => write!(f, "  the ledger does NOT add up: {what}"),
            None if self.is_balanced() => write!(f, "  the ledger adds up"),
            None => write!(f, "  the ledger does NOT add up"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_relays_ledger_has_to_agree_with_its_peers() {
        let mut counters = Counters {
            accepted: 5,
            delivered: 5,
            ..Counters::default()
        };
        assert_eq!(discrepancy(&counters, 5, 5), None);
        assert!(discrepancy(&counters, 5, 4).is_some());
        counters.delivered = 4;
        assert!(discrepancy(&counters, 5, 4).is_some_and(|text| text.contains("off by 1")));
        counters.queued = 1;
        assert!(discrepancy(&counters, 5, 4).is_some_and(|text| text.contains("still queued")));
    }
}
