//! `/api/v1/aliases` and `/api/v1/alias`: further addresses of mailboxes. An alias has no login
//! (C16).

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use storage::model::{Alias, AliasTarget, Mailbox};
use utoipa::ToSchema;

use super::caller::Caller;
use super::form::{Faults, Given, JsonBody, Unknown};
use super::mailboxes::{ListQuery, OneQuery};
use super::page::{Page, Params, limit};
use super::problem::Problem;
use crate::AdminSite;

/// An alias.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AliasView {
    /// The alias.
    #[schema(example = "sales@example.org")]
    pub address: String,
    /// The mailbox it stands for.
    #[schema(example = "alice@example.org")]
    pub mailbox: String,
    /// When it was added (RFC 3339).
    pub created_at: String,
}

impl AliasView {
    fn new(alias: &Alias) -> Self {
        Self {
            address: alias.address.to_string(),
            mailbox: alias.target.mailbox.to_string(),
            created_at: alias.created_at.rfc3339(),
        }
    }
}

/// A new alias.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub(super) struct AliasInput {
    /// The alias, on a protected domain.
    #[serde(default)]
    #[schema(value_type = String, example = "sales@example.org")]
    address: Given<String>,
    /// A mailbox of the same domain.
    #[serde(default)]
    #[schema(value_type = String, example = "alice@example.org")]
    mailbox: Given<String>,
    #[serde(flatten)]
    #[schema(ignore)]
    unknown: Unknown,
}

impl AliasInput {
    fn read(self, faults: &mut Faults) -> Option<(Mailbox, Mailbox)> {
        faults.refuse_unknown("", &self.unknown);
        let address = faults.required("address", self.address);
        let address: Option<Mailbox> = faults.parsed("address", address);
        let mailbox = faults.required("mailbox", self.mailbox);
        let mailbox: Option<Mailbox> = faults.parsed("mailbox", mailbox);
        let (address, mailbox) = (address?, mailbox?);
        if address.domain() != mailbox.domain() {
            faults.add("mailbox", "expected a mailbox of the alias's own domain");
        }
        Some((address, mailbox))
    }
}

/// Lists the aliases of a domain by address.
#[utoipa::path(get, path = "/aliases", tag = "aliases", params(ListQuery),
    responses((status = 200, body = Page<AliasView>), (status = 404, body = Problem)))]
pub(super) async fn list(
    State(site): State<AdminSite>,
    caller: Caller,
    Params(query): Params<ListQuery>,
) -> Result<Json<Page<AliasView>>, Problem> {
    let domain = caller.domain(&site, &query.domain)?;
    let limit = limit(query.limit);
    let rows = site
        .spool
        .aliases_page(domain.id, query.after.as_deref(), limit + 1)
        .await?;
    let page = Page::cut(rows, limit, |alias| alias.address.key());
    Ok(Json(Page {
        items: page.items.iter().map(AliasView::new).collect(),
        next: page.next,
    }))
}

/// Adds an alias.
#[utoipa::path(post, path = "/aliases", tag = "aliases", request_body = AliasInput,
    responses((status = 201, body = AliasView), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn add(
    State(site): State<AdminSite>,
    caller: Caller,
    JsonBody(input): JsonBody<AliasInput>,
) -> Result<(StatusCode, Json<AliasView>), Problem> {
    let mut faults = Faults::default();
    let read = input.read(&mut faults);
    let (address, mailbox) = faults.check(read)?;
    let domain = caller.domain_for(&site, &address)?;
    if let Some(other) = site.spool.alias(&address).await? {
        let target = other.target.mailbox;
        return Err(Problem::conflict(format!(
            "{address} is an alias of {target} already"
        )));
    }
    let alias = Alias {
        domain: domain.id,
        address,
        target: AliasTarget { mailbox },
        created_at: site.spool.clock().now(),
    };
    let detail = json!({"mailbox": alias.target.mailbox});
    let audit = caller.row(&site, "alias.add", alias.address.to_string(), &detail);
    let view = AliasView::new(&alias);
    site.spool.put_alias(alias, audit).await?;
    Ok((StatusCode::CREATED, Json(view)))
}

/// Removes an alias.
#[utoipa::path(delete, path = "/alias", tag = "aliases", params(OneQuery),
    responses((status = 204), (status = 404, body = Problem)))]
pub(super) async fn remove(
    State(site): State<AdminSite>,
    caller: Caller,
    Params(query): Params<OneQuery>,
) -> Result<StatusCode, Problem> {
    let address = caller.changeable(&site, &query.address)?;
    let audit = caller.row(&site, "alias.remove", address.to_string(), &json!({}));
    site.spool.remove_alias(&address, audit).await?;
    Ok(StatusCode::NO_CONTENT)
}
