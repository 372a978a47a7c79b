//! One message of a list: one link, one box to tick, nothing else that reacts.

use maud::{Markup, html};
use storage::model::{Correspondent, Folder, Line};

use super::shelf::Shelf;
use super::words;
use crate::language::{DateStyle, format_date};
use crate::portal::user::User;

/// Correspondents named in a line of what one has sent.
const NAMED_MAX: usize = 3;

/// Draws a line.
pub(super) fn draw(user: &User, shelf: Shelf, line: &Line) -> Markup {
    let language = user.language;
    let summary = &line.summary;
    let subject = if summary.subject.is_empty() {
        words::no_subject(language)
    } else {
        &summary.subject
    };
    let who = who(user, line);
    let at = line.id.at;
    let zone = &user.portal.zone;
    let id = line.id.to_string();
    let box_name = words::select_message(language, &who, subject);
    let came_to = came_to(user, line);
    let kept_in = (shelf.folder().is_none()).then(|| Shelf::of_folder(line.folder).name(language));
    html! {
        li.line.unread[!line.flags.read] {
            label.tick {
                input type="checkbox" name="id" value=(id) aria-label=(box_name);
            }
            a.open href={ "/m/" (shelf.word()) "/" (id) } {
                span.who {
                    @if !line.flags.read { span.hidden { (words::unread_word(language)) ": " } }
                    (who)
                }
                span.what {
                    span.subject { (subject) }
                    @if !summary.preview.is_empty() {
                        span.preview { span.hidden { ", " } (summary.preview) }
                    }
                }
                span.marks {
                    @if let Some(shelf) = kept_in { span.badge { (shelf) } }
                    @if let Some(alias) = &came_to { span.badge { (words::to_alias(language, alias)) } }
                    @if line.flags.answered { span.mark-sign title=(words::answered(language)) { "\u{21a9}\u{fe0e}" span.hidden { (words::answered(language)) } } }
                    @if summary.has_attachments { span.mark-sign title=(words::has_files(language)) { "\u{1f4ce}\u{fe0e}" span.hidden { (words::has_files(language)) } } }
                    @if line.flags.starred { span.mark-sign.star title=(words::has_star(language)) { "\u{2605}" span.hidden { (words::has_star(language)) } } }
                }
                time datetime=(at.rfc3339()) title=(format_date(language, DateStyle::Exact, at, user.now, zone)) {
                    (format_date(language, DateStyle::Short, at, user.now, zone))
                }
            }
        }
    }
}

/// Who wrote it; for what one wrote oneself, to whom.
fn who(user: &User, line: &Line) -> String {
    let summary = &line.summary;
    if line.folder != Folder::Sent {
        return named(&summary.from).unwrap_or_else(|| words::no_sender(user.language).to_owned());
    }
    let names: Vec<String> = summary
        .to
        .iter()
        .take(NAMED_MAX)
        .filter_map(named)
        .collect();
    if names.is_empty() {
        return words::to_nobody_named(user.language).to_owned();
    }
    words::to_whom(user.language, names.join(", "))
}

fn named(correspondent: &Correspondent) -> Option<String> {
    let Correspondent { name, address } = correspondent;
    [name, address]
        .into_iter()
        .find(|text| !text.trim().is_empty())
        .cloned()
}

/// The alias it came to, when that is not the mailbox's own address (C16).
fn came_to(user: &User, line: &Line) -> Option<String> {
    let own = user.address.to_string();
    let is_other = !line.came_to.is_empty() && !line.came_to.eq_ignore_ascii_case(&own);
    (is_other && line.folder != Folder::Sent).then(|| line.came_to.clone())
}
