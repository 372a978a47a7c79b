//! The state of the user's own server, and what it means for them.

use actors::outages::OutageKind;
use axum::response::Response;
use maud::{Markup, html};
use storage::model::Timestamp;

use super::banner::{Banner, Situation};
use super::navigation::Place;
use super::user::User;
use super::words;
use crate::language::{DateStyle, format_date, format_duration};

pub(super) async fn show(user: User) -> Response {
    let language = user.language;
    let banner = Banner::of(&user.portal, &user.domain);
    let (class, symbol) = banner.look();
    let means = match banner.situation {
        Situation::Normal => words::status_normal(language),
        Situation::Outage => words::status_outage(language),
        Situation::Draining => words::status_draining(language),
        Situation::Planned => words::status_planned(language),
        Situation::Back => words::status_back(language),
    };
    let content = html! {
        h1 { (words::nav_status(language)) }
        section.card.state-card.(class) {
            span.symbol aria-hidden="true" { (symbol) }
            div {
                h2 { (banner.sentence(language, user.now, &user.portal.zone)) }
                @if let Some(meaning) = banner.meaning(language) { p { (meaning) } }
                p { (means) }
            }
        }
        dl.facts {
            dt { (words::status_domain(language)) }
            dd { (user.domain.name) }
            dt { (words::status_waiting(language)) }
            dd.number { (banner.waiting) }
        }
        h2 { (words::status_history(language)) }
        (history(&user))
    };
    user.page(Place::Status, words::nav_status(language), &content)
}

/// What happened to the own server, newest first, and what that meant.
fn history(user: &User) -> Markup {
    let language = user.language;
    let outages = user.portal.board.outages(user.domain.id);
    if outages.is_empty() {
        return html! { p { (words::status_no_outage(language)) } };
    }
    let date = |at: Timestamp| {
        let zone = &user.portal.zone;
        html! {
            time datetime=(at.rfc3339()) { (format_date(language, DateStyle::Long, at, user.now, zone)) }
        }
    };
    let moment = |at: Option<Timestamp>| match at {
        Some(at) => date(at),
        None => html! { (words::outage_not_yet(language)) },
    };
    html! {
        p.hint { (words::outage_meaning(language)) }
        ol.outages {
            @for outage in outages.iter().rev() {
                li.card {
                    h3 {
                        @if outage.kind == OutageKind::Planned { (words::outage_planned(language)) }
                        @else { (words::outage_kind(language)) }
                        ", " (date(outage.started_at))
                    }
                    dl.facts {
                        dt { (words::outage_lasted(language)) }
                        dd { (format_duration(language, outage.lasted(user.now))) }
                        dt { (words::outage_back(language)) }
                        dd { (moment(outage.ended_at)) }
                        dt { (words::outage_drained(language)) }
                        dd { (moment(outage.drained_at)) }
                        dt { (words::outage_held(language)) }
                        dd.number { (outage.held_max) }
                        dt { (words::outage_wait(language)) }
                        dd { (format_duration(language, outage.wait_max())) }
                    }
                }
            }
        }
    }
}
