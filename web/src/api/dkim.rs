//! `/api/v1/domains/{name}/dkim`: the key that signs what users of a domain write (C27).

use actors::dkim::{KeyPair, Selector, record_name};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use storage::model::{DkimKey, Timestamp};
use utoipa::ToSchema;

use super::audited::{Operator, time};
use super::domains::find;
use super::form::{Faults, Given, JsonBody, Unknown};
use super::problem::Problem;
use crate::AdminSite;

/// A wish for a new key.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub(super) struct DkimInput {
    /// The name under which the record is published; absent: one made of the date.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "mailhold-20300101")]
    selector: Given<String>,
    #[serde(flatten)]
    #[schema(ignore)]
    unknown: Unknown,
}

/// A domain's key and the record to publish.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct DkimKeyView {
    /// The name under which the record is published.
    pub selector: String,
    /// Where the TXT record stands.
    pub record_name: String,
    /// The text of the record.
    pub record: String,
    /// When the key was made.
    pub created_at: Option<String>,
}

impl DkimKeyView {
    fn new(domain: &storage::model::Domain, key: &DkimKey) -> Self {
        Self {
            record_name: record_name(&key.selector, &domain.name),
            selector: key.selector.clone(),
            record: key.record.clone(),
            created_at: time(key.created_at),
        }
    }
}

/// The key of a domain.
#[utoipa::path(get, path = "/domains/{name}/dkim", tag = "domains", params(("name" = String, Path)),
    responses((status = 200, body = DkimKeyView), (status = 404, body = Problem)))]
pub(super) async fn show(
    State(site): State<AdminSite>,
    Path(name): Path<String>,
) -> Result<Json<DkimKeyView>, Problem> {
    let domain = find(&site, &name)?;
    let key = site.spool.dkim_key(domain.id).await?;
    let key = key.ok_or_else(|| Problem::not_found(format!("{name} has no DKIM key")))?;
    Ok(Json(DkimKeyView::new(&domain, &key)))
}

/// Makes a key for a domain, in place of the one it has: from now on mail is signed with it.
#[utoipa::path(post, path = "/domains/{name}/dkim", tag = "domains", params(("name" = String, Path)),
    request_body = DkimInput,
    responses((status = 200, body = DkimKeyView), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn make(
    State(site): State<AdminSite>,
    operator: Operator,
    Path(name): Path<String>,
    JsonBody(input): JsonBody<DkimInput>,
) -> Result<Json<DkimKeyView>, Problem> {
    let domain = find(&site, &name)?;
    let mut faults = Faults::default();
    faults.refuse_unknown("", &input.unknown);
    let selector = faults.optional("selector", input.selector);
    let selector: Option<Selector> = faults.parsed("selector", selector);
    faults.check(Some(()))?;
    let now = site.spool.clock().wall();
    let selector = match selector {
        Some(selector) => selector.to_string(),
        None => format!("mailhold-{}", day(now)),
    };
    // A second of arithmetic: not on a thread that others wait for.
    let pair = tokio::task::spawn_blocking(KeyPair::generate).await;
    let pair = pair
        .map_err(|ended| failed(&ended))?
        .map_err(|error| failed(&error))?;
    let key = DkimKey {
        selector,
        record: pair.record,
        created_at: now,
        private: pair.private,
    };
    let detail = json!({"selector": key.selector});
    let audit = operator.row(&site, "dkim.make", domain.name.as_str(), &detail);
    let view = DkimKeyView::new(&domain, &key);
    site.spool.put_dkim_key(&domain.name, key, audit).await?;
    Ok(Json(view))
}

/// The day as eight digits.
fn day(at: Timestamp) -> String {
    let digits = at.rfc3339();
    digits
        .chars()
        .filter(char::is_ascii_digit)
        .take(8)
        .collect()
}

fn failed(error: &dyn std::fmt::Display) -> Problem {
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "dkim").detail(error.to_string())
}
