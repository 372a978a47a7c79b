//! What the portal answers when it does not do what it was asked to: a page that says what
//! happened, whether anything is lost, and what to do. Drawn without the store, so that it works
//! when the store does not.

use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::header::{self, HeaderValue};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use storage::spool::SpoolError;

use super::layout::{self, Shell};
use super::{Portal, words};
use crate::auth::csrf::CsrfFault;
use crate::auth::{HashError, RETRY_AFTER_SECONDS, SignInError};
use crate::language::Language;

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
    /// Something of ours is broken; the words go to the log, not to the page.
    Broken(String),
}

impl Refusal {
    const fn status(&self) -> StatusCode {
        match self {
            Self::SignIn { .. } => StatusCode::SEE_OTHER,
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

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        if let Self::SignIn { next } = &self {
            return super::visitor::sign_in_first(next);
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

/// Gives every refusal its page: ours, and those of the parts around us, which know only a status.
pub(super) async fn dress(State(portal): State<Portal>, request: Request, next: Next) -> Response {
    let language = Language::asked_for(request.headers());
    let method = request.method().clone();
    let response = next.run(request).await;
    let status = response.status();
    let bare = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_none_or(|kind| {
            kind.as_bytes().starts_with(b"text/plain")
                || kind.as_bytes().starts_with(b"application/problem+json")
        });
    if !(status.is_client_error() || status.is_server_error()) || !bare {
        return response;
    }
    let (mut parts, _) = response.into_parts();
    let refusal = parts.extensions.remove::<Refusal>();
    let id = request_id();
    if status.is_server_error() && status != StatusCode::SERVICE_UNAVAILABLE {
        let reason = match &refusal {
            Some(Refusal::Broken(reason)) => reason.as_str(),
            _ => "no reason given",
        };
        tracing::error!(request.id = id, %method, %status, reason, "a page could not be shown");
    }
    let seconds = retry_after(&parts.headers);
    if status == StatusCode::SERVICE_UNAVAILABLE && seconds.is_none() {
        let soon = HeaderValue::from(RETRY_AFTER_SECONDS);
        parts.headers.insert(header::RETRY_AFTER, soon);
    }
    let page = page(&portal, language, status, seconds, &id);
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/html; charset=utf-8"),
    );
    (parts, page).into_response()
}

fn retry_after(headers: &HeaderMap) -> Option<u64> {
    headers
        .get(header::RETRY_AFTER)?
        .to_str()
        .ok()?
        .parse()
        .ok()
}

/// Tells one failure from another in the log; not a secret.
fn request_id() -> String {
    let mut bytes = [0; 8];
    // Without randomness the id is the same each time; the log still has the time.
    let _ = getrandom::fill(&mut bytes);
    format!("{:016x}", u64::from_be_bytes(bytes))
}

fn page(
    portal: &Portal,
    language: Language,
    status: StatusCode,
    seconds: Option<u64>,
    id: &str,
) -> Markup {
    let (title, what, todo) = texts(language, status);
    let content = html! {
        section.notice {
            p.notice-code { (status.as_u16()) }
            h1 { (title) }
            p { (what) }
            @if let Some(seconds) = seconds {
                p { (words::try_again_in(language, seconds)) }
            } @else {
                p { (todo) }
            }
            p.actions {
                a.button href="/" { (words::to_start(language)) }
            }
            @if status.is_server_error() {
                p.meta { (words::error_reference(language, id)) }
            }
        }
    };
    let shell = Shell {
        language,
        title,
        build: portal.build,
    };
    layout::bare(&shell, &content)
}

/// Title, what happened, what to do.
const fn texts(
    language: Language,
    status: StatusCode,
) -> (&'static str, &'static str, &'static str) {
    match status.as_u16() {
        400 | 405 | 415 | 422 => (
            words::malformed_title(language),
            words::malformed_what(language),
            words::malformed_todo(language),
        ),
        403 => (
            words::foreign_title(language),
            words::foreign_what(language),
            words::foreign_todo(language),
        ),
        404 => (
            words::not_found_title(language),
            words::not_found_what(language),
            words::not_found_todo(language),
        ),
        410 => (
            words::gone_title(language),
            words::gone_what(language),
            words::gone_todo(language),
        ),
        413 => (
            words::too_large_title(language),
            words::too_large_what(language),
            words::too_large_todo(language),
        ),
        421 => (
            words::other_host_title(language),
            words::other_host_what(language),
            words::other_host_todo(language),
        ),
        429 => (
            words::too_many_title(language),
            words::too_many_what(language),
            words::too_many_todo(language),
        ),
        503 => (
            words::busy_title(language),
            words::busy_what(language),
            words::busy_todo(language),
        ),
        _ => (
            words::broken_title(language),
            words::broken_what(language),
            words::broken_todo(language),
        ),
    }
}
