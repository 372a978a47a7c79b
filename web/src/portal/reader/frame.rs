//! The documents with mail in them: the frame, and the page for printing (H1, H15).

use axum::body::Body;
use axum::extract::{Path, Query};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use maud::{Markup, html};

use super::opened::{Opened, place_of};
use super::page::PageQuery;
use super::{body, words};
use crate::auth::Secret;
use crate::language::{DateStyle, format_date};
use crate::message::MessageView;
use crate::portal::refusal::Refusal;
use crate::portal::user::User;
use crate::reader::frame::{Document, Shown, is_wanted_as_document, respond};
use crate::reader::text;

/// `GET /f/{id}`: the HTML of a message, and nothing around it.
pub(crate) async fn framed(
    user: User,
    Path(id): Path<String>,
    Query(query): Query<PageQuery>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    if !is_wanted_as_document(&headers) {
        return Ok(StatusCode::FORBIDDEN.into_response());
    }
    let (opened, view) = read(&user, &id, &query).await?;
    let safe = body::html(&user, &opened, &view).await;
    let Some(Ok(safe)) = safe else {
        return Err(Refusal::NotFound);
    };
    Ok(document(&user, &view.subject, None, Shown::Html(&safe))?.map(Body::new))
}

/// `GET /m/{id}/print`: header and body in one document.
pub(crate) async fn print(
    user: User,
    Path(id): Path<String>,
    Query(query): Query<PageQuery>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    if !is_wanted_as_document(&headers) {
        return Ok(StatusCode::FORBIDDEN.into_response());
    }
    let (opened, view) = read(&user, &id, &query).await?;
    let heading = Some(heading(&user, &opened, &view));
    if !query.wants_text()
        && let Some(Ok(safe)) = body::html(&user, &opened, &view).await
    {
        return document(&user, &view.subject, heading, Shown::Html(&safe));
    }
    let part = body::text(&user, &view).await;
    let drawn = text::view(&part.text, &[], words::quoted(user.language));
    document(&user, &view.subject, heading, Shown::Text(drawn))
}

async fn read(user: &User, id: &str, query: &PageQuery) -> Result<(Opened, MessageView), Refusal> {
    let opened = Opened::of(user, id).await?;
    let view = opened.view(place_of(&query.part)?).await?;
    Ok((opened, view.map_err(|_| Refusal::NotFound)?))
}

fn document(
    user: &User,
    title: &str,
    heading: Option<Markup>,
    shown: Shown<'_>,
) -> Result<Response, Refusal> {
    let nonce = Secret::token().map_err(|error| Refusal::Broken(error.to_string()))?;
    let origin = user.portal.origins.0.first().map_or("", String::as_str);
    let document = Document {
        title,
        heading,
        shown,
    };
    Ok(respond(&document, origin, nonce.reveal()))
}

/// The trusted header above a printed message.
fn heading(user: &User, opened: &Opened, view: &MessageView) -> Markup {
    let language = user.language;
    let line = |label: &str, people: &[crate::message::Mailbox]| {
        html! {
            @if !people.is_empty() {
                div { b { (label) ":" } " " (super::page::people(people)) }
            }
        }
    };
    let at = opened.line.id.at;
    html! {
        h1 { @if view.subject.is_empty() { (words::no_subject(language)) } @else { (view.subject) } }
        (line(words::from(language), &view.from))
        (line(words::to(language), &view.to))
        (line(words::cc(language), &view.cc))
        div { b { (words::date(language)) ":" } " " (format_date(language, DateStyle::Exact, at, user.now, &user.portal.zone)) }
    }
}
