//! `/api/v1/domains/{name}/key`: the key that a domain's stored mail is sealed with (D8).

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::audited::Operator;
use super::domains::find;
use super::problem::Problem;
use crate::AdminSite;

/// A domain's new key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DomainKeyView {
    /// Its id, not its secret; absent when this node seals nothing.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub key: Option<String>,
}

/// Makes a new key: what is stored from now on is sealed with it, what is there still opens.
#[utoipa::path(post, path = "/domains/{name}/key", tag = "domains", params(("name" = String, Path)),
    responses((status = 201, body = DomainKeyView), (status = 404, body = Problem)))]
pub(super) async fn rotate(
    State(site): State<AdminSite>,
    operator: Operator,
    Path(name): Path<String>,
) -> Result<(StatusCode, Json<DomainKeyView>), Problem> {
    let domain = find(&site, &name)?;
    let audit = operator.row(&site, "domain.key.rotate", domain.name.as_str(), &json!({}));
    let key = site.spool.rotate_domain_key(&domain.name, audit).await?;
    let key = key.map(|key| format!("{key:08x}"));
    Ok((StatusCode::CREATED, Json(DomainKeyView { key })))
}

/// Destroys all keys of a domain: its stored mail, queued mail included, is unreadable from then
/// on, in every backup too. The domain goes on with a new key.
#[utoipa::path(delete, path = "/domains/{name}/key", tag = "domains", params(("name" = String, Path)),
    responses((status = 204), (status = 404, body = Problem)))]
pub(super) async fn destroy(
    State(site): State<AdminSite>,
    operator: Operator,
    Path(name): Path<String>,
) -> Result<StatusCode, Problem> {
    let domain = find(&site, &name)?;
    let audit = operator.row(
        &site,
        "domain.key.destroy",
        domain.name.as_str(),
        &json!({}),
    );
    site.spool.destroy_domain_key(&domain.name, audit).await?;
    Ok(StatusCode::NO_CONTENT)
}
