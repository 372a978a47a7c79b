//! An open page hears at once of what changes.

use std::time::Duration;

use axum::body::Body;
use axum::http::Method;
use http_body_util::BodyExt as _;
use storage::model::Hold;
use tower::ServiceExt as _;

use crate::browser::Browser;
use crate::site::Site;

/// The stream of a browser's open page.
async fn open(site: &Site, browser: &Browser<'_>) -> Body {
    let request = browser.request(Method::GET, "/events");
    let request = request.body(Body::empty()).unwrap();
    let response = site.router.clone().oneshot(request).await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    response.into_body()
}

async fn next(stream: &mut Body) -> Option<String> {
    loop {
        let frame = stream.frame().await?.unwrap();
        let text = String::from_utf8(frame.into_data().unwrap().to_vec()).unwrap();
        // A sign of life is none.
        if text.contains("event:") {
            return Some(text);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn c3_new_mail_is_told_within_a_second_and_only_to_its_reader() {
    let site = Site::with_continuity().await;
    let browser = Browser::signed_in(&site).await;
    let mut stream = open(&site, &browser).await;
    let live = next(&mut stream).await.unwrap();
    assert!(
        live.contains("event: live\n") && live.contains("data: 0 0\n"),
        "{live}"
    );
    site.arrives_plain("bob@example.org", "Not hers").await;
    site.arrives_plain("alice@example.org", "Hers").await;
    let began = site.spool.clock().now();
    let told = next(&mut stream).await.unwrap();
    assert!(
        told.contains("event: mail\n") && told.contains("data: 1 1\n"),
        "{told}"
    );
    assert!(!told.contains("Hers"), "numbers only");
    let took = site.spool.clock().now().saturating_since(began);
    assert!(took < Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn the_state_of_the_server_is_told_and_the_stream_ends_with_the_session() {
    let site = Site::with_continuity().await;
    let mut browser = Browser::signed_in(&site).await;
    let mut stream = open(&site, &browser).await;
    next(&mut stream).await.unwrap();
    let hold = Hold {
        reason: "work".to_owned(),
        by: "operator".to_owned(),
        since: site.spool.clock().now(),
        until: None,
    };
    let name = "example.org".parse().unwrap();
    site.spool
        .update_domain(
            &name,
            |domain| domain.hold = Some(hold),
            crate::site::audit(),
        )
        .await
        .unwrap();
    let told = next(&mut stream).await;
    assert!(told.unwrap().contains("event: state"));
    browser.submit("/m/inbox", "/logout", &[]).await;
    assert_eq!(next(&mut stream).await, None);
}
