//! What the API answers when it does not do what it was asked to (RFC 9457).

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One faulty field or row of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldFault {
    /// The field, e.g. `destinations[0].port`, or the column.
    pub field: String,
    /// The line of an uploaded file, counted from 1.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub line: Option<u64>,
    /// What is wrong with it.
    pub problem: String,
}

/// A refusal. When it is about the request's content, nothing was changed and `errors` names every
/// faulty field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// The HTTP status.
    pub status: u16,
    /// A word for programs, e.g. `invalid` or `not-found`.
    pub code: String,
    /// The status in words.
    pub title: String,
    /// What happened.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub detail: Option<String>,
    /// Every faulty field.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub errors: Vec<FieldFault>,
}

impl Problem {
    /// A refusal with a status and a word for programs.
    #[must_use]
    pub fn new(status: StatusCode, code: &str) -> Self {
        Self {
            status: status.as_u16(),
            code: code.to_owned(),
            title: status.canonical_reason().unwrap_or("Error").to_owned(),
            detail: None,
            errors: Vec::new(),
        }
    }

    /// The same refusal with words.
    #[must_use]
    pub fn detail(self, detail: impl Into<String>) -> Self {
        Self {
            detail: Some(detail.into()),
            ..self
        }
    }

    /// 422: these fields are faulty, nothing was changed.
    #[must_use]
    pub fn invalid(errors: Vec<FieldFault>) -> Self {
        let count = errors.len();
        let detail = match errors.first() {
            Some(only) if count == 1 => format!("{}: {}", only.field, only.problem),
            _ => format!("{count} faults; nothing was changed"),
        };
        Self {
            errors,
            ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid").detail(detail)
        }
    }

    /// 404: there is no such thing.
    #[must_use]
    pub fn not_found(what: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found").detail(what)
    }

    /// 409: the state of things does not allow it.
    #[must_use]
    pub fn conflict(why: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "conflict").detail(why)
    }

    /// 403: whoever asks may not do this.
    #[must_use]
    pub fn forbidden(why: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden").detail(why)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, axum::Json(self)).into_response();
        response.headers_mut().insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        response
    }
}
