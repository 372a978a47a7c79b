//! What stands above and below a list: search, filters, what can be done with ticked messages,
//! newer and older.

use maud::{Markup, html};
use storage::model::{Folder, LineId};
use storage::spool::Toward;

use super::act::Deed;
use super::address::{Address, Filter};
use super::shelf::Shelf;
use super::words;
use crate::language::Language;

/// The search field, its help below it.
pub(super) fn search(language: Language, address: &Address<'_>) -> Markup {
    html! {
        search.search {
            form method="get" action=(address.shelf.path()) {
                label.hidden for="q" { (words::search_label(language)) }
                input #q type="search" name="q" value=(address.query) maxlength="1000"
                    placeholder=(words::search_label(language)) autocomplete="off";
                button type="submit" { (words::search(language)) }
            }
            details {
                summary { (words::search_help(language)) }
                ul.operators {
                    @for (operator, meaning) in operators(language) {
                        li { code { (operator) } " " (meaning) }
                    }
                }
            }
        }
    }
}

const fn operators(language: Language) -> [(&'static str, &'static str); 9] {
    [
        ("\"…\"", words::operator_phrase(language)),
        ("from:", words::operator_from(language)),
        ("to:", words::operator_to(language)),
        ("subject:", words::operator_subject(language)),
        ("has:attachment", words::operator_has(language)),
        ("before:2026-03-31", words::operator_before(language)),
        ("after:2026-03-01", words::operator_after(language)),
        ("is:unread", words::operator_unread(language)),
        ("larger:1M", words::operator_larger(language)),
    ]
}

/// Links to parts of the list.
pub(super) fn filters(
    language: Language,
    address: &Address<'_>,
    unread: u32,
    has_outage: bool,
) -> Markup {
    let is_offered = |filter: &Filter| match filter {
        Filter::Outage => has_outage || address.filter == Filter::Outage,
        // The shelf is that filter already.
        Filter::Starred => address.shelf != Shelf::Starred,
        Filter::All | Filter::Unread | Filter::Files => true,
    };
    let name = |filter| match filter {
        Filter::All => words::filter_all(language),
        Filter::Unread => words::filter_unread(language),
        Filter::Starred => words::starred(language),
        Filter::Files => words::filter_files(language),
        Filter::Outage => words::filter_outage(language),
    };
    html! {
        nav.filters aria-label=(words::filters(language)) {
            @for filter in Filter::ALL.into_iter().filter(is_offered) {
                a href=(address.filtered(filter).path())
                    aria-current=[(filter == address.filter).then_some("true")] {
                    (name(filter))
                    @if filter == Filter::Unread && unread > 0 { " " span.count { (unread) } }
                }
            }
        }
    }
}

/// What can be done with the messages that are ticked.
pub(super) fn deeds(language: Language, shelf: Shelf) -> Markup {
    let deeds: &[Deed] = match shelf.folder() {
        Some(Folder::Trash) => &[Deed::Inbox, Deed::Delete, Deed::Read, Deed::Unread],
        Some(Folder::Archive) => &[
            Deed::Inbox,
            Deed::Trash,
            Deed::Read,
            Deed::Unread,
            Deed::Star,
        ],
        Some(Folder::Sent) => &[Deed::Archive, Deed::Trash, Deed::Star],
        Some(Folder::Inbox) => &[
            Deed::Archive,
            Deed::Trash,
            Deed::Read,
            Deed::Unread,
            Deed::Star,
        ],
        None => &[
            Deed::Unstar,
            Deed::Archive,
            Deed::Trash,
            Deed::Read,
            Deed::Unread,
        ],
    };
    html! {
        div.deeds role="group" aria-label=(words::deeds(language)) {
            @for deed in deeds {
                button.danger[*deed == Deed::Delete] type="submit" name="do" value=(deed.word()) {
                    (deed.name(language))
                }
            }
        }
    }
}

/// Newer and older.
pub(super) fn pages(
    language: Language,
    address: &Address<'_>,
    newer: Option<LineId>,
    older: Option<LineId>,
) -> Markup {
    html! {
        nav.pages aria-label=(words::pages(language)) {
            @if address.toward != Toward::Newest {
                a href=(address.at(Toward::Newest).path()) { (words::newest(language)) }
            }
            @if let Some(id) = newer {
                a rel="prev" href=(address.at(Toward::NewerThan(id)).path()) { (words::newer(language)) }
            }
            @if let Some(id) = older {
                a rel="next" href=(address.at(Toward::OlderThan(id)).path()) { (words::older(language)) }
            }
        }
    }
}
