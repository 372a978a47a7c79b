//! What the portal answers when it does not do what it was asked to: a page that says what
//! happened, whether anything is lost, and what to do (`dress`).

use std::time::Duration;

use axum::http::StatusCode;
use axum::http::header::{self, HeaderValue};
use axum::response::{IntoResponse, Response};
use storage::spool::SpoolError;

use crate::api::Problem;
use crate::auth::csrf::CsrfFault;
use crate::auth::{HashError, RETRY_AFTER_SECONDS, SignInError};

/// Why there is no answer.
#[derive(Debug, Clone)]
pub(crate) enum Refusal {
    /// Nobody has signed in. Leads to the form, and from there back to this place.
    SignIn {
        /// Path and query of what was asked for.
        next: String,
    },
    /// The request was not made by a page of ours.
    Foreign(CsrfFault),
    /// The request makes no sense.
    Malformed,
    /// There is nothing here, or nothing for this user.
    NotFound,
    /// It was here, and its time is over.
    Gone,
    /// Too much was sent.
    TooLarge,
    /// Too many failures.
    TooMany(Duration),
    /// Too many people at once.
    Busy,
    /// Another page of ours comes first.
    GoTo(String),
    /// Something of ours is broken; the words go to the log, not to the page.
    Broken(String),
}

impl Refusal {
    const fn status(&self) -> StatusCode {
        match self {
            Self::SignIn { .. } | Self::GoTo(_) => StatusCode::SEE_OTHER,
            Self::Foreign(CsrfFault::ContentType) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Foreign(_) => StatusCode::FORBIDDEN,
            Self::Malformed => StatusCode::BAD_REQUEST,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Gone => StatusCode::GONE,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::Broken(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn retry_after(&self) -> Option<u64> {
        match self {
            Self::TooMany(wait) => Some(wait.as_millis().div_ceil(1000) as u64),
            Self::Busy => Some(u64::from(RETRY_AFTER_SECONDS)),
            _ => None,
        }
    }
}

impl From<SpoolError> for Refusal {
    fn from(error: SpoolError) -> Self {
        Self::Broken(error.to_string())
    }
}

impl From<HashError> for Refusal {
    fn from(error: HashError) -> Self {
        match error {
            HashError::Busy => Self::Busy,
            HashError::Failed(reason) => Self::Broken(reason),
        }
    }
}

impl From<SignInError> for Refusal {
    fn from(error: SignInError) -> Self {
        match error {
            SignInError::Hash(error) => error.into(),
            SignInError::Store(error) => error.into(),
            SignInError::Randomness(error) => Self::Broken(error.to_string()),
        }
    }
}

impl From<Problem> for Refusal {
    /// What somebody may not do is not there for them; what is wrong with a field is said by the
    /// page that has the field.
    fn from(problem: Problem) -> Self {
        match problem.status {
            403 | 404 => Self::NotFound,
            503 => Self::Busy,
            400..=499 => Self::Malformed,
            _ => Self::Broken(problem.detail.unwrap_or(problem.title)),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        if let Self::SignIn { next } = &self {
            return super::redirect::sign_in_first(next);
        }
        if let Self::GoTo(place) = &self {
            return super::redirect::see_other(place);
        }
        let mut response = self.status().into_response();
        if let Some(seconds) = self.retry_after() {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response.extensions_mut().insert(self);
        response
    }
}
