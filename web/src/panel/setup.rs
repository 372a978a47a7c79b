//! `/me/second-factor`: an administrator sets up the second factor before anything else (A6).

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use maud::{Markup, html};

use super::layout::fault;
use super::visitor::Admin;
use crate::AdminSite;
use crate::auth::Secret;
use crate::portal::layout::csrf_field;
use crate::portal::{Posted, Refusal, see_other};
use crate::qr;

const TITLE: &str = "Set up the second step";

pub(super) async fn show(State(site): State<AdminSite>, admin: Admin) -> Result<Response, Refusal> {
    if is_on(&site, &admin).await? {
        return Ok(see_other("/me"));
    }
    Ok(admin.page(TITLE, &content(&admin, None)?))
}

pub(super) async fn submit(
    State(site): State<AdminSite>,
    admin: Admin,
    posted: Posted,
) -> Result<Response, Refusal> {
    let form = posted.of(&admin.csrf)?;
    if is_on(&site, &admin).await? {
        return Ok(see_other("/me"));
    }
    let audit = admin.own_row("second_factor.on");
    let (account, code) = (&admin.account, form.text("code"));
    let codes = site.sign_in.switch_on(account, admin.session, code, audit);
    match codes.await? {
        Some(codes) => Ok(codes_page(&admin, &codes)),
        None => {
            let content = content(&admin, Some("That code is not right."))?;
            Ok(admin.page_with(StatusCode::UNPROCESSABLE_ENTITY, TITLE, &content))
        }
    }
}

async fn is_on(site: &AdminSite, admin: &Admin) -> Result<bool, Refusal> {
    Ok(site.spool.credentials(&admin.account).await?.totp.is_some())
}

fn content(admin: &Admin, wrong: Option<&str>) -> Result<Markup, Refusal> {
    let secret = admin.site.sign_in.set_up(&admin.session);
    let secret = secret.map_err(|error| Refusal::Broken(error.to_string()))?;
    let uri = secret.uri(&admin.row.address.to_string());
    Ok(html! {
        h1 { (TITLE) }
        p.lead { "Administrators sign in with a password and a code that changes every 30 seconds." }
        (fault(wrong))
        form.form method="post" action="/me/second-factor" {
            (csrf_field(&admin.csrf))
            p { "Scan this picture with an authenticator app, or type the key below it." }
            (qr::draw(&uri, "QR code with the key"))
            p { "Key: " code { (secret.grouped()) } }
            label for="code" { "Code that the app shows" }
            input #code name="code" inputmode="numeric" autocomplete="one-time-code" required
                maxlength="10";
            div.actions { button.primary type="submit" { "Switch on" } }
        }
    })
}

/// Recovery codes, shown this once.
pub(super) fn codes_page(admin: &Admin, codes: &[Secret]) -> Response {
    let content = html! {
        h1 { "Your recovery codes" }
        p { "Each opens once when you do not have your device. Print them or write them down: they are not shown again." }
        ul.codes {
            @for code in codes { li { code { (code.reveal()) } } }
        }
        div.actions { a.button.primary href="/people" { "I have kept them" } }
    };
    admin.page("Your recovery codes", &content)
}
