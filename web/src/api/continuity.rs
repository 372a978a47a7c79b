//! `/api/v1/domains/{name}/continuity`: the continuity mailbox of a domain, its switch, what is
//! missing before it can be switched on, and what it holds (C1, C2, C10).

use axum::Json;
use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};
use serde_json::json;
use storage::model::continuity::RETENTION_DAYS_DEFAULT;
use storage::model::{Domain, Timestamp};
use storage::spool::{ContinuityWish, DayUsage};
use utoipa::ToSchema;

use super::audited::Operator;
use super::domains::find;
use super::form::{Faults, Given, JsonBody, Unknown};
use super::problem::Problem;
use crate::AdminSite;

/// Milliseconds of a day.
const DAY_MILLIS: u64 = 86_400_000;

/// How continuity is to be.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub(super) struct ContinuityInput {
    /// Days that copies are kept, 1 to 90; absent: what was set, or 30.
    #[serde(default)]
    #[schema(value_type = Option<u16>, example = 30)]
    retention_days: Given<u16>,
    #[serde(flatten)]
    #[schema(ignore)]
    unknown: Unknown,
}

/// The continuity of a domain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ContinuityView {
    /// The domain.
    pub domain: String,
    /// Whether it is on.
    pub on: bool,
    /// Since when (RFC 3339).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub enabled_since: Option<String>,
    /// Days that copies are kept.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub retention_days: Option<u16>,
    /// What has to be done before it can be switched on: `mailboxes`, `filtering`.
    pub missing: Vec<String>,
    /// The same in words.
    pub missing_in_words: Vec<String>,
    /// Whether copies of mail that was queued before are still being made.
    pub copying: bool,
    /// Copies, one per message and mailbox.
    pub messages: u64,
    /// Bytes of their bodies, counted for each mailbox; stored once.
    pub size_bytes: u64,
    /// The days that hold something, oldest first.
    pub days: Vec<DayView>,
}

/// One day of copies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DayView {
    /// The date (UTC).
    #[schema(example = "2030-01-31")]
    pub date: String,
    /// Copies.
    pub messages: u64,
    /// Bytes of their bodies.
    pub size_bytes: u64,
    /// Mailboxes that have one.
    pub mailboxes: u64,
}

impl DayView {
    fn new(usage: &DayUsage) -> Self {
        let at = Timestamp::from_millis(u64::from(usage.day) * DAY_MILLIS);
        Self {
            date: at.rfc3339().chars().take(10).collect(),
            messages: usage.messages,
            size_bytes: usage.size_bytes,
            mailboxes: usage.mailboxes,
        }
    }
}

async fn view(site: &AdminSite, domain: &Domain) -> Result<ContinuityView, Problem> {
    let gaps = site.spool.continuity_gaps(&domain.name)?;
    let usage = site.spool.domain_usage(domain.id).await?;
    let continuity = domain.continuity;
    let words = gaps.iter().map(ToString::to_string);
    Ok(ContinuityView {
        domain: domain.name.to_string(),
        on: continuity.is_some(),
        enabled_since: continuity.map(|of| of.enabled_since.rfc3339()),
        retention_days: continuity.map(|of| of.retention_days),
        missing_in_words: words.collect(),
        missing: gaps.iter().map(|gap| gap.word().to_owned()).collect(),
        copying: site.spool.backfills().contains(&domain.id),
        messages: usage.messages(),
        size_bytes: usage.size_bytes(),
        days: usage.days.iter().map(DayView::new).collect(),
    })
}

/// Shows the continuity of a domain.
#[utoipa::path(get, path = "/domains/{name}/continuity", tag = "continuity", params(("name" = String, Path)),
    responses((status = 200, body = ContinuityView), (status = 404, body = Problem)))]
pub(super) async fn show(
    State(site): State<AdminSite>,
    Path(name): Path<String>,
) -> Result<Json<ContinuityView>, Problem> {
    let domain = find(&site, &name)?;
    Ok(Json(view(&site, &domain).await?))
}

/// Switches continuity on, or changes how long copies are kept. Mail that is queued already is
/// copied afterwards. Refused while something is missing.
#[utoipa::path(put, path = "/domains/{name}/continuity", tag = "continuity", params(("name" = String, Path)),
    request_body = ContinuityInput,
    responses((status = 200, body = ContinuityView), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn switch_on(
    State(site): State<AdminSite>,
    operator: Operator,
    Path(name): Path<String>,
    JsonBody(input): JsonBody<ContinuityInput>,
) -> Result<Json<ContinuityView>, Problem> {
    let domain = find(&site, &name)?;
    let mut faults = Faults::default();
    faults.refuse_unknown("", &input.unknown);
    let given = faults.optional("retention_days", input.retention_days);
    faults.check(Some(()))?;
    let before = domain.continuity.map(|of| of.retention_days);
    let retention_days = given.or(before).unwrap_or(RETENTION_DAYS_DEFAULT);
    let detail = json!({"before_days": before, "retention_days": retention_days});
    let audit = operator.row(&site, "continuity.on", domain.name.as_str(), &detail);
    let wish = ContinuityWish::On { retention_days };
    let changed = site.spool.set_continuity(&domain.name, wish, audit).await?;
    Ok(Json(view(&site, &changed).await?))
}

/// Switches continuity off: no copies are made, and those that are there are not shown; they go
/// with their days.
#[utoipa::path(delete, path = "/domains/{name}/continuity", tag = "continuity", params(("name" = String, Path)),
    responses((status = 200, body = ContinuityView), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(super) async fn switch_off(
    State(site): State<AdminSite>,
    operator: Operator,
    Path(name): Path<String>,
) -> Result<Json<ContinuityView>, Problem> {
    let domain = find(&site, &name)?;
    let Some(before) = domain.continuity else {
        return Err(Problem::conflict(format!("continuity of {name} is off")));
    };
    let detail = json!({"retention_days": before.retention_days});
    let audit = operator.row(&site, "continuity.off", domain.name.as_str(), &detail);
    let changed = site
        .spool
        .set_continuity(&domain.name, ContinuityWish::Off, audit)
        .await?;
    Ok(Json(view(&site, &changed).await?))
}
