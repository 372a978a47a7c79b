//! The life of a message by its queue id, and the search.

use axum::http::{Method, StatusCode};
use serde_json::json;
use storage::spool::NewDisposition;

use crate::site::Site;

#[tokio::test]
async fn a_life_is_told_by_queue_id_and_found_by_search() {
    let site = Site::with_domain().await;
    let domain = site.domain_id("example.org");
    let sender = "s@x.example";
    let reason = "looks like a trap".to_owned();
    let trapped = NewDisposition::Quarantine { reason };
    let trapped = site.accept(domain, sender, "a@example.org", trapped).await;
    let queued = NewDisposition::Queue;
    let queued = site.accept(domain, sender, "b@example.org", queued).await;
    let path = format!("/api/v1/aside/{trapped}/release");
    site.send(Method::POST, &path, &json!({})).await;

    let story = site.get(&format!("/api/v1/log/{trapped}")).await.json();
    let events = story["items"].as_array().unwrap();
    let words: Vec<_> = events.iter().map(|event| &event["event"]).collect();
    assert_eq!(words, ["quarantined", "released"]);
    assert_eq!(events[0]["detail"], "looks like a trap");
    assert_eq!(events[0]["sender"], sender);
    assert_eq!(events[0]["recipients"][0], "a@example.org");
    assert_eq!(events[0]["client"], "192.0.2.1");
    assert!(events[0].get("subject").is_none(), "subjects are not kept");

    let first = site.get("/api/v1/log?limit=1").await.json();
    assert_eq!(first["items"][0]["id"], queued.to_string());
    let next = first["next"].as_str().unwrap();
    let second = site.get(&format!("/api/v1/log?limit=1&after={next}")).await;
    assert_eq!(second.json()["items"][0]["id"], trapped.to_string());
    for (query, count) in [
        ("recipient=B@EXAMPLE", 1),
        ("domain=example.org&sender=x.example", 2),
        ("until=1999-01-01T00:00:00Z", 0),
        ("from=1999-01-01T00:00:00Z", 2),
    ] {
        let page = site.get(&format!("/api/v1/log?{query}")).await.json();
        assert_eq!(page["items"].as_array().unwrap().len(), count, "{query}");
    }
}

#[tokio::test]
async fn what_the_log_does_not_know_or_understand_is_refused() {
    let site = Site::with_domain().await;
    for (path, status) in [
        ("/api/v1/log/00000000000000000000", StatusCode::NOT_FOUND),
        ("/api/v1/log/nonsense", StatusCode::NOT_FOUND),
        ("/api/v1/log?domain=no.example", StatusCode::NOT_FOUND),
        ("/api/v1/log?from=yesterday", StatusCode::BAD_REQUEST),
        ("/api/v1/log?after=x", StatusCode::BAD_REQUEST),
    ] {
        assert_eq!(site.get(path).await.status, status, "{path}");
    }
}
