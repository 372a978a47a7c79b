//! Users by month, for billing (C26).

use axum::Json;
use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::AdminSite;
use crate::api::caller::Caller;
use crate::api::problem::Problem;

/// The users of a domain in a month.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UserMonthView {
    /// The month in UTC, e.g. `2026-11`.
    pub month: String,
    /// Enabled mailboxes, as many as there were at one time.
    pub mailboxes: u64,
    /// Users who signed in to the portal at least once.
    pub signed_in: u64,
}

/// The users of a domain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UserMonthsView {
    /// The domain.
    pub domain: String,
    /// Its months, oldest first, the present one included.
    pub items: Vec<UserMonthView>,
}

/// Counts the users of a domain, month by month.
#[utoipa::path(get, path = "/domains/{name}/users", tag = "people",
    params(("name" = String, Path, description = "The domain")),
    responses((status = 200, body = UserMonthsView), (status = 404, body = Problem)))]
pub(in crate::api) async fn user_months(
    State(site): State<AdminSite>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<Json<UserMonthsView>, Problem> {
    let domain = caller.domain(&site, &name)?;
    let months = site.spool.user_months(domain.id).await?;
    let items = months.into_iter().map(|(month, count)| UserMonthView {
        month: month.to_string(),
        mailboxes: count.mailboxes,
        signed_in: count.signed_in,
    });
    Ok(Json(UserMonthsView {
        domain: domain.name.to_string(),
        items: items.collect(),
    }))
}
