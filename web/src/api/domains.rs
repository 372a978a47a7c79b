//! `/api/v1/domains`: protected domains and their destinations.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::json;
use storage::model::{Domain, DomainName};
use storage::spool::NewDomain;
use utoipa::IntoParams;

use super::audited::Operator;
use super::domain_input::{DomainInput, described};
use super::domain_view::DomainView;
use super::form::{Faults, JsonBody};
use super::page::{Page, Params, limit};
use super::problem::Problem;
use crate::AdminSite;

/// Which part of the list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct ListQuery {
    /// The `next` of the page before.
    after: Option<String>,
    /// Rows of a page: 1 to 1000, 100 when absent.
    limit: Option<usize>,
}

/// How to remove.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct RemoveQuery {
    /// Discard the mail that is still queued. Without it a domain with mail is not removed.
    #[serde(default)]
    force: bool,
}

/// Lists domains by name.
#[utoipa::path(get, path = "/domains", tag = "domains", params(ListQuery),
    responses((status = 200, body = Page<DomainView>)))]
pub(super) async fn list(
    State(site): State<AdminSite>,
    Params(query): Params<ListQuery>,
) -> Json<Page<DomainView>> {
    let limit = limit(query.limit);
    let domains = site.spool.directory().domains();
    let behind = |domain: &Arc<Domain>| match &query.after {
        Some(after) => domain.name.as_str() > after.as_str(),
        None => true,
    };
    let rows = domains
        .iter()
        .filter(|domain| behind(domain))
        .take(limit + 1)
        .map(|domain| DomainView::new(&site, domain))
        .collect();
    Json(Page::cut(rows, limit, |domain| domain.name.clone()))
}

/// Adds a domain. Mail for it is taken in as soon as this is answered.
#[utoipa::path(post, path = "/domains", tag = "domains", request_body = DomainInput,
    responses((status = 201, body = DomainView), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn add(
    State(site): State<AdminSite>,
    operator: Operator,
    JsonBody(input): JsonBody<DomainInput>,
) -> Result<(StatusCode, Json<DomainView>), Problem> {
    let mut faults = Faults::default();
    let read = input.whole(&mut faults);
    let (name, change) = faults.check(read)?;
    let audit = operator.row(&site, "domain.add", name.as_str(), &change.described());
    let new = NewDomain {
        name: name.clone(),
        hold_days: change.hold_days_or_default(),
        destinations: change.destinations.unwrap_or_default(),
        verify: change.verify.flatten(),
        catch_all: change.catch_all.unwrap_or_default(),
    };
    site.spool.add_domain(new, audit).await?;
    let domain = find(&site, name.as_str())?;
    Ok((StatusCode::CREATED, Json(DomainView::new(&site, &domain))))
}

/// Shows a domain.
#[utoipa::path(get, path = "/domains/{name}", tag = "domains", params(("name" = String, Path)),
    responses((status = 200, body = DomainView), (status = 404, body = Problem)))]
pub(super) async fn show(
    State(site): State<AdminSite>,
    Path(name): Path<String>,
) -> Result<Json<DomainView>, Problem> {
    let domain = find(&site, &name)?;
    Ok(Json(DomainView::new(&site, &domain)))
}

/// Changes a domain; what is absent stays.
#[utoipa::path(patch, path = "/domains/{name}", tag = "domains", params(("name" = String, Path)),
    request_body = DomainInput,
    responses((status = 200, body = DomainView), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn change(
    State(site): State<AdminSite>,
    operator: Operator,
    Path(name): Path<String>,
    JsonBody(input): JsonBody<DomainInput>,
) -> Result<Json<DomainView>, Problem> {
    let before = find(&site, &name)?;
    let mut faults = Faults::default();
    let read = input.partial(&mut faults);
    let change = faults.check(read)?;
    let detail = json!({"before": described(&before), "changed": change.described()});
    let audit = operator.row(&site, "domain.set", before.name.as_str(), &detail);
    site.spool
        .update_domain(&before.name, |domain| change.apply(domain), audit)
        .await?;
    let domain = find(&site, &name)?;
    Ok(Json(DomainView::new(&site, &domain)))
}

/// Removes a domain with its mailboxes and aliases. Refused while mail is queued, unless forced.
#[utoipa::path(delete, path = "/domains/{name}", tag = "domains",
    params(("name" = String, Path), RemoveQuery),
    responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(super) async fn remove(
    State(site): State<AdminSite>,
    operator: Operator,
    Path(name): Path<String>,
    Params(query): Params<RemoveQuery>,
) -> Result<StatusCode, Problem> {
    let before = find(&site, &name)?;
    let detail = json!({"before": described(&before), "force": query.force});
    let audit = operator.row(&site, "domain.remove", before.name.as_str(), &detail);
    site.spool
        .remove_domain(&before.name, query.force, audit)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The domain of that name, or 404.
pub(super) fn find(site: &AdminSite, name: &str) -> Result<Arc<Domain>, Problem> {
    let unknown = || Problem::not_found(format!("there is no domain {name}"));
    let name: DomainName = name.parse().map_err(|_| unknown())?;
    site.spool
        .directory()
        .domain_by_name(&name)
        .ok_or_else(unknown)
}
