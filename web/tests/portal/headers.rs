//! What every answer of the portal carries, and what every form has to prove.

use actors::delivery::RouteKey;
use actors::status::{DestinationState, RouteStatus};
use axum::body::Body;
use axum::http::{Request, StatusCode};

use crate::browser::Browser;
use crate::site::{HOST, Site};

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
    font-src 'self'; connect-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; \
    object-src 'none'; manifest-src 'self'; worker-src 'self'; frame-ancestors 'none'; \
    require-trusted-types-for 'script'; trusted-types portal; report-to csp; report-uri /csp-report";

/// Every path of the portal, with and without somebody behind it.
const PATHS: &[&str] = &[
    "/",
    "/login",
    "/logout",
    "/enroll",
    "/reset/nonsense",
    "/status",
    "/help",
    "/settings/reading",
    "/settings/writing",
    "/settings/sessions",
    "/settings/export",
    "/assets/nothing",
    "/nowhere",
    "/%00",
    "/a//b",
];

#[tokio::test]
async fn hd1_hd2_hd3_every_answer_has_the_headers_errors_included() {
    let site = Site::new().await;
    for mut browser in [Browser::new(&site), Browser::signed_in(&site).await] {
        for path in PATHS {
            let answer = browser.get(path).await;
            for (name, value) in [
                ("content-security-policy", POLICY),
                ("reporting-endpoints", "csp=\"/csp-report\""),
                ("x-content-type-options", "nosniff"),
                ("referrer-policy", "no-referrer"),
                ("cross-origin-opener-policy", "same-origin"),
                ("cross-origin-resource-policy", "same-origin"),
                (
                    "strict-transport-security",
                    "max-age=63072000; includeSubDomains",
                ),
                ("cache-control", "no-store"),
            ] {
                assert_eq!(answer.header(name), value, "{path}: {name}");
            }
            assert!(answer.headers.get("server").is_none());
            if answer.status.is_client_error() {
                assert!(
                    answer.text.contains("<h1>"),
                    "{path} is a bare {}",
                    answer.status
                );
                assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
            }
            assert!(!answer.text.contains("style="), "{path}: no inline style");
            // Each file of ours once at most, and nothing inside the page.
            let scripts = answer.text.matches("<script").count();
            let own = ["portal", "passkey"].map(|name| {
                let tag = format!("<script type=\"module\" src=\"/assets/{name}-");
                answer.text.matches(&tag).count()
            });
            assert_eq!(
                scripts,
                own.iter().sum::<usize>(),
                "{path}: a script of its own"
            );
            assert!(own.iter().all(|count| *count <= 1), "{path}: twice");
        }
    }
}

#[tokio::test]
async fn hd3_assets_have_the_name_of_their_content_and_stay() {
    let site = Site::new().await;
    let mut browser = Browser::new(&site);
    let page = browser.get("/login").await.text;
    let style = page
        .split("href=\"")
        .find(|rest| rest.starts_with("/assets/portal-"));
    let style = style
        .and_then(|rest| rest.split('"').next())
        .unwrap()
        .to_owned();
    let answer = browser.get(&style).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(
        answer.header("cache-control"),
        "public, max-age=31536000, immutable"
    );
    assert_eq!(answer.header("content-type"), "text/css; charset=utf-8");
}

#[tokio::test]
async fn hd5_another_host_gets_a_page_that_says_so() {
    let site = Site::new().await;
    let request = Request::builder()
        .uri("/login")
        .header("host", "evil.example");
    let request = request.body(Body::empty()).unwrap();
    let answer = Browser::new(&site).send(request).await;
    assert_eq!(answer.status, StatusCode::MISDIRECTED_REQUEST);
    assert!(answer.text.contains("not the right address"));
}

#[tokio::test]
async fn a2_every_route_refuses_what_was_not_sent_by_its_own_page() {
    let site = Site::new().await;
    let mut browser = Browser::signed_in(&site).await;
    let csrf = browser.get("/settings/reading").await.hidden("csrf");
    let form = "application/x-www-form-urlencoded";
    for path in PATHS
        .iter()
        .filter(|path| !path.contains("//") && !path.contains('%'))
    {
        for (headers, status) in [
            (
                vec![("sec-fetch-site", "cross-site"), ("content-type", form)],
                403,
            ),
            (
                vec![("sec-fetch-site", "same-site"), ("content-type", form)],
                403,
            ),
            (vec![("origin", "null"), ("content-type", form)], 403),
            (vec![("content-type", form)], 403),
            (
                vec![
                    ("sec-fetch-site", "same-origin"),
                    ("content-type", "text/plain"),
                ],
                415,
            ),
        ] {
            let fields = [("csrf", csrf.as_str())];
            let answer = browser.post_with(path, &fields, &headers).await;
            assert_eq!(answer.status.as_u16(), status, "{path} {headers:?}");
        }
    }
    assert_eq!(
        browser.get("/status").await.status,
        StatusCode::OK,
        "still signed in"
    );
}

