//! `/api/v1/log`: what became of a message, also after it has left, for 30 days.

use std::fmt;
use std::str::FromStr;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Deserialize;
use storage::model::{MessageId, Timestamp};
use storage::spool::{LogCursor, LogFilter};
use utoipa::IntoParams;

use super::domains::find;
use super::log_event::LogEventView;
use super::page::{Page, Params, limit};
use super::problem::Problem;
use crate::AdminSite;

/// Which messages. All that is given has to fit.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
pub(super) struct SearchQuery {
    /// The destination domain.
    domain: Option<String>,
    /// A part of the sender's address, in any case.
    sender: Option<String>,
    /// A part of a recipient's address, in any case.
    recipient: Option<String>,
    /// Came in at this time or later (RFC 3339).
    from: Option<String>,
    /// Came in at this time or earlier (RFC 3339).
    until: Option<String>,
    /// The `next` of the page before.
    after: Option<String>,
    /// Rows of a page: 1 to 1000, 100 when absent.
    limit: Option<usize>,
}

/// Lists messages that came in, newest first. With a filter a page may be short and still have a
/// `next`.
#[utoipa::path(get, path = "/log", tag = "log", params(SearchQuery),
    responses((status = 200, body = Page<LogEventView>), (status = 404, body = Problem)))]
pub(super) async fn search(
    State(site): State<AdminSite>,
    Params(query): Params<SearchQuery>,
) -> Result<Json<Page<LogEventView>>, Problem> {
    let domain = match &query.domain {
        Some(name) => Some(find(&site, name)?.id),
        None => None,
    };
    let from = time("from", query.from.as_deref())?;
    let filter = LogFilter {
        domain,
        sender: query.sender,
        recipient: query.recipient,
        from: from.unwrap_or_default(),
        until: time("until", query.until.as_deref())?,
    };
    let after: Option<Cursor> = query.after.map(|after| after.parse()).transpose()?;
    let found = site
        .spool
        .search_log(&filter, after.map(|after| after.0), limit(query.limit))
        .await?;
    Ok(Json(Page {
        items: LogEventView::all(&site, &found.rows),
        next: found.next.map(|next| Cursor(next).to_string()),
    }))
}

/// Tells a message's life by its queue id, oldest event first.
#[utoipa::path(get, path = "/log/{id}", tag = "log", params(("id" = String, Path)),
    responses((status = 200, body = Page<LogEventView>), (status = 404, body = Problem)))]
pub(super) async fn show(
    State(site): State<AdminSite>,
    Path(id): Path<String>,
) -> Result<Json<Page<LogEventView>>, Problem> {
    let unknown = || Problem::not_found(format!("the log knows no message {id}"));
    let message: MessageId = id.parse().map_err(|_| unknown())?;
    let rows = site.spool.message_log(message).await?;
    if rows.is_empty() {
        return Err(unknown());
    }
    Ok(Json(Page {
        items: LogEventView::all(&site, &rows),
        next: None,
    }))
}

fn bad(field: &str, expected: &str) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "query").detail(format!("{field}: expected {expected}"))
}

fn time(field: &str, text: Option<&str>) -> Result<Option<Timestamp>, Problem> {
    let Some(text) = text else {
        return Ok(None);
    };
    let parsed: Result<jiff::Timestamp, _> = text.parse();
    let at = parsed.map_err(|_| bad(field, "a time like 2030-01-01T06:00:00Z"))?;
    let millis = u64::try_from(at.as_millisecond()).unwrap_or_default();
    Ok(Some(Timestamp::from_millis(millis)))
}

/// A place in a search, as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cursor(LogCursor);

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.", self.0.day)?;
        self.0
            .key
            .iter()
            .try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for Cursor {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        let parse = || {
            let (day, digits) = text.split_once('.')?;
            let mut cursor = LogCursor {
                day: day.parse().ok()?,
                key: Default::default(),
            };
            if digits.len() != 2 * cursor.key.len() {
                return None;
            }
            for (place, byte) in cursor.key.iter_mut().enumerate() {
                let pair = digits.get(2 * place..2 * place + 2)?;
                *byte = u8::from_str_radix(pair, 16).ok()?;
            }
            Some(Self(cursor))
        };
        parse().ok_or_else(|| bad("after", "the `next` of the page before"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_prints_and_parses() {
        let text = format!("20500.{}", "0f".repeat(26));
        assert_eq!(text.parse::<Cursor>().unwrap().to_string(), text);
        let long = format!("20500.{}", "0f".repeat(27));
        let wide = format!("20500.{}é", "0f".repeat(25));
        for text in ["", "7", "7.0f", "x.0f", &long, &wide] {
            assert!(text.parse::<Cursor>().is_err(), "{text}");
        }
    }
}
