//! `/api/v1/domains/{name}/outages`: the outages of a domain's destination in the last 30 days.

use actors::outages::{Outage, OutageKind};
use axum::Json;
use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};
use storage::model::Timestamp;
use utoipa::ToSchema;

use super::caller::Caller;
use super::problem::Problem;
use crate::AdminSite;

/// One outage. Times are RFC 3339 and exact to the second.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OutageView {
    /// `outage`, or `planned` when a person had stopped delivery.
    pub kind: String,
    /// Why, as it was known at its beginning.
    pub reason: String,
    /// When the destination was first in trouble.
    pub started_at: String,
    /// When it was known to be down, and mail was held.
    pub noticed_at: String,
    /// When it had taken mail again; absent while it has not.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ended_at: Option<String>,
    /// When everything that had come in before its end was gone from the queue.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub drained_at: Option<String>,
    /// How long it lasted, or has lasted.
    pub lasted_seconds: u64,
    /// Recipients that waited at most at one time.
    pub held_max: u64,
    /// The longest that a message waited.
    pub longest_wait_seconds: u64,
}

impl OutageView {
    fn new(outage: &Outage, now: Timestamp) -> Self {
        Self {
            kind: match outage.kind {
                OutageKind::Outage => "outage",
                OutageKind::Planned => "planned",
            }
            .to_owned(),
            reason: outage.reason.clone(),
            started_at: outage.started_at.rfc3339(),
            noticed_at: outage.noticed_at.rfc3339(),
            ended_at: outage.ended_at.map(Timestamp::rfc3339),
            drained_at: outage.drained_at.map(Timestamp::rfc3339),
            lasted_seconds: outage.lasted(now).as_secs(),
            held_max: outage.held_max,
            longest_wait_seconds: outage.wait_max().as_secs(),
        }
    }
}

/// The outages of a domain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OutagesView {
    /// The domain.
    pub domain: String,
    /// The last 30 days, newest first; at most 100.
    pub items: Vec<OutageView>,
}

/// Lists the outages of a domain's destination in the last 30 days, newest first.
#[utoipa::path(get, path = "/domains/{name}/outages", tag = "domains",
    params(("name" = String, Path, description = "The domain")),
    responses((status = 200, body = OutagesView), (status = 404, body = Problem)))]
pub(super) async fn outages(
    State(site): State<AdminSite>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<Json<OutagesView>, Problem> {
    let domain = caller.domain(&site, &name)?;
    let now = site.spool.clock().now();
    let outages = site.status.outages(domain.id);
    let items = outages.iter().rev();
    Ok(Json(OutagesView {
        domain: domain.name.to_string(),
        items: items.map(|outage| OutageView::new(outage, now)).collect(),
    }))
}
