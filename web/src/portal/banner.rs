//! Whether the user's own server takes mail, in one sentence on every page.

use actors::status::{DestinationState, DomainStatus};
use jiff::tz::TimeZone;
use maud::{Markup, html};
use storage::model::{Domain, Timestamp};

use super::{Portal, words};
use crate::language::{DateStyle, Language, format_date};

/// What a user needs to know about their own server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Situation {
    /// Mail is passed on as it comes.
    Normal,
    /// The server takes no mail.
    Outage,
    /// The server is back and gets what was held.
    Draining,
    /// Delivery was stopped by a person.
    Planned,
}

/// The state of a domain as its users see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Banner {
    /// What it is.
    pub(crate) situation: Situation,
    /// Since when; zero when that is not known.
    pub(crate) since: Timestamp,
    /// Messages of the domain that wait.
    pub(crate) waiting: u64,
    /// Until what waits is delivered, at the present speed.
    pub(crate) seconds_left: Option<u64>,
}

impl Banner {
    /// The state of a domain now.
    pub(crate) fn of(portal: &Portal, domain: &Domain) -> Self {
        let counters = portal.spool.counters(domain.id);
        let now = portal.spool.clock().now();
        Self::from_status(&portal.board.domain(domain, &counters, now))
    }

    fn from_status(status: &DomainStatus) -> Self {
        let situation = match status.state {
            DestinationState::Unknown
            | DestinationState::Healthy
            | DestinationState::Degraded
            | DestinationState::Suspect => Situation::Normal,
            DestinationState::Down | DestinationState::Policy | DestinationState::Faulty => {
                Situation::Outage
            }
            DestinationState::Canary | DestinationState::Ramp if status.queued == 0 => {
                Situation::Normal
            }
            DestinationState::Canary | DestinationState::Ramp => Situation::Draining,
            DestinationState::Held => Situation::Planned,
        };
        Self {
            situation,
            since: status.since,
            waiting: status.queued,
            seconds_left: status.seconds_left,
        }
    }

    /// The class and the symbol that go with the words: colour never stands alone.
    pub(crate) const fn look(&self) -> (&'static str, &'static str) {
        match self.situation {
            Situation::Normal => ("ok", "\u{2713}"),
            Situation::Outage => ("danger", "!"),
            Situation::Draining => ("warn", "\u{2197}"),
            Situation::Planned => ("warn", "\u{2016}"),
        }
    }

    /// The sentence.
    pub(crate) fn sentence(&self, language: Language, now: Timestamp, zone: &TimeZone) -> String {
        let since = format_date(language, DateStyle::Long, self.since, now, zone);
        let known = self.since > Timestamp::default();
        match self.situation {
            Situation::Normal => words::state_normal(language).to_owned(),
            Situation::Outage if known => words::state_outage_since(language, since),
            Situation::Outage => words::state_outage(language).to_owned(),
            Situation::Draining => words::state_draining(language).to_owned(),
            Situation::Planned if known => words::state_planned_since(language, since),
            Situation::Planned => words::state_planned(language).to_owned(),
        }
    }

    /// What it means for the reader; nothing while all is well.
    pub(crate) fn meaning(&self, language: Language) -> Option<String> {
        let waiting = self.waiting;
        match (&self.situation, self.seconds_left) {
            (Situation::Normal, _) => None,
            (Situation::Draining, _) if waiting == 1 => {
                Some(words::meaning_one_draining(language).to_owned())
            }
            (Situation::Outage | Situation::Planned, _) if waiting == 1 => {
                Some(words::meaning_one_waits(language).to_owned())
            }
            (Situation::Draining, Some(seconds)) if seconds > 0 => {
                let minutes = seconds.div_ceil(60);
                Some(words::meaning_draining_left(language, waiting, minutes))
            }
            (Situation::Draining, _) => Some(words::meaning_draining(language, waiting)),
            (Situation::Outage | Situation::Planned, _) if waiting > 0 => {
                Some(words::meaning_waiting(language, waiting))
            }
            (Situation::Outage | Situation::Planned, _) => {
                Some(words::meaning_nothing_waits(language).to_owned())
            }
        }
    }

    /// The banner above a page; nothing while all is well.
    pub(crate) fn draw(&self, language: Language, now: Timestamp, zone: &TimeZone) -> Markup {
        let (class, symbol) = self.look();
        let hidden = self.situation == Situation::Normal;
        html! {
            div #state role="status" {
                @if !hidden {
                    div.banner.(class) {
                        span.symbol aria-hidden="true" { (symbol) }
                        p {
                            strong { (self.sentence(language, now, zone)) }
                            @if let Some(meaning) = self.meaning(language) { " " (meaning) }
                        }
                        a href="/status" { (words::more(language)) }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(state: DestinationState, queued: u64, seconds_left: Option<u64>) -> DomainStatus {
        DomainStatus {
            domain: "x.example".parse().unwrap(),
            state,
            since: Timestamp::from_secs(1_795_325_696),
            reason: Some("451 4.7.1 internal.host says no".to_owned()),
            hold: None,
            window: 1,
            in_flight: 0,
            pace_max: None,
            delivered_per_second: 0.0,
            queued,
            queued_bytes: 0,
            oldest_at: None,
            next_due_at: None,
            next_probe_at: None,
            seconds_left,
        }
    }

    #[test]
    fn the_state_of_the_server_in_words() {
        let now = Timestamp::from_secs(1_795_325_700);
        for (state, queued, left, expected) in [
            (
                DestinationState::Healthy,
                3,
                None,
                "Your mail server is up.",
            ),
            (
                DestinationState::Down,
                132,
                None,
                "Your mail server has been down since 05:34. 132 messages are kept here and will be passed on.",
            ),
            (
                DestinationState::Ramp,
                40,
                Some(61),
                "Your mail server is back. 40 messages are still on their way, for about 2 min.",
            ),
            (DestinationState::Ramp, 0, None, "Your mail server is up."),
            (
                DestinationState::Held,
                0,
                None,
                "Delivery has been paused for planned work since 05:34. New mail will be kept here and passed on.",
            ),
        ] {
            let banner = Banner::from_status(&status(state, queued, left));
            let mut text = banner.sentence(Language::English, now, &TimeZone::UTC);
            if let Some(meaning) = banner.meaning(Language::English) {
                text = format!("{text} {meaning}");
            }
            assert_eq!(text, expected);
            let drawn = banner
                .draw(Language::German, now, &TimeZone::UTC)
                .into_string();
            assert!(
                !drawn.contains("451"),
                "what the server said is not for users"
            );
            assert!(drawn.contains("role=\"status\""));
        }
    }
}
