//! `/people/{domain}`: who could sign in right now, and everything that helps those who could not.

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;
use storage::model::{Domain, Role};

use super::layout::{done, fault};
use super::person::{link, reason};
use super::visitor::{Admin, prove_first};
use crate::AdminSite;
use crate::api::people::acts;
use crate::api::{CodesView, PersonView, ReadinessView};
use crate::portal::layout::csrf_field;
use crate::portal::{Posted, Refusal, see_other};

/// Rows of a page.
const ROWS: usize = 100;

/// Which rows.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Filter {
    /// A part of the address.
    q: String,
    /// Only those who could not sign in.
    unready: Option<String>,
    /// The last address of the page before.
    after: String,
    /// What was just done.
    done: String,
}

/// The first of the own domains.
pub(super) async fn home(State(site): State<AdminSite>, admin: Admin) -> Result<Response, Refusal> {
    let directory = site.spool.directory();
    let mut domains: Vec<_> = admin
        .row
        .grants
        .iter()
        .filter_map(|grant| directory.domain(grant.domain))
        .map(|domain| domain.name.to_string())
        .collect();
    domains.sort();
    match domains.first() {
        Some(first) => Ok(see_other(&format!("/people/{first}"))),
        None => Err(Refusal::NotFound),
    }
}

pub(super) async fn show(
    admin: Admin,
    Path(name): Path<String>,
    Query(filter): Query<Filter>,
) -> Result<Response, Refusal> {
    let domain = admin.domain(&name)?;
    let content = content(&admin, &domain, &filter, None).await?;
    Ok(admin.page(&domain.name.to_string(), &content))
}

pub(super) async fn submit(
    State(site): State<AdminSite>,
    admin: Admin,
    Path(name): Path<String>,
    posted: Posted,
) -> Result<Response, Refusal> {
    let form = posted.of(&admin.csrf)?;
    let (domain, caller) = (admin.domain(&name)?, admin.caller());
    if !admin.is_fresh {
        return Err(prove_first(&format!("/people/{}", domain.name)));
    }
    match form.text("act") {
        "codes" => {
            let codes = acts::codes_for_all(&site, &caller, &domain).await?;
            Ok(admin.page("One-time codes", &codes_content(&domain, &codes)))
        }
        "add" => {
            let (address, password) = (form.text("address"), form.text("password"));
            let added = acts::add(&site, &caller, address, form.text("name"), password).await;
            match added {
                Ok(()) => Ok(see_other(&format!("/people/{}?done=added", domain.name))),
                Err(problem) if problem.status == 422 || problem.status == 409 => {
                    let text = problem.detail.unwrap_or(problem.title);
                    let filter = Filter::default();
                    let content = content(&admin, &domain, &filter, Some(&text)).await?;
                    let status = StatusCode::UNPROCESSABLE_ENTITY;
                    Ok(admin.page_with(status, &domain.name.to_string(), &content))
                }
                Err(problem) => Err(problem.into()),
            }
        }
        _ => Err(Refusal::Malformed),
    }
}

async fn content(
    admin: &Admin,
    domain: &Domain,
    filter: &Filter,
    wrong: Option<&str>,
) -> Result<Markup, Refusal> {
    let view = ReadinessView::of(&admin.site, domain).await?;
    let wanted = filter.q.trim().to_lowercase();
    let mut rows: Vec<&PersonView> = view
        .items
        .iter()
        .filter(|person| person.address.to_lowercase().contains(&wanted))
        .filter(|person| filter.unready.is_none() || !person.ready)
        .collect();
    // Whoever asks for help comes first.
    rows.sort_by_key(|person| person.asked_at.is_none());
    if !filter.after.is_empty() {
        let place = rows.iter().position(|row| row.address == filter.after);
        rows.drain(..place.map_or(0, |place| place + 1));
    }
    let next = rows.get(ROWS - 1).filter(|_| rows.len() > ROWS);
    let next = next.map(|row| row.address.clone());
    rows.truncate(ROWS);
    let name = &domain.name;
    let (changes, helps) = (
        admin.may(domain, Role::DomainAdministrator),
        admin.may(domain, Role::Helpdesk),
    );
    Ok(html! {
        h1 { "People of " (name) }
        (done(&filter.done))
        (fault(wrong))
        (summary(&view))
        form.inline-form method="get" {
            label { span { "Address contains" } input name="q" type="search" value=(filter.q); }
            label.choice {
                input type="checkbox" name="unready" value="1" checked[filter.unready.is_some()];
                span { "only those who could not sign in" }
            }
            button type="submit" { "Show" }
        }
        (table(&rows))
        @if let Some(next) = next {
            p.actions {
                a.button href={ "/people/" (name) "?" (query(filter, &next)) } { "More" }
            }
        }
        @if helps {
            (bulk(admin, name.as_str(), changes))
        }
        p.below { a href={ "/people/" (name) "/usage" } { "Users by month" } }
    })
}

