//! `/api/v1/mailboxes/import`: many mailboxes at once, all or none.

use axum::Json;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeSet;
use storage::model::{Alias, AliasTarget, MailboxAccount, Timestamp};
use utoipa::{IntoParams, ToSchema};

use super::audited::Operator;
use super::form::{body, content_type};
use super::import_file::{self, ImportRow};
use super::mailbox::PASSWORD_REFUSED;
use super::page::Params;
use super::problem::{FieldFault, Problem};
use crate::AdminSite;

/// Bytes of a file.
pub(super) const FILE_MAX: usize = 10 * 1024 * 1024;

/// How to import.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct ImportQuery {
    /// Check everything, change nothing.
    #[serde(default)]
    dry_run: bool,
}

/// What an import did, or would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ImportReport {
    /// Whether nothing was changed because it was only tried.
    pub dry_run: bool,
    /// Rows of the file.
    pub rows: u64,
    /// New mailboxes.
    pub added: u64,
    /// Mailboxes that were there and changed.
    pub changed: u64,
    /// Mailboxes that were there just so.
    pub unchanged: u64,
    /// New aliases.
    pub aliases_added: u64,
}

/// What is to be written.
struct Plan {
    report: ImportReport,
    accounts: Vec<MailboxAccount>,
    aliases: Vec<Alias>,
    domains: BTreeSet<String>,
}

/// Imports a CSV file: a header line, `address`, optionally `name`, `aliases` (separated by
/// spaces), `recovery`, `language`, `enabled`. Mailboxes that exist get what the columns say. One
/// faulty row refuses the whole file, and every faulty row is named.
#[utoipa::path(post, path = "/mailboxes/import", tag = "mailboxes", params(ImportQuery),
    request_body(content = String, content_type = "text/csv"),
    responses((status = 200, body = ImportReport), (status = 403, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn import(
    State(site): State<AdminSite>,
    operator: Operator,
    Params(query): Params<ImportQuery>,
    mut request: Request,
) -> Result<Json<ImportReport>, Problem> {
    if !content_type(&request).is_some_and(|kind| kind.starts_with("text/csv")) {
        return Err(
            Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "media-type")
                .detail("expected Content-Type: text/csv"),
        );
    }
    DefaultBodyLimit::max(FILE_MAX).apply(&mut request);
    let bytes = body(request, &site).await?;
    let file = import_file::read(&bytes).map_err(Problem::invalid)?;
    if file.has_passwords {
        return Err(Problem::forbidden(PASSWORD_REFUSED));
    }
    let plan = plan(&site, file.rows, query.dry_run).await?;
    if query.dry_run || (plan.accounts.is_empty() && plan.aliases.is_empty()) {
        return Ok(Json(plan.report));
    }
    let detail = json!({
        "added": plan.report.added,
        "changed": plan.report.changed,
        "aliases_added": plan.report.aliases_added,
    });
    let subject = plan.domains.into_iter().collect::<Vec<_>>().join(" ");
    let audit = operator.row(&site, "mailbox.import", subject, &detail);
    site.spool
        .import(plan.accounts, plan.aliases, audit)
        .await?;
    Ok(Json(plan.report))
}

/// Compares the rows with the store; names every row that does not fit.
async fn plan(site: &AdminSite, rows: Vec<ImportRow>, dry_run: bool) -> Result<Plan, Problem> {
    let now = site.spool.clock().now();
    let mut faults = Vec::new();
    let mut plan = Plan {
        report: ImportReport {
            dry_run,
            rows: rows.len() as u64,
            added: 0,
            changed: 0,
            unchanged: 0,
            aliases_added: 0,
        },
        accounts: Vec::new(),
        aliases: Vec::new(),
        domains: BTreeSet::new(),
    };
    for row in rows {
        let mut note = |field: &str, problem: String| {
            faults.push(FieldFault {
                field: field.to_owned(),
                line: Some(row.line),
                problem,
            });
        };
        let Some(domain) = site.spool.directory().domain_by_name(row.address.domain()) else {
            note(
                "address",
                format!("there is no domain {}", row.address.domain()),
            );
            continue;
        };
        if site.spool.alias(&row.address).await?.is_some() {
            note("address", format!("{} is an alias", row.address));
        }
        for alias in &row.aliases {
            let other = site.spool.alias(alias).await?;
            let other = other.map(|other| other.target.mailbox);
            let ours = other
                .as_ref()
                .is_some_and(|other| other.key() == row.address.key());
            if let Some(other) = other.filter(|_| !ours) {
                note("aliases", format!("{alias} is an alias of {other} already"));
            } else if site.spool.mailbox(alias).await?.is_some() {
                note("aliases", format!("{alias} is a mailbox"));
            } else if !ours {
                plan.aliases.push(new_alias(&domain, alias, &row, now));
            }
        }
        plan.domains.insert(domain.name.to_string());
        match site.spool.mailbox(&row.address).await? {
            None => {
                plan.report.added += 1;
                plan.accounts
                    .push(row.change.create(&domain, row.address, now));
            }
            Some(before) => {
                let mut account = before.clone();
                row.change.apply(&mut account);
                if account == before {
                    plan.report.unchanged += 1;
                } else {
                    plan.report.changed += 1;
                    plan.accounts.push(account);
                }
            }
        }
    }
    plan.report.aliases_added = plan.aliases.len() as u64;
    if faults.is_empty() {
        Ok(plan)
    } else {
        Err(Problem::invalid(faults))
    }
}

fn new_alias(
    domain: &storage::model::Domain,
    alias: &storage::model::Mailbox,
    row: &ImportRow,
    now: Timestamp,
) -> Alias {
    Alias {
        domain: domain.id,
        address: alias.clone(),
        target: AliasTarget {
            mailbox: row.address.clone(),
        },
        created_at: now,
    }
}
