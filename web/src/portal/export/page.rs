//! `/settings/export`: asks for the password (A9), gives out a link.

use axum::http::StatusCode;
use axum::response::Response;
use maud::{Markup, html};

use super::link::{Format, LIFETIME};
use super::words;
use crate::language::{DateStyle, Language, format_date};
use crate::portal::account::security::{proof_fields, row, unproven};
use crate::portal::layout::csrf_field;
use crate::portal::posted::Posted;
use crate::portal::refusal::Refusal;
use crate::portal::settings::{self, Tab};
use crate::portal::user::User;

pub(in crate::portal) async fn show(user: User) -> Result<Response, Refusal> {
    let content = form(&user, None).await?;
    Ok(settings::page(&user, Tab::Export, &content))
}

pub(in crate::portal) async fn submit(user: User, posted: Posted) -> Result<Response, Refusal> {
    let posted = posted.of(&user.csrf)?;
    let Some(format) = Format::of_word(posted.text("format")) else {
        return refused(&user, words::fault_format(user.language)).await;
    };
    if let Some(fault) = unproven(&user, &posted).await? {
        return refused(&user, fault).await;
    }
    let links = &user.portal.reading.exports;
    let path = links.path(format, &user.session, user.now);
    let path = path.ok_or_else(|| Refusal::Broken("a link could not be sealed".to_owned()))?;
    let audit = row(&user, "mailbox.export");
    user.portal.spool.add_audit(audit).await?;
    Ok(settings::page(&user, Tab::Export, &ready(&user, &path)))
}

async fn refused(user: &User, fault: &str) -> Result<Response, Refusal> {
    let content = form(user, Some(fault)).await?;
    let status = StatusCode::UNPROCESSABLE_ENTITY;
    Ok(settings::page_with(user, status, Tab::Export, &content))
}

async fn form(user: &User, fault: Option<&str>) -> Result<Markup, Refusal> {
    let language = user.language;
    let credentials = user.portal.spool.credentials(&user.account).await?;
    Ok(html! {
        form.form method="post" action=(Tab::Export.path()) {
            h2 { (words::title(language)) }
            p { (words::lead(language)) }
            @if let Some(fault) = fault { div.fault role="alert" { (fault) } }
            (csrf_field(&user.csrf))
            fieldset {
                legend { (words::format(language)) }
                @for format in Format::ALL {
                    label.choice {
                        input type="radio" name="format" value=(format.word()) checked[format == Format::Zip];
                        span { (name(language, format)) }
                    }
                }
            }
            (proof_fields(user, "export", credentials.totp.is_some()))
            div.actions { button.primary type="submit" { (words::make(language)) } }
        }
    })
}

const fn name(language: Language, format: Format) -> &'static str {
    match format {
        Format::Zip => words::zip(language),
        Format::Mbox => words::mbox(language),
    }
}

fn ready(user: &User, path: &str) -> Markup {
    let language = user.language;
    let until = user.now.saturating_add(LIFETIME);
    let zone = &user.portal.zone;
    let until = format_date(language, DateStyle::Long, until, user.now, zone);
    html! {
        section.form {
            h2 { (words::ready(language)) }
            p { (words::ready_for(language, until)) }
            div.actions { a.button.primary href=(path) download { (words::download(language)) } }
        }
    }
}
