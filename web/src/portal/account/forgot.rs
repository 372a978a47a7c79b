//! `/forgot`: the same page, at the same time, for every address (A8).

use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};

use super::words;
use crate::language::Language;
use crate::portal::Portal;
use crate::portal::layout::csrf_field;
use crate::portal::posted::Posted;
use crate::portal::refusal::Refusal;
use crate::portal::visitor::Visitor;
use crate::portal::words as common;

pub(in crate::portal) async fn show(visitor: Visitor) -> Response {
    let language = visitor.language;
    let content = html! {
        section.card {
            h1 { (words::forgot_title(language)) }
            p.lead { (words::forgot_lead(language)) }
            form method="post" action="/forgot" {
                (csrf_field(&visitor.csrf))
                label for="address" { (common::address(language)) }
                input #address name="address" type="email" autocomplete="username" required
                    maxlength="320" autofocus;
                button.primary type="submit" { (words::forgot_send(language)) }
            }
            (other_ways(language))
        }
    };
    visitor.page(words::forgot_title(language), &content)
}

pub(in crate::portal) async fn submit(
    State(portal): State<Portal>,
    visitor: Visitor,
    posted: Posted,
) -> Result<Response, Refusal> {
    let form = posted.of(&visitor.csrf)?;
    let (language, address) = (visitor.language, form.text("address").trim());
    portal
        .desk
        .ask(address, visitor.client.clone(), language)
        .map_err(|_| Refusal::Busy)?;
    let content = html! {
        section.card {
            h1 { (words::forgot_done_title(language)) }
            p { (words::forgot_done_what(language, address)) }
            ul.plain {
                li { (words::forgot_done_recovery(language)) }
                li { (words::forgot_done_mailbox(language)) }
                li { (words::forgot_done_admins(language)) }
            }
            (other_ways(language))
        }
    };
    Ok(visitor.page(words::forgot_done_title(language), &content))
}

fn other_ways(language: Language) -> Markup {
    html! {
        p.below { a href="/enroll" { (words::forgot_code(language)) } }
        p.below { a href="/login" { (words::forgot_back(language)) } }
    }
}
