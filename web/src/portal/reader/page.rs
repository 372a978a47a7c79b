//! The page of one message, its conversation around it.

use axum::extract::{Path, Query};
use axum::http::HeaderMap;
use axum::response::Response;
use maud::{Markup, html};
use storage::model::{Folder, LineId, MarkRead};
use storage::spool::ViewChange;

use super::opened::{Opened, place_of};
use super::thread::Thread;
use super::way::Way;
use super::{bars, body, words};
use crate::language::{DateStyle, Language, format_date};
use crate::message::{FileWarning, Mailbox, MessageView, PartPath};
use crate::portal::compose::size;
use crate::portal::layout::csrf_field;
use crate::portal::mailbox::{Deed, Shelf};
use crate::portal::navigation::Place;
use crate::portal::refusal::Refusal;
use crate::portal::user::User;
use crate::reader::{frame, text};

/// Recipients that are named before the rest is folded away.
const PEOPLE_NAMED_MAX: usize = 100;

/// How a message is to be shown.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(crate) struct PageQuery {
    /// `text` for the text, where there is HTML too.
    v: String,
    /// The place of a message inside the message.
    pub(super) part: String,
}

impl PageQuery {
    pub(super) fn wants_text(&self) -> bool {
        self.v == "text"
    }
}

/// What the page is drawn from.
struct Page<'p> {
    user: &'p User,
    shelf: Shelf,
    opened: &'p Opened,
    view: &'p MessageView,
    part: &'p PartPath,
}

/// `GET /m/{shelf}/{id}`.
pub(crate) async fn show(
    mut user: User,
    Path((shelf, id)): Path<(String, String)>,
    Query(query): Query<PageQuery>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let shelf = Shelf::of_word(&shelf).ok_or(Refusal::NotFound)?;
    let opened = Opened::of(&user, &id).await?;
    let part = place_of(&query.part)?;
    let view = opened.view(part.clone()).await?;
    if user.preferences.mark_read == MarkRead::Open && is_opened_by_reader(&headers) {
        mark_read(&mut user, &opened).await?;
    }
    let thread = if query.part.is_empty() {
        Thread::of(&user, opened.line.id).await?
    } else {
        Thread::default()
    };
    let language = user.language;
    let content = match &view {
        Ok(view) => {
            let page = Page {
                user: &user,
                shelf,
                opened: &opened,
                view,
                part: &part,
            };
            page.draw(&query, &thread).await?
        }
        Err(reason) => {
            let eml = format!("/m/{}/eml", opened.line.id);
            html! {
                (back(language, shelf))
                h1 { (subject(language, &opened.line.summary.subject)) }
                p.bar.warn { (words::too_much(language)) " " small { (reason) } }
                p.actions { a.button.primary href=(eml) { (words::download_message(language)) } }
            }
        }
    };
    let title = subject(language, &opened.line.summary.subject).to_owned();
    Ok(user.page(Place::Shelf(shelf), &title, &content))
}

/// Whether a person opened the page: nothing is marked because a browser looked ahead (A2).
fn is_opened_by_reader(headers: &HeaderMap) -> bool {
    let says = |name: &str, value: &str| headers.get(name).is_some_and(|said| said == value);
    says("sec-fetch-site", "same-origin")
        && says("sec-fetch-mode", "navigate")
        && !headers.contains_key("sec-purpose")
}

async fn mark_read(user: &mut User, opened: &Opened) -> Result<(), Refusal> {
    if opened.line.flags.read {
        return Ok(());
    }
    let spool = &user.portal.spool;
    let ids = [opened.line.id];
    spool
        .change_lines(&user.scope, &ids, ViewChange::read(true))
        .await?;
    user.counts = spool.view_counts(&user.scope).await?;
    Ok(())
}

fn subject(language: Language, subject: &str) -> &str {
    if subject.trim().is_empty() {
        words::no_subject(language)
    } else {
        subject
    }
}

fn back(language: Language, shelf: Shelf) -> Markup {
    html! { p.back { a href=(shelf.path()) { "\u{2190} " (shelf.name(language)) } } }
}

/// Names with addresses, in one line.
pub(super) fn people(people: &[Mailbox]) -> Markup {
    html! {
        @for (position, person) in people.iter().take(PEOPLE_NAMED_MAX).enumerate() {
            @if position > 0 { ", " }
            @if person.name.is_empty() { bdi { (person.address) } }
            @else { bdi { (person.name) } " " span.meta { "<" bdi { (person.address) } ">" } }
        }
        @if people.len() > PEOPLE_NAMED_MAX { " \u{2026}" }
    }
}

