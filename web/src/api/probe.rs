//! `/api/v1/domains/{name}/probe`: "the server is back".

use axum::Json;
use axum::extract::{Path, State};
use serde_json::json;
use utoipa::ToSchema;

use super::audited::Operator;
use super::domains::find;
use super::problem::Problem;
use crate::AdminSite;

/// What was set going.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, ToSchema)]
pub struct ProbeReport {
    /// The domain whose destination is probed.
    pub domain: String,
}

/// Probes a domain's destination at once instead of at its next time, and looks its MX records up
/// again when they could not be found. How it went is seen in the status.
#[utoipa::path(post, path = "/domains/{name}/probe", tag = "domains", params(("name" = String, Path)),
    responses((status = 202, body = ProbeReport), (status = 404, body = Problem)))]
pub(super) async fn probe(
    State(site): State<AdminSite>,
    operator: Operator,
    Path(name): Path<String>,
) -> Result<(axum::http::StatusCode, Json<ProbeReport>), Problem> {
    let domain = find(&site, &name)?;
    let audit = operator.row(&site, "domain.probe", domain.name.as_str(), &json!({}));
    site.spool.ask_probe(domain.id, audit).await?;
    let report = ProbeReport {
        domain: domain.name.to_string(),
    };
    Ok((axum::http::StatusCode::ACCEPTED, Json(report)))
}
