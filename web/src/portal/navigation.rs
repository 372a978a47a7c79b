//! The places of the portal, as every page lists them.

use maud::{Markup, html};
use storage::model::{Folder, ViewCounts};

use super::mailbox::Shelf;
use super::words;
use crate::language::Language;

/// Where a page belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// A list of messages.
    Shelf(Shelf),
    /// What was begun.
    Drafts,
    /// What has not left yet.
    Outbox,
    /// The state of the own server.
    Status,
    /// Settings of any kind.
    Settings,
    /// Help.
    Help,
}

/// What leads where, from top to bottom; the first group is the mailbox.
const GROUPS: [&[Place]; 2] = [
    &[
        Place::Shelf(Shelf::Inbox),
        Place::Shelf(Shelf::Starred),
        Place::Drafts,
        Place::Outbox,
        Place::Shelf(Shelf::Sent),
        Place::Shelf(Shelf::Archive),
        Place::Shelf(Shelf::Trash),
    ],
    &[Place::Status, Place::Settings, Place::Help],
];

impl Place {
    fn path(self) -> String {
        let path = match self {
            Self::Shelf(shelf) => return shelf.path(),
            Self::Drafts => "/drafts",
            Self::Outbox => "/outbox",
            Self::Status => "/status",
            Self::Settings => "/settings/reading",
            Self::Help => "/help",
        };
        path.to_owned()
    }

    const fn name(self, language: Language) -> &'static str {
        match self {
            Self::Shelf(shelf) => shelf.name(language),
            Self::Drafts => words::nav_drafts(language),
            Self::Outbox => words::nav_outbox(language),
            Self::Status => words::nav_status(language),
            Self::Settings => words::nav_settings(language),
            Self::Help => words::nav_help(language),
        }
    }
}

/// What counts at a place: what was not read of the inbox.
fn count(place: Place, counts: &ViewCounts) -> u32 {
    match place {
        Place::Shelf(Shelf::Inbox) => counts.folder(Folder::Inbox).unread,
        _ => 0,
    }
}

/// The list, with the present place marked.
pub(super) fn draw(language: Language, here: Place, counts: &ViewCounts) -> Markup {
    html! {
        nav.side #places aria-label=(words::nav_label(language)) {
            a.write href="/compose" { (words::nav_write(language)) }
            @for group in GROUPS.iter().filter(|group| !group.is_empty()) {
                ul {
                    @for place in *group {
                        li {
                            a href=(place.path()) aria-current=[(*place == here).then_some("page")] {
                                (place.name(language))
                                @let unread = count(*place, counts);
                                @if unread > 0 {
                                    span.count { (unread) span.hidden { " " (words::unread(language)) } }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
