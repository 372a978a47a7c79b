//! `/api/v1/mailboxes/import`: many mailboxes at once, all or none.

use axum::Json;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeSet;
use storage::model::{AccountId, Alias, AliasTarget, MailboxAccount, Timestamp};
use utoipa::{IntoParams, ToSchema};

use super::caller::{Caller, PASSWORD_REFUSED};
use super::form::{body, content_type};
use super::import_file::{self, ImportRow};
use super::page::Params;
use super::problem::{FieldFault, Problem};
use crate::AdminSite;
use crate::auth::password_rule;

/// Bytes of a file.
pub(crate) const FILE_MAX: usize = 10 * 1024 * 1024;

/// Passwords of one file: hashing them keeps a core busy for a minute or two, and people who sign in
/// meanwhile go first.
const PASSWORDS_MAX: usize = 2_000;

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
    /// Passwords set.
    #[serde(default)]
    pub passwords_set: u64,
}

/// What is to be written.
struct Plan {
    report: ImportReport,
    accounts: Vec<MailboxAccount>,
    aliases: Vec<Alias>,
    passwords: Vec<(AccountId, String)>,
    domains: BTreeSet<String>,
}

/// Imports a CSV file: a header line, `address`, optionally `name`, `aliases` (separated by
/// spaces), `recovery`, `language`, `enabled` and, from an administrator of the domain, `password`
/// (C19). Mailboxes that exist get what the columns say. One
/// faulty row refuses the whole file, and every faulty row is named.
#[utoipa::path(post, path = "/mailboxes/import", tag = "mailboxes", params(ImportQuery),
    request_body(content = String, content_type = "text/csv"),
    responses((status = 200, body = ImportReport), (status = 403, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn import(
    State(site): State<AdminSite>,
    caller: Caller,
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
    let report = run(&site, &caller, &bytes, query.dry_run).await?;
    Ok(Json(report))
}

/// Reads a file and does what it says, all of it or nothing.
pub(crate) async fn run(
    site: &AdminSite,
    caller: &Caller,
    bytes: &[u8],
    dry_run: bool,
) -> Result<ImportReport, Problem> {
    let file = import_file::read(bytes).map_err(Problem::invalid)?;
    if file.has_passwords && !caller.sets_passwords() {
        return Err(Problem::forbidden(PASSWORD_REFUSED));
    }
    let (rows, weak) = check_passwords(file.rows).await?;
    let plan = plan(site, caller, rows, dry_run, weak).await?;
    let nothing = plan.accounts.is_empty() && plan.aliases.is_empty() && plan.passwords.is_empty();
    if dry_run || nothing {
        return Ok(plan.report);
    }
    let detail = json!({
        "added": plan.report.added,
        "changed": plan.report.changed,
        "aliases_added": plan.report.aliases_added,
        "passwords_set": plan.report.passwords_set,
    });
    let subject = plan.domains.into_iter().collect::<Vec<_>>().join(" ");
    let audit = caller.row(site, "mailbox.import", subject, &detail);
    let mut passwords = Vec::with_capacity(plan.passwords.len());
    for (user, password) in plan.passwords {
        passwords.push((user, site.sign_in.new_password(&password).await?));
    }
    site.spool
        .import(plan.accounts, plan.aliases, passwords, audit)
        .await?;
    Ok(plan.report)
}

/// Names every row whose password is not taken. Judging one takes a millisecond or more, so it
/// happens beside the threads that serve.
async fn check_passwords(
    rows: Vec<ImportRow>,
) -> Result<(Vec<ImportRow>, Vec<FieldFault>), Problem> {
    let given = rows.iter().filter(|row| row.password.is_some()).count();
    let fault = |line: Option<u64>, problem: String| FieldFault {
        field: "password".to_owned(),
        line,
        problem,
    };
    if given > PASSWORDS_MAX {
        let problem = format!("at most {PASSWORDS_MAX} in one file; split it");
        return Err(Problem::invalid(vec![fault(None, problem)]));
    }
    let checked = tokio::task::spawn_blocking(move || {
        let mut faults = Vec::new();
        for row in &rows {
            let Some(password) = &row.password else {
                continue;
            };
            let name = row.change.name().unwrap_or_default();
            if let Err(reason) = password_rule::check(password, &[&row.address.to_string(), &name])
            {
                faults.push(fault(Some(row.line), reason.reason().to_owned()));
            }
        }
        (rows, faults)
    });
    checked.await.map_err(|ended| {
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal").detail(ended.to_string())
    })
}

/// Compares the rows with the store; names every row that does not fit, beside `faults` that are
/// known already.
async fn plan(
    site: &AdminSite,
    caller: &Caller,
    rows: Vec<ImportRow>,
    dry_run: bool,
    mut faults: Vec<FieldFault>,
) -> Result<Plan, Problem> {
    let now = site.spool.clock().now();
    let mut plan = Plan {
        report: ImportReport {
            dry_run,
            rows: rows.len() as u64,
            added: 0,
            changed: 0,
            unchanged: 0,
            aliases_added: 0,
            passwords_set: 0,
        },
        accounts: Vec::new(),
        aliases: Vec::new(),
        passwords: Vec::new(),
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
        let domain = match caller.domain(site, row.address.domain().as_str()) {
            Ok(domain) => domain,
            Err(_) => {
                let name = row.address.domain();
                note("address", format!("there is no domain {name}"));
                continue;
            }
        };
        caller.may_change(&domain)?;
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
        if let Some(password) = &row.password {
            let user = AccountId::user(domain.id, &row.address);
            plan.passwords.push((user, password.clone()));
        }
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
    plan.report.passwords_set = plan.passwords.len() as u64;
    if faults.is_empty() {
        Ok(plan)
    } else {
        faults.sort_by_key(|fault| fault.line);
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
