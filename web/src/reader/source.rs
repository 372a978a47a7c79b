//! The source of a message, as text and nothing else (web (a) 24).

use axum::body::Body;
use axum::http::Response;
use axum::http::header::{self, HeaderValue};

use super::frame::set_quiet;
use crate::message::limits::SOURCE_SHOWN_MAX;

/// The answer with the beginning of a message; all of it is in the download.
#[must_use]
pub fn respond(raw: &[u8]) -> Response<Body> {
    let shown = raw.get(..SOURCE_SHOWN_MAX).unwrap_or(raw);
    let mut text = String::from_utf8_lossy(shown).into_owned();
    if shown.len() < raw.len() {
        text.push_str("\n\n[…]\n");
    }
    let mut response = Response::new(Body::from(text));
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "inline"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; sandbox",
        ),
        (header::CACHE_CONTROL, "no-store"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    set_quiet(headers);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_source_is_text_and_bounded() {
        let raw = [&b"<html>\xff"[..], &vec![b'x'; SOURCE_SHOWN_MAX * 2]].concat();
        let response = respond(&raw);
        assert_eq!(
            response.headers()["content-type"],
            "text/plain; charset=utf-8"
        );
        assert_eq!(response.headers()["x-content-type-options"], "nosniff");
        let body = axum::body::to_bytes(response.into_body(), usize::MAX)
            .await
            .unwrap();
        assert!(body.len() < SOURCE_SHOWN_MAX + 100);
    }
}