#[tokio::test]
async fn a2_a_form_needs_the_token_of_its_own_session() {
    let site = Site::new().await;
    let mut browser = Browser::signed_in(&site).await;
    let other = Browser::signed_in(&site)
        .await
        .get("/status")
        .await
        .hidden("csrf");
    for path in [
        "/settings/reading",
        "/settings/writing",
        "/settings/sessions",
        "/logout",
    ] {
        for token in ["", "x", other.as_str()] {
            let answer = browser.post(path, &[("csrf", token)]).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}");
        }
    }
    for path in ["/login", "/enroll", "/reset/x"] {
        let answer = Browser::new(&site).post(path, &[("csrf", "x")]).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}");
    }
    assert_eq!(browser.get("/status").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_form_that_is_too_large_is_refused_with_a_page() {
    let site = Site::new().await;
    let mut browser = Browser::signed_in(&site).await;
    let huge = "x".repeat(2 * 1024 * 1024);
    let answer = browser
        .post("/settings/writing", &[("signature", &huge)])
        .await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(answer.text.contains("too large"));
}

#[tokio::test]
async fn every_page_has_its_landmarks_and_one_heading() {
    let site = Site::new().await;
    let mut browser = Browser::signed_in(&site).await;
    assert!(browser.get("/login").await.header("location") == "/");
    for path in [
        "/status",
        "/help",
        "/settings/reading",
        "/settings/writing",
        "/settings/sessions",
    ] {
        let page = browser.get(path).await.text;
        for part in [
            "<header",
            "<nav",
            "<main",
            "<footer",
            "href=\"#main\"",
            "role=\"status\"",
        ] {
            assert!(page.contains(part), "{path} has no {part}");
        }
        assert_eq!(page.matches("<h1>").count(), 1, "{path}");
        assert!(page.contains("alice@example.org</title>"), "{path}");
    }
    let asked = Request::builder().uri("/login").header("host", HOST);
    let asked = asked
        .header("accept-language", "de")
        .body(Body::empty())
        .unwrap();
    let page = Browser::new(&site).send(asked).await.text;
    assert!(page.contains("<html lang=\"de\"") && page.contains("Anmelden"));
}

#[tokio::test]
async fn c8_every_page_tells_that_the_own_server_is_down_and_not_why() {
    let site = Site::new().await;
    let mut browser = Browser::signed_in(&site).await;
    let calm = browser.get("/settings/reading").await.text;
    assert!(
        !calm.contains("class=\"banner"),
        "nothing while all is well"
    );
    let status = RouteStatus {
        state: DestinationState::Down,
        since: site.spool.clock().now(),
        reason: Some("connection refused by 192.0.2.25".to_owned()),
        ..RouteStatus::default()
    };
    let route = RouteKey::of(&site.domain("example.org"));
    site.board.publish_route(&route, status);
    for path in ["/status", "/help", "/settings/reading"] {
        let page = browser.get(path).await.text;
        assert!(
            page.contains("Your mail server has been down since 08:00."),
            "{path}: {page}"
        );
        assert!(
            !page.contains("192.0.2.25"),
            "{path}: what is down is for administrators"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn h21_reports_are_counted_from_our_own_pages_and_only_so_many() {
    let site = Site::new().await;
    let mut browser = Browser::new(&site);
    let new = r#"[{"type":"csp-violation","body":{"effectiveDirective":"img-src"}}]"#;
    let old = r#"{"csp-report":{"violated-directive":"img-src 'self'"}}"#;
    let large = format!("[{}1]", "0,".repeat(10_000));
    let (kind, old_kind) = ("application/reports+json", "application/csp-report");
    for (from, kind, body, status) in [
        ("same-origin", kind, new, 204),
        ("same-origin", old_kind, old, 204),
        ("cross-site", kind, new, 403),
        ("none", kind, new, 403),
        ("same-origin", "text/plain", new, 415),
        ("same-origin", kind, "{", 400),
        ("same-origin", kind, large.as_str(), 413),
    ] {
        let answer = report(&mut browser, from, kind, body).await;
        assert_eq!(answer.as_u16(), status, "{from} {kind}");
    }
    for _ in 0..100 {
        report(&mut browser, "same-origin", kind, new).await;
    }
    let many = report(&mut browser, "same-origin", kind, new).await;
    assert_eq!(many, StatusCode::TOO_MANY_REQUESTS);
    tokio::time::advance(std::time::Duration::from_secs(61)).await;
    let later = report(&mut browser, "same-origin", kind, new).await;
    assert_eq!(later, StatusCode::NO_CONTENT);
}

async fn report(browser: &mut Browser<'_>, from: &str, kind: &str, body: &str) -> StatusCode {
    let request = browser
        .request(axum::http::Method::POST, "/csp-report")
        .header("sec-fetch-site", from)
        .header("content-type", kind);
    let body = Body::from(body.to_owned());
    browser.send(request.body(body).unwrap()).await.status
}
