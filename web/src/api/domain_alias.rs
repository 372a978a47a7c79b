//! `/api/v1/domain-aliases` and `/api/v1/domain-alias`: further names of domains. `user@further` is
//! the mailbox `user@domain`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use storage::model::{DomainAlias, DomainName};
use utoipa::{IntoParams, ToSchema};

use super::audited::Operator;
use super::domains::find;
use super::form::{Faults, Given, JsonBody, Unknown};
use super::page::{Page, Params, limit};
use super::problem::Problem;
use crate::AdminSite;

/// A further name of a domain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DomainAliasView {
    /// The further name.
    #[schema(example = "example.net")]
    pub name: String,
    /// The domain that it stands for.
    #[schema(example = "example.org")]
    pub domain: String,
    /// When it was added (RFC 3339).
    pub created_at: String,
}

impl DomainAliasView {
    fn new(site: &AdminSite, alias: &DomainAlias) -> Self {
        let domain = site.spool.directory().domain(alias.domain);
        Self {
            name: alias.name.to_string(),
            domain: domain.map_or_else(String::new, |domain| domain.name.to_string()),
            created_at: alias.created_at.rfc3339(),
        }
    }
}

/// A new further name.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub(super) struct DomainAliasInput {
    /// The further name, which no domain has yet.
    #[serde(default)]
    #[schema(value_type = String, example = "example.net")]
    name: Given<String>,
    /// A protected domain.
    #[serde(default)]
    #[schema(value_type = String, example = "example.org")]
    domain: Given<String>,
    #[serde(flatten)]
    #[schema(ignore)]
    unknown: Unknown,
}

impl DomainAliasInput {
    fn read(self, faults: &mut Faults) -> Option<(DomainName, DomainName)> {
        faults.refuse_unknown("", &self.unknown);
        let name = faults.required("name", self.name);
        let name: Option<DomainName> = faults.parsed("name", name);
        let domain = faults.required("domain", self.domain);
        let domain: Option<DomainName> = faults.parsed("domain", domain);
        Some((name?, domain?))
    }
}

/// Which further names.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct ListQuery {
    /// Those of this domain; all of them when absent.
    domain: Option<String>,
    /// The `next` of the page before.
    after: Option<String>,
    /// Rows of a page: 1 to 1000, 100 when absent.
    limit: Option<usize>,
}

/// Which one.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct NameQuery {
    /// The further name.
    name: String,
}

/// Lists further names of domains.
#[utoipa::path(get, path = "/domain-aliases", tag = "domains", params(ListQuery),
    responses((status = 200, body = Page<DomainAliasView>), (status = 404, body = Problem)))]
pub(super) async fn list(
    State(site): State<AdminSite>,
    Params(query): Params<ListQuery>,
) -> Result<Json<Page<DomainAliasView>>, Problem> {
    let of = match &query.domain {
        Some(domain) => Some(find(&site, domain)?.id),
        None => None,
    };
    let limit = limit(query.limit);
    let aliases = site.spool.directory().domain_aliases(of);
    let behind = |alias: &&DomainAlias| match &query.after {
        Some(after) => alias.name.as_str() > after.as_str(),
        None => true,
    };
    let rows = aliases
        .iter()
        .filter(behind)
        .take(limit + 1)
        .map(|alias| DomainAliasView::new(&site, alias))
        .collect();
    Ok(Json(Page::cut(rows, limit, |alias| alias.name.clone())))
}

/// Gives a domain a further name. Mail for it is taken in as soon as this is answered.
#[utoipa::path(post, path = "/domain-aliases", tag = "domains", request_body = DomainAliasInput,
    responses((status = 201, body = DomainAliasView), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn add(
    State(site): State<AdminSite>,
    operator: Operator,
    JsonBody(input): JsonBody<DomainAliasInput>,
) -> Result<(StatusCode, Json<DomainAliasView>), Problem> {
    let mut faults = Faults::default();
    let read = input.read(&mut faults);
    let (name, domain) = faults.check(read)?;
    let detail = json!({"domain": domain});
    let audit = operator.row(&site, "domain_alias.add", name.as_str(), &detail);
    let alias = site.spool.add_domain_alias(name, &domain, audit).await?;
    let view = DomainAliasView::new(&site, &alias);
    Ok((StatusCode::CREATED, Json(view)))
}

/// Takes a further name back.
#[utoipa::path(delete, path = "/domain-alias", tag = "domains", params(NameQuery),
    responses((status = 204), (status = 404, body = Problem)))]
pub(super) async fn remove(
    State(site): State<AdminSite>,
    operator: Operator,
    Params(query): Params<NameQuery>,
) -> Result<StatusCode, Problem> {
    let unknown = || Problem::not_found(format!("{} is no further name of a domain", query.name));
    let name: DomainName = query.name.parse().map_err(|_| unknown())?;
    let audit = operator.row(&site, "domain_alias.remove", name.as_str(), &json!({}));
    site.spool.remove_domain_alias(&name, audit).await?;
    Ok(StatusCode::NO_CONTENT)
}
