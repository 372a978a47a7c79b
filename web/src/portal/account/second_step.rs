//! `/login/2fa`: the second step of a sign-in whose password was right.

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;
use maud::{Markup, html};
use storage::model::SessionKind;

use super::words;
use crate::auth::{SecondStep, Secret};
use crate::portal::Portal;
use crate::portal::layout::csrf_field;
use crate::portal::login::{Next, signed_in};
use crate::portal::posted::Posted;
use crate::portal::redirect::{place_of_ours, see_other};
use crate::portal::refusal::Refusal;
use crate::portal::visitor::Visitor;
use crate::portal::words as common;

pub(in crate::portal) async fn show(
    State(portal): State<Portal>,
    Query(next): Query<Next>,
    parts: Parts,
    visitor: Visitor,
) -> Response {
    if portal.factor_cookie().read(&parts.headers).is_none() {
        return see_other("/login");
    }
    visitor.page(
        words::step_title(visitor.language),
        &form(&visitor, &next.next, None),
    )
}

pub(in crate::portal) async fn submit(
    State(portal): State<Portal>,
    parts: Parts,
    visitor: Visitor,
    posted: Posted,
) -> Result<Response, Refusal> {
    let form = posted.of(&visitor.csrf)?;
    let id = portal.factor_cookie().read(&parts.headers);
    let Some(id) = id.and_then(Secret::presented) else {
        return Ok(see_other("/login"));
    };
    let (kind, typed, next) = (SessionKind::Portal, form.text("code"), form.text("next"));
    let step = portal
        .sign_in
        .second_step(kind, &id, typed, &visitor.client);
    let language = visitor.language;
    match step.await? {
        SecondStep::SignedIn(session) => Ok(signed_in(&portal, &session, next)),
        SecondStep::Wait(wait) => Err(Refusal::TooMany(wait)),
        SecondStep::Wrong => {
            let content = self::form(&visitor, next, Some(words::step_wrong(language)));
            let title = words::step_title(language);
            Ok(visitor.page_with(StatusCode::UNPROCESSABLE_ENTITY, title, &content))
        }
        SecondStep::Over => {
            let content = html! {
                section.card {
                    h1 { (words::step_title(language)) }
                    p { (words::step_over(language)) }
                    p.actions { a.button href="/login" { (common::sign_in(language)) } }
                }
            };
            let title = words::step_title(language);
            Ok(visitor.page_with(StatusCode::UNPROCESSABLE_ENTITY, title, &content))
        }
    }
}

fn form(visitor: &Visitor, next: &str, fault: Option<&str>) -> Markup {
    let language = visitor.language;
    html! {
        section.card {
            h1 { (words::step_title(language)) }
            p.lead #lead { (words::step_lead(language)) }
            @if let Some(fault) = fault {
                div.fault #fault role="alert" { a href="#code" { (fault) } }
            }
            form method="post" action="/login/2fa" {
                (csrf_field(&visitor.csrf))
                @if let Some(next) = place_of_ours(next) {
                    input type="hidden" name="next" value=(next);
                }
                label for="code" { (words::step_code(language)) }
                input #code name="code" autocomplete="one-time-code" required maxlength="40"
                    autocapitalize="characters" spellcheck="false" autofocus
                    aria-invalid=[fault.map(|_| "true")] aria-describedby="lead";
                button.primary type="submit" { (common::sign_in(language)) }
            }
            p.below { (words::step_lost(language)) }
        }
    }
}
