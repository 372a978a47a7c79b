//! Reading: the page of a message, its frame, images, files and source.

use axum::body::Body;
use axum::http::{Method, StatusCode};
use storage::model::Folder;

use crate::browser::Browser;
use crate::site::Site;

const NEWSLETTER: &str = "From: Ann Far <ann@far.example>\r\nTo: alice@example.org\r\n\
    Subject: News <b>\r\nMessage-ID: <n@far.example>\r\nMIME-Version: 1.0\r\n\
    Content-Type: multipart/mixed; boundary=m\r\n\r\n--m\r\n\
    Content-Type: multipart/related; boundary=r\r\n\r\n--r\r\n\
    Content-Type: text/html; charset=utf-8\r\n\r\n\
    <p onclick=alarm()>Hello <b>Alice</b></p><script>alarm()</script><img src=\"cid:logo\">\
    <img src=\"https://shop.example/a.png\"><img src=\"https://t.example/p.gif\" width=1 height=1>\
    <a href=\"https://evil.example/\">https://bank.example/</a>\r\n--r\r\n\
    Content-Type: image/gif\r\nContent-ID: <logo>\r\nContent-Transfer-Encoding: base64\r\n\r\n\
    R0lGODlhAQABAIAAAAAAAP///ywAAAAAAQABAAACAUwAOw==\r\n--r--\r\n--m\r\n\
    Content-Type: text/html; name=\"../x.html\"\r\nContent-Disposition: attachment; filename=\"../x.html\"\r\n\r\n\
    <script>alarm()</script>\r\n--m\r\n\
    Content-Type: application/octet-stream\r\nContent-Disposition: attachment; filename=\"bill.pdf.exe\"\r\n\r\nMZ\r\n--m--\r\n";

#[tokio::test]
async fn c14_a_message_is_read_and_marked_only_when_a_person_opens_it() {
    let site = Site::with_continuity().await;
    let id = site.arrives_plain("alice@example.org", "Lunch").await;
    let mut browser = Browser::signed_in(&site).await;
    let path = format!("/m/inbox/{id}");
    let page = browser.get(&path).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.text.contains("The text of Lunch.") && page.text.contains("ann@far.example"));
    assert!(page.text.contains("Kept here until"));
    assert!(
        !site.lines("alice", Folder::Inbox).await[0].flags.read,
        "A2"
    );
    let opened = [
        ("sec-fetch-site", "same-origin"),
        ("sec-fetch-mode", "navigate"),
    ];
    let ahead = [opened[0], opened[1], ("sec-purpose", "prefetch")];
    browser.get_with(&path, &ahead).await;
    assert!(
        !site.lines("alice", Folder::Inbox).await[0].flags.read,
        "A2"
    );
    let page = browser.get_with(&path, &opened).await;
    assert!(site.lines("alice", Folder::Inbox).await[0].flags.read);
    assert!(
        !page.text.contains("class=\"count\""),
        "the number follows at once"
    );
}

#[tokio::test]
async fn c5_h15_a_message_of_another_is_not_there_by_any_route() {
    let site = Site::with_continuity().await;
    let id = site.arrives("bob@example.org", NEWSLETTER).await;
    let mut alice = Browser::signed_in(&site).await;
    for path in [
        format!("/m/inbox/{id}"),
        format!("/m/{id}/source"),
        format!("/m/{id}/print"),
        format!("/m/{id}/eml"),
        format!("/f/{id}"),
        format!("/a/{id}/3"),
        format!("/a/{id}/all.zip"),
        format!("/compose?reply={id}"),
    ] {
        assert_eq!(
            alice.get(&path).await.status,
            StatusCode::NOT_FOUND,
            "{path}"
        );
        let mut nobody = Browser::new(&site);
        let answer = nobody.get(&path).await;
        assert!(answer.header("location").starts_with("/login"), "{path}");
    }
}

