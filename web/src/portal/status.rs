//! The state of the user's own server, and what it means for them.

use axum::response::Response;
use maud::html;

use super::banner::{Banner, Situation};
use super::navigation::Place;
use super::user::User;
use super::words;

pub(super) async fn show(user: User) -> Response {
    let language = user.language;
    let banner = Banner::of(&user.portal, &user.domain);
    let (class, symbol) = banner.look();
    let means = match banner.situation {
        Situation::Normal => words::status_normal(language),
        Situation::Outage => words::status_outage(language),
        Situation::Draining => words::status_draining(language),
        Situation::Planned => words::status_planned(language),
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
    };
    user.page(Place::Status, words::nav_status(language), &content)
}
