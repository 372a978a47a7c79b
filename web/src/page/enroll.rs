//! `/enroll/{token}` on the administration's listener: an administrator who was invited sets the own
//! password and gets a token for the command line and for programs.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use maud::{DOCTYPE, Markup, html};
use serde_json::json;
use storage::model::{AccountId, Actor, ApiToken, AuditRow, OneTimeToken};

use crate::AdminSite;
use crate::auth::password_rule;
use crate::auth::{Secret, SetBy};

/// How long a token for programs is good for.
const TOKEN_LIFE: Duration = Duration::from_secs(365 * 86_400);

/// The form.
pub(super) async fn show(State(site): State<AdminSite>, Path(text): Path<String>) -> Response {
    match invitation(&site, &text) {
        Some((_, _, address)) => page("Set your password", &form(&address, None)).into_response(),
        None => gone(),
    }
}

/// Sets the password.
pub(super) async fn submit(
    State(site): State<AdminSite>,
    Path(text): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    // The address holds a secret that no other page knows; this keeps those away that would guess.
    if site.origins.check_form(&headers).is_err() {
        return StatusCode::FORBIDDEN.into_response();
    }
    let Some((secret, token, address)) = invitation(&site, &text) else {
        return gone();
    };
    let field = |name: &str| {
        let mut pairs = url::form_urlencoded::parse(&body);
        let found = pairs.find(|(key, _)| key == name);
        found
            .map(|(_, value)| value.into_owned())
            .unwrap_or_default()
    };
    let (password, again) = (field("password"), field("again"));
    if let Err(fault) = password_rule::check(&password, &[&address]) {
        return refused(&address, fault.reason());
    }
    if password != again {
        return refused(&address, "the two passwords differ");
    }
    match enroll(&site, &secret, &token, &address, &password).await {
        Ok(Some(program)) => {
            page("Your password is set", &done(&address, &program)).into_response()
        }
        Ok(None) => gone(),
        Err(reason) => {
            tracing::error!(reason, "an administrator could not be enrolled");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}

/// The invitation behind a link, and whose it is.
fn invitation(site: &AdminSite, text: &str) -> Option<(Secret, OneTimeToken, String)> {
    let secret = Secret::presented(text)?;
    let token = site.spool.one_time_token(&secret.digest())?;
    let AccountId::Administrator { address } = &token.account else {
        return None;
    };
    let address = address.clone();
    Some((secret, token, address))
}

/// The new token for programs; none when the link was used at the same moment.
async fn enroll(
    site: &AdminSite,
    secret: &Secret,
    token: &OneTimeToken,
    address: &str,
    password: &str,
) -> Result<Option<Secret>, String> {
    let row = |action: &str| AuditRow {
        at: site.spool.clock().wall(),
        actor: Actor::Administrator {
            address: address.to_owned(),
            from: "enrolment".to_owned(),
        },
        action: action.to_owned(),
        subject: address.to_owned(),
        detail: json!({}).to_string(),
    };
    let by = SetBy::Token(secret.digest());
    let set = site
        .sign_in
        .set_password(&token.account, password, by, row("password.set"));
    if !set.await.map_err(|error| error.to_string())? {
        return Ok(None);
    }
    for (digest, _) in site
        .spool
        .api_tokens_of(&token.account)
        .await
        .map_err(|error| error.to_string())?
    {
        let removed = site.spool.remove_api_token(digest, row("token.remove"));
        removed.await.map_err(|error| error.to_string())?;
    }
    let program = Secret::token().map_err(|error| error.to_string())?;
    let created_at = site.spool.clock().now();
    let api_token = ApiToken {
        administrator: token.account.clone(),
        name: "command line".to_owned(),
        created_at,
        expires_at: created_at.saturating_add(TOKEN_LIFE),
    };
    let put = site
        .spool
        .put_api_token(program.digest(), &api_token, row("token.add"));
    put.await.map_err(|error| error.to_string())?;
    Ok(Some(program))
}

fn refused(address: &str, reason: &str) -> Response {
    let content = page("Set your password", &form(address, Some(reason)));
    (StatusCode::UNPROCESSABLE_ENTITY, content).into_response()
}

fn gone() -> Response {
    let content = html! {
        h1 { "This link is no longer good" }
        p { "It was used, is too old, or a newer one was made. Ask for another invitation." }
    };
    (
        StatusCode::GONE,
        page("This link is no longer good", &content),
    )
        .into_response()
}

fn form(address: &str, fault: Option<&str>) -> Markup {
    html! {
        h1 { "Set your password" }
        p { "For " strong { (address) } ", administrator." }
        @if let Some(fault) = fault {
            p.state.alarm role="alert" { "Not taken: " (fault) "." }
        }
        form method="post" {
            p {
                label for="password" { "New password, at least 12 characters" }
                br;
                input #password name="password" type="password" autocomplete="new-password"
                    required minlength="12" maxlength="256";
            }
            p {
                label for="again" { "New password, again" }
                br;
                input #again name="again" type="password" autocomplete="new-password" required
                    maxlength="256";
            }
            p { button type="submit" { "Set password" } }
        }
    }
}

fn done(address: &str, program: &Secret) -> Markup {
    html! {
        h1 { "Your password is set" }
        p { "You administer as " strong { (address) } "." }
        h2 { "Token for the command line and for programs" }
        p { "Shown this once, good for a year; a new invitation makes it worthless." }
        p { code { (program.reveal()) } }
        p { "Example: " code { "MAILHOLD_TOKEN=… mailhold mailbox password alice@example.org" } }
    }
}

fn page(title: &str, content: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " – Mailhold" }
                link rel="stylesheet" href="/status.css";
            }
            body { main { (content) } }
        }
    }
}
