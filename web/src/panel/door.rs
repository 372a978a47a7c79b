//! Signing in and out of the administration: password, then second factor.

use axum::extract::{Query, State};
use axum::http::header::HeaderName;
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;
use storage::model::SessionKind;

use super::layout::fault;
use super::visitor::{Admin, Visitor};
use crate::AdminSite;
use crate::auth::{NewSession, SecondStep, Secret, SignInOutcome};
use crate::portal::layout::csrf_field;
use crate::portal::{Posted, Refusal, place_of_ours, see_other, with_cookies};

/// The page after sign-in.
pub(super) const HOME: &str = "/people";

/// Where to go afterwards.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Next {
    #[serde(default)]
    pub(super) next: String,
}

/// Nobody is signed out by a link.
pub(super) async fn home() -> Response {
    see_other(HOME)
}

pub(super) async fn show(
    State(site): State<AdminSite>,
    Query(next): Query<Next>,
    parts: Parts,
    visitor: Visitor,
) -> Result<Response, Refusal> {
    if Admin::of(&parts, &site).await?.is_some() {
        return Ok(see_other(place_of_ours(&next.next).unwrap_or(HOME)));
    }
    let form = form(&visitor, "", &next.next, None);
    Ok(visitor.page(StatusCode::OK, "Sign in", &form))
}

pub(super) async fn submit(
    State(site): State<AdminSite>,
    visitor: Visitor,
    posted: Posted,
) -> Result<Response, Refusal> {
    let form = posted.of(&visitor.csrf)?;
    let (address, next) = (form.text("address"), form.text("next"));
    let outcome = site
        .sign_in
        .administrator(address, form.text("password"), &visitor.client);
    match outcome.await? {
        SignInOutcome::SignedIn(session) => Ok(signed_in(&site, &session, next)),
        SignInOutcome::SecondFactor(id) => {
            let cookie = site.factor_cookie().set(id.reveal());
            let query: String = url::form_urlencoded::Serializer::new(String::new())
                .append_pair("next", place_of_ours(next).unwrap_or(HOME))
                .finish();
            let leads = see_other(&format!("/login/2fa?{query}"));
            Ok(with_cookies(leads, cookie.as_slice()))
        }
        SignInOutcome::Wait(wait) => Err(Refusal::TooMany(wait)),
        SignInOutcome::Refused | SignInOutcome::Alias { .. } => {
            let wrong = "That did not work. Check address and password.";
            let content = self::form(&visitor, address, next, Some(wrong));
            Ok(visitor.page(StatusCode::UNPROCESSABLE_ENTITY, "Sign in", &content))
        }
    }
}

pub(super) async fn show_second(
    State(site): State<AdminSite>,
    Query(next): Query<Next>,
    parts: Parts,
    visitor: Visitor,
) -> Response {
    if site.factor_cookie().read(&parts.headers).is_none() {
        return see_other("/login");
    }
    let form = second_form(&visitor, &next.next, None);
    visitor.page(StatusCode::OK, "Second step", &form)
}

pub(super) async fn submit_second(
    State(site): State<AdminSite>,
    parts: Parts,
    visitor: Visitor,
    posted: Posted,
) -> Result<Response, Refusal> {
    let form = posted.of(&visitor.csrf)?;
    let id = site.factor_cookie().read(&parts.headers);
    let Some(id) = id.and_then(Secret::presented) else {
        return Ok(see_other("/login"));
    };
    let (kind, typed, next) = (SessionKind::Admin, form.text("code"), form.text("next"));
    let step = site.sign_in.second_step(kind, &id, typed, &visitor.client);
    let refused =
        |content: Markup| visitor.page(StatusCode::UNPROCESSABLE_ENTITY, "Second step", &content);
    match step.await? {
        SecondStep::SignedIn(session) => Ok(signed_in(&site, &session, next)),
        SecondStep::Wait(wait) => Err(Refusal::TooMany(wait)),
        SecondStep::Wrong => {
            let wrong = "That code is not right, or was used already.";
            Ok(refused(second_form(&visitor, next, Some(wrong))))
        }
        SecondStep::Over => Ok(refused(html! {
            section.card {
                h1 { "Second step" }
                p { "This sign-in took too long. Please begin again." }
                p.actions { a.button href="/login" { "Sign in" } }
            }
        })),
    }
}

pub(super) async fn sign_out(
    State(site): State<AdminSite>,
    parts: Parts,
    posted: Posted,
) -> Result<Response, Refusal> {
    if let Some(admin) = Admin::of(&parts, &site).await? {
        posted.of(&admin.csrf)?;
        let address = admin.row.address.to_string();
        site.sign_in
            .end(&admin.account, &address, admin.session, &admin.client)
            .await?;
    }
    let cookie = site.session_cookie().clear();
    let mut response = with_cookies(see_other("/login"), cookie.as_slice());
    response.headers_mut().insert(
        HeaderName::from_static("clear-site-data"),
        HeaderValue::from_static("\"cache\", \"storage\""),
    );
    Ok(response)
}

fn signed_in(site: &AdminSite, session: &NewSession, next: &str) -> Response {
    let cookies = [
        site.session_cookie().set(session.id.reveal()),
        site.before_cookie().clear(),
        site.factor_cookie().clear(),
    ];
    let cookies: Vec<_> = cookies.into_iter().flatten().collect();
    with_cookies(see_other(place_of_ours(next).unwrap_or(HOME)), &cookies)
}

fn form(visitor: &Visitor, address: &str, next: &str, wrong: Option<&str>) -> Markup {
    html! {
        section.card {
            h1 { "Sign in" }
            p.lead { "For administrators of a domain." }
            (fault(wrong))
            form method="post" action="/login" {
                (csrf_field(&visitor.csrf))
                @if let Some(next) = place_of_ours(next) {
                    input type="hidden" name="next" value=(next);
                }
                label for="address" { "Email address" }
                input #address name="address" type="email" autocomplete="username" required
                    value=(address) autofocus[wrong.is_none()];
                label for="password" { "Password" }
                input #password name="password" type="password" autocomplete="current-password"
                    required maxlength="256" autofocus[wrong.is_some()];
                button.primary type="submit" { "Sign in" }
            }
            p.below { "No password, or forgotten? The operator can invite you again." }
        }
    }
}

fn second_form(visitor: &Visitor, next: &str, wrong: Option<&str>) -> Markup {
    html! {
        section.card {
            h1 { "Second step" }
            p.lead { "Enter the code of your authenticator app, or a recovery code." }
            (fault(wrong))
            form method="post" action="/login/2fa" {
                (csrf_field(&visitor.csrf))
                @if let Some(next) = place_of_ours(next) {
                    input type="hidden" name="next" value=(next);
                }
                label for="code" { "Code" }
                input #code name="code" autocomplete="one-time-code" required maxlength="40"
                    autocapitalize="characters" spellcheck="false" autofocus;
                button.primary type="submit" { "Sign in" }
            }
        }
    }
}
