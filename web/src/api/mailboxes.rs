//! `/api/v1/mailboxes` and `/api/v1/mailbox`: who exists on a domain.
//!
//! One mailbox is named by a parameter instead of the path: a local part may hold a `/`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::json;
use storage::model::{AccountId, Mailbox, MailboxAccount};
use utoipa::IntoParams;

use super::caller::Caller;
use super::form::{Faults, JsonBody};
use super::mailbox::{MailboxInput, MailboxView, described};
use super::page::{Page, Params, limit};
use super::problem::{FieldFault, Problem};
use crate::AdminSite;

/// Which mailboxes.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct ListQuery {
    /// The domain.
    pub(super) domain: String,
    /// The `next` of the page before.
    pub(super) after: Option<String>,
    /// Rows of a page: 1 to 1000, 100 when absent.
    pub(super) limit: Option<usize>,
}

/// Which mailbox.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct OneQuery {
    /// Its address.
    pub(super) address: String,
}

/// Lists the mailboxes of a domain by address.
#[utoipa::path(get, path = "/mailboxes", tag = "mailboxes", params(ListQuery),
    responses((status = 200, body = Page<MailboxView>), (status = 404, body = Problem)))]
pub(super) async fn list(
    State(site): State<AdminSite>,
    caller: Caller,
    Params(query): Params<ListQuery>,
) -> Result<Json<Page<MailboxView>>, Problem> {
    let domain = caller.domain(&site, &query.domain)?;
    let limit = limit(query.limit);
    let rows = site
        .spool
        .mailboxes_page(domain.id, query.after.as_deref(), limit + 1)
        .await?;
    let page = Page::cut(rows, limit, |account| account.address.key());
    let mut items = Vec::with_capacity(page.items.len());
    for account in &page.items {
        items.push(view(&site, account).await?);
    }
    Ok(Json(Page {
        items,
        next: page.next,
    }))
}

/// Adds a mailbox, with a password when an administrator of the domain gives one (C18). From then on the domain refuses recipients that it does not know, unless its
/// `verify` says otherwise.
#[utoipa::path(post, path = "/mailboxes", tag = "mailboxes", request_body = MailboxInput,
    responses((status = 201, body = MailboxView), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn add(
    State(site): State<AdminSite>,
    caller: Caller,
    JsonBody(input): JsonBody<MailboxInput>,
) -> Result<(StatusCode, Json<MailboxView>), Problem> {
    let view = create(&site, &caller, input).await?;
    Ok((StatusCode::CREATED, Json(view)))
}

/// Adds the mailbox of an input.
pub(super) async fn create(
    site: &AdminSite,
    caller: &Caller,
    input: MailboxInput,
) -> Result<MailboxView, Problem> {
    let mut faults = Faults::default();
    let read = input.whole(&mut faults, caller);
    let (address, change, password) = faults.check(read)?;
    let domain = caller.domain_for(site, &address)?;
    if account(site, &address).await.is_ok() {
        return Err(Problem::conflict(format!("{address} exists already")));
    }
    let now = site.spool.clock().now();
    let account = change.create(&domain, address, now);
    let subject = account.address.to_string();
    let audit = caller.row(site, "mailbox.add", subject, &described(&account));
    let view = MailboxView::new(&account, password.is_some());
    let user = AccountId::user(account.domain, &account.address);
    let mut passwords = Vec::new();
    if let Some(password) = password {
        passwords.push((user, site.sign_in.new_password(&password).await?));
    }
    site.spool
        .import(vec![account], Vec::new(), passwords, audit)
        .await?;
    Ok(view)
}

/// Shows a mailbox.
#[utoipa::path(get, path = "/mailbox", tag = "mailboxes", params(OneQuery),
    responses((status = 200, body = MailboxView), (status = 404, body = Problem)))]
pub(super) async fn show(
    State(site): State<AdminSite>,
    caller: Caller,
    Params(query): Params<OneQuery>,
) -> Result<Json<MailboxView>, Problem> {
    let account = account(&site, &caller.visible(&site, &query.address)?).await?;
    Ok(Json(view(&site, &account).await?))
}

/// Changes a mailbox; what is absent stays, what is null is taken away.
#[utoipa::path(patch, path = "/mailbox", tag = "mailboxes", params(OneQuery),
    request_body = MailboxInput,
    responses((status = 200, body = MailboxView), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn change(
    State(site): State<AdminSite>,
    caller: Caller,
    Params(query): Params<OneQuery>,
    JsonBody(input): JsonBody<MailboxInput>,
) -> Result<Json<MailboxView>, Problem> {
    let address = parse(&query.address)?;
    Ok(Json(update(&site, &caller, &address, input).await?))
}

/// Changes a mailbox as an input says.
pub(super) async fn update(
    site: &AdminSite,
    caller: &Caller,
    address: &Mailbox,
    input: MailboxInput,
) -> Result<MailboxView, Problem> {
    caller.may_change_at(site, address)?;
    let mut account = account(site, address).await?;
    let mut faults = Faults::default();
    let read = input.partial(&mut faults, &account.address);
    let change = faults.check(read)?;
    let before = described(&account);
    change.apply(&mut account);
    let detail = json!({"before": before, "after": described(&account)});
    let subject = account.address.to_string();
    let audit = caller.row(site, "mailbox.set", subject, &detail);
    let view = view(site, &account).await?;
    site.spool.put_mailboxes(vec![account], audit).await?;
    Ok(view)
}

/// Removes a mailbox. Mail that is queued for it stays queued. Refused while aliases lead to it.
#[utoipa::path(delete, path = "/mailbox", tag = "mailboxes", params(OneQuery),
    responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(super) async fn remove(
    State(site): State<AdminSite>,
    caller: Caller,
    Params(query): Params<OneQuery>,
) -> Result<StatusCode, Problem> {
    let account = account(&site, &caller.changeable(&site, &query.address)?).await?;
    let detail = json!({"before": described(&account)});
    let subject = account.address.to_string();
    let audit = caller.row(&site, "mailbox.remove", subject, &detail);
    site.spool.remove_mailbox(&account.address, audit).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// An address out of a parameter.
pub(super) fn parse(address: &str) -> Result<Mailbox, Problem> {
    address.parse().map_err(|error| {
        Problem::invalid(vec![FieldFault {
            field: "address".to_owned(),
            line: None,
            problem: format!("{error}"),
        }])
    })
}

/// A mailbox with what is known about how its user signs in.
async fn view(site: &AdminSite, account: &MailboxAccount) -> Result<MailboxView, Problem> {
    let user = AccountId::user(account.domain, &account.address);
    let credentials = site.spool.credentials(&user).await?;
    Ok(MailboxView::new(account, credentials.password.is_some()))
}

async fn account(site: &AdminSite, address: &Mailbox) -> Result<MailboxAccount, Problem> {
    let found = site.spool.mailbox(address).await?;
    found.ok_or_else(|| Problem::not_found(format!("there is no mailbox {address}")))
}
