//! What is downloaded of a message: one file, all files, the whole message, its source; and its
//! images, which are asked for without a cookie.

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use storage::model::{AccountId, LineId, Scope, SecretDigest, SessionKind};

use super::opened::{Opened, place_of};
use super::page::PageQuery;
use crate::message::PartPath;
use crate::portal::Portal;
use crate::portal::refusal::Refusal;
use crate::portal::user::User;
use crate::reader::capability::{Claim, Image};
use crate::reader::{archive, download, image as images, source as sources};

/// `GET /a/{id}/{part}`: one file.
pub(crate) async fn one(
    user: User,
    Path((id, part)): Path<(String, String)>,
) -> Result<Response, Refusal> {
    let place: PartPath = part.parse().map_err(|_| Refusal::NotFound)?;
    let opened = Opened::of(&user, &id).await?;
    found(beside(move || download::respond_part(&opened.raw, &place)).await?)
}

/// `GET /a/{id}/all.zip`: all files.
pub(crate) async fn all(
    user: User,
    Path(id): Path<String>,
    Query(query): Query<PageQuery>,
) -> Result<Response, Refusal> {
    let opened = Opened::of(&user, &id).await?;
    let view = opened.view(place_of(&query.part)?).await?;
    let view = view.map_err(|_| Refusal::NotFound)?;
    let mut files = view.attachments;
    files.retain(|file| !file.is_inline);
    let subject: String = view.subject.chars().take(80).collect();
    let subject = if subject.trim().is_empty() {
        "attachments".to_owned()
    } else {
        crate::message::safe_name(&subject.replace(['/', '\\'], "_"))
    };
    let name = format!("{subject}.zip");
    Ok(archive::respond(opened.raw.clone(), files, &name))
}

/// `GET /m/{id}/eml`: the whole message, or one inside it.
pub(crate) async fn eml(
    user: User,
    Path(id): Path<String>,
    Query(query): Query<PageQuery>,
) -> Result<Response, Refusal> {
    let place = place_of(&query.part)?;
    let opened = Opened::of(&user, &id).await?;
    let subject = opened.line.summary.subject.clone();
    found(beside(move || download::respond_message(&opened.raw, &place, &subject)).await?)
}

/// `GET /m/{id}/source`: the beginning of the message as text.
pub(crate) async fn source(user: User, Path(id): Path<String>) -> Result<Response, Refusal> {
    let opened = Opened::of(&user, &id).await?;
    beside(move || sources::respond(&opened.raw)).await
}

/// `GET /c/{cap}`: one image of a message, for its frame. The address is the permission, while the
/// session that it was made for lives.
pub(crate) async fn image(
    State(portal): State<Portal>,
    Path(token): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    if !images::is_wanted_as_image(&headers) {
        return Ok(StatusCode::FORBIDDEN.into_response());
    }
    let now = portal.spool.clock().wall();
    let claim = portal.reading.capabilities.open(&token, now);
    let Some(opened) = claimed(&portal, claim.as_ref()).await? else {
        return Ok(images::refused());
    };
    let Some(Image::Part(place)) = claim.map(|claim| claim.image) else {
        return Ok(images::refused());
    };
    beside(move || images::respond_part(&opened.raw, &place)).await
}

/// The message that a capability is for, while its session lives.
async fn claimed(portal: &Portal, claim: Option<&Claim>) -> Result<Option<Opened>, Refusal> {
    let Some(claim) = claim else {
        return Ok(None);
    };
    let session = SecretDigest::from_bytes(claim.session);
    let Some(session) = portal.spool.session(&session).await? else {
        return Ok(None);
    };
    let AccountId::User { domain, local } = &session.account else {
        return Ok(None);
    };
    let id = std::str::from_utf8(&claim.message).ok();
    let id = id.and_then(|id| id.parse::<LineId>().ok());
    let (Some(id), SessionKind::Portal) = (id, session.kind) else {
        return Ok(None);
    };
    Opened::in_mailbox(portal, &Scope::new(*domain, local), id).await
}

/// Reads a message beside the event loop.
async fn beside(read: impl FnOnce() -> Response + Send + 'static) -> Result<Response, Refusal> {
    let answer = tokio::task::spawn_blocking(read).await;
    answer.map_err(|ended| Refusal::Broken(ended.to_string()))
}

/// A page for what is not there, in place of an empty answer.
fn found(response: Response) -> Result<Response, Refusal> {
    if response.status() == StatusCode::NOT_FOUND {
        return Err(Refusal::NotFound);
    }
    Ok(response)
}
