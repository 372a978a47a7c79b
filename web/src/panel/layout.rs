//! The frame around the administration's pages.

use maud::{Markup, html};

use super::outages;
use super::visitor::Admin;
use crate::language::Language;
use crate::portal::layout::{csrf_field, document, mark};

/// A page for somebody who has not signed in.
pub(super) fn door(title: &str, content: &Markup) -> Markup {
    let body = html! {
        header.top { a.brand href="/login" { (mark()) "Mailhold administration" } }
        main.narrow #main tabindex="-1" { (content) }
    };
    document(
        Language::English,
        &format!("{title} \u{2013} Mailhold administration"),
        "door",
        &body,
    )
}

/// A page for an administrator.
pub(super) fn signed_in(admin: &Admin, title: &str, content: &Markup) -> Markup {
    let address = admin.row.address.to_string();
    let mut domains: Vec<String> = admin
        .row
        .grants
        .iter()
        .filter_map(|grant| admin.site.spool.directory().domain(grant.domain))
        .map(|domain| domain.name.to_string())
        .collect();
    domains.sort();
    let body = html! {
        header.top {
            a.brand href="/people" { (mark()) "Mailhold administration" }
            span.who title=(address) { (address) }
            form.sign-out method="post" action="/logout" {
                (csrf_field(&admin.csrf))
                button.quiet type="submit" { "Sign out" }
            }
        }
        div.columns {
            nav.side aria-label="Places" {
                ul {
                    @for domain in &domains {
                        li {
                            a href={ "/people/" (domain) } aria-current=[here(domain, title)] { (domain) }
                        }
                    }
                }
                ul { li { a href="/outages" aria-current=[here(outages::TITLE, title)] { (outages::TITLE) } } }
                ul { li { a href="/me" aria-current=[here("My account", title)] { "My account" } } }
            }
            main #main tabindex="-1" { (content) }
        }
    };
    let title = format!("{title} \u{2013} Mailhold administration");
    document(Language::English, &title, "app", &body)
}

/// Marks the place that a page with this title is.
fn here(place: &str, title: &str) -> Option<&'static str> {
    (place == title).then_some("page")
}

/// What was just done, out of a fixed list: an address of ours never holds text of others.
pub(super) fn done(word: &str) -> Markup {
    let text = match word {
        "password" => "The password is set. The user's sessions have ended.",
        "factor" => "The second factor is off. The user is told by mail.",
        "sessions" => "The user is signed out everywhere.",
        "enabled" => "The mailbox is enabled.",
        "disabled" => "The mailbox is disabled. Its user is signed out, and its mail is refused.",
        "added" => "The mailbox is added.",
        "saved" => "Saved.",
        "ended" => "That session has ended.",
        _ => return html! {},
    };
    html! { div.flash role="status" { (text) } }
}

/// Why something was not done.
pub(super) fn fault(text: Option<&str>) -> Markup {
    html! {
        @if let Some(text) = text {
            div.fault role="alert" { (text) }
        }
    }
}
