//! What was sent and has not left yet; it can be stopped here.

use axum::extract::Path;
use axum::response::Response;
use maud::html;
use storage::model::MessageId;

use super::{content, words};
use crate::language::{DateStyle, format_date};
use crate::portal::flash::Flash;
use crate::portal::layout::csrf_field;
use crate::portal::navigation::Place;
use crate::portal::posted::Posted;
use crate::portal::refusal::Refusal;
use crate::portal::user::User;

/// `GET /outbox`.
pub(crate) async fn show(user: User) -> Result<Response, Refusal> {
    let language = user.language;
    let spool = &user.portal.spool;
    let zone = &user.portal.zone;
    let mut rows = Vec::new();
    for entry in spool.outbox_of(&user.scope).await? {
        let draft = spool
            .draft(&user.scope, storage::spool::DraftId(entry.draft))
            .await?;
        let label = draft.as_ref().map(content::label).unwrap_or_default();
        rows.push((entry, label));
    }
    let content = html! {
        h1 { (words::outbox(language)) }
        @if rows.is_empty() {
            div.nothing {
                h2 { (words::outbox_empty(language)) }
                p { (words::outbox_empty_more(language)) }
            }
        } @else {
            ul.rows {
                @for (entry, label) in &rows {
                    li {
                        div {
                            p { strong { (label.subject) } }
                            p.meta {
                                (label.to) " \u{b7} "
                                @let time = format_date(language, DateStyle::Long, entry.leaves_at, user.now, zone);
                                @match &entry.fault {
                                    Some(fault) => (words::not_left(language, fault)),
                                    None => (words::leaves_at(language, time)),
                                }
                            }
                        }
                        form method="post" action={ "/outbox/" (entry.id) "/cancel" } {
                            (csrf_field(&user.csrf))
                            button type="submit" { (words::stop(language)) }
                        }
                    }
                }
            }
        }
    };
    Ok(user.page(Place::Outbox, words::outbox(language), &content))
}

/// `POST /outbox/{id}/cancel`: stops a message and opens it again.
pub(crate) async fn cancel(
    user: User,
    Path(id): Path<String>,
    posted: Posted,
) -> Result<Response, Refusal> {
    posted.of(&user.csrf)?;
    let id: MessageId = id.parse().map_err(|_| Refusal::NotFound)?;
    let spool = &user.portal.spool;
    match spool.undo_sending(&user.scope, id).await? {
        Some(draft) => Ok(user.lead_to(&format!("/compose/{}", draft.0), Flash::Stopped)),
        None => Ok(user.lead_to("/m/sent", Flash::TooLateToUndo)),
    }
}
