//! The pages of refusals: what happened, whether anything is lost, and what to do. Drawn without the
//! store, so that they work when the store does not.

use axum::extract::{Request, State};
use axum::http::header::{self, HeaderValue};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use maud::{Markup, html};

use super::layout::{self, Shell};
use super::refusal::Refusal;
use super::words;
use crate::auth::RETRY_AFTER_SECONDS;
use crate::language::Language;

/// How the pages of a site look.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dress {
    /// Which build this is.
    pub(crate) build: &'static str,
    /// The language of the site; that of the browser when there is none.
    pub(crate) language: Option<Language>,
}

/// Gives every refusal its page: ours, and those of the parts around us, which know only a status.
pub(crate) async fn dress(State(look): State<Dress>, request: Request, next: Next) -> Response {
    let asked = || Language::asked_for(request.headers());
    let language = look.language.unwrap_or_else(asked);
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
    let page = page(look.build, language, status, seconds, &id);
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
    build: &str,
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
        build,
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