impl Page<'_> {
    fn id(&self) -> LineId {
        self.opened.line.id
    }

    /// A path of this message with its place inside the message and the view that was chosen.
    fn path(&self, path: &str, view: &str) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        let part = self.part.to_string();
        for (name, value) in [("part", part.as_str()), ("v", view)] {
            if !value.is_empty() {
                query.append_pair(name, value);
            }
        }
        let query = query.finish();
        let mark = if query.is_empty() { "" } else { "?" };
        format!("{path}{mark}{query}")
    }

    async fn draw(&self, query: &PageQuery, thread: &Thread) -> Result<Markup, Refusal> {
        let language = self.user.language;
        let eml = self.path(&format!("/m/{}/eml", self.id()), "");
        let own = [self.user.domain.name.as_str()];
        let way = if self.opened.line.folder == Folder::Sent && self.part.numbers().is_empty() {
            Some(Way::of(self.user, self.id().message).await?)
        } else {
            None
        };
        Ok(html! {
            (back(language, self.shelf))
            article.message aria-labelledby="subject" {
                h1 #subject { (subject(language, &self.view.subject)) }
                (self.toolbar())
                (thread.draw_before(self.user))
                (self.header())
                @if self.opened.line.folder != Folder::Sent { (bars::hints(language, &self.view.hints(&own))) }
                @if let Some(way) = &way { (way.draw(self.user)) }
                (bars::protection(language, self.view.protection, &eml))
                (bars::invitation(language, self.view.invitation.as_ref()))
                (self.body(query).await)
                (self.files())
                (thread.draw_behind(self.user))
                (self.more())
            }
        })
    }

    /// What can be done with the message.
    fn toolbar(&self) -> Markup {
        let language = self.user.language;
        let id = self.id().to_string();
        let line = &self.opened.line;
        let here = format!("{}/{id}", self.shelf.path());
        let moves: &[Deed] = match line.folder {
            Folder::Trash => &[Deed::Inbox, Deed::Delete],
            Folder::Archive => &[Deed::Inbox, Deed::Trash, Deed::Unread],
            Folder::Sent => &[Deed::Archive, Deed::Trash],
            Folder::Inbox => &[Deed::Archive, Deed::Trash, Deed::Unread],
        };
        let star = if line.flags.starred {
            Deed::Unstar
        } else {
            Deed::Star
        };
        let deeds = |deeds: &[Deed], back: &str| {
            html! {
                form.deeds-form method="post" action="/act" {
                    (csrf_field(&self.user.csrf))
                    input type="hidden" name="id" value=(id);
                    input type="hidden" name="back" value=(back);
                    @for deed in deeds {
                        button.danger[*deed == Deed::Delete] type="submit" name="do" value=(deed.word()) {
                            (deed.name(language))
                        }
                    }
                }
            }
        };
        let answer = |kind: &str| format!("/compose?reply={id}&kind={kind}");
        html! {
            div.toolbar role="group" aria-label=(words::actions(language)) {
                a.button.primary data-key="r" href=(answer("reply")) { (words::reply(language)) }
                a.button data-key="a" href=(answer("all")) { (words::reply_all(language)) }
                a.button data-key="f" href=(answer("forward")) { (words::forward(language)) }
                (deeds(moves, &self.shelf.path()))
                (deeds(&[star], &here))
                @if self.user.preferences.mark_read == MarkRead::Delay && !line.flags.read {
                    form #read-later method="post" action="/act" hidden {
                        (csrf_field(&self.user.csrf))
                        input type="hidden" name="id" value=(id);
                        input type="hidden" name="do" value=(Deed::Read.word());
                    }
                }
            }
        }
    }

    fn header(&self) -> Markup {
        let user = self.user;
        let language = user.language;
        let view = self.view;
        let line = &self.opened.line;
        let at = line.id.at;
        let zone = &user.portal.zone;
        let date = |style| format_date(language, style, at, user.now, zone);
        let came_to = &line.came_to;
        let is_alias = !came_to.is_empty()
            && line.folder != Folder::Sent
            && !came_to.eq_ignore_ascii_case(&user.address.to_string());
        html! {
            header.message-head {
                p.sender { (people(&view.from)) time datetime=(at.rfc3339()) title=(date(DateStyle::Exact)) { (date(DateStyle::Long)) } }
                @if !view.to.is_empty() { p.meta { (words::to(language)) ": " (people(&view.to)) } }
                @if !view.cc.is_empty() { p.meta { (words::cc(language)) ": " (people(&view.cc)) } }
                @if is_alias { p { span.badge { (words::to_alias(language, came_to)) } } }
                details.fields {
                    summary { (words::details(language)) }
                    dl.facts {
                        @for (name, value) in &view.fields { dt { (name) } dd { bdi { (value) } } }
                    }
                }
            }
        }
    }

    async fn body(&self, query: &PageQuery) -> Markup {
        let language = self.user.language;
        let here = format!("{}/{}", self.shelf.path(), self.id());
        let safe = body::html(self.user, self.opened, self.view).await;
        let (safe, is_refused) = match safe {
            Some(Ok(safe)) => (Some(safe), false),
            Some(Err(_)) => (None, true),
            None => (None, false),
        };
        if let Some(safe) = safe.as_ref().filter(|_| !query.wants_text()) {
            let sender = self.view.from.first();
            let sender = sender.map_or("", |from| {
                if from.name.is_empty() {
                    &from.address
                } else {
                    &from.name
                }
            });
            let path = self.path(&format!("/f/{}", self.id()), "");
            return html! {
                (bars::images(language, safe))
                (bars::links(language, &safe.links))
                p.view-choice { a href=(self.path(&here, "text")) { (words::show_text(language)) } }
                (frame::element(&path, &words::message_from(language, sender)))
            };
        }
        let part = body::text(self.user, self.view).await;
        html! {
            @if is_refused { p.bar.warn { (words::not_as_html(language)) } }
            @if safe.is_some() { p.view-choice { a href=(self.path(&here, "")) { (words::show_html(language)) } } }
            @if part.text.trim().is_empty() { p.meta { (words::no_text(language)) } }
            (text::view(&part.text, &[], words::quoted(language)))
            @if part.is_cut { p.bar { (words::cut(language)) } }
        }
    }

    fn files(&self) -> Markup {
        let language = self.user.language;
        let id = self.id();
        let files: Vec<_> = self
            .view
            .attachments
            .iter()
            .filter(|file| !file.is_inline)
            .collect();
        let inside = |place: &PartPath| format!("{}/{id}?part={place}", self.shelf.path());
        html! {
            @if !files.is_empty() {
                section.attachments aria-labelledby="files-title" {
                    h2 #files-title { (words::files(language, files.len())) }
                    ul.rows {
                        @for file in &files {
                            li {
                                div {
                                    p {
                                        @if file.is_message { a href=(inside(&file.path)) { bdi { (file.name) } } }
                                        @else { a href={ "/a/" (id) "/" (file.path) } download { bdi { (file.name) } } }
                                    }
                                    p.meta { (file.kind) " \u{b7} " (size(file.size as u64)) }
                                    @match file.warning {
                                        Some(FileWarning::Executable) => p.bar.warn { (words::runs_when_opened(language)) },
                                        Some(FileWarning::DoubleExtension) => p.bar.warn { (words::hides_its_kind(language)) },
                                        None => {},
                                    }
                                }
                                @if file.is_message { a href={ "/a/" (id) "/" (file.path) } download { (words::download(language)) } }
                            }
                        }
                    }
                    @if files.len() > 1 {
                        p { a href=(self.path(&format!("/a/{id}/all.zip"), "")) download { (words::all_files(language)) } }
                    }
                }
            }
        }
    }

    fn more(&self) -> Markup {
        let user = self.user;
        let language = user.language;
        let id = self.id();
        let leaves = user.domain.continuity.as_ref().map(|continuity| {
            let at = id.at.saturating_add(continuity.retention());
            format_date(language, DateStyle::Long, at, user.now, &user.portal.zone)
        });
        html! {
            p.more {
                a href=(self.path(&format!("/m/{id}/print"), "")) target="_blank" rel="noopener" { (words::print(language)) }
                a href={ "/compose?reply=" (id) "&kind=attached" } { (words::forward_attached(language)) }
                a href={ "/m/" (id) "/source" } target="_blank" rel="noopener" { (words::source(language)) }
                a href=(self.path(&format!("/m/{id}/eml"), "")) download { (words::download_message(language)) }
            }
            @if let Some(leaves) = leaves { p.meta { (words::kept_until(language, leaves)) } }
        }
    }
}
