//! `/api/v1/domains/{name}/hold`: delivery stopped by hand; intake goes on (S3).

use axum::Json;
use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::json;
use storage::model::{Hold, Timestamp};
use utoipa::ToSchema;

use super::audited::Operator;
use super::domain_view::DomainView;
use super::domains::find;
use super::form::{Faults, Given, JsonBody, Unknown};
use super::problem::Problem;
use crate::AdminSite;

/// Characters of a reason.
const REASON_MAX: usize = 200;

/// A hold.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub(super) struct HoldInput {
    /// Why, for everybody who looks.
    #[serde(default)]
    #[schema(value_type = String, example = "server moves to another room")]
    reason: Given<String>,
    /// When it ends by itself (RFC 3339); absent: when somebody releases it.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "2030-01-01T06:00:00Z")]
    until: Given<String>,
    #[serde(flatten)]
    #[schema(ignore)]
    unknown: Unknown,
}

impl HoldInput {
    fn read(self, faults: &mut Faults, now: Timestamp) -> Option<(String, Option<Timestamp>)> {
        faults.refuse_unknown("", &self.unknown);
        let reason = faults.required("reason", self.reason);
        if let Some(reason) = &reason
            && (reason.trim().is_empty() || reason.chars().count() > REASON_MAX)
        {
            faults.add("reason", format!("expected 1 to {REASON_MAX} characters"));
        }
        let until = faults.optional("until", self.until);
        let until: Option<jiff::Timestamp> = faults.parsed("until", until);
        let until = until.map(|at| u64::try_from(at.as_millisecond()).unwrap_or_default());
        let until = until.map(Timestamp::from_millis);
        if until.is_some_and(|until| until <= now) {
            faults.add("until", "expected a time that is still to come");
        }
        Some((reason?, until))
    }
}

/// Holds a domain's delivery. A hold that is there already is replaced.
#[utoipa::path(put, path = "/domains/{name}/hold", tag = "domains", params(("name" = String, Path)),
    request_body = HoldInput,
    responses((status = 200, body = DomainView), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn hold(
    State(site): State<AdminSite>,
    operator: Operator,
    Path(name): Path<String>,
    JsonBody(input): JsonBody<HoldInput>,
) -> Result<Json<DomainView>, Problem> {
    let domain = find(&site, &name)?;
    let now = site.spool.clock().now();
    let mut faults = Faults::default();
    let read = input.read(&mut faults, now);
    let (reason, until) = faults.check(read)?;
    let detail = json!({"reason": reason, "until": until.map(Timestamp::rfc3339)});
    let audit = operator.row(&site, "domain.hold", domain.name.as_str(), &detail);
    let hold = Hold {
        reason,
        by: "operator".to_owned(),
        since: now,
        until,
    };
    site.spool
        .update_domain(&domain.name, |domain| domain.hold = Some(hold), audit)
        .await?;
    let domain = find(&site, &name)?;
    Ok(Json(DomainView::new(&site, &domain)))
}

/// Releases a domain's delivery.
#[utoipa::path(delete, path = "/domains/{name}/hold", tag = "domains", params(("name" = String, Path)),
    responses((status = 200, body = DomainView), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(super) async fn release(
    State(site): State<AdminSite>,
    operator: Operator,
    Path(name): Path<String>,
) -> Result<Json<DomainView>, Problem> {
    let domain = find(&site, &name)?;
    let Some(hold) = domain.hold_at(site.spool.clock().now()) else {
        return Err(Problem::conflict(format!("{name} is not held")));
    };
    let detail = json!({"held_by": hold.by, "since": hold.since.rfc3339(), "reason": hold.reason});
    let audit = operator.row(&site, "domain.release", domain.name.as_str(), &detail);
    site.spool
        .update_domain(&domain.name, |domain| domain.hold = None, audit)
        .await?;
    let domain = find(&site, &name)?;
    Ok(Json(DomainView::new(&site, &domain)))
}
