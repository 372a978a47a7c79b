//! Lists, search, and what is done with the messages of a list.

use axum::http::StatusCode;
use storage::model::Folder;

use crate::browser::Browser;
use crate::site::Site;

#[tokio::test]
async fn c11_c14_a_list_shows_what_arrived_and_the_address_it_came_to() {
    let site = Site::with_continuity().await;
    let mut browser = Browser::signed_in(&site).await;
    let empty = browser.get("/m/inbox").await;
    assert!(empty.text.contains("Mail from now on is kept here"));
    site.arrives_plain("alice@example.org", "Lunch").await;
    site.arrives_plain("info@example.org", "Offer<script>")
        .await;
    let page = browser.get("/m/inbox").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.text.contains("<title>2 unread"), "{}", page.text);
    assert!(page.text.contains("Ann Far") && page.text.contains("The text of Lunch."));
    assert!(page.text.contains("to info@example.org"), "C16");
    assert!(page.text.contains("Offer&lt;script&gt;") && !page.text.contains("<script>"));
}

#[tokio::test]
async fn c5_nobody_sees_anothers_mail() {
    let site = Site::with_continuity().await;
    let id = site.arrives_plain("bob@example.org", "Secret").await;
    let mut alice = Browser::signed_in(&site).await;
    assert!(!alice.get("/m/inbox").await.text.contains("Secret"));
    assert!(
        !alice
            .get("/m/inbox?q=Secret")
            .await
            .text
            .contains("The text of")
    );
    let id = id.to_string();
    let deed = [("do", "trash"), ("id", id.as_str())];
    alice.submit("/m/inbox", "/act", &deed).await;
    assert_eq!(site.lines("bob", Folder::Inbox).await.len(), 1);
}

#[tokio::test]
async fn d3_c14_what_is_done_is_said_taken_back_and_changes_no_delivery() {
    let site = Site::with_continuity().await;
    let one = site
        .arrives_plain("alice@example.org", "One")
        .await
        .to_string();
    let two = site
        .arrives_plain("alice@example.org", "Two")
        .await
        .to_string();
    let domain = site.domain("example.org").id;
    let queued = site.spool.counters(domain).queued;
    let mut browser = Browser::signed_in(&site).await;
    let deed = [
        ("do", "trash"),
        ("id", &one),
        ("id", &two),
        ("back", "/m/inbox"),
    ];
    let answer = browser.submit("/m/inbox", "/act", &deed).await;
    assert_eq!(answer.header("location"), "/m/inbox");
    assert_eq!(site.lines("alice", Folder::Trash).await.len(), 2);
    assert_eq!(site.spool.counters(domain).queued, queued, "D3");
    let page = browser.get("/m/inbox").await;
    assert!(page.text.contains("Moved to the trash: 2."));
    let undo = page.text.split("action=\"/undo/").nth(1).unwrap();
    let undo = format!("/undo/{}", undo.split('"').next().unwrap());
    browser
        .submit("/m/inbox", &undo, &[("back", "/m/inbox")])
        .await;
    assert_eq!(site.lines("alice", Folder::Inbox).await.len(), 2);
    let deed = [("do", "delete"), ("id", one.as_str())];
    browser.submit("/m/inbox", "/act", &deed).await;
    assert_eq!(site.lines("alice", Folder::Inbox).await.len(), 1);
    assert_eq!(site.spool.counters(domain).queued, queued, "D3");
    let none = browser.submit("/m/inbox", "/act", &[("do", "read")]).await;
    assert_eq!(none.status, StatusCode::SEE_OTHER);
    assert!(
        browser
            .get("/m/inbox")
            .await
            .text
            .contains("class=\"flash\"")
    );
}

#[tokio::test(start_paused = true)]
async fn c14_pages_go_to_the_end_and_back_and_a_deed_can_be_for_all() {
    let site = Site::with_continuity().await;
    for number in 0..120 {
        let subject = format!("No{number:03}");
        tokio::time::advance(std::time::Duration::from_secs(1)).await;
        site.arrives_plain("alice@example.org", &subject).await;
    }
    let mut browser = Browser::signed_in(&site).await;
    let follow = |text: &str, rel: &str| {
        let link = text.split(&format!("rel=\"{rel}\" href=\"")).nth(1)?;
        Some(link.split('"').next()?.replace("&amp;", "&"))
    };
    let mut page = browser.get("/m/inbox").await.text;
    let mut seen = page.matches("The text of").count();
    while let Some(next) = follow(&page, "next") {
        page = browser.get(&next).await.text;
        seen += page.matches("The text of").count();
    }
    assert_eq!(seen, 120);
    let back = follow(&page, "prev").unwrap();
    let back = browser.get(&back).await.text;
    let shown: Vec<&str> = back
        .split("The text of ")
        .skip(1)
        .map(|rest| &rest[..5])
        .collect();
    let expected: Vec<String> = (20..70)
        .rev()
        .map(|number| format!("No{number:03}"))
        .collect();
    assert_eq!(shown, expected);
    let all = [("do", "archive"), ("all", "inbox ")];
    browser.submit("/m/inbox", "/act", &all).await;
    assert_eq!(site.lines("alice", Folder::Archive).await.len(), 120);
}

#[tokio::test]
async fn c14_search_finds_by_operator_and_offers_a_way_back() {
    let site = Site::with_continuity().await;
    site.arrives_plain("alice@example.org", "Budget").await;
    site.arrives_plain("alice@example.org", "Picnic").await;
    let mut browser = Browser::signed_in(&site).await;
    let found = browser.get("/m/inbox?q=subject:budget").await;
    assert!(
        found.text.contains("The text of Budget") && !found.text.contains("The text of Picnic")
    );
    let none = browser.get("/m/inbox?q=from%3Anobody").await;
    assert!(none.text.contains("Nothing found") && none.text.contains("Show everything again"));
    for path in ["/m/nowhere", "/m/inbox?before=x", "/m/inbox?f=x"] {
        let status = browser.get(path).await.status;
        assert!(status.is_client_error(), "{path} {status}");
    }
}
