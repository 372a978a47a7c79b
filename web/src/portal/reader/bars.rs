//! What is said above a message: blocked images, links that lie, senders that may, protection, an
//! invitation. Never inside the frame, where the mail could draw the same.

use maud::{Markup, html};

use super::words;
use crate::language::Language;
use crate::links::LinkWarning;
use crate::message::{Event, Hint, Invitation, Protection, When};
use crate::sanitize::SafeHtml;

/// Hosts that are named.
const HOSTS_NAMED_MAX: usize = 5;

/// What was kept out of the frame.
pub(super) fn images(language: Language, safe: &SafeHtml) -> Markup {
    let report = &safe.images;
    let hosts: Vec<&str> = report
        .hosts
        .iter()
        .take(HOSTS_NAMED_MAX)
        .map(String::as_str)
        .collect();
    html! {
        @if report.blocked + report.trackers > 0 {
            p.bar {
                @match report.blocked {
                    0 => {},
                    1 => { (words::one_blocked(language)) " " },
                    count => { (words::blocked(language, count)) " " },
                }
                @match report.trackers {
                    0 => {},
                    1 => { (words::one_tracker(language)) " " },
                    count => { (words::trackers(language, count)) " " },
                }
                @if !hosts.is_empty() { span.meta { (words::from_hosts(language, hosts.join(", "))) } }
            }
        }
    }
}

/// Links whose text names another place than they lead to.
pub(super) fn links(language: Language, warnings: &[LinkWarning]) -> Markup {
    html! {
        @if !warnings.is_empty() {
            div.bar.warn {
                strong { (words::links_lie(language)) }
                ul {
                    @for warning in warnings.iter().take(HOSTS_NAMED_MAX) {
                        @let (LinkWarning::OtherHost { shown, target } | LinkWarning::Lookalike { shown, target }) = warning;
                        li { (words::link_leads(language, shown, target)) }
                    }
                }
            }
        }
    }
}

/// Signs that the sender is not who the name says.
pub(super) fn hints(language: Language, hints: &[Hint]) -> Markup {
    html! {
        @for hint in hints {
            p.bar.warn {
                @match hint {
                    Hint::NameIsOtherAddress { shown, address } => (words::name_is_address(language, shown, address)),
                    Hint::RepliesElsewhere { address } => (words::replies_elsewhere(language, address)),
                    Hint::LooksLikeOwn { domain, own } => (words::looks_like_own(language, domain, own)),
                    Hint::SeveralSenders => (words::several_senders(language)),
                }
            }
        }
    }
}

/// A message that another program has to open.
pub(super) fn protection(language: Language, protection: Option<Protection>, eml: &str) -> Markup {
    html! {
        @match protection {
            Some(Protection::PgpEncrypted | Protection::SmimeEncrypted) => {
                p.bar { (words::encrypted(language)) " " a href=(eml) { (words::download_message(language)) } }
            },
            Some(Protection::PgpSigned | Protection::SmimeSigned) => p.bar { (words::signed(language)) },
            None => {},
        }
    }
}

/// The events of an invitation.
pub(super) fn invitation(language: Language, invitation: Option<&Invitation>) -> Markup {
    html! {
        @if let Some(invitation) = invitation {
            @for event in &invitation.events { (card(language, event)) }
        }
    }
}

fn card(language: Language, event: &Event) -> Markup {
    html! {
        section.card.invitation aria-label=(words::invitation(language)) {
            h2 { (event.summary) }
            @if event.cancelled { p { strong { (words::called_off(language)) } } }
            dl.facts {
                dt { (words::when(language)) }
                dd {
                    @if let Some(starts) = &event.starts { (when(starts)) }
                    @if let Some(ends) = &event.ends { " \u{2013} " (when(ends)) }
                    @if event.repeats { " \u{b7} " (words::repeats(language)) }
                }
                @if !event.location.is_empty() { dt { (words::place(language)) } dd { (event.location) } }
                @if !event.organizer.is_empty() { dt { (words::organizer(language)) } dd { (event.organizer) } }
                @if let Some(url) = &event.url {
                    dt { (words::link(language)) }
                    dd { a href=(url) target="_blank" rel="noopener noreferrer nofollow" { (url) } }
                }
            }
        }
    }
}

/// A moment as the sender wrote it, with the zone's name.
fn when(moment: &When) -> String {
    match moment {
        When::Day(day) => day.to_string(),
        When::Utc(at) => format!("{} UTC", at.strftime("%Y-%m-%d %H:%M")),
        When::Local(at, None) => at.strftime("%Y-%m-%d %H:%M").to_string(),
        When::Local(at, Some(zone)) => format!("{} ({zone})", at.strftime("%Y-%m-%d %H:%M")),
    }
}
