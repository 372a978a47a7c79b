//! `/enroll/{token}`: an administrator who was invited sets the own password and gets a token for the
//! command line and for programs.

use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use maud::{Markup, html};
use storage::model::{AccountId, ApiToken, AuditRow, OneTimeToken};

use super::layout::fault;
use super::visitor::Visitor;
use crate::AdminSite;
use crate::auth::{Secret, SetBy, password_rule};
use crate::portal::layout::csrf_field;
use crate::portal::{Posted, Refusal};

/// How long a token for programs is good for.
pub(super) const TOKEN_LIFE: Duration = Duration::from_secs(365 * 86_400);

const TITLE: &str = "Set your password";

/// An invitation that can be used.
struct Invitation {
    secret: Secret,
    token: OneTimeToken,
    address: String,
}

pub(super) async fn show(
    State(site): State<AdminSite>,
    Path(text): Path<String>,
    visitor: Visitor,
) -> Response {
    match invitation(&site, &text) {
        Some(found) => visitor.page(StatusCode::OK, TITLE, &form(&visitor, &found, None)),
        None => gone(&visitor),
    }
}

pub(super) async fn submit(
    State(site): State<AdminSite>,
    Path(text): Path<String>,
    visitor: Visitor,
    posted: Posted,
) -> Result<Response, Refusal> {
    let form = posted.of(&visitor.csrf)?;
    let Some(found) = invitation(&site, &text) else {
        return Ok(gone(&visitor));
    };
    let password = form.text("password");
    let wrong = match password_rule::check(password, &[&found.address]) {
        Err(fault) => Some(fault.reason()),
        Ok(()) if form.text("again") != password => Some("the two passwords differ"),
        Ok(()) => None,
    };
    if let Some(wrong) = wrong {
        let content = self::form(&visitor, &found, Some(wrong));
        return Ok(visitor.page(StatusCode::UNPROCESSABLE_ENTITY, TITLE, &content));
    }
    match enroll(&site, &visitor, &found, password).await? {
        Some(program) => {
            let content = done(&found.address, &program);
            Ok(visitor.page(StatusCode::OK, "Your password is set", &content))
        }
        None => Ok(gone(&visitor)),
    }
}

fn invitation(site: &AdminSite, text: &str) -> Option<Invitation> {
    let secret = Secret::presented(text)?;
    let token = site.spool.one_time_token(&secret.digest())?;
    let AccountId::Administrator { address } = &token.account else {
        return None;
    };
    let address = address.clone();
    Some(Invitation {
        secret,
        token,
        address,
    })
}

/// The new token for programs; none when the link was used at the same moment. Those from before
/// are worthless then.
async fn enroll(
    site: &AdminSite,
    visitor: &Visitor,
    found: &Invitation,
    password: &str,
) -> Result<Option<Secret>, Refusal> {
    let account = &found.token.account;
    let row = |action: &str| -> AuditRow {
        site.sign_in
            .audit_row(account, &found.address, &visitor.client, action)
    };
    let by = SetBy::Token(found.secret.digest());
    let set = site
        .sign_in
        .set_password(account, password, by, row("password.set"));
    if !set.await? {
        return Ok(None);
    }
    for (digest, _) in site.spool.api_tokens_of(account).await? {
        site.spool
            .remove_api_token(digest, row("token.remove"))
            .await?;
    }
    let program = new_token(site, account, "command line", row("token.add")).await?;
    Ok(Some(program))
}

/// Makes a token with which a program asks in the name of an administrator.
pub(super) async fn new_token(
    site: &AdminSite,
    account: &AccountId,
    name: &str,
    audit: AuditRow,
) -> Result<Secret, Refusal> {
    let program = Secret::token().map_err(|error| Refusal::Broken(error.to_string()))?;
    let created_at = site.spool.clock().now();
    let token = ApiToken {
        administrator: account.clone(),
        name: name.to_owned(),
        created_at,
        expires_at: created_at.saturating_add(TOKEN_LIFE),
    };
    site.spool
        .put_api_token(program.digest(), &token, audit)
        .await?;
    Ok(program)
}

fn gone(visitor: &Visitor) -> Response {
    let content = html! {
        section.card {
            h1 { "This link is no longer good" }
            p { "It was used, is too old, or a newer one was made. Ask for another invitation." }
        }
    };
    visitor.page(StatusCode::GONE, "This link is no longer good", &content)
}

fn form(visitor: &Visitor, found: &Invitation, wrong: Option<&str>) -> Markup {
    html! {
        section.card {
            h1 { (TITLE) }
            p.lead { "For " strong { (found.address) } ", administrator." }
            (fault(wrong))
            form method="post" {
                (csrf_field(&visitor.csrf))
                input type="hidden" autocomplete="username" value=(found.address);
                label for="password" { "New password" }
                input #password name="password" type="password" autocomplete="new-password"
                    required minlength="12" maxlength="256" aria-describedby="hint";
                p.hint #hint { "At least 12 characters. Four unrelated words are good." }
                label for="again" { "New password, again" }
                input #again name="again" type="password" autocomplete="new-password" required
                    maxlength="256";
                button.primary type="submit" { "Set password" }
            }
        }
    }
}

fn done(address: &str, program: &Secret) -> Markup {
    html! {
        section.card {
            h1 { "Your password is set" }
            p { "You administer as " strong { (address) } "." }
            div.actions { a.button.primary href="/login" { "Sign in" } }
            h2 { "Token for the command line and for programs" }
            p { "Shown this once, good for a year; a new invitation makes it worthless." }
            p { code.token { (program.reveal()) } }
            p.meta { "MAILHOLD_TOKEN=\u{2026} mailhold mailbox password alice@example.org" }
        }
    }
}
