//! Taking the own mailbox along.

use std::io::Read as _;

use axum::http::StatusCode;

use crate::browser::Browser;
use crate::site::{PASSWORD, Site};

/// Asks for a link with the own password.
async fn link(browser: &mut Browser<'_>, format: &str) -> String {
    let fields = [("format", format), ("present", PASSWORD)];
    let page = browser
        .submit("/settings/export", "/settings/export", &fields)
        .await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    let rest = page.text.split("href=\"/export/").nth(1).unwrap();
    format!("/export/{}", rest.split('"').next().unwrap())
}

#[tokio::test]
async fn c14_the_whole_mailbox_and_nothing_of_anybody_elses_comes_as_a_zip_or_mbox() {
    let site = Site::with_continuity().await;
    for number in 0..203 {
        site.arrives_plain("alice@example.org", &format!("Note{number}"))
            .await;
    }
    let filed = site
        .arrives_plain("info@example.org", "Filed")
        .await
        .to_string();
    site.arrives_plain("bob@example.org", "Secret").await;
    let mut browser = Browser::signed_in(&site).await;
    let deed = [("do", "archive"), ("id", filed.as_str())];
    browser.submit("/m/inbox", "/act", &deed).await;

    let path = link(&mut browser, "zip").await;
    let (status, bytes) = browser.bytes(&path, &[]).await;
    assert_eq!(status, StatusCode::OK);
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap();
    assert_eq!(archive.len(), 204);
    let names: Vec<String> = archive
        .file_names()
        .map(|name| name.unwrap().into_owned())
        .collect();
    assert!(
        names
            .iter()
            .any(|name| name.starts_with("archive/") && name.ends_with("Filed.eml")),
        "{names:?}"
    );
    let mut text = String::new();
    archive
        .by_index(0)
        .unwrap()
        .read_to_string(&mut text)
        .unwrap();
    assert!(
        text.ends_with("The text of Note202.\r\n"),
        "as it came: {text}"
    );

    let path = link(&mut browser, "mbox").await;
    let (_, bytes) = browser.bytes(&path, &[]).await;
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    assert_eq!(text.matches("From ann@far.example ").count(), 204);
    assert!(!text.contains("Secret") && !text.contains('\r'));
    let audit = site.audit().await;
    assert!(
        audit.contains(&("mailbox.export".to_owned(), "alice@example.org".to_owned())),
        "{audit:?}"
    );
}

#[tokio::test]
async fn a9_an_export_wants_the_password_and_its_link_its_own_session() {
    let site = Site::with_continuity().await;
    let mut browser = Browser::signed_in(&site).await;
    let page = "/settings/export";
    let wrong = [("format", "zip"), ("present", "not the password at all")];
    let refused = browser.submit(page, page, &wrong).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(!refused.text.contains("/export/"));
    let odd = [("format", "exe"), ("present", PASSWORD)];
    let refused = browser.submit(page, page, &odd).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    let path = link(&mut browser, "zip").await;
    let mut other = Browser::signed_in(&site).await;
    assert_eq!(other.get(&path).await.status, StatusCode::NOT_FOUND);
    let mut nobody = Browser::new(&site);
    assert_eq!(nobody.get(&path).await.status, StatusCode::SEE_OTHER);
    assert_eq!(browser.bytes(&path, &[]).await.0, StatusCode::OK);
}
