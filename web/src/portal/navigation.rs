//! The places of the portal, as every page lists them.

use maud::{Markup, html};

use super::words;
use crate::language::Language;

/// Where a page belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// The state of the own server.
    Status,
    /// Settings of any kind.
    Settings,
    /// Help.
    Help,
}

/// What leads where, from top to bottom; the first group is the mailbox.
const GROUPS: [&[Place]; 2] = [&[], &[Place::Status, Place::Settings, Place::Help]];

impl Place {
    const fn path(self) -> &'static str {
        match self {
            Self::Status => "/status",
            Self::Settings => "/settings/reading",
            Self::Help => "/help",
        }
    }

    const fn name(self, language: Language) -> &'static str {
        match self {
            Self::Status => words::nav_status(language),
            Self::Settings => words::nav_settings(language),
            Self::Help => words::nav_help(language),
        }
    }
}

/// The list, with the present place marked.
pub(super) fn draw(language: Language, here: Place) -> Markup {
    html! {
        nav.side aria-label=(words::nav_label(language)) {
            @for group in GROUPS.iter().filter(|group| !group.is_empty()) {
                ul {
                    @for place in *group {
                        li {
                            a href=(place.path()) aria-current=[(*place == here).then_some("page")] {
                                (place.name(language))
                            }
                        }
                    }
                }
            }
        }
    }
}
