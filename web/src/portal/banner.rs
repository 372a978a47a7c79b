//! Whether the user's own server takes mail, in one sentence on every page.

use std::time::Duration;

use actors::outages::Outage;
use actors::status::{DestinationState, DomainStatus};
use jiff::tz::TimeZone;
use maud::{Markup, html};
use storage::model::{Domain, Timestamp};
use storage::spool::IntakeState;

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
    /// Everything of an outage that is just over has been passed on.
    Back,
}

/// How long after an outage it is said that it is over.
const BACK_SHOWN: Duration = Duration::from_secs(3600);

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
    /// How much of what was held has been passed on, in percent; none when that is not known.
    pub(crate) percent: Option<u64>,
    /// Whether the storage is full: what is there can be read, and nothing can be written.
    pub(crate) is_full: bool,
}

impl Banner {
    /// The state of a domain now.
    pub(crate) fn of(portal: &Portal, domain: &Domain) -> Self {
        let counters = portal.spool.counters(domain.id);
        let now = portal.spool.clock().now();
        let outages = portal.board.outages(domain.id);
        let status = portal.board.domain(domain, &counters, now);
        let mut banner = Self::from_status(&status, outages.last(), now);
        banner.is_full = is_full(portal);
        banner
    }

    fn from_status(status: &DomainStatus, outage: Option<&Outage>, now: Timestamp) -> Self {
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
            DestinationState::Held if status.hold.is_some() => Situation::Planned,
            // Stopped by the guard: the server is there, but not to be trusted with mail.
            DestinationState::Held => Situation::Outage,
        };
        let back = outage.and_then(|outage| outage.drained_at);
        let back = back.filter(|at| now.saturating_since(*at) < BACK_SHOWN);
        let (situation, since) = match (situation, back) {
            (Situation::Normal, Some(at)) => (Situation::Back, at),
            (situation, _) => (situation, status.since),
        };
        let held = outage.map_or(0, |outage| outage.held_max);
        let gone = held.saturating_sub(status.queued).saturating_mul(100);
        Self {
            percent: gone
                .checked_div(held)
                .filter(|_| situation == Situation::Draining),
            situation,
            since,
            waiting: status.queued,
            seconds_left: status.seconds_left,
            is_full: false,
        }
    }

    /// The class and the symbol that go with the words: colour never stands alone.
    pub(crate) const fn look(&self) -> (&'static str, &'static str) {
        match self.situation {
            Situation::Normal | Situation::Back => ("ok", "\u{2713}"),
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
            Situation::Draining => match self.percent {
                Some(percent) => words::state_draining_percent(language, percent),
                None => words::state_draining(language).to_owned(),
            },
            Situation::Back => words::state_back(language, since),
            Situation::Planned if known => words::state_planned_since(language, since),
            Situation::Planned => words::state_planned(language).to_owned(),
        }
    }

    /// What it means for the reader; nothing while all is well.
    pub(crate) fn meaning(&self, language: Language) -> Option<String> {
        let waiting = self.waiting;
        match (&self.situation, self.seconds_left) {
            (Situation::Normal, _) => None,
            (Situation::Back, _) => Some(words::meaning_back(language).to_owned()),
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
                @if self.is_full {
                    div.banner.danger {
                        span.symbol aria-hidden="true" { "!" }
                        p { strong { (words::storage_full(language)) } " " (words::storage_full_meaning(language)) }
                    }
                }
            }
        }
    }
}

/// Whether nothing can be written at the moment.
pub(crate) fn is_full(portal: &Portal) -> bool {
    let intake = portal.spool.intake();
    !matches!(intake, IntakeState::Open | IntakeState::Soft)
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
            hold: (state == DestinationState::Held).then(|| storage::model::Hold {
                reason: "work".to_owned(),
                by: "operator".to_owned(),
                since: Timestamp::from_secs(1_795_325_696),
                until: None,
            }),
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
            let banner = Banner::from_status(&status(state, queued, left), None, now);
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

    fn outage(ended: Option<u64>, drained: Option<u64>) -> Outage {
        let at = Timestamp::from_secs;
        Outage {
            kind: actors::outages::OutageKind::Outage,
            reason: String::new(),
            started_at: at(1_795_300_000),
            noticed_at: at(1_795_300_001),
            ended_at: ended.map(at),
            drained_at: drained.map(at),
            held_max: 100,
            wait_max_millis: 0,
        }
    }

    #[test]
    fn a_server_that_is_back_is_said_to_be_back_for_an_hour() {
        let now = Timestamp::from_secs(1_795_325_700);
        let sentence = |status: &DomainStatus, outage: &Outage, now| {
            let banner = Banner::from_status(status, Some(outage), now);
            banner.sentence(Language::English, now, &TimeZone::UTC)
        };
        let ramp = status(DestinationState::Ramp, 60, None);
        let draining = outage(Some(1_795_325_600), None);
        assert!(sentence(&ramp, &draining, now).contains("40 %"));
        let well = status(DestinationState::Healthy, 1, None);
        let over = outage(Some(1_795_325_600), Some(1_795_325_690));
        let text = sentence(&well, &over, now);
        assert!(text.contains("back") && text.contains("05:34"), "{text}");
        let later = Timestamp::from_secs(1_795_325_690 + 3_600);
        assert_eq!(sentence(&well, &over, later), "Your mail server is up.");
    }

    #[test]
    fn d1_what_the_guard_stopped_is_no_planned_work() {
        let mut held = status(DestinationState::Held, 3, None);
        held.hold = None;
        let banner = Banner::from_status(&held, None, Timestamp::default());
        assert_eq!(banner.situation, Situation::Outage);
    }

    #[test]
    fn a_full_storage_is_said_whatever_the_server_does() {
        let well = status(DestinationState::Healthy, 0, None);
        let mut banner = Banner::from_status(&well, None, Timestamp::default());
        let draw = |banner: &Banner| {
            let drawn = banner.draw(Language::English, Timestamp::default(), &TimeZone::UTC);
            drawn.into_string()
        };
        assert!(!draw(&banner).contains("class=\"banner"));
        banner.is_full = true;
        assert!(draw(&banner).contains("The storage is full."));
    }
}
