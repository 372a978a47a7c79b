//! `/api/v1/audit`: who changed what, newest first. Nobody can delete a row.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use storage::model::{Actor, AuditRow};
use storage::spool::AuditId;
use utoipa::{IntoParams, ToSchema};

use super::page::{Page, Params, limit};
use super::problem::Problem;
use crate::AdminSite;

/// Which part of the list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct ListQuery {
    /// The `next` of the page before.
    after: Option<u64>,
    /// Rows of a page: 1 to 1000, 100 when absent.
    limit: Option<usize>,
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuditView {
    /// Its number.
    pub number: u64,
    /// When (RFC 3339).
    pub at: String,
    /// Who: `operator` or a part of Mailhold.
    pub actor: String,
    /// From which address, for an operator.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub from: Option<String>,
    /// What was done, e.g. `domain.add`.
    pub action: String,
    /// To what.
    pub subject: String,
    /// Before, after, or the parameters.
    #[schema(value_type = Object)]
    pub detail: serde_json::Value,
}

impl AuditView {
    fn new(number: u64, row: &AuditRow) -> Self {
        let (actor, from) = match &row.actor {
            Actor::Operator { from } => ("operator".to_owned(), Some(from.clone())),
            Actor::System { part } => (part.clone(), None),
            Actor::Administrator { address, from } | Actor::User { address, from } => {
                (address.clone(), Some(from.clone()))
            }
        };
        let detail = serde_json::from_str(&row.detail);
        Self {
            number,
            at: row.at.rfc3339(),
            actor,
            from,
            action: row.action.clone(),
            subject: row.subject.clone(),
            detail: detail.unwrap_or_else(|_| serde_json::Value::String(row.detail.clone())),
        }
    }
}

/// Lists changes, newest first.
#[utoipa::path(get, path = "/audit", tag = "audit", params(ListQuery),
    responses((status = 200, body = Page<AuditView>)))]
pub(super) async fn list(
    State(site): State<AdminSite>,
    Params(query): Params<ListQuery>,
) -> Result<Json<Page<AuditView>>, Problem> {
    let limit = limit(query.limit);
    let rows = site
        .spool
        .audit_page(query.after.map(AuditId), limit + 1)
        .await?;
    let views = rows
        .iter()
        .map(|(number, row)| AuditView::new(number.0, row))
        .collect();
    Ok(Json(Page::cut(views, limit, |view| {
        view.number.to_string()
    })))
}
