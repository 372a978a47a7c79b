//! `/person?address=…`: one user, and what an administrator can do for them.

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;
use storage::model::{AccountId, Domain, Mailbox, MailboxAccount, Role};

use super::layout::{done, fault};
use super::visitor::{Admin, prove_first};
use crate::AdminSite;
use crate::api::people::acts;
use crate::api::{CodeView, PersonView, ReadinessReason};
use crate::language::{DateStyle, Language, format_date};
use crate::portal::layout::csrf_field;
use crate::portal::{Posted, Refusal, see_other};

/// Whose page.
#[derive(Debug, Deserialize)]
pub(super) struct Who {
    address: String,
    /// What was just done.
    #[serde(default)]
    done: String,
}

/// The page of an address.
pub(super) fn link(address: &str) -> String {
    let query: String = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("address", address)
        .finish();
    format!("/person?{query}")
}

/// Why somebody can or cannot sign in, in words.
pub(super) const fn reason(reason: ReadinessReason) -> &'static str {
    match reason {
        ReadinessReason::Password => "has a password",
        ReadinessReason::CodeOpen => "no password; a one-time code is open",
        ReadinessReason::RecoveryAddress => "no password; has a recovery address",
        ReadinessReason::NoWay => "no password, no recovery address",
        ReadinessReason::Disabled => "the mailbox is disabled",
    }
}

pub(super) async fn show(admin: Admin, Query(who): Query<Who>) -> Result<Response, Refusal> {
    let (person, domain) = find(&admin, &who.address).await?;
    let shown = done(&who.done);
    let content = content(&admin, &person, &domain, &shown).await?;
    Ok(admin.page(&person.address.to_string(), &content))
}

pub(super) async fn submit(
    State(site): State<AdminSite>,
    admin: Admin,
    Query(who): Query<Who>,
    posted: Posted,
) -> Result<Response, Refusal> {
    let form = posted.of(&admin.csrf)?;
    let (person, domain) = find(&admin, &who.address).await?;
    let (address, caller) = (&person.address, admin.caller());
    let place = link(&address.to_string());
    if !admin.is_fresh {
        return Err(prove_first(&place));
    }
    let word = match form.text("act") {
        "password" if form.text("password") != form.text("again") => {
            return refused(&admin, &person, &domain, "The two passwords differ.").await;
        }
        "password" => {
            match acts::set_password(&site, &caller, address, form.text("password")).await {
                Ok(()) => "password",
                Err(problem) if problem.status == 422 => {
                    let text = problem.detail.unwrap_or(problem.title);
                    return refused(&admin, &person, &domain, &text).await;
                }
                Err(problem) => return Err(problem.into()),
            }
        }
        "code" => {
            let code = acts::new_code(&site, &caller, address).await?;
            let shown = code_shown(&site, &code);
            let content = content(&admin, &person, &domain, &shown).await?;
            return Ok(admin.page(&address.to_string(), &content));
        }
        "factor" => {
            acts::switch_factor_off(&site, &caller, address).await?;
            "factor"
        }
        "sessions" => {
            acts::end_sessions(&site, &caller, address).await?;
            "sessions"
        }
        "enable" | "disable" => {
            let enabled = form.text("act") == "enable";
            acts::set_enabled(&site, &caller, address, enabled).await?;
            if enabled { "enabled" } else { "disabled" }
        }
        "recovery" => {
            match acts::set_recovery(&site, &caller, address, form.text("recovery")).await {
                Ok(()) => "saved",
                Err(problem) if problem.status == 422 => {
                    let text = problem.detail.unwrap_or(problem.title);
                    return refused(&admin, &person, &domain, &text).await;
                }
                Err(problem) => return Err(problem.into()),
            }
        }
        _ => return Err(Refusal::Malformed),
    };
    Ok(see_other(&format!("{place}&done={word}")))
}

/// A mailbox of a domain of theirs; 404 for every other.
async fn find(
    admin: &Admin,
    address: &str,
) -> Result<(MailboxAccount, std::sync::Arc<Domain>), Refusal> {
    let address: Mailbox = address.parse().map_err(|_| Refusal::NotFound)?;
    let domain = admin.domain(address.domain().as_str())?;
    let person = admin.site.spool.mailbox(&address).await?;
    Ok((person.ok_or(Refusal::NotFound)?, domain))
}

