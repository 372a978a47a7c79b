//! Signing in and out, by the stories of people.

use axum::http::StatusCode;

use crate::browser::Browser;
use crate::site::{PASSWORD, Site};

#[tokio::test]
async fn c15_a_user_signs_in_with_the_address_and_sees_the_own_mailbox_only() {
    let site = Site::new().await;
    let mut browser = Browser::new(&site);
    assert_eq!(
        browser.get("/status").await.header("location"),
        "/login?next=%2Fstatus"
    );
    let answer = browser.sign_in(" Alice@Example.org ", PASSWORD).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    let page = browser.get("/status").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.text.contains("alice@example.org") && page.text.contains("example.org"));
    assert!(!page.text.contains("other.example"));
    assert_eq!(
        site.audit().await[0],
        ("session.begin".into(), "alice@example.org".into())
    );
}

#[tokio::test]
async fn after_signing_in_the_reader_is_where_they_wanted_to_be() {
    let site = Site::new().await;
    let mut browser = Browser::new(&site);
    let page = browser.get("/login?next=%2Fsettings%2Freading").await;
    let (csrf, next) = (page.hidden("csrf"), page.hidden("next"));
    let fields = [
        ("csrf", csrf.as_str()),
        ("next", next.as_str()),
        ("address", "alice@example.org"),
        ("password", PASSWORD),
    ];
    let answer = browser.post("/login", &fields).await;
    assert_eq!(answer.header("location"), "/settings/reading");
    let elsewhere = Browser::new(&site)
        .get("/login?next=https://evil.example")
        .await;
    assert!(!elsewhere.text.contains("evil.example"));
}

#[tokio::test]
async fn every_failure_reads_the_same() {
    let site = Site::new().await;
    let mut texts = Vec::new();
    for (address, password) in [
        ("alice@example.org", "not the password"),
        ("nobody@example.org", "not the password"),
        ("bob@example.org", "not the password"),
        ("left@example.org", PASSWORD),
        ("info@example.org", "not the password"),
        ("alice@elsewhere.example", "not the password"),
        ("nonsense", "not the password"),
        ("postmaster@example.org", "not the password"),
        ("alice@other.example", PASSWORD),
    ] {
        let mut browser = Browser::new(&site);
        let answer = browser.sign_in(address, password).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{address}");
        assert!(!browser.cookies.contains_key("__Host-portal"), "{address}");
        let csrf = answer.hidden("csrf");
        texts.push(
            answer
                .text
                .replace(address, "ADDRESS")
                .replace(&csrf, "CSRF"),
        );
    }
    assert!(
        texts.windows(2).all(|pair| pair[0] == pair[1]),
        "{texts:#?}"
    );
}

#[tokio::test]
async fn c16_an_alias_has_no_login_and_its_owner_is_told_where_to_go() {
    let site = Site::new().await;
    let mut browser = Browser::new(&site);
    for alias in ["info@example.org", "alice+news@example.org"] {
        let answer = browser.sign_in(alias, PASSWORD).await;
        assert_eq!(answer.status, StatusCode::CONFLICT);
        assert!(
            answer.text.contains("Sign in as alice@example.org"),
            "{}",
            answer.text
        );
        assert!(!browser.cookies.contains_key("__Host-portal"));
    }
}

#[tokio::test]
async fn hd4_the_session_cookie_and_a1_a_new_id_at_every_sign_in() {
    let site = Site::new().await;
    let mut browser = Browser::new(&site);
    let first = browser.sign_in("alice@example.org", PASSWORD).await;
    let cookies = first.headers.get_all("set-cookie").iter();
    let cookie = cookies
        .map(|it| it.to_str().unwrap())
        .find(|it| it.starts_with("__Host-portal="));
    let cookie = cookie.unwrap().to_owned();
    let (value, attributes) = cookie.split_once(';').unwrap();
    assert_eq!(attributes, " Path=/; Secure; HttpOnly; SameSite=Lax");
    assert_eq!(value.len(), "__Host-portal=".len() + 43, "256 bits");
    let one = browser.cookies["__Host-portal"].clone();
    let mut other = Browser::signed_in(&site).await;
    assert_ne!(one, other.cookies["__Host-portal"]);
    other.cookies.insert("__Host-portal".into(), "x".repeat(43));
    assert_eq!(
        other.get("/status").await.status,
        StatusCode::SEE_OTHER,
        "no session"
    );
}

#[tokio::test]
async fn signing_out_ends_the_session_here_and_on_the_server() {
    let site = Site::new().await;
    let mut browser = Browser::signed_in(&site).await;
    let stolen = browser.cookies.clone();
    let answer = browser.submit("/status", "/logout", &[]).await;
    assert_eq!(answer.header("location"), "/login");
    assert_eq!(answer.header("clear-site-data"), "\"cache\", \"storage\"");
    assert!(!browser.cookies.contains_key("__Host-portal"));
    assert!(
        browser
            .get("/login")
            .await
            .text
            .contains("You are signed out.")
    );
    browser.cookies = stolen;
    assert_eq!(browser.get("/status").await.status, StatusCode::SEE_OTHER);
    assert_eq!(site.audit().await[0].0, "session.end");
}

#[tokio::test]
async fn c23_a_password_that_an_administrator_sets_counts_at_once_and_ends_all_sessions() {
    let site = Site::new().await;
    let mut browser = Browser::signed_in(&site).await;
    assert_eq!(browser.get("/status").await.status, StatusCode::OK);
    site.set_password("alice@example.org", "a wholly different passphrase")
        .await;
    assert_eq!(browser.get("/status").await.status, StatusCode::SEE_OTHER);
    let refused = browser.sign_in("alice@example.org", PASSWORD).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    let taken = browser
        .sign_in("alice@example.org", "a wholly different passphrase")
        .await;
    assert_eq!(taken.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_mailbox_that_is_disabled_or_removed_is_closed_to_its_sessions() {
    let site = Site::new().await;
    let mut browser = Browser::signed_in(&site).await;
    site.put_mailbox("alice@example.org", false).await;
    assert_eq!(browser.get("/status").await.status, StatusCode::SEE_OTHER);
    site.put_mailbox("alice@example.org", true).await;
    assert_eq!(
        browser.get("/status").await.status,
        StatusCode::SEE_OTHER,
        "it had ended"
    );
    site.set_password("bob@example.org", PASSWORD).await;
    assert_eq!(
        browser.sign_in("bob@example.org", PASSWORD).await.status,
        StatusCode::SEE_OTHER
    );
    let bob = "bob@example.org".parse().unwrap();
    site.spool
        .remove_mailbox(&bob, crate::site::audit())
        .await
        .unwrap();
    site.put_mailbox("bob@example.org", true).await;
    assert_eq!(browser.get("/status").await.status, StatusCode::SEE_OTHER);
    let refused = browser.sign_in("bob@example.org", PASSWORD).await;
    assert_eq!(
        refused.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "nor does the password come back"
    );
}

#[tokio::test]
async fn a5_after_five_failures_an_account_answers_more_slowly_and_says_so() {
    let site = Site::new().await;
    for number in 0..6 {
        let mut browser = Browser::new(&site);
        browser.from = format!("10.0.{}.1:99", number * 16).parse().unwrap();
        let answer = browser
            .sign_in("alice@example.org", "not the password")
            .await;
        let expected = if number < 5 { 422 } else { 429 };
        assert_eq!(answer.status.as_u16(), expected, "try {number}");
        if number == 5 {
            assert_eq!(answer.header("retry-after"), "1");
            assert!(answer.text.contains("not locked"), "{}", answer.text);
        }
    }
}
