//! Whom somebody may be writing to.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::http::StatusCode;
use storage::spool::{Space, SpaceProbe};

use crate::browser::Browser;
use crate::compose::send;
use crate::site::Site;

#[tokio::test]
async fn c14_colleagues_and_own_correspondents_are_suggested_and_nobody_else() {
    let site = Site::with_continuity().await;
    site.put_mailbox("bobby@example.org", true).await;
    site.arrives_plain("alice@example.org", "Lunch").await;
    let mut browser = Browser::signed_in(&site).await;
    let ask = |text: &'static str| format!("/ac?q={text}");
    let bobs = browser.get(&ask("bo")).await;
    assert_eq!(bobs.header("content-type"), "application/json");
    let expected =
        r#"[{"name":"","address":"bob@example.org"},{"name":"","address":"bobby@example.org"}]"#;
    assert_eq!(bobs.text, expected);
    let ann = browser.get(&ask("far")).await.text;
    assert_eq!(ann, r#"[{"name":"Ann Far","address":"ann@far.example"}]"#);
    assert_eq!(
        browser.get(&ask("left")).await.text,
        "[]",
        "a disabled mailbox"
    );
    assert_eq!(browser.get(&ask("other.example")).await.text, "[]");
    assert_eq!(browser.get("/ac?q=").await.text, "[]");
    let form = browser.get("/compose").await.text;
    assert!(
        form.contains("<datalist id=\"people\"><option value=\"ann@far.example\">Ann Far"),
        "{form}"
    );
    let mut nobody = Browser::new(&site);
    assert_eq!(nobody.get(&ask("bo")).await.status, StatusCode::SEE_OTHER);
    for _ in 0..120 {
        browser.get("/ac?q=x").await;
    }
    let many = browser.get("/ac?q=x").await;
    assert_eq!(many.status, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn c14_a_file_that_was_forgotten_is_asked_for_once() {
    let site = Site::with_continuity().await;
    let mut browser = Browser::signed_in(&site).await;
    let typed = [
        ("to", "ann@far.example"),
        ("text", "The plan is attached."),
        ("do", "send"),
    ];
    let asked = send(&mut browser, "/compose", &typed, &[]).await;
    assert_eq!(asked.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        asked.text.contains("none is attached") && asked.text.contains("value=\"send-anyway\"")
    );
    let sent = send(&mut browser, "/compose", &typed, &[("plan.txt", "x")]).await;
    assert_eq!(sent.header("location"), "/outbox");
    let anyway = [typed[0], typed[1], ("do", "send-anyway")];
    let sent = send(&mut browser, "/compose", &anyway, &[]).await;
    assert_eq!(sent.header("location"), "/outbox");
}

/// A volume that fills up.
#[derive(Debug)]
struct Volume(AtomicU64);

impl SpaceProbe for Volume {
    fn sample(&self) -> std::io::Result<Space> {
        Ok(Space {
            total_bytes: 100 << 30,
            free_bytes: self.0.load(Ordering::Relaxed),
        })
    }
}

#[tokio::test]
async fn a_full_storage_is_said_and_nothing_typed_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let volume = Arc::new(Volume(AtomicU64::new(80 << 30)));
    let site = Site::on_disk(folder.path(), volume.clone()).await;
    let mut browser = Browser::signed_in(&site).await;
    let page = browser.get("/m/inbox").await.text;
    assert!(!page.contains("The storage is full."));
    volume.0.store(5 << 30, Ordering::Relaxed);
    site.spool.sample_space().await.unwrap();
    let page = browser.get("/m/inbox").await.text;
    assert!(
        page.contains("The storage is full.") && page.contains("Nothing is lost"),
        "{page}"
    );
    let typed = [("to", "bob@example.org"), ("text", "Hello"), ("do", "send")];
    let answer = send(&mut browser, "/compose", &typed, &[]).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(answer.text.contains("Your text is still here") && answer.text.contains("Hello"));
    browser.language = "de";
    assert!(
        browser
            .get("/status")
            .await
            .text
            .contains("Der Speicher ist voll.")
    );
}
