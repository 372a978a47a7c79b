//! `/outages`: what happened to the destinations of the own domains in the last 30 days.

use actors::outages::{Outage, OutageKind};
use axum::response::Response;
use jiff::tz::TimeZone;
use maud::{Markup, html};
use storage::model::Timestamp;

use super::visitor::Admin;
use crate::language::{DateStyle, Language, format_date, format_duration};
use crate::portal::Refusal;

/// The title of the page, as the navigation names it.
pub(super) const TITLE: &str = "Outages";

pub(super) async fn show(admin: Admin) -> Result<Response, Refusal> {
    let site = &admin.site;
    let directory = site.spool.directory();
    let grants = admin.row.grants.iter();
    let mut domains: Vec<_> = grants
        .filter_map(|grant| directory.domain(grant.domain))
        .collect();
    domains.sort_by(|one, other| one.name.cmp(&other.name));
    let now = site.spool.clock().wall();
    let content = html! {
        h1 { (TITLE) }
        p.hint { "The last 30 days, newest first. Times are UTC and exact to the second." }
        @for domain in &domains {
            h2 { (domain.name) }
            (table(&site.status.outages(domain.id), now))
        }
    };
    Ok(admin.page(TITLE, &content))
}

fn table(outages: &[Outage], now: Timestamp) -> Markup {
    if outages.is_empty() {
        return html! { p { "No outage. Mail was passed on as it came." } };
    }
    html! {
        div.scroll tabindex="0" role="group" aria-label="Outages" {
            table {
                thead {
                    tr {
                        th scope="col" { "Started" }
                        th scope="col" { "Noticed after" }
                        th scope="col" { "Server back" }
                        th scope="col" { "Lasted" }
                        th scope="col" { "Backlog gone after" }
                        th scope="col" { "Held at most" }
                        th scope="col" { "Longest wait" }
                        th scope="col" { "Why" }
                    }
                }
                tbody { @for outage in outages.iter().rev() { (row(outage, now)) } }
            }
        }
    }
}

fn row(outage: &Outage, now: Timestamp) -> Markup {
    let language = Language::English;
    let date = |at| format_date(language, DateStyle::Exact, at, now, &TimeZone::UTC);
    let between =
        |from: Timestamp, to: Timestamp| format_duration(language, to.saturating_since(from));
    let drained = match (outage.ended_at, outage.drained_at) {
        (Some(ended), Some(drained)) => between(ended, drained),
        (Some(_), None) => "not yet".to_owned(),
        (None, _) => String::new(),
    };
    html! {
        tr {
            td { (date(outage.started_at)) }
            td { (between(outage.started_at, outage.noticed_at)) }
            td { @if let Some(ended) = outage.ended_at { (date(ended)) } @else { strong { "not yet" } } }
            td { (format_duration(language, outage.lasted(now))) }
            td { (drained) }
            td.number { (outage.held_max) }
            td { (format_duration(language, outage.wait_max())) }
            td {
                @if outage.kind == OutageKind::Planned { "Planned: " }
                (outage.reason)
            }
        }
    }
}
