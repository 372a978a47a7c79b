//! One-time codes and links: a password for who has none (C22).

use axum::http::StatusCode;
use storage::model::TokenPurpose;
use web::auth::Secret;

use crate::browser::Browser;
use crate::site::Site;

const NEW: &str = "seven brave mountain goats";

#[tokio::test]
async fn c22_a_user_without_a_password_gets_one_with_a_code_and_then_signs_in() {
    let site = Site::new().await;
    let code = Secret::code().unwrap();
    site.hand_out("bob@example.org", TokenPurpose::Enrolment, &code)
        .await;
    let mut browser = Browser::new(&site);
    let spoken = code.reveal().replace('-', " ").to_lowercase();
    let fields = [("code", spoken.as_str()), ("password", NEW), ("again", NEW)];
    let answer = browser.submit("/enroll", "/enroll", &fields).await;
    assert_eq!(answer.header("location"), "/login", "{}", answer.text);
    assert!(
        !browser.cookies.contains_key("__Host-portal"),
        "a code never signs in by itself"
    );
    assert!(
        browser
            .get("/login")
            .await
            .text
            .contains("Your password is set.")
    );
    let signed_in = browser.sign_in("bob@example.org", NEW).await;
    assert_eq!(signed_in.status, StatusCode::SEE_OTHER);
    let again = Browser::new(&site)
        .submit("/enroll", "/enroll", &fields)
        .await;
    assert_eq!(
        again.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "a code is used once"
    );
    assert!(again.text.contains("was used"));
}

#[tokio::test]
async fn a4_a_password_that_is_not_taken_leaves_the_code_open() {
    let site = Site::new().await;
    let code = Secret::code().unwrap();
    site.hand_out("bob@example.org", TokenPurpose::Enrolment, &code)
        .await;
    let mut browser = Browser::new(&site);
    for (password, again, said) in [
        ("short", "short", "at least 12"),
        ("bob@example.org", "bob@example.org", "easy to guess"),
        (NEW, "something else", "differ"),
    ] {
        let fields = [
            ("code", code.reveal()),
            ("password", password),
            ("again", again),
        ];
        let answer = browser.submit("/enroll", "/enroll", &fields).await;
        assert_eq!(
            answer.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{password}"
        );
        assert!(answer.text.contains(said), "{password}: {}", answer.text);
        assert!(
            !answer.text.contains(&format!("value=\"{password}\"")),
            "never shown"
        );
    }
    let fields = [("code", code.reveal()), ("password", NEW), ("again", NEW)];
    let answer = browser.submit("/enroll", "/enroll", &fields).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a8_a_reset_link_is_used_once_and_dies_with_a_newer_one() {
    let site = Site::new().await;
    let (old, new) = (Secret::token().unwrap(), Secret::token().unwrap());
    site.hand_out("alice@example.org", TokenPurpose::Reset, &old)
        .await;
    site.hand_out("alice@example.org", TokenPurpose::Reset, &new)
        .await;
    let mut browser = Browser::new(&site);
    let path = format!("/reset/{}", old.reveal());
    assert_eq!(browser.get(&path).await.status, StatusCode::GONE);
    let mut signed_in = Browser::signed_in(&site).await;
    let path = format!("/reset/{}", new.reveal());
    let fields = [("password", NEW), ("again", NEW)];
    let answer = browser.submit(&path, &path, &fields).await;
    assert_eq!(answer.header("location"), "/login", "{}", answer.text);
    assert_eq!(
        signed_in.get("/status").await.status,
        StatusCode::SEE_OTHER,
        "all sessions end"
    );
    assert_eq!(browser.get(&path).await.status, StatusCode::GONE);
}

#[tokio::test(start_paused = true)]
async fn a8_a_link_has_its_time() {
    let site = Site::new().await;
    let token = Secret::token().unwrap();
    site.hand_out("alice@example.org", TokenPurpose::Reset, &token)
        .await;
    let path = format!("/reset/{}", token.reveal());
    let mut browser = Browser::new(&site);
    assert_eq!(browser.get(&path).await.status, StatusCode::OK);
    tokio::time::advance(std::time::Duration::from_secs(1800)).await;
    assert_eq!(browser.get(&path).await.status, StatusCode::GONE);
}

#[tokio::test]
async fn guessing_codes_is_slowed_down_by_address() {
    let site = Site::new().await;
    let mut browser = Browser::new(&site);
    let fields = [
        ("code", "0000-0000-0000-0000"),
        ("password", NEW),
        ("again", NEW),
    ];
    for _ in 0..10 {
        let answer = browser.submit("/enroll", "/enroll", &fields).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    let answer = browser.submit("/enroll", "/enroll", &fields).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
}
