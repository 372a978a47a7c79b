//! What users see of an outage of their server: its history, and the mail that came since it began.

use actors::outages::{Outage, OutageKind};
use axum::http::StatusCode;
use storage::model::Timestamp;

use crate::browser::Browser;
use crate::site::Site;

fn outage(site: &Site, began: u64, ended: Option<u64>) -> Outage {
    let now = site.spool.clock().now();
    let ago = |seconds| Timestamp::from_millis(now.as_millis() - seconds * 1_000);
    Outage {
        kind: OutageKind::Outage,
        reason: "connection refused by internal.host".to_owned(),
        started_at: ago(began),
        noticed_at: ago(began),
        ended_at: ended.map(ago),
        drained_at: ended.map(ago),
        held_max: 132,
        wait_max_millis: 7_260_000,
    }
}

#[tokio::test]
async fn s21_the_last_outages_and_what_they_meant_stand_on_the_status_page() {
    let site = Site::with_continuity().await;
    let mut browser = Browser::signed_in(&site).await;
    let page = browser.get("/status").await;
    assert!(page.text.contains("No outage."), "{}", page.text);
    let id = site.domain("example.org").id;
    let outages = vec![
        outage(&site, 90_000, Some(80_000)),
        outage(&site, 7_200, None),
    ];
    site.board.publish_outages(id, outages);
    let page = browser.get("/status").await.text;
    assert!(
        page.contains("2 h 0 min") && page.contains("2 h 46 min"),
        "{page}"
    );
    assert!(page.contains("132") && page.contains("not yet") && page.contains("2 h 1 min"));
    assert!(page.contains("Nobody who wrote to you got an error."));
    assert!(
        !page.contains("internal.host"),
        "what the server said is not for users"
    );
    browser.language = "de";
    let german = browser.get("/status").await.text;
    assert!(german.contains("St\u{f6}rung") && german.contains("noch nicht"));
}

#[tokio::test]
async fn c3_mail_since_the_outage_began_is_one_filter_away() {
    let site = Site::with_continuity().await;
    tokio::time::pause();
    site.arrives_plain("alice@example.org", "Before").await;
    tokio::time::advance(std::time::Duration::from_secs(3_600)).await;
    let mut browser = Browser::signed_in(&site).await;
    let path = "/m/inbox?f=outage";
    assert!(
        !browser
            .get("/m/inbox")
            .await
            .text
            .contains("Since the outage began")
    );
    assert_eq!(browser.get(path).await.status, StatusCode::OK);
    let id = site.domain("example.org").id;
    site.board
        .publish_outages(id, vec![outage(&site, 60, None)]);
    site.arrives_plain("alice@example.org", "Meanwhile").await;
    let all = browser.get("/m/inbox").await.text;
    assert!(all.contains("Since the outage began") && all.contains("Before"));
    let page = browser.get(path).await.text;
    assert!(
        page.contains("Meanwhile") && !page.contains("Before"),
        "{page}"
    );
    assert!(!page.contains("Everything in Inbox"), "only what is shown");
    let found = browser.get("/m/inbox?q=text&f=outage").await.text;
    assert!(found.contains("Meanwhile") && !found.contains("The text of Before"));
    site.board
        .publish_outages(id, vec![outage(&site, 900_000, Some(800_000))]);
    assert!(
        !browser
            .get("/m/inbox")
            .await
            .text
            .contains("Since the outage began"),
        "long over"
    );
}

#[tokio::test]
async fn c14_what_has_a_star_is_a_filter_of_every_folder() {
    let site = Site::with_continuity().await;
    let one = site
        .arrives_plain("alice@example.org", "One")
        .await
        .to_string();
    site.arrives_plain("alice@example.org", "Two").await;
    let mut browser = Browser::signed_in(&site).await;
    let deed = [("do", "star"), ("id", one.as_str())];
    browser.submit("/m/inbox", "/act", &deed).await;
    let page = browser.get("/m/inbox?f=starred").await.text;
    assert!(page.contains("The text of One") && !page.contains("The text of Two"));
}
