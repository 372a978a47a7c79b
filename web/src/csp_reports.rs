//! `/csp-report`: what browsers say our policies have blocked on our own pages (H21).
//!
//! Reports are only counted, by directive; nothing of what they say is kept or logged, because
//! anybody can write one. Browsers send them without our token, so they have to come from a page of
//! the same site, are small, and are turned away when there are many.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use serde_json::Value;
use storage::model::Clock;

use crate::auth::csrf::Origins;
use crate::auth::window::Window;

/// Where browsers send them.
pub(crate) const PATH: &str = "/csp-report";
/// Bytes of a request with reports.
const REQUEST_BYTES_MAX: usize = 16 * 1024;
/// Reports of one request that are counted.
const REPORTS_MAX: usize = 20;
/// Requests in a window.
const REQUESTS_MAX: u32 = 60;
/// How long a window is.
const WINDOW: Duration = Duration::from_secs(60);

/// The directives of our policies; what a report says else is counted as `other`.
const DIRECTIVES: &[&str] = &[
    "default-src",
    "script-src",
    "script-src-elem",
    "script-src-attr",
    "style-src",
    "style-src-elem",
    "style-src-attr",
    "img-src",
    "font-src",
    "connect-src",
    "frame-src",
    "form-action",
    "base-uri",
    "object-src",
    "manifest-src",
    "worker-src",
    "frame-ancestors",
    "require-trusted-types-for",
    "trusted-types",
];

#[derive(Debug, Clone)]
struct Desk {
    origins: Origins,
    site: &'static str,
    clock: Arc<dyn Clock>,
    window: Arc<Mutex<Window>>,
}

/// The route that takes reports about the pages of a site.
pub(crate) fn router(origins: Origins, site: &'static str, clock: Arc<dyn Clock>) -> Router {
    let window = Arc::new(Mutex::new(Window::new(clock.now())));
    let desk = Desk {
        origins,
        site,
        clock,
        window,
    };
    Router::new()
        .route(PATH, post(take))
        .layer(DefaultBodyLimit::max(REQUEST_BYTES_MAX))
        .with_state(desk)
}

async fn take(State(desk): State<Desk>, headers: HeaderMap, body: Bytes) -> StatusCode {
    if !desk.origins.is_same_origin(&headers) {
        return StatusCode::FORBIDDEN;
    }
    if !desk.has_room() {
        return StatusCode::TOO_MANY_REQUESTS;
    }
    let kind = headers.get(CONTENT_TYPE).map(|kind| kind.as_bytes());
    let kind = kind.and_then(|kind| kind.split(|byte| *byte == b';').next());
    let Ok(json) = serde_json::from_slice::<Value>(&body) else {
        return StatusCode::BAD_REQUEST;
    };
    let directives: Vec<_> = match kind.map(<[u8]>::trim_ascii) {
        Some(b"application/reports+json") => json
            .as_array()
            .into_iter()
            .flatten()
            .filter(|report| {
                report
                    .get("type")
                    .is_some_and(|kind| kind == "csp-violation")
            })
            .map(|report| {
                let directive = report.pointer("/body/effectiveDirective");
                directive.unwrap_or(&Value::Null)
            })
            .take(REPORTS_MAX)
            .collect(),
        Some(b"application/csp-report") => {
            let report = json.get("csp-report");
            let effective = report
                .and_then(|report| report.get("effective-directive"))
                .filter(|effective| effective.is_string())
                .or_else(|| report?.get("violated-directive"));
            vec![effective.unwrap_or(&Value::Null)]
        }
        _ => return StatusCode::UNSUPPORTED_MEDIA_TYPE,
    };
    for directive in directives {
        let labels = [("site", desk.site), ("directive", known(directive))];
        metrics::counter!(crate::metrics::CSP_REPORTS.name, &labels).increment(1);
    }
    StatusCode::NO_CONTENT
}

impl Desk {
    /// Counts a request, when there is room for it.
    fn has_room(&self) -> bool {
        let now = self.clock.now();
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        if window.is_open(WINDOW, now) && !window.wait(WINDOW, REQUESTS_MAX, now).is_zero() {
            return false;
        }
        window.note(WINDOW, now);
        true
    }
}

/// One of our own words for a directive; older browsers send its sources with it.
fn known(directive: &Value) -> &'static str {
    let said = directive.as_str().unwrap_or_default();
    let said = said.split_ascii_whitespace().next().unwrap_or_default();
    let found = DIRECTIVES.iter().find(|known| **known == said);
    found.copied().unwrap_or("other")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn h21_labels_are_words_of_ours() {
        for (said, expected) in [
            (json!("script-src-elem"), "script-src-elem"),
            (json!("img-src 'self'"), "img-src"),
            (json!("x-made-up"), "other"),
            (json!(""), "other"),
            (json!(7), "other"),
            (json!(null), "other"),
        ] {
            assert_eq!(known(&said), expected, "{said}");
        }
    }
}
