//! Who gets in: the holder of the operator token and nobody else.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use serde_json::Value;

use crate::site::{HOST, Site, TOKEN};

/// Every operation of the description, with something plausible for its parameters.
pub(crate) fn operations(description: &Value) -> Vec<(Method, String)> {
    let mut found = Vec::new();
    for (path, methods) in description["paths"].as_object().unwrap() {
        let path = path.replace("{name}", "example.org").replace("{id}", "1");
        for method in methods.as_object().unwrap().keys() {
            let method = method.to_uppercase().parse().unwrap();
            found.push((method, path.clone()));
        }
    }
    found
}

async fn status(site: &Site, method: &Method, path: &str, headers: &[(&str, &str)]) -> StatusCode {
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", HOST);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    site.raw(request.body(Body::empty()).unwrap()).await.status
}

#[tokio::test]
async fn no_route_answers_without_the_token_with_a_wrong_one_or_with_a_cookie() {
    let site = Site::with_domain().await;
    let description = site.get("/api/openapi.json").await.json();
    let bearer = format!("Bearer {TOKEN}");
    let cookie = format!("__Host-admin={TOKEN}; operator={TOKEN}");
    let longer = format!("Bearer {TOKEN}x");
    let shorter = format!("Bearer {}", &TOKEN[1..]);
    let basic = format!("Basic {TOKEN}");
    for (method, path) in operations(&description) {
        for headers in [
            &[][..],
            &[("authorization", longer.as_str())],
            &[("authorization", shorter.as_str())],
            &[("authorization", basic.as_str())],
            &[("authorization", "Bearer")],
            &[("authorization", TOKEN)],
            &[("cookie", cookie.as_str())],
            &[
                ("authorization", longer.as_str()),
                ("authorization", bearer.as_str()),
            ],
        ] {
            let answered = status(&site, &method, &path, headers).await;
            assert_eq!(
                answered,
                StatusCode::UNAUTHORIZED,
                "{method} {path} {headers:?}"
            );
        }
        let query = format!("{path}?token={TOKEN}&access_token={TOKEN}");
        let answered = status(&site, &method, &query, &[]).await;
        assert_eq!(
            answered,
            StatusCode::UNAUTHORIZED,
            "{method} {path} by query"
        );
        let headers = [("authorization", bearer.as_str())];
        let answered = status(&site, &method, &path, &headers).await;
        assert_ne!(
            answered,
            StatusCode::UNAUTHORIZED,
            "{method} {path} with the token"
        );
    }
}

#[tokio::test]
async fn the_refusal_says_what_is_expected_and_nothing_else() {
    let site = Site::with_domain().await;
    let request = Request::get("/api/v1/domains").header("host", HOST);
    let answer = site.raw(request.body(Body::empty()).unwrap()).await;
    assert_eq!(
        answer.headers["www-authenticate"],
        "Bearer realm=\"mailhold\""
    );
    assert_eq!(answer.headers["content-type"], "application/problem+json");
    assert_eq!(answer.headers["cache-control"], "no-store");
    let text = String::from_utf8(answer.bytes).unwrap();
    assert!(
        !text.contains("example.org") && !text.contains(TOKEN),
        "{text}"
    );
}

/// HD5: the token does not help a page that made the browser ask under another name.
#[tokio::test]
async fn hd5_the_token_is_no_use_under_another_host_name() {
    let site = Site::with_domain().await;
    let request = Request::get("/api/v1/domains")
        .header("host", "evil.example")
        .header("authorization", format!("Bearer {TOKEN}"));
    let answer = site.raw(request.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status, StatusCode::MISDIRECTED_REQUEST);
}

#[tokio::test]
async fn the_status_page_tells_no_names_or_numbers() {
    let site = Site::with_domain().await;
    let request = Request::get("/").header("host", HOST);
    let answer = site.raw(request.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status, StatusCode::OK);
    let page = String::from_utf8(answer.bytes).unwrap();
    assert!(page.contains("Mail is taken in."), "{page}");
    for secret in ["example", "mx."] {
        assert!(!page.contains(secret), "{page}");
    }
    assert!(
        !page.contains("style=") && !page.contains("<script"),
        "{page}"
    );
}
