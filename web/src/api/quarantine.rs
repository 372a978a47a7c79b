//! `/api/v1/quarantine`: mail that the filter judged unsafe. It never reaches the destination by
//! itself (S24): a person releases it, or deletes it, or it expires after 30 days.

use std::str::FromStr;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use storage::model::{DomainId, Sequence};
use storage::spool::{AsideEntry, AsideKind};
use utoipa::{IntoParams, ToSchema};

use super::aside::{Decision, Shelf, aside_of, decide, recipients};
use super::audited::Operator;
use super::authentication::AuthenticationView;
use super::domains::find;
use super::page::{Page, Params, limit};
use super::problem::Problem;
use crate::AdminSite;

/// Rows read for one page at most: with a filter a page may be short and still have a next one.
const ROWS_READ_MAX: usize = 10_000;

/// Which messages.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ListQuery {
    /// The destination domain; all when absent.
    domain: Option<String>,
    /// A part of the sender's address.
    sender: Option<String>,
    /// A part of a recipient's address.
    recipient: Option<String>,
    /// The `next` of the page before.
    after: Option<String>,
    /// Rows of a page: 1 to 1000, 100 when absent.
    limit: Option<usize>,
}

/// One message for one domain in quarantine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct QuarantineView {
    /// The queue id.
    pub id: String,
    /// The destination domain.
    pub domain: String,
    /// Which checks put it here, and why.
    pub reason: String,
    /// Since when (RFC 3339).
    pub at: String,
    /// `MAIL FROM`; empty for a notification.
    pub sender: String,
    /// For whom it is here.
    pub recipients: Vec<String>,
    /// Bytes of the message.
    pub size_bytes: u64,
    /// Address of who handed it in.
    pub client: String,
    /// What sender authentication found out; absent when it was not asked.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub authentication: Option<AuthenticationView>,
}

impl QuarantineView {
    fn new(site: &AdminSite, aside: &AsideEntry) -> Option<Self> {
        let entry = aside.entry.as_ref()?;
        let domain = site.spool.directory().domain(aside.domain);
        Some(Self {
            id: entry.message.to_string(),
            domain: domain.map_or_else(String::new, |domain| domain.name.to_string()),
            reason: aside.reason.clone(),
            at: aside.at.rfc3339(),
            sender: entry.reverse_path.to_string(),
            recipients: recipients(aside),
            size_bytes: entry.size_bytes,
            client: entry.client.ip.to_string(),
            authentication: entry.authentication.as_ref().map(AuthenticationView::new),
        })
    }

    fn fits(&self, query: &ListQuery) -> bool {
        let holds = |text: &str, part: &Option<String>| {
            part.as_ref()
                .is_none_or(|part| text.to_lowercase().contains(&part.to_lowercase()))
        };
        holds(&self.sender, &query.sender)
            && (query.recipient.is_none()
                || self.recipients.iter().any(|to| holds(to, &query.recipient)))
    }
}

/// A place in the list: `domain:position`, by their numbers.
#[derive(Debug, Clone, Copy)]
struct Cursor {
    domain: DomainId,
    sequence: Sequence,
}

impl FromStr for Cursor {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        let parsed = text.split_once(':').and_then(|(domain, sequence)| {
            Some(Self {
                domain: DomainId(domain.parse().ok()?),
                sequence: Sequence(sequence.parse().ok()?),
            })
        });
        parsed.ok_or_else(|| {
            Problem::new(StatusCode::BAD_REQUEST, "query").detail("after: not a `next` of a page")
        })
    }
}

/// Lists the quarantine, domain by domain, oldest first.
#[utoipa::path(get, path = "/quarantine", tag = "quarantine", params(ListQuery),
    responses((status = 200, body = Page<QuarantineView>), (status = 404, body = Problem)))]
pub(super) async fn list(
    State(site): State<AdminSite>,
    Params(query): Params<ListQuery>,
) -> Result<Json<Page<QuarantineView>>, Problem> {
    let limit = limit(query.limit);
    let after: Option<Cursor> = query.after.as_deref().map(str::parse).transpose()?;
    let mut domains: Vec<DomainId> = match &query.domain {
        Some(name) => vec![find(&site, name)?.id],
        None => {
            let all = site.spool.directory().domains();
            all.iter().map(|domain| domain.id).collect()
        }
    };
    domains.sort_unstable();
    domains.retain(|domain| after.is_none_or(|after| *domain >= after.domain));
    let (mut items, mut read) = (Vec::new(), 0);
    for domain in domains {
        let mut place = after.filter(|after| after.domain == domain);
        loop {
            let position = place.map(|place| place.sequence);
            let rows = site.spool.aside_page(domain, position, limit + 1).await?;
            let Some(last) = rows.last() else { break };
            let is_last_page = rows.len() <= limit;
            place = Some(Cursor {
                domain,
                sequence: last.sequence,
            });
            read += rows.len();
            for row in &rows {
                if row.kind != AsideKind::Quarantined {
                    continue;
                }
                let view = QuarantineView::new(&site, row).filter(|view| view.fits(&query));
                let Some(view) = view else { continue };
                items.push(view);
                if items.len() == limit {
                    let next = format!("{}:{}", domain.0, row.sequence.0);
                    return Ok(Json(Page {
                        items,
                        next: Some(next),
                    }));
                }
            }
            if read >= ROWS_READ_MAX {
                let next = place.map(|place| format!("{}:{}", domain.0, place.sequence.0));
                return Ok(Json(Page { items, next }));
            }
            if is_last_page {
                break;
            }
        }
    }
    Ok(Json(Page { items, next: None }))
}

/// Shows a message in quarantine by its queue id: one entry per domain and reason.
#[utoipa::path(get, path = "/quarantine/{id}", tag = "quarantine", params(("id" = String, Path)),
    responses((status = 200, body = Page<QuarantineView>), (status = 404, body = Problem)))]
pub(super) async fn show(
    State(site): State<AdminSite>,
    Path(id): Path<String>,
) -> Result<Json<Page<QuarantineView>>, Problem> {
    let entries = aside_of(&site, &id, Shelf::Quarantine).await?;
    let items = entries.iter();
    let items = items.filter_map(|aside| QuarantineView::new(&site, aside));
    Ok(Json(Page {
        items: items.collect(),
        next: None,
    }))
}

/// Releases a message: it is delivered like any other, and its hold period begins now.
#[utoipa::path(post, path = "/quarantine/{id}/release", tag = "quarantine", params(("id" = String, Path)),
    responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(super) async fn release(
    State(site): State<AdminSite>,
    operator: Operator,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    decide(&site, operator, &id, Shelf::Quarantine, Decision::Release).await
}

/// Deletes a message in quarantine, for good.
#[utoipa::path(delete, path = "/quarantine/{id}", tag = "quarantine", params(("id" = String, Path)),
    responses((status = 204), (status = 404, body = Problem)))]
pub(super) async fn remove(
    State(site): State<AdminSite>,
    operator: Operator,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    decide(&site, operator, &id, Shelf::Quarantine, Decision::Remove).await
}
