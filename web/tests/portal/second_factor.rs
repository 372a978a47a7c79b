//! The second factor and changes of the own password (A6, A9).

use axum::http::StatusCode;
use web::auth::SharedSecret;

use crate::browser::Browser;
use crate::site::{PASSWORD, Site};

const SECURITY: &str = "/settings/security";
const SETUP: &str = "/settings/security/setup";

/// The six digits that an authenticator shows at a time of the site's clock, from the key as typed.
fn code(site: &Site, key: &str) -> String {
    let mut bits = String::new();
    for letter in key.chars().filter(|c| !c.is_whitespace()) {
        let value = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".find(letter).unwrap();
        bits.push_str(&format!("{value:05b}"));
    }
    let bytes: Vec<u8> = bits
        .as_bytes()
        .chunks_exact(8)
        .map(|byte| u8::from_str_radix(std::str::from_utf8(byte).unwrap(), 2).unwrap())
        .collect();
    let secret = SharedSecret::from_slice(&bytes).unwrap();
    secret.code(site.spool.clock().wall().as_secs() / 30)
}

fn between(text: &str, start: &str, end: &str) -> String {
    text.split(start)
        .nth(1)
        .unwrap()
        .split(end)
        .next()
        .unwrap()
        .to_owned()
}

/// Switches the second factor on for Alice; answers the key and the recovery codes.
async fn switch_on(site: &Site, browser: &mut Browser<'_>) -> (String, Vec<String>) {
    let page = browser.get(SETUP).await;
    assert!(page.text.contains("<svg"), "a picture for the camera");
    let key = between(&page.text, "<code>", "</code>");
    let first = code(site, &key);
    let fields = [("first", first.as_str()), ("present", PASSWORD)];
    let shown = browser.submit(SETUP, SETUP, &fields).await;
    assert_eq!(shown.status, StatusCode::OK, "{}", shown.text);
    let codes = shown.text.split("<code>").skip(1);
    let codes: Vec<_> = codes
        .map(|rest| rest.split('<').next().unwrap().to_owned())
        .collect();
    assert_eq!(codes.len(), 10);
    (key, codes)
}

async fn to_second_step<'s>(site: &'s Site) -> Browser<'s> {
    let mut browser = Browser::new(site);
    let answer = browser.sign_in("alice@example.org", PASSWORD).await;
    assert_eq!(answer.header("location"), "/login/2fa");
    assert!(
        !browser.cookies.contains_key("__Host-portal"),
        "no session yet"
    );
    browser
}

async fn second_step(browser: &mut Browser<'_>, code: &str) -> crate::browser::Answer {
    browser
        .submit("/login/2fa", "/login/2fa", &[("code", code)])
        .await
}

#[tokio::test(start_paused = true)]
async fn a6_with_a_second_factor_the_password_alone_opens_nothing_and_no_code_opens_twice() {
    let site = Site::new().await;
    let mut browser = Browser::signed_in(&site).await;
    let mut other = Browser::signed_in(&site).await;
    let (key, _) = switch_on(&site, &mut browser).await;
    assert_eq!(browser.get("/status").await.status, StatusCode::OK);
    assert_eq!(
        other.get("/status").await.status,
        StatusCode::SEE_OTHER,
        "others end (A1)"
    );
    let mut browser = to_second_step(&site).await;
    let used = code(&site, &key);
    let again = second_step(&mut browser, &used).await;
    assert_eq!(
        again.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "used when it was set up"
    );
    tokio::time::advance(std::time::Duration::from_secs(60)).await;
    let fresh = code(&site, &key);
    let done = second_step(&mut browser, &fresh).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text);
    assert_eq!(browser.get("/status").await.status, StatusCode::OK);
    let mut replayed = to_second_step(&site).await;
    let refused = second_step(&mut replayed, &fresh).await;
    assert_eq!(
        refused.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "not twice"
    );
}

