//! The conversation around a message: one line for each of its other messages.

use maud::{Markup, html};
use storage::model::{Folder, Line, LineId};

use super::words;
use crate::language::{DateStyle, format_date};
use crate::portal::mailbox::Shelf;
use crate::portal::refusal::Refusal;
use crate::portal::user::User;

/// The messages before and behind one in its conversation, oldest first.
#[derive(Debug, Default)]
pub(super) struct Thread {
    before: Vec<Line>,
    behind: Vec<Line>,
}

impl Thread {
    /// The conversation of a message; empty when the user wants none.
    pub(super) async fn of(user: &User, id: LineId) -> Result<Self, Refusal> {
        if !user.preferences.conversations {
            return Ok(Self::default());
        }
        let mut before = user.portal.spool.conversation(&user.scope, id).await?;
        let at = before.iter().position(|line| line.id == id);
        let behind = at.map_or_else(Vec::new, |at| before.split_off(at));
        Ok(Self {
            before,
            behind: behind.into_iter().skip(1).collect(),
        })
    }

    /// What came before, folded away so that the message itself is what one sees first; and the way
    /// to the newest message, when this is not it.
    pub(super) fn draw_before(&self, user: &User) -> Markup {
        let language = user.language;
        let label = words::earlier(language);
        html! {
            @if let Some(newest) = self.behind.last() {
                p.newer {
                    a href={ (Shelf::of_folder(newest.folder).path()) "/" (newest.id) } {
                        (words::newest_here(language))
                    }
                }
            }
            @if !self.before.is_empty() {
                details.earlier {
                    summary { (words::earlier_count(language, self.before.len())) }
                    (draw(user, &self.before, label))
                }
            }
        }
    }

    /// What came afterwards.
    pub(super) fn draw_behind(&self, user: &User) -> Markup {
        draw(user, &self.behind, words::later(user.language))
    }
}

fn draw(user: &User, lines: &[Line], label: &str) -> Markup {
    let language = user.language;
    let zone = &user.portal.zone;
    html! {
        @if !lines.is_empty() {
            ol.lines.thread aria-label=(label) {
                @for line in lines {
                    li.line.plain.unread[!line.flags.read] {
                        a.open href={ (Shelf::of_folder(line.folder).path()) "/" (line.id) } {
                            span.who { (who(user, line)) }
                            span.what { span.preview { (line.summary.preview) } }
                            span.marks {}
                            time datetime=(line.id.at.rfc3339()) {
                                (format_date(language, DateStyle::Short, line.id.at, user.now, zone))
                            }
                        }
                    }
                }
            }
        }
    }
}

fn who<'l>(user: &User, line: &'l Line) -> &'l str {
    if line.folder == Folder::Sent {
        return words::me(user.language);
    }
    let from = &line.summary.from;
    if from.name.is_empty() {
        &from.address
    } else {
        &from.name
    }
}
