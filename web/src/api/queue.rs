//! `/api/v1/queue`: what waits, and why.

use std::io;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use serde::Deserialize;
use storage::model::{DomainId, MessageId, QueueEntry, Sequence};
use utoipa::IntoParams;

use super::page::{Page, Params, limit};
use super::problem::Problem;
use super::queue_entry::QueueEntryView;
use super::queue_walk::{QueueFilter, walk};
use crate::AdminSite;

/// Which part of the queue.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ListQuery {
    /// The destination domain.
    domain: Option<String>,
    /// A part of the sender's address.
    sender: Option<String>,
    /// A part of an open recipient's address.
    recipient: Option<String>,
    /// A part of what was said last about an open recipient.
    reply: Option<String>,
    /// Seconds since it was accepted, at least.
    older_than: Option<u64>,
    /// The `next` of the page before.
    after: Option<String>,
    /// Rows of a page: 1 to 1000, 100 when absent.
    limit: Option<usize>,
}

/// Lists what waits, domain by domain, ready entries before deferred ones. With a filter a page may
/// be short and still have a `next`.
#[utoipa::path(get, path = "/queue", tag = "queue", params(ListQuery),
    responses((status = 200, body = Page<QueueEntryView>), (status = 404, body = Problem)))]
pub(super) async fn list(
    State(site): State<AdminSite>,
    Params(query): Params<ListQuery>,
) -> Result<Json<Page<QueueEntryView>>, Problem> {
    let filter = QueueFilter {
        domain: query.domain,
        sender: query.sender,
        recipient: query.recipient,
        reply: query.reply,
        older_than: query.older_than,
    };
    let after = query.after.map(|after| after.parse()).transpose()?;
    let walked = walk(&site, &filter, after, limit(query.limit)).await?;
    let views = walked
        .entries
        .iter()
        .map(|entry| QueueEntryView::new(&site, entry));
    Ok(Json(Page {
        items: views.collect(),
        next: walked.next.map(|place| place.to_string()),
    }))
}

/// Shows a message by its queue id: one entry per destination domain that still has it.
#[utoipa::path(get, path = "/queue/{id}", tag = "queue", params(("id" = String, Path)),
    responses((status = 200, body = Page<QueueEntryView>), (status = 404, body = Problem)))]
pub(super) async fn show(
    State(site): State<AdminSite>,
    Path(id): Path<String>,
) -> Result<Json<Page<QueueEntryView>>, Problem> {
    let entries = entries_of(&site, &id).await?;
    Ok(Json(Page {
        items: entries
            .iter()
            .map(|entry| QueueEntryView::new(&site, entry))
            .collect(),
        next: None,
    }))
}

/// Gives out the whole message as it came in, with our trace header.
#[utoipa::path(get, path = "/queue/{id}/message", tag = "queue", params(("id" = String, Path)),
    responses((status = 200, content_type = "message/rfc822", body = Vec<u8>), (status = 404, body = Problem)))]
pub(super) async fn export(
    State(site): State<AdminSite>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let entries = entries_of(&site, &id).await?;
    let entry = match entries.into_iter().next() {
        Some(entry) => entry,
        None => aside_entry_of(&site, &id).await?,
    };
    let mut reader = site.spool.body(&entry);
    // The first part is read before the answer starts, so that a damaged body is an answer of its
    // own and not a truncated message.
    let first = reader.next().await?;
    let rest = stream::unfold(reader, |mut reader| async move {
        let read = reader.next().await.map_err(io::Error::other).transpose()?;
        Some((read, reader))
    });
    let first = stream::iter(first.map(Ok::<Bytes, io::Error>));
    let body = Body::from_stream(futures_util::StreamExt::chain(first, rest));
    let name = format!("attachment; filename=\"{}.eml\"", entry.message);
    let headers = [
        (header::CONTENT_TYPE, "message/rfc822".to_owned()),
        (header::CONTENT_LENGTH, entry.size_bytes.to_string()),
        (header::CONTENT_DISPOSITION, name),
    ];
    Ok((headers, body).into_response())
}

/// Where the entries of a message are, set aside or not.
pub(super) async fn places_of(
    site: &AdminSite,
    id: &str,
) -> Result<Vec<(DomainId, Sequence)>, Problem> {
    let unknown = || Problem::not_found(format!("there is no message {id} in the queue"));
    let message: MessageId = id.parse().map_err(|_| unknown())?;
    let row = site.spool.message(message).await?.ok_or_else(unknown)?;
    Ok(row.open)
}

/// The queued entries of a message; 404 when it is not there at all.
pub(super) async fn entries_of(site: &AdminSite, id: &str) -> Result<Vec<QueueEntry>, Problem> {
    let mut entries = Vec::new();
    for (domain, sequence) in places_of(site, id).await? {
        entries.extend(site.spool.entry(domain, sequence).await?);
    }
    Ok(entries)
}

async fn aside_entry_of(site: &AdminSite, id: &str) -> Result<QueueEntry, Problem> {
    for (domain, sequence) in places_of(site, id).await? {
        let aside = site.spool.aside_entry(domain, sequence).await?;
        if let Some(entry) = aside.and_then(|aside| aside.entry) {
            return Ok(entry);
        }
    }
    Err(Problem::not_found(format!(
        "there is no message {id} in the queue"
    )))
}