#[tokio::test]
async fn h1_h8_html_is_shown_in_a_frame_without_scripts_and_remote_images() {
    let site = Site::with_continuity().await;
    let id = site.arrives("alice@example.org", NEWSLETTER).await;
    let mut browser = Browser::signed_in(&site).await;
    let page = browser.get(&format!("/m/inbox/{id}")).await.text;
    assert!(page.contains("News &lt;b&gt;") && !page.contains("alarm()"));
    assert!(page.contains("sandbox=\"allow-popups allow-popups-to-escape-sandbox\""));
    assert!(page.contains("1 image was not loaded."), "{page}");
    assert!(page.contains("1 more only tells") && page.contains("shop.example"));
    assert!(page.contains("leads to evil.example"));
    let frame = browser.get(&format!("/f/{id}")).await;
    let policy = frame.header("content-security-policy");
    assert!(policy.starts_with("sandbox allow-popups"), "{policy}");
    assert!(policy.contains("img-src https://mail.example.net/c/ data:"));
    assert!(frame.text.contains("Hello <b>Alice</b>"));
    for word in ["alarm", "shop.example", "t.example", "onclick"] {
        assert!(!frame.text.contains(word), "{word}");
    }
    let script = [("sec-fetch-dest", "script")];
    let refused = browser.get_with(&format!("/f/{id}"), &script).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn h13_an_image_needs_no_cookie_and_dies_with_the_session() {
    let site = Site::with_continuity().await;
    let id = site.arrives("alice@example.org", NEWSLETTER).await;
    let mut browser = Browser::signed_in(&site).await;
    let frame = browser.get(&format!("/f/{id}")).await.text;
    let image = frame.split("src=\"/c/").nth(1).unwrap();
    let image = format!("/c/{}", image.split('"').next().unwrap());
    let asked = [("sec-fetch-dest", "image")];
    let mut nobody = Browser::new(&site);
    let answer = nobody.bytes(&image, &asked).await;
    assert_eq!(answer.0, StatusCode::OK);
    assert!(answer.1.starts_with(b"GIF89a"));
    let plain = nobody.bytes(&image, &[]).await;
    assert_eq!(plain.0, StatusCode::FORBIDDEN);
    browser.submit("/m/inbox", "/logout", &[]).await;
    let gone = nobody.bytes(&image, &asked).await;
    assert_eq!(gone.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn hd6_files_are_downloads_and_the_text_is_an_equal() {
    let site = Site::with_continuity().await;
    let id = site.arrives("alice@example.org", NEWSLETTER).await;
    let mut browser = Browser::signed_in(&site).await;
    let page = browser.get(&format!("/m/inbox/{id}")).await.text;
    assert!(page.contains("Files (2)") && page.contains("x.html"));
    assert!(page.contains("hides what it is") || page.contains("runs when it is opened"));
    let file = page.split(&format!("/a/{id}/")).nth(1).unwrap();
    let file = format!("/a/{id}/{}", file.split('"').next().unwrap());
    let answer = browser.get(&file).await;
    assert_eq!(answer.header("content-type"), "application/octet-stream");
    let disposition = answer.header("content-disposition").to_owned();
    assert!(
        disposition.starts_with("attachment; filename=\"x.html\""),
        "{disposition}"
    );
    let zip = browser.bytes(&format!("/a/{id}/all.zip"), &[]).await;
    assert!(zip.1.starts_with(b"PK"));
    let text = browser.get(&format!("/m/inbox/{id}?v=text")).await.text;
    assert!(text.contains("Hello Alice") && !text.contains("<iframe"));
    let source = browser.get(&format!("/m/{id}/source")).await;
    assert_eq!(source.header("content-type"), "text/plain; charset=utf-8");
    let print = browser.get(&format!("/m/{id}/print")).await;
    assert!(print.text.contains("Ann Far") && print.text.contains("Hello <b>Alice</b>"));
    let eml = browser.get(&format!("/m/{id}/eml")).await;
    assert_eq!(eml.text, NEWSLETTER);
}

#[tokio::test]
async fn c14_a_conversation_stands_together() {
    let site = Site::with_continuity().await;
    site.arrives_plain("alice@example.org", "Plan").await;
    let answer = "From: Cem <cem@far.example>\r\nTo: alice@example.org\r\nSubject: Re: Plan\r\n\
        Message-ID: <r@far.example>\r\nIn-Reply-To: <Plan@far.example>\r\n\r\nAgreed.\r\n";
    let id = site.arrives("alice@example.org", answer).await;
    let mut browser = Browser::signed_in(&site).await;
    let page = browser.get(&format!("/m/inbox/{id}")).await.text;
    let (before, behind) = page.split_once("Agreed.").unwrap();
    assert!(before.contains("The text of Plan."));
    assert!(!behind.contains("The text of Plan."));
    let chosen = [("mark_read", "open")];
    browser
        .submit("/settings/reading", "/settings/reading", &chosen)
        .await;
    let page = browser.get(&format!("/m/inbox/{id}")).await.text;
    assert!(!page.contains("The text of Plan."), "switched off");
}

#[tokio::test]
async fn h23_a_broken_message_can_still_be_downloaded() {
    let site = Site::with_continuity().await;
    let header = "X: ".to_owned() + &"x".repeat(300 * 1024);
    let raw = format!("From: ann@far.example\r\n{header}\r\n\r\nhello\r\n");
    let id = site.arrives("alice@example.org", &raw).await;
    let mut browser = Browser::signed_in(&site).await;
    let page = browser.get(&format!("/m/inbox/{id}")).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.text.contains("too large or too tangled"));
    assert_eq!(
        browser.get(&format!("/m/{id}/eml")).await.text.len(),
        raw.len()
    );
}

#[tokio::test(start_paused = true)]
async fn c9_what_is_too_old_says_so() {
    let site = Site::with_continuity().await;
    let id = site.arrives_plain("alice@example.org", "Old").await;
    let path = format!("/m/inbox/{id}");
    tokio::time::advance(std::time::Duration::from_secs(31 * 86_400)).await;
    let mut browser = Browser::signed_in(&site).await;
    assert_eq!(browser.get(&path).await.status, StatusCode::GONE);
    let never = path.replace('1', "2");
    assert!(browser.get(&never).await.status.is_client_error());
}

#[tokio::test]
async fn heads_are_answered_without_a_body() {
    let site = Site::with_continuity().await;
    let id = site.arrives_plain("alice@example.org", "Lunch").await;
    let mut browser = Browser::signed_in(&site).await;
    let request = browser.request(Method::HEAD, &format!("/m/inbox/{id}"));
    let answer = browser.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!((answer.status, answer.text.as_str()), (StatusCode::OK, ""));
}
