//! What was begun and not sent.

use axum::response::Response;
use maud::html;

use super::{content, words};
use crate::language::{DateStyle, format_date};
use crate::portal::navigation::Place;
use crate::portal::refusal::Refusal;
use crate::portal::user::User;

/// `GET /drafts`.
pub(crate) async fn show(user: User) -> Result<Response, Refusal> {
    let language = user.language;
    let spool = &user.portal.spool;
    let mut drafts = spool.drafts(&user.scope).await?;
    // What is on its way out stands in the outbox.
    let leaving = spool.outbox_of(&user.scope).await?;
    drafts.retain(|draft| leaving.iter().all(|entry| entry.draft != draft.id.0));
    let zone = &user.portal.zone;
    let content = html! {
        h1 { (words::drafts(language)) }
        @if drafts.is_empty() {
            div.nothing {
                h2 { (words::no_drafts(language)) }
                p { (words::no_drafts_more(language)) }
            }
        } @else {
            ol.lines {
                @for draft in &drafts {
                    @let label = content::label(draft);
                    li.line.plain {
                        a.open href={ "/compose/" (draft.id.0) } {
                            span.who {
                                @if label.to.trim().is_empty() { (words::no_recipient(language)) }
                                @else { (label.to) }
                            }
                            span.what {
                                span.subject {
                                    @if label.subject.trim().is_empty() { (crate::portal::mailbox::no_subject(language)) }
                                    @else { (label.subject) }
                                }
                            }
                            span.marks {}
                            time datetime=(draft.saved_at.rfc3339())
                                title=(format_date(language, DateStyle::Exact, draft.saved_at, user.now, zone)) {
                                (format_date(language, DateStyle::Short, draft.saved_at, user.now, zone))
                            }
                        }
                    }
                }
            }
        }
    };
    Ok(user.page(Place::Drafts, words::drafts(language), &content))
}
