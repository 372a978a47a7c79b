//! What is done with messages of a list, and how it is taken back.
//!
//! Nothing of it changes what is delivered (D3). What can be taken back is done without asking;
//! the next page offers to take it back.

use axum::extract::Path;
use axum::response::Response;
use storage::model::{Folder, LineId, MessageId};
use storage::spool::{Selection, UndoId, ViewChange};

use super::shelf::Shelf;
use super::words;
use crate::language::Language;
use crate::portal::flash::{Filed, Flash};
use crate::portal::posted::{Form, Posted};
use crate::portal::redirect::place_of_ours;
use crate::portal::refusal::Refusal;
use crate::portal::user::User;

/// Messages that one form may name.
const NAMED_MAX: usize = 200;

/// What can be done with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deed {
    /// Mark as read.
    Read,
    /// Mark as unread.
    Unread,
    /// Give it a star.
    Star,
    /// Take its star.
    Unstar,
    /// File it.
    Archive,
    /// Back to where mail arrives.
    Inbox,
    /// Throw it away.
    Trash,
    /// Delete it for good.
    Delete,
}

impl Deed {
    pub(crate) const ALL: [Self; 8] = [
        Self::Read,
        Self::Unread,
        Self::Star,
        Self::Unstar,
        Self::Archive,
        Self::Inbox,
        Self::Trash,
        Self::Delete,
    ];

    /// The word in forms.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Unread => "unread",
            Self::Star => "star",
            Self::Unstar => "unstar",
            Self::Archive => "archive",
            Self::Inbox => "inbox",
            Self::Trash => "trash",
            Self::Delete => "delete",
        }
    }

    /// What its button says.
    pub(crate) const fn name(self, language: Language) -> &'static str {
        match self {
            Self::Read => words::do_read(language),
            Self::Unread => words::do_unread(language),
            Self::Star => words::do_star(language),
            Self::Unstar => words::do_unstar(language),
            Self::Archive => words::do_archive(language),
            Self::Inbox => words::do_inbox(language),
            Self::Trash => words::do_trash(language),
            Self::Delete => words::do_delete(language),
        }
    }

    /// What was done, as the next page says it.
    pub(crate) fn done(self, language: Language, count: u32) -> String {
        match self {
            Self::Read => words::done_read(language, count),
            Self::Unread => words::done_unread(language, count),
            Self::Star => words::done_star(language, count),
            Self::Unstar => words::done_unstar(language, count),
            Self::Archive => words::done_archive(language, count),
            Self::Inbox => words::done_inbox(language, count),
            Self::Trash => words::done_trash(language, count),
            Self::Delete => words::done_delete(language, count),
        }
    }

    pub(crate) fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|deed| deed.word() == word)
    }

    fn change(self) -> ViewChange {
        match self {
            Self::Read => ViewChange::read(true),
            Self::Unread => ViewChange::read(false),
            Self::Star | Self::Unstar => ViewChange {
                starred: Some(self == Self::Star),
                ..ViewChange::default()
            },
            Self::Archive => ViewChange::into(Folder::Archive),
            Self::Inbox => ViewChange::into(Folder::Inbox),
            Self::Trash => ViewChange::into(Folder::Trash),
            Self::Delete => ViewChange {
                delete: true,
                ..ViewChange::default()
            },
        }
    }
}

/// `POST /act`: does something with the named messages, or with everything on a shelf.
pub(crate) async fn submit(user: User, posted: Posted) -> Result<Response, Refusal> {
    let form = posted.of(&user.csrf)?;
    let deed = Deed::of_word(form.text("do")).ok_or(Refusal::Malformed)?;
    let back = place_of_ours(form.text("back")).unwrap_or("/").to_owned();
    let spool = &user.portal.spool;
    let done = if let Some(all) = form.field("all") {
        let (shelf, filter) = all.split_once(' ').ok_or(Refusal::Malformed)?;
        let shelf = Shelf::of_word(shelf).ok_or(Refusal::Malformed)?;
        let list = shelf.list(filter == "unread");
        let all = Selection::All(list);
        spool
            .change_selection(&user.scope, all, deed.change())
            .await?
    } else {
        let ids = named(&form)?;
        if ids.is_empty() {
            return Ok(user.lead_to(&back, Flash::NothingSelected));
        }
        let these = Selection::These(&ids);
        spool
            .change_selection(&user.scope, these, deed.change())
            .await?
    };
    let filed = Filed {
        deed,
        count: u32::try_from(done.changed).unwrap_or(u32::MAX),
        undo: done.undo.map(|undo| undo.0),
    };
    Ok(user.lead_to(&back, Flash::Filed(filed)))
}

/// `POST /undo/{op}`.
pub(crate) async fn undo(
    user: User,
    Path(op): Path<String>,
    posted: Posted,
) -> Result<Response, Refusal> {
    let form = posted.of(&user.csrf)?;
    let undo: MessageId = op.parse().map_err(|_| Refusal::NotFound)?;
    let back = place_of_ours(form.text("back")).unwrap_or("/").to_owned();
    let spool = &user.portal.spool;
    let restored = spool.undo(&user.scope, UndoId(undo)).await?;
    let flash = if restored > 0 {
        Flash::Undone
    } else {
        Flash::TooLateToUndo
    };
    Ok(user.lead_to(&back, flash))
}

/// The messages whose boxes are ticked.
fn named(form: &Form) -> Result<Vec<LineId>, Refusal> {
    let ids: Result<Vec<LineId>, _> = form.all("id").take(NAMED_MAX + 1).map(str::parse).collect();
    let ids = ids.map_err(|_| Refusal::Malformed)?;
    if ids.len() > NAMED_MAX {
        return Err(Refusal::TooLarge);
    }
    Ok(ids)
}
