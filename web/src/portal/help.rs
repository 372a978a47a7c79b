//! Help: what this site keeps, for how long, and what to do when something is missing.

use axum::extract::State;
use axum::http::request::Parts;
use axum::response::Response;
use maud::{Markup, html};

use super::navigation::Place;
use super::refusal::Refusal;
use super::user::User;
use super::visitor::Visitor;
use super::{Portal, words};
use crate::language::Language;

pub(super) async fn show(
    State(portal): State<Portal>,
    parts: Parts,
    visitor: Visitor,
) -> Result<Response, Refusal> {
    Ok(match User::of(&parts, &portal).await? {
        Some(user) => {
            let title = words::nav_help(user.language);
            user.page(Place::Help, title, &content(user.language))
        }
        None => visitor.page(
            words::nav_help(visitor.language),
            &content(visitor.language),
        ),
    })
}

fn content(language: Language) -> Markup {
    html! {
        article.prose {
            h1 { (words::nav_help(language)) }
            h2 { (words::help_what_title(language)) }
            p { (words::help_what(language)) }
            h2 { (words::help_sign_in_title(language)) }
            p { (words::help_sign_in(language)) }
            h2 { (words::help_back_title(language)) }
            p { (words::help_back(language)) }
        }
    }
}
