//! Signing in: address and password on one page, one text for every failure.

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;
use storage::model::Mailbox;

use super::account::passkey_door;
use super::layout::csrf_field;
use super::posted::{Form, Posted};
use super::redirect::{place_of_ours, see_other, with_cookies};
use super::refusal::Refusal;
use super::user::User;
use super::visitor::Visitor;
use super::{Portal, words};
use crate::auth::{NewSession, SignInOutcome};

/// Where users arrive after they have signed in.
pub(super) const HOME: &str = "/m/inbox";

/// Where to go afterwards.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Next {
    #[serde(default)]
    pub(super) next: String,
}

/// The start page: the mailbox, or the form.
pub(super) async fn home(_user: User) -> Response {
    see_other(HOME)
}

pub(super) async fn show(
    State(portal): State<Portal>,
    Query(next): Query<Next>,
    parts: Parts,
    visitor: Visitor,
) -> Result<Response, Refusal> {
    if User::of(&parts, &portal).await?.is_some() {
        return Ok(see_other(place_of_ours(&next.next).unwrap_or("/")));
    }
    let title = words::sign_in(visitor.language);
    Ok(visitor.page(title, &form(&visitor, "", &next.next, false)))
}

pub(super) async fn submit(
    State(portal): State<Portal>,
    visitor: Visitor,
    posted: Posted,
) -> Result<Response, Refusal> {
    let form = posted.of(&visitor.csrf)?;
    let address = form.text("address");
    let password = form.text("password");
    let outcome = portal.sign_in.user(address, password, &visitor.client);
    match outcome.await? {
        SignInOutcome::SignedIn(session) => Ok(signed_in(&portal, &session, form.text("next"))),
        SignInOutcome::SecondFactor(id) => {
            let cookie = portal.factor_cookie().set(id.reveal());
            let leads = second_step(form.text("next"));
            Ok(with_cookies(see_other(&leads), cookie.as_slice()))
        }
        SignInOutcome::Alias { parent } => Ok(nobodys_mailbox(&visitor, address, &parent)),
        SignInOutcome::Wait(wait) => Err(Refusal::TooMany(wait)),
        SignInOutcome::Refused => Ok(refused(&visitor, &form)),
    }
}

/// The answer that begins a session and leads to where the user wanted to go.
pub(super) fn signed_in(portal: &Portal, session: &NewSession, next: &str) -> Response {
    let next = place_of_ours(next).unwrap_or("/");
    let cookies = [
        portal.session_cookie().set(session.id.reveal()),
        portal.before_cookie().clear(),
        portal.factor_cookie().clear(),
    ];
    let cookies: Vec<_> = cookies.into_iter().flatten().collect();
    with_cookies(see_other(next), &cookies)
}

/// The second step, and from there to `next`.
fn second_step(next: &str) -> String {
    let Some(next) = place_of_ours(next) else {
        return "/login/2fa".to_owned();
    };
    let query: String = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("next", next)
        .finish();
    format!("/login/2fa?{query}")
}

fn refused(visitor: &Visitor, form: &Form) -> Response {
    let content = self::form(visitor, form.text("address"), form.text("next"), true);
    let title = words::sign_in_failed(visitor.language);
    visitor.page_with(StatusCode::UNPROCESSABLE_ENTITY, title, &content)
}

fn form(visitor: &Visitor, address: &str, next: &str, failed: bool) -> Markup {
    let language = visitor.language;
    // Once for both forms: a page has one mask.
    let token = csrf_field(&visitor.csrf);
    html! {
        section.card {
            h1 { (words::sign_in(language)) }
            p.lead { (words::sign_in_lead(language)) }
            @if failed {
                div.fault #fault role="alert" {
                    strong { (words::sign_in_failed(language)) }
                    " " (words::sign_in_failed_hint(language))
                }
            }
            form method="post" action="/login" {
                (token)
                @if let Some(next) = place_of_ours(next) {
                    input type="hidden" name="next" value=(next);
                }
                label for="address" { (words::address(language)) }
                input #address name="address" type="email" autocomplete="username" required
                    value=(address) autofocus[!failed]
                    aria-describedby=[failed.then_some("fault")];
                label for="password" { (words::password(language)) }
                input #password name="password" type="password" autocomplete="current-password"
                    required maxlength="256" autofocus[failed]
                    aria-describedby=[failed.then_some("fault")];
                button.primary type="submit" { (words::sign_in(language)) }
            }
            @if visitor.portal.relying_party.is_some() {
                (passkey_door::draw(visitor, &token, next))
            }
            p.below { a href="/forgot" { (words::cannot_sign_in(language)) } }
        }
    }
}

/// An alias has no mailbox of its own; whoever knows the password of its mailbox is told which one
/// that is.
fn nobodys_mailbox(visitor: &Visitor, alias: &str, parent: &Mailbox) -> Response {
    let language = visitor.language;
    let content = html! {
        section.card {
            h1 { (words::alias_title(language)) }
            p { (words::alias_what(language, alias.trim(), parent)) }
            p.actions { a.button href="/login" { (words::alias_todo(language, parent)) } }
        }
    };
    let title = words::alias_title(language);
    visitor.page_with(StatusCode::CONFLICT, title, &content)
}
