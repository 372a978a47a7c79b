//! Answers with a file of a message: always as a download, in a type of our own table (HD6).

use axum::body::Body;
use axum::http::header::{self, HeaderName, HeaderValue};
use axum::http::{Response, StatusCode};

use super::frame::set_quiet;
use crate::message::{PartPath, content, disposition, for_download, message_at};

/// The answer with one part; 404 when there is no such part.
#[must_use]
pub fn respond_part(raw: &[u8], place: &PartPath) -> Response<Body> {
    match content(raw, place) {
        Some(part) => respond(part.bytes, for_download(&part.media_type), &part.name),
        None => absent(),
    }
}

/// The answer with a whole message, or one inside it, for another mail program.
#[must_use]
pub fn respond_message(raw: &[u8], place: &PartPath, subject: &str) -> Response<Body> {
    let Some(message) = message_at(raw, place.numbers()) else {
        return absent();
    };
    let subject = if subject.is_empty() {
        "message"
    } else {
        subject
    };
    let name = format!("{}.eml", subject.replace(['/', '\\'], "_"));
    // As bytes: browsers that know message/rfc822 would open it.
    respond(message.into_owned(), for_download("message/rfc822"), &name)
}

/// The answer with a file.
#[must_use]
pub fn respond(body: impl Into<Body>, media_type: &'static str, name: &str) -> Response<Body> {
    let mut response = Response::new(body.into());
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    if let Ok(value) = HeaderValue::from_str(&disposition(name)) {
        headers.insert(header::CONTENT_DISPOSITION, value);
    } else {
        headers.insert(
            header::CONTENT_DISPOSITION,
            HeaderValue::from_static("attachment"),
        );
    }
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; sandbox"),
    );
    headers.insert(
        HeaderName::from_static("x-download-options"),
        HeaderValue::from_static("noopen"),
    );
    set_quiet(headers);
    response
}

fn absent() -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hd6_what_the_mail_says_reaches_no_header_raw() {
        let raw = b"Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\nContent-Type: text/html; name=\"x\"\r\n\
            Content-Disposition: inline; filename*=utf-8''a%0d%0aSet-Cookie:%20b%22.html\r\n\r\n<script>\r\n--a--\r\n";
        let response = respond_part(raw, &"1".parse().unwrap());
        let headers = response.headers();
        assert_eq!(headers["content-type"], "application/octet-stream");
        assert_eq!(
            headers["content-security-policy"],
            "default-src 'none'; sandbox"
        );
        let disposition = headers["content-disposition"].to_str().unwrap();
        assert!(
            disposition.starts_with("attachment; filename=\"a Set-Cookie_ b_.html\""),
            "{disposition}"
        );
        assert!(headers.get("set-cookie").is_none());
        assert_eq!(
            respond_part(raw, &"7".parse().unwrap()).status(),
            StatusCode::NOT_FOUND
        );
        let whole = respond_message(raw, &PartPath::default(), "a/b");
        assert!(
            whole.headers()["content-disposition"]
                .to_str()
                .unwrap()
                .contains("a_b.eml")
        );
    }
}
