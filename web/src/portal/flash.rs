//! One line at the top of the next page: what was just done.
//!
//! It travels in a cookie of its own, holds no text, and is gone after it was shown once.

use storage::model::MessageId;

use super::mailbox::Deed;
use axum::http::{HeaderMap, HeaderValue};

use super::{Portal, words};
use crate::language::Language;

/// What was done with messages of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Filed {
    /// What it was.
    pub(crate) deed: Deed,
    /// With how many.
    pub(crate) count: u32,
    /// By this it is taken back, while it can be.
    pub(crate) undo: Option<MessageId>,
}

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
    /// Something was done with messages.
    Filed(Filed),
    /// That was taken back.
    Undone,
    /// That cannot be taken back any more.
    TooLateToUndo,
    /// No message was ticked.
    NothingSelected,
    /// A draft is gone.
    Discarded,
    /// A draft was kept.
    DraftSaved,
    /// A message leaves in a moment; by this it is stopped.
    Sending(MessageId),
    /// It has left already.
    Left,
    /// It was stopped and is a draft again.
    Stopped,
}

impl Flash {
    const ALL: [(&'static str, Self); 11] = [
        ("saved", Self::Saved),
        ("signed-out", Self::SignedOut),
        ("password-set", Self::PasswordSet),
        ("session-ended", Self::SessionEnded),
        ("undone", Self::Undone),
        ("too-late", Self::TooLateToUndo),
        ("nothing-selected", Self::NothingSelected),
        ("discarded", Self::Discarded),
        ("draft-saved", Self::DraftSaved),
        ("left", Self::Left),
        ("stopped", Self::Stopped),
    ];

    /// What a cookie says.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if let Some(filed) = text.strip_prefix("filed.") {
            return Filed::parse(filed).map(Self::Filed);
        }
        if let Some(id) = text.strip_prefix("sending.") {
            return id.parse().ok().map(Self::Sending);
        }
        let found = Self::ALL.iter().find(|(word, _)| *word == text);
        found.map(|(_, flash)| *flash)
    }

    /// What the cookie is to say.
    pub(crate) fn word(self) -> String {
        if let Self::Filed(filed) = self {
            return format!("filed.{}", filed.word());
        }
        if let Self::Sending(id) = self {
            return format!("sending.{id}");
        }
        let found = Self::ALL.iter().find(|(_, flash)| *flash == self);
        found.map_or("saved", |(word, _)| word).to_owned()
    }

    /// What the reader sees.
    pub(crate) fn text(self, language: Language) -> String {
        let text = match self {
            Self::Saved => words::flash_saved(language),
            Self::SignedOut => words::flash_signed_out(language),
            Self::PasswordSet => words::flash_password_set(language),
            Self::SessionEnded => words::flash_session_ended(language),
            Self::Filed(filed) => return filed.deed.done(language, filed.count),
            Self::Undone => words::flash_undone(language),
            Self::TooLateToUndo => words::flash_too_late(language),
            Self::NothingSelected => words::flash_nothing_selected(language),
            Self::Discarded => words::flash_discarded(language),
            Self::DraftSaved => words::flash_draft_saved(language),
            Self::Sending(_) | Self::Left => words::flash_sending(language),
            Self::Stopped => words::flash_stopped(language),
        };
        text.to_owned()
    }
}

impl Filed {
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('.');
        let deed = Deed::of_word(parts.next()?)?;
        let count = parts.next()?.parse().ok()?;
        let undo = parts.next().map(str::parse).transpose().ok()?;
        Some(Self { deed, count, undo })
    }

    fn word(self) -> String {
        let Self { deed, count, undo } = self;
        let undo = undo.map(|undo| format!(".{undo}")).unwrap_or_default();
        format!("{}.{count}{undo}", deed.word())
    }
}

/// What the page before left for this one to say; taken away with the answer.
pub(super) fn left_by_page_before(
    portal: &Portal,
    headers: &HeaderMap,
    cookies: &mut Vec<HeaderValue>,
) -> Option<Flash> {
    let cookie = portal.flash_cookie();
    let word = cookie.read(headers)?;
    cookies.extend(cookie.clear());
    Flash::parse(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_done_survives_a_cookie() {
        let undo: MessageId = "01ARZ3NDEKTSV4RRFFQ6".parse().unwrap();
        for deed in Deed::ALL {
            for undo in [None, Some(undo)] {
                let flash = Flash::Filed(Filed {
                    deed,
                    count: 12,
                    undo,
                });
                assert_eq!(Flash::parse(&flash.word()), Some(flash));
            }
        }
        for (_, flash) in Flash::ALL {
            assert_eq!(Flash::parse(&flash.word()), Some(flash));
        }
        let sending = Flash::Sending(undo);
        assert_eq!(Flash::parse(&sending.word()), Some(sending));
        for text in [
            "",
            "sending.",
            "filed.",
            "filed.x.1",
            "filed.read.x",
            "filed.read.1.x",
        ] {
            assert_eq!(Flash::parse(text), None, "{text}");
        }
    }
}
