//! A list of messages, and what a search found.

use std::time::Duration;

use axum::extract::{Path, Query};
use axum::response::Response;
use maud::{Markup, html};
use storage::model::{Line, LineId, Timestamp};
use storage::spool::{SearchQuery, Toward};

use super::address::{Address, Filter, ListQuery};
use super::shelf::Shelf;
use super::{row, toolbar, words};
use crate::portal::layout::csrf_field;
use crate::portal::navigation::Place;
use crate::portal::refusal::Refusal;
use crate::portal::user::User;

/// Messages on a page.
const PAGE_LINES: usize = 50;

/// What stands on a page.
struct Found {
    lines: Vec<Line>,
    newer: Option<LineId>,
    older: Option<LineId>,
}

impl Found {
    /// Lists are newest first: what came before `began`, and what lies behind it, goes.
    fn keep_since(&mut self, began: Timestamp) {
        let all = self.lines.len();
        self.lines.retain(|line| line.id.at >= began);
        if self.lines.len() < all {
            self.older = None;
        }
    }
}

/// How long after its end an outage is worth a filter of its own.
const OUTAGE_RECENT: Duration = Duration::from_secs(7 * 24 * 3600);

/// When the latest outage of the user's server began, while it goes on or is not long over.
fn outage_began(user: &User) -> Option<Timestamp> {
    let outages = user.portal.board.outages(user.domain.id);
    let last = outages.last()?;
    let is_recent = last
        .ended_at
        .is_none_or(|ended| user.now.saturating_since(ended) < OUTAGE_RECENT);
    is_recent.then_some(last.started_at)
}

/// `GET /m/{shelf}`.
pub(crate) async fn show(
    user: User,
    Path(shelf): Path<String>,
    Query(query): Query<ListQuery>,
) -> Result<Response, Refusal> {
    let shelf = Shelf::of_word(&shelf).ok_or(Refusal::NotFound)?;
    let address = query.address(shelf).ok_or(Refusal::Malformed)?;
    let mut found = if address.is_search() {
        search(&user, &address).await?
    } else {
        list(&user, &address).await?
    };
    let outage = outage_began(&user);
    if address.filter == Filter::Outage {
        found.keep_since(outage.unwrap_or(user.now));
    }
    let language = user.language;
    let name = shelf.name(language);
    let unread = shelf
        .folder()
        .map_or(0, |folder| user.counts.folder(folder).unread);
    let title = match (address.query, unread) {
        ("", 0) => name.to_owned(),
        ("", unread) => words::title_unread(language, unread, name),
        (query, _) => words::title_search(language, query),
    };
    let content = html! {
        div.list-head {
            h1 { (if address.query.is_empty() { name } else { words::search_results(language) }) }
            (toolbar::search(language, &address))
        }
        (toolbar::filters(language, &address, unread, outage.is_some()))
        div #list {
            @if found.lines.is_empty() {
                (empty(&user, &address))
            } @else {
                (form(&user, &address, &found))
            }
            (toolbar::pages(language, &address, found.newer, found.older))
        }
    };
    Ok(user.page(Place::Shelf(shelf), &title, &content))
}

async fn list(user: &User, address: &Address<'_>) -> Result<Found, Refusal> {
    let list = address.shelf.list(address.filter == Filter::Unread);
    let spool = &user.portal.spool;
    let page = spool
        .list(&user.scope, list, address.toward, PAGE_LINES)
        .await?;
    let first = page.lines.first().map(|line| line.id);
    let last = page.lines.last().map(|line| line.id);
    let (newer, older) = match address.toward {
        Toward::Newest => (None, page.next),
        Toward::OlderThan(from) => (first.or(Some(from)), page.next),
        Toward::NewerThan(from) => (page.next, last.or(Some(from))),
    };
    Ok(Found {
        lines: page.lines,
        newer,
        older,
    })
}

/// Searches go from the newest message to the oldest.
async fn search(user: &User, address: &Address<'_>) -> Result<Found, Refusal> {
    let mut text = address.query.to_owned();
    match address.filter {
        Filter::All | Filter::Outage => {}
        Filter::Starred => text.push_str(" is:starred"),
        Filter::Unread => text.push_str(" is:unread"),
        Filter::Files => text.push_str(" has:attachment"),
    }
    // Who searches wants to find; a bare filter stays where it is.
    if address.query.is_empty() {
        match address.shelf.folder() {
            Some(_) => text = format!("{text} in:{}", address.shelf.word()),
            None => text.push_str(" is:starred"),
        }
    }
    let after = match address.toward {
        Toward::OlderThan(id) => Some(id),
        Toward::Newest | Toward::NewerThan(_) => None,
    };
    let query = SearchQuery::parse(&text);
    let spool = &user.portal.spool;
    let page = spool.search(&user.scope, &query, after, PAGE_LINES).await?;
    Ok(Found {
        lines: page.lines,
        newer: None,
        older: page.next,
    })
}

fn form(user: &User, address: &Address<'_>, found: &Found) -> Markup {
    let language = user.language;
    let shelf = address.shelf;
    // "Everything" is a whole folder, or what is unread of it.
    let is_whole = matches!(address.filter, Filter::All | Filter::Unread);
    let may_take_all =
        is_whole && !address.is_search() && (found.older.is_some() || found.newer.is_some());
    html! {
        form.mail method="post" action="/act" {
            (csrf_field(&user.csrf))
            input type="hidden" name="back" value=(address.path());
            (toolbar::deeds(language, shelf))
            @if may_take_all {
                label.choice.everything {
                    input type="checkbox" name="all" value={ (shelf.word()) " " (address.filter.word()) };
                    span { (words::everything(language, shelf.name(language))) }
                }
            }
            ol.lines {
                @for line in &found.lines { (row::draw(user, shelf, line)) }
            }
        }
    }
}

/// Nothing to show, and what that means.
fn empty(user: &User, address: &Address<'_>) -> Markup {
    let language = user.language;
    let days = user.domain.continuity.as_ref();
    html! {
        div.nothing {
            @if !address.query.is_empty() {
                h2 { (words::nothing_found(language)) }
                p {
                    a href=(Address { query: "", toward: Toward::Newest, ..*address }.path()) {
                        (words::drop_search(language))
                    }
                }
            } @else if address.filter != Filter::All {
                h2 { (words::nothing_filtered(language)) }
                p { a href=(address.filtered(Filter::All).path()) { (words::drop_filter(language)) } }
            } @else if let (Shelf::Inbox, Some(continuity)) = (address.shelf, days) {
                h2 { (words::first_day(language)) }
                p { (words::first_day_more(language, continuity.retention_days)) }
            } @else {
                h2 { (words::nothing_here(language)) }
            }
        }
    }
}
