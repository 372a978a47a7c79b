//! Answers with an image of a message, in the frame of that message and nowhere else (H8, H13).

use axum::body::Body;
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::http::{Response, StatusCode};

use super::frame::set_quiet;
use super::limits::IMAGE_BYTES_MAX;
use crate::message::{PartPath, content, image_type};

/// Whether a request is one for an image. A capability in an address bar or a script opens nothing.
#[must_use]
pub fn is_wanted_as_image(headers: &HeaderMap) -> bool {
    headers
        .get("sec-fetch-dest")
        .is_some_and(|wanted| wanted == "image")
}

/// The answer with a part of a message, if its bytes are an image of one of four types.
#[must_use]
pub fn respond_part(raw: &[u8], place: &str) -> Response<Body> {
    let found = place
        .parse::<PartPath>()
        .ok()
        .and_then(|place| content(raw, &place));
    match found {
        Some(content) => respond(content.bytes),
        None => refused(),
    }
}

/// The answer with an image.
#[must_use]
pub fn respond(bytes: Vec<u8>) -> Response<Body> {
    let Some(kind) = image_type::sniff(&bytes).filter(|_| bytes.len() <= IMAGE_BYTES_MAX) else {
        return refused();
    };
    let mut response = Response::new(Body::from(bytes));
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, kind.media_type()),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; sandbox",
        ),
        (header::CACHE_CONTROL, "private, max-age=900"),
        // A frame with an opaque origin may not load it otherwise.
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "cross-origin",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    set_quiet(headers);
    response
}

/// The answer when there is no such image, or none may be shown.
#[must_use]
pub fn refused() -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NOT_FOUND;
    set_quiet(response.headers_mut());
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn h13_an_image_is_one_by_its_bytes_and_may_be_loaded_by_the_frame() {
        let response = respond(b"GIF89a\x01\0\x01\0".to_vec());
        let headers = response.headers();
        assert_eq!(headers["content-type"], "image/gif");
        assert_eq!(headers["cross-origin-resource-policy"], "cross-origin");
        assert_eq!(
            headers["content-security-policy"],
            "default-src 'none'; sandbox"
        );
        assert_eq!(headers["cache-control"], "private, max-age=900");
        assert_eq!(headers["x-content-type-options"], "nosniff");
        for other in [&b"<svg onload=alarm()>"[..], b"<html>", b"%PDF-1.7", b""] {
            assert_eq!(respond(other.to_vec()).status(), StatusCode::NOT_FOUND);
        }
        assert_eq!(
            respond_part(b"From: a\r\n\r\nx", "0").status(),
            StatusCode::NOT_FOUND
        );
        assert_eq!(respond_part(b"", "../x").status(), StatusCode::NOT_FOUND);
    }

    #[test]
    fn h13_only_images_are_asked_for_here() {
        for (wanted, given) in [
            ("image", true),
            ("document", false),
            ("empty", false),
            ("iframe", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert("sec-fetch-dest", HeaderValue::from_static(wanted));
            assert_eq!(is_wanted_as_image(&headers), given);
        }
        assert!(!is_wanted_as_image(&HeaderMap::new()));
    }
}