fn summary(view: &ReadinessView) -> Markup {
    let all = view.mailboxes == view.ready && view.mailboxes > 0;
    html! {
        section.card.state-card.ok[all].warn[!all] {
            span.symbol aria-hidden="true" { @if all { "\u{2713}" } @else { "!" } }
            div {
                h2 { (view.ready) " of " (view.mailboxes) " could sign in right now" }
                p {
                    @if view.mailboxes == 0 { "There is no mailbox yet." }
                    @else if all { "Everybody is ready for an outage." }
                    @else { "Give those below a password or a one-time code before they need it." }
                }
            }
        }
    }
}

fn table(rows: &[&PersonView]) -> Markup {
    html! {
        @if rows.is_empty() {
            p.meta { "Nobody here." }
        } @else {
            table {
                thead { tr { th scope="col" { "Mailbox" } th scope="col" { "Could sign in" } } }
                tbody {
                    @for person in rows {
                        tr {
                            td {
                                a href=(link(&person.address)) { (person.address) }
                                @if person.asked_at.is_some() { " " span.badge.warn { "asks for help" } }
                            }
                            td {
                                @if person.ready { span.badge.ok { "yes" } }
                                @else { span.badge { "no" } }
                                " " span.meta { (reason(person.reason)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn query(filter: &Filter, after: &str) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("q", &filter.q);
    if filter.unready.is_some() {
        query.append_pair("unready", "1");
    }
    query.append_pair("after", after).finish()
}

fn bulk(admin: &Admin, domain: &str, changes: bool) -> Markup {
    let action = format!("/people/{domain}");
    html! {
        h2 { "One-time codes for everybody without a password" }
        p.hint { "Each is good for 14 days and sets a password once. Codes from before are worthless then." }
        form method="post" action=(action) {
            (csrf_field(&admin.csrf))
            div.actions { button type="submit" name="act" value="codes" { "Make codes" } }
        }
        @if changes {
            h2 { "Add a mailbox" }
            form.form method="post" action=(action) {
                (csrf_field(&admin.csrf))
                label for="address" { "Address" }
                input #address name="address" type="email" required maxlength="320";
                label for="name" { "Name (may stay empty)" }
                input #name name="name" maxlength="200";
                label for="password" { "Password (may stay empty: the user gets one by code or link)" }
                input #password name="password" type="password" autocomplete="new-password" maxlength="256";
                div.actions {
                    button type="submit" name="act" value="add" { "Add" }
                    a.button href={ (action) "/import" } { "Many at once, from a file" }
                }
            }
        }
    }
}

fn codes_content(domain: &Domain, codes: &CodesView) -> Markup {
    html! {
        h1 { "One-time codes" }
        @if codes.items.is_empty() {
            p { "Everybody of " (domain.name) " has a password. There is nobody to make a code for." }
        } @else {
            p { "Shown this once. Each is typed at " code { (codes.url) } " and sets a password." }
            table {
                thead { tr { th scope="col" { "Mailbox" } th scope="col" { "Code" } } }
                tbody {
                    @for item in &codes.items {
                        tr { td { (item.address) } td { code { (item.code) } } }
                    }
                }
            }
        }
        div.actions { a.button href={ "/people/" (domain.name) } { "Back" } }
    }
}
