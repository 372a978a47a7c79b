//! One look at everything that moves in the demo.

use std::time::Duration;

use actors::status::DestinationState;

/// What is shown and what the play goes by. Messages of the demo have one recipient each, so a
/// message and a (message, recipient) are the same here.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Figures {
    /// Since the demo began.
    pub(super) elapsed: Duration,
    /// Messages the demo will send in all.
    pub(super) messages: u64,
    /// Messages answered 250 to the senders.
    pub(super) accepted: u64,
    /// Messages that the senders could not place; they stay theirs.
    pub(super) refused: u64,
    /// Messages that reached the customer's server.
    pub(super) delivered: u64,
    /// Messages in our queue.
    pub(super) queued: u64,
    /// Bytes in our queue.
    pub(super) queued_bytes: u64,
    /// What we know of the customer's server.
    pub(super) state: DestinationState,
    /// Why, in words.
    pub(super) reason: Option<String>,
    /// Messages that may be on their way at once.
    pub(super) window: u32,
    /// Messages on their way.
    pub(super) in_flight: u32,
    /// Messages per second that arrive, over the last moments.
    pub(super) accepted_per_second: f64,
    /// Messages per second that leave, over the last moments.
    pub(super) delivered_per_second: f64,
    /// Whether the user is in the middle of something in the portal.
    pub(super) user_is_busy: bool,
}

impl Figures {
    /// Everything was sent, and everything accepted has arrived and left the queue.
    pub(super) const fn is_complete(&self) -> bool {
        self.accepted + self.refused >= self.messages
            && self.delivered >= self.accepted
            && self.queued == 0
    }

    /// With this many in the queue there is no backlog any more: what arrives in a quarter of a
    /// second is simply on its way through.
    pub(super) fn backlog_gone(&self) -> u64 {
        (self.accepted_per_second / 4.0).ceil() as u64
    }

    /// Seconds until the queue is empty at the present speed.
    pub(super) fn time_left(&self) -> Option<Duration> {
        let net = self.delivered_per_second - self.accepted_per_second;
        if self.queued == 0 {
            return Some(Duration::ZERO);
        }
        (net > 0.5).then(|| Duration::from_secs_f64(self.queued as f64 / net))
    }
}

/// `1.4 s`
pub(super) fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}

/// `12,345`
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The change per second of a counter, from what it was in the last moments.
#[derive(Debug, Default)]
pub(super) struct Speed {
    seen: std::collections::VecDeque<(Duration, u64)>,
}

impl Speed {
    /// How far back a speed looks.
    const SPAN: Duration = Duration::from_millis(1500);

    /// Takes the counter's value and gives its speed.
    pub(super) fn at(&mut self, now: Duration, count: u64) -> f64 {
        self.seen.push_back((now, count));
        while self.seen.len() > 2
            && self
                .seen
                .front()
                .is_some_and(|(at, _)| now.saturating_sub(*at) > Self::SPAN)
        {
            self.seen.pop_front();
        }
        let Some((since, before)) = self.seen.front() else {
            return 0.0;
        };
        let span = now.saturating_sub(*since).as_secs_f64();
        if span <= 0.0 {
            return 0.0;
        }
        count.saturating_sub(*before) as f64 / span
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        let all: Vec<_> = [0, 999, 1000, 1_234_567].map(grouped).into();
        assert_eq!(all, ["0", "999", "1,000", "1,234,567"]);
    }

    #[test]
    fn a_speed_forgets_what_is_long_ago() {
        let mut speed = Speed::default();
        let mut last = 0.0;
        for tenth in 0..100_u64 {
            let count = if tenth < 50 { 0 } else { (tenth - 50) * 10 };
            last = speed.at(Duration::from_millis(tenth * 100), count);
        }
        assert!((last - 100.0).abs() < 1.0, "{last}");
    }

    #[test]
    fn time_left_needs_progress() {
        let mut figures = Figures {
            queued: 100,
            accepted_per_second: 30.0,
            delivered_per_second: 20.0,
            ..Figures::default()
        };
        assert_eq!(figures.time_left(), None);
        figures.delivered_per_second = 80.0;
        assert_eq!(figures.time_left(), Some(Duration::from_secs(2)));
    }
}
