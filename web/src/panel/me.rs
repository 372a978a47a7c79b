//! `/me`: an administrator's own second factor, sessions and tokens.

use axum::extract::{Query, State};
use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;
use storage::model::Timestamp;
use storage::spool::{AccountEffects, EndSessions};

use super::enroll::new_token;
use super::layout::done;
use super::setup::codes_page;
use super::visitor::{Admin, prove_first};
use crate::AdminSite;
use crate::auth::Secret;
use crate::language::{DateStyle, Language, format_date};
use crate::portal::layout::csrf_field;
use crate::portal::{Posted, Refusal, browser, see_other};

/// Characters of a token's name.
const NAME_MAX: usize = 80;

/// What was just done.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Shown {
    #[serde(default)]
    done: String,
}

pub(super) async fn show(admin: Admin, Query(shown): Query<Shown>) -> Result<Response, Refusal> {
    let content = content(&admin, &done(&shown.done)).await?;
    Ok(admin.page("My account", &content))
}

pub(super) async fn submit(
    State(site): State<AdminSite>,
    admin: Admin,
    posted: Posted,
) -> Result<Response, Refusal> {
    let form = posted.of(&admin.csrf)?;
    let which = form.text("which");
    if form.text("act") == "end" {
        end_session(&site, &admin, which).await?;
        return Ok(see_other("/me?done=ended"));
    }
    if !admin.is_fresh {
        return Err(prove_first("/me"));
    }
    match form.text("act") {
        "codes" => {
            let audit = admin.own_row("recovery_codes.renew");
            let codes = site.sign_in.renew_recovery_codes(&admin.account, audit);
            Ok(codes_page(&admin, &codes.await?))
        }
        "token" => {
            let name: String = form.text("name").trim().chars().take(NAME_MAX).collect();
            let audit = admin.own_row("token.add");
            let token = new_token(&site, &admin.account, &name, audit).await?;
            let content = content(&admin, &token_shown(&token)).await?;
            Ok(admin.page("My account", &content))
        }
        "revoke" => {
            let tokens = site.spool.api_tokens_of(&admin.account).await?;
            let found = tokens.iter().find(|(digest, _)| digest.short() == which);
            let (digest, _) = found.ok_or(Refusal::NotFound)?;
            site.spool
                .remove_api_token(*digest, admin.own_row("token.remove"))
                .await?;
            Ok(see_other("/me?done=saved"))
        }
        _ => Err(Refusal::Malformed),
    }
}

async fn end_session(site: &AdminSite, admin: &Admin, which: &str) -> Result<(), Refusal> {
    let sessions = site.spool.sessions_of(&admin.account);
    let found = sessions.iter().find(|(digest, _)| digest.short() == which);
    let effects = AccountEffects {
        end_sessions: EndSessions::One(found.ok_or(Refusal::NotFound)?.0),
        audit: Some(admin.own_row("session.end")),
        ..AccountEffects::default()
    };
    site.spool
        .change_account(&admin.account, |_| (effects, ()))
        .await?;
    Ok(())
}

fn token_shown(token: &Secret) -> Markup {
    html! {
        div.flash role="status" {
            div {
                p { "The token, shown this once, good for a year:" }
                p { code.token { (token.reveal()) } }
            }
        }
    }
}

async fn content(admin: &Admin, shown: &Markup) -> Result<Markup, Refusal> {
    let site = &admin.site;
    let credentials = site.spool.credentials(&admin.account).await?;
    let sessions = site.spool.sessions_of(&admin.account);
    let tokens = site.spool.api_tokens_of(&admin.account).await?;
    let date = |at: Timestamp| {
        format_date(
            Language::English,
            DateStyle::Long,
            at,
            admin.now,
            &site.zone,
        )
    };
    Ok(html! {
        h1 { "My account" }
        (shown)
        h2 { "Second step" }
        p { "Recovery codes left: " (credentials.recovery_codes.len()) }
        form method="post" action="/me" {
            (csrf_field(&admin.csrf))
            div.actions { button type="submit" name="act" value="codes" { "Make new recovery codes" } }
        }
        h2 { "Signed in" }
        ul.rows {
            @for (digest, session) in &sessions {
                li {
                    div {
                        p {
                            strong { (browser(&session.agent).unwrap_or("Unknown browser")) }
                            @if *digest == admin.session { " " span.badge.ok { "this device" } }
                        }
                        p.meta { "From " (session.from) ", since " (date(session.created_at)) }
                    }
                    @if *digest != admin.session {
                        (row_act(admin, "end", &digest.short(), "Sign out"))
                    }
                }
            }
        }
        h2 { "Tokens for the command line and for programs" }
        ul.rows {
            @for (digest, token) in &tokens {
                li {
                    div {
                        p { strong { (token.name) } }
                        p.meta { "Made " (date(token.created_at)) ", good until " (date(token.expires_at)) }
                    }
                    (row_act(admin, "revoke", &digest.short(), "Revoke"))
                }
            }
        }
        form.inline-form method="post" action="/me" {
            (csrf_field(&admin.csrf))
            label { span { "What it is for" } input name="name" required maxlength=(NAME_MAX); }
            button type="submit" name="act" value="token" { "Make a token" }
        }
    })
}

fn row_act(admin: &Admin, act: &str, which: &str, text: &str) -> Markup {
    html! {
        form method="post" action="/me" {
            (csrf_field(&admin.csrf))
            input type="hidden" name="which" value=(which);
            button type="submit" name="act" value=(act) { (text) }
        }
    }
}
