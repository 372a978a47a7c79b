//! One line at the top of the next page: what was just done.
//!
//! It travels in a cookie of its own, holds no text, and is gone after it was shown once.

use super::words;
use crate::language::Language;

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flash {
    /// Settings were kept.
    Saved,
    /// The session is over.
    SignedOut,
    /// There is a password now.
    PasswordSet,
    /// Another session is over.
    SessionEnded,
}

impl Flash {
    const ALL: [(&'static str, Self); 4] = [
        ("saved", Self::Saved),
        ("signed-out", Self::SignedOut),
        ("password-set", Self::PasswordSet),
        ("session-ended", Self::SessionEnded),
    ];

    /// What a cookie says.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let found = Self::ALL.iter().find(|(word, _)| *word == text);
        found.map(|(_, flash)| *flash)
    }

    /// What the cookie is to say.
    pub(crate) fn word(self) -> &'static str {
        let found = Self::ALL.iter().find(|(_, flash)| *flash == self);
        found.map_or("saved", |(word, _)| word)
    }

    /// What the reader sees.
    pub(crate) const fn text(self, language: Language) -> &'static str {
        match self {
            Self::Saved => words::flash_saved(language),
            Self::SignedOut => words::flash_signed_out(language),
            Self::PasswordSet => words::flash_password_set(language),
            Self::SessionEnded => words::flash_session_ended(language),
        }
    }
}
