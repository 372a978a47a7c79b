//! What users choose, and where they are signed in.

use axum::http::StatusCode;

use crate::browser::Browser;
use crate::site::Site;

#[tokio::test]
async fn a_choice_is_kept_and_said_to_be_kept() {
    let site = Site::new().await;
    let mut browser = Browser::signed_in(&site).await;
    let fields = [("language", "de"), ("mark_read", "never"), ("keys", "1")];
    let path = "/settings/reading";
    let answer = browser.submit(path, path, &fields).await;
    assert_eq!(answer.header("location"), path);
    let page = browser.get(path).await;
    assert!(page.text.contains("lang=\"de\"") && page.text.contains("Gespeichert."));
    assert!(
        !browser.get(path).await.text.contains("Gespeichert."),
        "said once"
    );
    let chosen = site
        .spool
        .preferences(&site.account("alice@example.org"))
        .await
        .unwrap();
    assert_eq!(chosen.language.as_deref(), Some("de"));
    assert!(chosen.keys && !chosen.conversations);
}

#[tokio::test]
async fn a_name_stays_on_one_line() {
    let site = Site::new().await;
    let mut browser = Browser::signed_in(&site).await;
    let fields = [
        ("display_name", "Alice\r\nBcc: all@example.org"),
        ("signature", "Regards\r\nAlice"),
        ("undo_seconds", "99"),
    ];
    let path = "/settings/writing";
    browser.submit(path, path, &fields).await;
    let chosen = site
        .spool
        .preferences(&site.account("alice@example.org"))
        .await
        .unwrap();
    assert_eq!(
        chosen.display_name.as_deref(),
        Some("AliceBcc: all@example.org")
    );
    assert_eq!(chosen.signature, "Regards\nAlice");
    assert_eq!(chosen.undo_seconds, 10, "only what is offered");
}

#[tokio::test]
async fn one_browser_signs_another_out() {
    let site = Site::new().await;
    let mut one = Browser::signed_in(&site).await;
    let mut other = Browser::signed_in(&site).await;
    let page = one.get("/settings/sessions").await;
    assert_eq!(page.text.matches("Firefox").count(), 2);
    let end = page.hidden("end");
    let fields = [("end", end.as_str())];
    one.submit("/settings/sessions", "/settings/sessions", &fields)
        .await;
    assert_eq!(other.get("/status").await.status, StatusCode::SEE_OTHER);
    assert_eq!(one.get("/status").await.status, StatusCode::OK);
    let foreign = one
        .submit("/settings/sessions", "/settings/sessions", &fields)
        .await;
    assert_eq!(foreign.status, StatusCode::NOT_FOUND, "it is gone");
}

#[tokio::test(start_paused = true)]
async fn a1_a_session_ends_after_twelve_idle_hours_and_after_seven_days() {
    let site = Site::new().await;
    let mut browser = Browser::signed_in(&site).await;
    let hours = |count: u64| std::time::Duration::from_secs(count * 3600);
    tokio::time::advance(hours(12)).await;
    assert_eq!(
        browser.get("/status").await.status,
        StatusCode::SEE_OTHER,
        "idle"
    );
    let mut browser = Browser::signed_in(&site).await;
    for _ in 0..16 {
        tokio::time::advance(hours(10)).await;
        assert_eq!(browser.get("/status").await.status, StatusCode::OK);
    }
    tokio::time::advance(hours(8)).await;
    assert_eq!(
        browser.get("/status").await.status,
        StatusCode::SEE_OTHER,
        "seven days"
    );
}

#[tokio::test(start_paused = true)]
async fn a1_the_fifty_first_session_ends_the_one_unused_for_longest() {
    let site = Site::new().await;
    let account = site.account("alice@example.org");
    let mut first = Browser::signed_in(&site).await;
    let client = web::auth::Client {
        address: "192.0.2.1".parse().unwrap(),
        agent: String::new(),
    };
    for _ in 0..50 {
        tokio::time::advance(std::time::Duration::from_secs(1)).await;
        let kind = storage::model::SessionKind::Portal;
        site.sign_in
            .begin(&account, kind, "alice@example.org", &client)
            .await
            .unwrap();
    }
    assert_eq!(site.spool.sessions_of(&account).len(), 50);
    assert_eq!(first.get("/status").await.status, StatusCode::SEE_OTHER);
}