async fn refused(
    admin: &Admin,
    person: &MailboxAccount,
    domain: &Domain,
    text: &str,
) -> Result<Response, Refusal> {
    let content = content(admin, person, domain, &fault(Some(text))).await?;
    let title = person.address.to_string();
    Ok(admin.page_with(StatusCode::UNPROCESSABLE_ENTITY, &title, &content))
}

fn code_shown(site: &AdminSite, code: &CodeView) -> Markup {
    html! {
        div.flash role="status" {
            div {
                p { "One-time code, shown this once. It is typed at " code { (site.portal_url) "/enroll" } " and is good for 14 days." }
                p { strong.code { (code.code) } }
            }
        }
    }
}

async fn content(
    admin: &Admin,
    person: &MailboxAccount,
    domain: &Domain,
    shown: &Markup,
) -> Result<Markup, Refusal> {
    let site = &admin.site;
    let view = PersonView::of(site, person).await?;
    let account = AccountId::user(person.domain, &person.address);
    let credentials = site.spool.credentials(&account).await?;
    let sessions = site.spool.sessions_of(&account).len();
    let last = credentials.last_login_at.map(|at| {
        format_date(
            Language::English,
            DateStyle::Long,
            at,
            admin.now,
            &site.zone,
        )
    });
    let place = link(&person.address.to_string());
    let changes = admin.may(domain, Role::DomainAdministrator);
    let helps = admin.may(domain, Role::Helpdesk);
    Ok(html! {
        p.meta { a href={ "/people/" (domain.name) } { "People of " (domain.name) } }
        h1 { (person.address) }
        (shown)
        dl.facts {
            dt { "Could sign in right now" }
            dd { @if view.ready { "yes" } @else { "no" } ": " (reason(view.reason)) }
            @if let Some(name) = &person.name { dt { "Name" } dd { (name) } }
            dt { "Last signed in" }
            dd { (last.as_deref().unwrap_or("never")) }
            dt { "Signed in on" }
            dd { (sessions) @if sessions == 1 { " device" } @else { " devices" } }
            dt { "Second step" }
            dd { @if credentials.totp.is_some() { "on" } @else { "off" } }
        }
        @if view.asked_at.is_some() {
            p.banner.warn { "This user asks for help to sign in. Make sure that it is this person, then make a code." }
        }
        @if helps {
            h2 { "One-time code" }
            (act(admin, &place, "code", "Make a code", false))
        }
        @if changes { (changing(admin, person, &place, sessions > 0, credentials.totp.is_some())) }
    })
}

fn changing(
    admin: &Admin,
    person: &MailboxAccount,
    place: &str,
    signed_in: bool,
    factor: bool,
) -> Markup {
    html! {
        h2 { "Set a password" }
        form.form method="post" action=(place) {
            (csrf_field(&admin.csrf))
            label for="password" { "New password, at least 12 characters" }
            input #password name="password" type="password" autocomplete="new-password" required
                minlength="12" maxlength="256";
            label for="again" { "New password, again" }
            input #again name="again" type="password" autocomplete="new-password" required maxlength="256";
            p.hint { "It counts at once, and the user is signed out everywhere." }
            div.actions { button type="submit" name="act" value="password" { "Set password" } }
        }
        h2 { "Recovery address" }
        form.form method="post" action=(place) {
            (csrf_field(&admin.csrf))
            label for="recovery" { "Address outside the domain" }
            input #recovery name="recovery" type="email" maxlength="320"
                value=(person.recovery.as_ref().map(ToString::to_string).unwrap_or_default());
            p.hint { "Links for a new password go there, also during an outage." }
            div.actions { button type="submit" name="act" value="recovery" { "Save" } }
        }
        h2 { "Access" }
        div.actions {
            @if signed_in { (act(admin, place, "sessions", "Sign out everywhere", false)) }
            @if factor { (act(admin, place, "factor", "Switch off the second step", true)) }
            @if person.enabled { (act(admin, place, "disable", "Disable the mailbox", true)) }
            @else { (act(admin, place, "enable", "Enable the mailbox", false)) }
        }
    }
}

fn act(admin: &Admin, place: &str, word: &str, text: &str, dangerous: bool) -> Markup {
    html! {
        form method="post" action=(place) {
            (csrf_field(&admin.csrf))
            button.danger[dangerous] type="submit" name="act" value=(word) { (text) }
        }
    }
}
