//! The places where messages lie, as addresses and the navigation name them.

use storage::model::Folder;
use storage::spool::List;

use super::words;
use crate::language::Language;

/// A folder, or what has a star in any of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shelf {
    /// Where mail arrives.
    Inbox,
    /// With a star, wherever it lies.
    Starred,
    /// Written here.
    Sent,
    /// Filed.
    Archive,
    /// Thrown away.
    Trash,
}

impl Shelf {
    /// All of them, as the navigation lists them.
    pub(crate) const ALL: [Self; 5] = [
        Self::Inbox,
        Self::Starred,
        Self::Sent,
        Self::Archive,
        Self::Trash,
    ];

    /// The word in addresses.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Inbox => "inbox",
            Self::Starred => "starred",
            Self::Sent => "sent",
            Self::Archive => "archive",
            Self::Trash => "trash",
        }
    }

    /// The shelf of a word.
    pub(crate) fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|shelf| shelf.word() == word)
    }

    /// Where a message of a folder is shown.
    pub(crate) const fn of_folder(folder: Folder) -> Self {
        match folder {
            Folder::Inbox => Self::Inbox,
            Folder::Archive => Self::Archive,
            Folder::Trash => Self::Trash,
            Folder::Sent => Self::Sent,
        }
    }

    /// Its folder; none for what lies in any.
    pub(crate) const fn folder(self) -> Option<Folder> {
        match self {
            Self::Inbox => Some(Folder::Inbox),
            Self::Starred => None,
            Self::Sent => Some(Folder::Sent),
            Self::Archive => Some(Folder::Archive),
            Self::Trash => Some(Folder::Trash),
        }
    }

    /// Its path.
    pub(crate) fn path(self) -> String {
        format!("/m/{}", self.word())
    }

    /// Its name.
    pub(crate) const fn name(self, language: Language) -> &'static str {
        match self {
            Self::Inbox => words::inbox(language),
            Self::Starred => words::starred(language),
            Self::Sent => words::sent(language),
            Self::Archive => words::archive(language),
            Self::Trash => words::trash(language),
        }
    }

    /// What the store lists for it.
    pub(super) const fn list(self, unread_only: bool) -> List {
        match self.folder() {
            Some(folder) if unread_only => List::Unread(folder),
            Some(folder) => List::Folder(folder),
            None => List::Starred,
        }
    }
}
