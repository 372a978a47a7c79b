//! `/api/v1/aside`: mail that delivery no longer touches (parked, expired, quarantined, damaged)
//! until a person decides.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use storage::model::Sequence;
use storage::spool::{AsideEntry, AsideKind};
use utoipa::{IntoParams, ToSchema};

use super::audited::Operator;
use super::domains::find;
use super::page::{Page, Params, limit};
use super::problem::Problem;
use super::queue::places_of;
use crate::AdminSite;

/// Which entries.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct ListQuery {
    /// The destination domain.
    domain: String,
    /// The `next` of the page before.
    after: Option<u64>,
    /// Rows of a page: 1 to 1000, 100 when absent.
    limit: Option<usize>,
}

/// One entry that was set aside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AsideView {
    /// The queue id; absent when the record is damaged.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub id: Option<String>,
    /// The destination domain.
    pub domain: String,
    /// `parked`, `expired`, `quarantined` or `corrupt`.
    pub kind: String,
    /// The reply, the judgement or the damage.
    pub reason: String,
    /// Since when (RFC 3339).
    pub at: String,
    /// `MAIL FROM`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub sender: Option<String>,
    /// Recipients concerned.
    pub recipients: Vec<String>,
    /// Its position within the domain.
    pub sequence: u64,
}

impl AsideView {
    fn new(domain: &str, aside: &AsideEntry) -> Self {
        let entry = aside.entry.as_ref();
        Self {
            id: entry.map(|entry| entry.message.to_string()),
            domain: domain.to_owned(),
            kind: kind_word(aside.kind).to_owned(),
            reason: aside.reason.clone(),
            at: aside.at.rfc3339(),
            sender: entry.map(|entry| entry.reverse_path.to_string()),
            recipients: recipients(aside),
            sequence: aside.sequence.0,
        }
    }
}

const fn kind_word(kind: AsideKind) -> &'static str {
    match kind {
        AsideKind::Parked => "parked",
        AsideKind::Expired => "expired",
        AsideKind::Quarantined => "quarantined",
        AsideKind::Corrupt => "corrupt",
    }
}

/// Lists what is set aside for a domain, oldest first.
#[utoipa::path(get, path = "/aside", tag = "aside", params(ListQuery),
    responses((status = 200, body = Page<AsideView>), (status = 404, body = Problem)))]
pub(super) async fn list(
    State(site): State<AdminSite>,
    Params(query): Params<ListQuery>,
) -> Result<Json<Page<AsideView>>, Problem> {
    let domain = find(&site, &query.domain)?;
    let limit = limit(query.limit);
    let after = query.after.map(Sequence);
    let rows = site.spool.aside_page(domain.id, after, limit + 1).await?;
    let name = domain.name.as_str();
    let views = rows
        .iter()
        .map(|aside| AsideView::new(name, aside))
        .collect();
    Ok(Json(Page::cut(views, limit, |view| {
        view.sequence.to_string()
    })))
}

/// Puts a message back into the queue; its hold period starts again.
#[utoipa::path(post, path = "/aside/{id}/release", tag = "aside", params(("id" = String, Path)),
    responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(super) async fn release(
    State(site): State<AdminSite>,
    operator: Operator,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    decide(&site, operator, &id, Shelf::Any, Decision::Release).await
}

/// Deletes a message that is set aside, for good.
#[utoipa::path(delete, path = "/aside/{id}", tag = "aside", params(("id" = String, Path)),
    responses((status = 204), (status = 404, body = Problem)))]
pub(super) async fn remove(
    State(site): State<AdminSite>,
    operator: Operator,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    decide(&site, operator, &id, Shelf::Any, Decision::Remove).await
}

/// Which of what is set aside a route is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shelf {
    /// All of it.
    Any,
    /// The quarantine.
    Quarantine,
}

/// What a person decides about a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decision {
    /// It goes back into the queue.
    Release,
    /// It is deleted, for good.
    Remove,
}

/// Carries a decision out for every entry of an id, each with its audit row.
pub(super) async fn decide(
    site: &AdminSite,
    operator: Operator,
    id: &str,
    shelf: Shelf,
    decision: Decision,
) -> Result<StatusCode, Problem> {
    let action = match (shelf, decision) {
        (Shelf::Any, Decision::Release) => "aside.release",
        (Shelf::Any, Decision::Remove) => "aside.remove",
        (Shelf::Quarantine, Decision::Release) => "quarantine.release",
        (Shelf::Quarantine, Decision::Remove) => "quarantine.delete",
    };
    for aside in aside_of(site, id, shelf).await? {
        let (domain, place) = (aside.domain, aside.sequence);
        let audit = operator.row(site, action, id, &described(&aside));
        match decision {
            Decision::Release => {
                site.spool.release_aside(domain, place, audit).await?;
            }
            Decision::Remove => site.spool.delete_aside(domain, place, audit).await?,
        }
    }
    Ok(StatusCode::NO_CONTENT)
}

/// An entry as the audit keeps it.
fn described(aside: &AsideEntry) -> serde_json::Value {
    let entry = aside.entry.as_ref();
    json!({
        "kind": kind_word(aside.kind),
        "reason": aside.reason,
        "since": aside.at.rfc3339(),
        "sender": entry.map(|entry| entry.reverse_path.to_string()),
        "recipients": recipients(aside),
    })
}

/// The recipients concerned.
pub(super) fn recipients(aside: &AsideEntry) -> Vec<String> {
    let entry = aside.entry.as_ref();
    let states = entry.map(|entry| entry.recipients.iter());
    let states = states.into_iter().flatten();
    states
        .map(|state| state.recipient.path.to_string())
        .collect()
}

/// The entries of an id on a shelf. An id is a queue id, or `domain:position` for a record
/// that is too damaged to have one.
pub(super) async fn aside_of(
    site: &AdminSite,
    id: &str,
    shelf: Shelf,
) -> Result<Vec<AsideEntry>, Problem> {
    let missing = match shelf {
        Shelf::Any => "set aside",
        Shelf::Quarantine => "in quarantine",
    };
    let places = match id.rsplit_once(':') {
        Some((domain, sequence)) => {
            let domain = find(site, domain)?.id;
            let sequence = sequence.parse().unwrap_or(u64::MAX);
            vec![(domain, Sequence(sequence))]
        }
        // Whatever is not in the queue's books is not on a shelf either.
        None => match places_of(site, id).await {
            Err(problem) if problem.status == 404 => Vec::new(),
            found => found?,
        },
    };
    let mut found = Vec::new();
    for (domain, sequence) in places {
        found.extend(site.spool.aside_entry(domain, sequence).await?);
    }
    found.retain(|aside| shelf == Shelf::Any || aside.kind == AsideKind::Quarantined);
    if found.is_empty() {
        return Err(Problem::not_found(format!("{id} is not {missing}")));
    }
    Ok(found)
}
