//! Lists in pages, by cursor: a page is as cheap at the end of a long list as at its start.

use axum::extract::{FromRequestParts, Query};
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::problem::Problem;

/// Rows of a page when nothing is said.
const LIMIT_DEFAULT: usize = 100;
/// Rows of a page at most.
const LIMIT_MAX: usize = 1000;

/// A part of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// What to give as `after` for the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub next: Option<String>,
}

impl<T> Page<T> {
    /// A page out of `items`, of which there may be one more than the limit: then there is a next
    /// page, behind the last row that fits.
    pub(super) fn cut(mut items: Vec<T>, limit: usize, cursor: impl Fn(&T) -> String) -> Self {
        let more = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| more).map(cursor);
        Self { items, next }
    }
}

/// How many rows a request wants.
pub(super) fn limit(wanted: Option<usize>) -> usize {
    wanted.unwrap_or(LIMIT_DEFAULT).clamp(1, LIMIT_MAX)
}

/// Parameters of the query; unknown or malformed ones refuse the request.
#[derive(Debug)]
pub(super) struct Params<T>(pub(super) T);

impl<S, T> FromRequestParts<S> for Params<T>
where
    S: Send + Sync,
    T: DeserializeOwned,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let query: Query<T> = Query::try_from_uri(&parts.uri).map_err(|error| {
            Problem::new(StatusCode::BAD_REQUEST, "query").detail(error.body_text())
        })?;
        Ok(Self(query.0))
    }
}
