//! Leading a browser to another page of ours, and to nowhere else.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};

/// Adds cookies to an answer.
pub(crate) fn with_cookies(mut response: Response, cookies: &[HeaderValue]) -> Response {
    for cookie in cookies {
        response
            .headers_mut()
            .append(header::SET_COOKIE, cookie.clone());
    }
    response
}

/// 303 to a path of ours.
pub(crate) fn see_other(path: &str) -> Response {
    let location = HeaderValue::from_str(path);
    let location = location.unwrap_or(HeaderValue::from_static("/"));
    (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response()
}

/// To the form for signing in, and from there to `next`.
pub(super) fn sign_in_first(next: &str) -> Response {
    match place_of_ours(next) {
        None | Some("/") => see_other("/login"),
        Some(next) => {
            let query: String = url::form_urlencoded::Serializer::new(String::new())
                .append_pair("next", next)
                .finish();
            see_other(&format!("/login?{query}"))
        }
    }
}

/// A path of this site, and nothing that leads elsewhere.
pub(crate) fn place_of_ours(next: &str) -> Option<&str> {
    let sound = next.len() <= 2_000
        && next.starts_with('/')
        && !next.starts_with("//")
        && !next.contains('\\')
        && next.bytes().all(|byte| byte.is_ascii_graphic());
    sound.then_some(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_sign_in_nobody_is_led_elsewhere() {
        for (next, expected) in [
            ("/m/inbox?before=1", true),
            ("/", true),
            ("//evil.example", false),
            ("/\\evil.example", false),
            ("https://evil.example", false),
            ("javascript:alert(1)", false),
            ("/x\r\nSet-Cookie: a=b", false),
            ("", false),
        ] {
            assert_eq!(place_of_ours(next).is_some(), expected, "{next}");
        }
    }
}