#[tokio::test(start_paused = true)]
async fn a6_a_recovery_code_opens_once() {
    let site = Site::new().await;
    let mut browser = Browser::signed_in(&site).await;
    let (_, codes) = switch_on(&site, &mut browser).await;
    let typed = codes[3].to_lowercase().replace('-', " ");
    let mut first = to_second_step(&site).await;
    assert_eq!(
        second_step(&mut first, &typed).await.status,
        StatusCode::SEE_OTHER
    );
    let mut second = to_second_step(&site).await;
    let refused = second_step(&mut second, &typed).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    let page = browser.get(SECURITY).await;
    assert!(page.text.contains("Recovery codes left: 9"));
}

#[tokio::test(start_paused = true)]
async fn a6_five_wrong_codes_end_the_sign_in_and_five_minutes_do() {
    let site = Site::new().await;
    let mut browser = Browser::signed_in(&site).await;
    let (_, codes) = switch_on(&site, &mut browser).await;
    let mut guesser = to_second_step(&site).await;
    for _ in 0..5 {
        let answer = second_step(&mut guesser, "000000").await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    let late = second_step(&mut guesser, &codes[0]).await;
    assert!(late.text.contains("begin again"), "{}", late.text);
    let mut slow = to_second_step(&site).await;
    tokio::time::advance(std::time::Duration::from_secs(301)).await;
    let late = second_step(&mut slow, &codes[0]).await;
    assert!(late.text.contains("begin again"), "{}", late.text);
}

#[tokio::test(start_paused = true)]
async fn a6_switching_it_off_needs_password_and_code() {
    let site = Site::new().await;
    let mut browser = Browser::signed_in(&site).await;
    let (_, codes) = switch_on(&site, &mut browser).await;
    for (present, code, said) in [
        ("wrong", codes[0].as_str(), "not your present password"),
        (PASSWORD, "000000", "code is not right"),
    ] {
        let fields = [("act", "off"), ("present", present), ("code", code)];
        let refused = browser.submit(SECURITY, SECURITY, &fields).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(refused.text.contains(said), "{}", refused.text);
    }
    let fields = [("act", "off"), ("present", PASSWORD), ("code", &codes[0])];
    let done = browser.submit(SECURITY, SECURITY, &fields).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text);
    assert_eq!(site.audit().await[0].0, "second_factor.off");
    let mut plain = Browser::new(&site);
    let answer = plain.sign_in("alice@example.org", PASSWORD).await;
    assert_eq!(answer.header("location"), "/");
}

#[tokio::test]
async fn a9_a_new_password_needs_the_present_one_and_ends_other_sessions() {
    let site = Site::new().await;
    let mut browser = Browser::signed_in(&site).await;
    let mut other = Browser::signed_in(&site).await;
    let before = browser.cookies["__Host-portal"].clone();
    let new = "seven brave mountain goats";
    for (present, password, again, said) in [
        ("wrong", new, new, "not your present password"),
        (PASSWORD, "short", "short", "at least 12"),
        (PASSWORD, new, "other", "differ"),
    ] {
        let fields = [
            ("act", "password"),
            ("present", present),
            ("password", password),
            ("again", again),
        ];
        let refused = browser.submit(SECURITY, SECURITY, &fields).await;
        assert!(refused.text.contains(said), "{}", refused.text);
    }
    let fields = [
        ("act", "password"),
        ("present", PASSWORD),
        ("password", new),
        ("again", new),
    ];
    let done = browser.submit(SECURITY, SECURITY, &fields).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text);
    assert_ne!(browser.cookies["__Host-portal"], before, "a new id (HD4)");
    assert_eq!(browser.get("/status").await.status, StatusCode::OK);
    assert_eq!(other.get("/status").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn the_second_step_leads_where_the_reader_wanted_to_be_and_without_a_first_one_to_it() {
    let site = Site::new().await;
    let mut browser = Browser::new(&site);
    let answer = browser.get("/login/2fa").await;
    assert_eq!(answer.header("location"), "/login");
}
