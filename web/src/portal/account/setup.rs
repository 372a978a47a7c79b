//! `/settings/security/setup`: the second factor, from a picture to the first code.

use axum::http::StatusCode;
use axum::response::Response;
use maud::{Markup, html};

use super::security::{proof_fields, row, unproven};
use super::words;
use crate::auth::Secret;
use crate::portal::layout::csrf_field;
use crate::portal::posted::Posted;
use crate::portal::redirect::see_other;
use crate::portal::refusal::Refusal;
use crate::portal::settings::{self, Tab};
use crate::portal::user::User;
use crate::qr;

const PATH: &str = "/settings/security/setup";

pub(in crate::portal) async fn show(user: User) -> Result<Response, Refusal> {
    if is_on(&user).await? {
        return Ok(see_other(Tab::Security.path()));
    }
    Ok(settings::page(&user, Tab::Security, &content(&user, None)?))
}

pub(in crate::portal) async fn submit(user: User, posted: Posted) -> Result<Response, Refusal> {
    let form = posted.of(&user.csrf)?;
    if is_on(&user).await? {
        return Ok(see_other(Tab::Security.path()));
    }
    if let Some(fault) = unproven(&user, &form).await? {
        return refused(&user, fault);
    }
    let audit = row(&user, "second_factor.on");
    let codes =
        user.portal
            .sign_in
            .switch_on(&user.account, user.session, form.text("first"), audit);
    match codes.await? {
        Some(codes) => Ok(codes_page(&user, &codes)),
        None => refused(&user, words::fault_code(user.language)),
    }
}

async fn is_on(user: &User) -> Result<bool, Refusal> {
    let credentials = user.portal.spool.credentials(&user.account).await?;
    Ok(credentials.totp.is_some())
}

fn refused(user: &User, fault: &str) -> Result<Response, Refusal> {
    let content = content(user, Some(fault))?;
    let status = StatusCode::UNPROCESSABLE_ENTITY;
    Ok(settings::page_with(user, status, Tab::Security, &content))
}

fn content(user: &User, fault: Option<&str>) -> Result<Markup, Refusal> {
    let language = user.language;
    let secret = user.portal.sign_in.set_up(&user.session);
    let secret = secret.map_err(|error| Refusal::Broken(error.to_string()))?;
    let uri = secret.uri(&user.address.to_string());
    Ok(html! {
        form.form method="post" action=(PATH) {
            h2 { (words::setup_title(language)) }
            @if let Some(fault) = fault {
                div.fault role="alert" { (fault) }
            }
            (csrf_field(&user.csrf))
            p { (words::setup_scan(language)) }
            (qr::draw(&uri, words::setup_picture(language)))
            p { (words::setup_key(language)) ": " code { (secret.grouped()) } }
            label for="first" { (words::setup_code(language)) }
            input #first name="first" inputmode="numeric" autocomplete="one-time-code" required
                maxlength="10";
            (proof_fields(user, "setup", false))
            div.actions { button.primary type="submit" { (words::setup_on(language)) } }
        }
    })
}

/// Recovery codes, shown this once.
pub(super) fn codes_page(user: &User, codes: &[Secret]) -> Response {
    let language = user.language;
    let content = html! {
        section.form {
            h2 { (words::codes_title(language)) }
            p { (words::codes_lead(language)) }
            ul.codes {
                @for code in codes { li { code { (code.reveal()) } } }
            }
            div.actions { a.button.primary href=(Tab::Security.path()) { (words::codes_kept(language)) } }
        }
    };
    settings::page(user, Tab::Security, &content)
}
