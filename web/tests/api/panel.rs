//! The pages of the administration, by the stories of administrators (C20, C23, C25, A6, A9, A10).

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, StatusCode};
use storage::model::{AccountId, Mailbox, SessionKind};
use web::auth::{Client, SignInOutcome};

use crate::browser::{ADMIN_PASSWORD, Browser, code};
use crate::people::{administrator, has_password, site};
use crate::site::Site;

const PASSWORD: &str = "correct horse battery staple";
const ALICE: &str = "/person?address=alice%40example.org";
const CARL: &str = "/person?address=carl%40other.example";

async fn signed_in_as<'s>(site: &'s Site, address: &str, role: &str) -> Browser<'s> {
    administrator(site, address, "example.org", role).await;
    Browser::signed_in(site, address).await
}

fn client() -> Client {
    Client {
        address: IpAddr::V4(Ipv4Addr::LOCALHOST),
        agent: String::new(),
    }
}

async fn user_signs_in(site: &Site, password: &str) -> bool {
    let outcome = site
        .sign_in
        .user("alice@example.org", password, &client())
        .await;
    matches!(outcome.unwrap(), SignInOutcome::SignedIn(_))
}

fn sessions(site: &Site) -> usize {
    let alice: Mailbox = "alice@example.org".parse().unwrap();
    let account = AccountId::user(site.domain_id("example.org"), &alice);
    site.spool.sessions_of(&account).len()
}

#[tokio::test]
async fn c20_c23_a_password_set_by_hand_counts_at_once_and_ends_the_users_sessions() {
    let site = site().await;
    let mut browser = signed_in_as(&site, "it@example.org", "domain_administrator").await;
    let shown = browser.get("/people/example.org").await;
    assert!(
        shown.text.contains("0 of 2 could sign in right now"),
        "{}",
        shown.text
    );
    for (password, again, said) in [
        ("short", "short", "at least 12"),
        ("alice@example.org", "alice@example.org", "easy to guess"),
        (PASSWORD, "another", "differ"),
    ] {
        let fields = [
            ("act", "password"),
            ("password", password),
            ("again", again),
        ];
        let refused = browser.submit(ALICE, ALICE, &fields).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(refused.text.contains(said), "{}", refused.text);
    }
    let fields = [
        ("act", "password"),
        ("password", PASSWORD),
        ("again", PASSWORD),
    ];
    let set = browser.submit(ALICE, ALICE, &fields).await;
    assert_eq!(set.status, StatusCode::SEE_OTHER, "{}", set.text);
    assert!(
        browser
            .get(set.location())
            .await
            .text
            .contains("The password is set")
    );
    assert!(user_signs_in(&site, PASSWORD).await);
    assert_eq!(sessions(&site), 1);
    let new = "seven brave mountain goats";
    let fields = [("act", "password"), ("password", new), ("again", new)];
    browser.submit(ALICE, ALICE, &fields).await;
    assert_eq!(sessions(&site), 0, "at once");
    assert!(!user_signs_in(&site, PASSWORD).await);
    assert!(user_signs_in(&site, new).await);
    let (action, subject) = site.audit().await[1].clone();
    assert_eq!(
        (action.as_str(), subject.as_str()),
        ("password.set", "alice@example.org")
    );
    let shown = browser.get("/people/example.org").await;
    assert!(shown.text.contains("1 of 2 could sign in right now"));
}

#[tokio::test]
async fn c25_neither_the_operator_token_nor_a_users_session_opens_the_pages() {
    let site = site().await;
    let request = axum::http::Request::get("/people/example.org")
        .header("host", crate::site::HOST)
        .header("authorization", format!("Bearer {}", crate::site::TOKEN));
    let answer = site.raw(request.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "to the form");
    let alice: Mailbox = "alice@example.org".parse().unwrap();
    let account = AccountId::user(site.domain_id("example.org"), &alice);
    let session = site
        .sign_in
        .begin(
            &account,
            SessionKind::Portal,
            "alice@example.org",
            &client(),
        )
        .await
        .unwrap();
    let mut browser = Browser::new(&site);
    browser
        .cookies
        .insert("__Host-admin".to_owned(), session.id.reveal().to_owned());
    let answer = browser.get("/people/example.org").await;
    assert_eq!(
        answer.status,
        StatusCode::SEE_OTHER,
        "another site's session"
    );
}

/// A path, the fields of its form, and the answers by role.
type Deed = (&'static str, Vec<(&'static str, &'static str)>, [u16; 3]);

#[tokio::test]
async fn a10_pages_by_role_and_foreign_domain() {
    let site = site().await;
    let roles = [
        ("it@example.org", "domain_administrator"),
        ("desk@example.org", "helpdesk"),
        ("look@example.org", "auditor"),
    ];
    let acts = |act: &'static str| {
        vec![
            ("act", act),
            ("password", PASSWORD),
            ("again", PASSWORD),
            ("recovery", "a@home.example"),
        ]
    };
    let posts: [Deed; 12] = [
        (ALICE, acts("password"), [303, 404, 404]),
        (ALICE, acts("code"), [200, 200, 404]),
        (ALICE, acts("factor"), [303, 404, 404]),
        (ALICE, acts("sessions"), [303, 404, 404]),
        (ALICE, acts("recovery"), [303, 404, 404]),
        (ALICE, acts("disable"), [303, 404, 404]),
        (ALICE, acts("enable"), [303, 404, 404]),
        (ALICE, acts("nonsense"), [400, 400, 400]),
        ("/people/example.org", acts("codes"), [200, 200, 404]),
        (CARL, acts("password"), [404, 404, 404]),
        (CARL, acts("code"), [404, 404, 404]),
        ("/people/other.example", acts("codes"), [404, 404, 404]),
    ];
    let gets = [
        ("/people/example.org", [200, 200, 200]),
        ("/people/example.org/usage", [200, 200, 200]),
        ("/people/example.org/import", [200, 404, 404]),
        (ALICE, [200, 200, 200]),
        ("/people/other.example", [404, 404, 404]),
        ("/people/other.example/usage", [404, 404, 404]),
        ("/people/other.example/import", [404, 404, 404]),
        (CARL, [404, 404, 404]),
        ("/person?address=nobody%40example.org", [404, 404, 404]),
        ("/me", [200, 200, 200]),
    ];
    for (place, (address, role)) in roles.into_iter().enumerate() {
        let mut browser = signed_in_as(&site, address, role).await;
        for (path, expected) in &gets {
            let answer = browser.get(path).await;
            assert_eq!(answer.status.as_u16(), expected[place], "{role} GET {path}");
        }
        for (path, fields, expected) in &posts {
            let answer = browser.submit("/me", path, fields).await;
            let (act, status) = (fields[0].1, answer.status.as_u16());
            assert_eq!(status, expected[place], "{role} POST {path} {act}");
        }
    }
    assert!(!has_password(&site, "carl@other.example").await);
    let mut nobody = Browser::new(&site);
    for (path, _) in &gets {
        let answer = nobody.get(path).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "nobody GET {path}");
        assert!(answer.location().starts_with("/login"), "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn a9_after_ten_minutes_the_password_is_asked_for_again() {
    let site = site().await;
    let mut browser = signed_in_as(&site, "it@example.org", "domain_administrator").await;
    tokio::time::advance(Duration::from_secs(600)).await;
    let fields = [("act", "code")];
    let led = browser.submit(ALICE, ALICE, &fields).await;
    assert_eq!(led.status, StatusCode::SEE_OTHER);
    assert!(
        led.location().starts_with("/prove?next="),
        "{}",
        led.location()
    );
    let wrong = [("password", "wrong"), ("next", ALICE)];
    let refused = browser.submit("/prove", "/prove", &wrong).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    let before = browser.cookies["__Host-admin"].clone();
    let right = [("password", ADMIN_PASSWORD), ("next", ALICE)];
    let done = browser.submit("/prove", "/prove", &right).await;
    assert_eq!(done.location(), ALICE);
    assert_ne!(browser.cookies["__Host-admin"], before, "a new id (HD4)");
    let made = browser.submit(ALICE, ALICE, &fields).await;
    assert_eq!(made.status, StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn a6_an_administrator_signs_in_with_two_factors_and_sits_still_for_half_an_hour() {
    let site = site().await;
    administrator(
        &site,
        "it@example.org",
        "example.org",
        "domain_administrator",
    )
    .await;
    let mut browser = Browser::new(&site);
    let fields = [("address", "it@example.org"), ("password", ADMIN_PASSWORD)];
    browser.submit("/login", "/login", &fields).await;
    let page = browser.get("/me/second-factor").await;
    let key = page.between("<code>", "</code>").to_owned();
    let first = code(&site, &key);
    let setup = "/me/second-factor";
    browser.submit(setup, setup, &[("code", &first)]).await;
    let mut again = Browser::new(&site);
    let led = again.submit("/login", "/login", &fields).await;
    assert!(led.location().starts_with("/login/2fa"), "{}", led.text);
    assert_eq!(
        again.get("/people/example.org").await.status,
        StatusCode::SEE_OTHER
    );
    let step = "/login/2fa";
    let replayed = again.submit(step, step, &[("code", &first)]).await;
    assert_eq!(
        replayed.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "not twice"
    );
    tokio::time::advance(Duration::from_secs(60)).await;
    let fresh = code(&site, &key);
    let done = again.submit(step, step, &[("code", &fresh)]).await;
    assert_eq!(done.location(), "/people", "{}", done.text);
    assert_eq!(
        again.get("/people/example.org").await.status,
        StatusCode::OK
    );
    tokio::time::advance(Duration::from_secs(1800)).await;
    assert_eq!(
        again.get("/people/example.org").await.status,
        StatusCode::SEE_OTHER
    );
}

#[tokio::test]
async fn a2_a_form_of_another_site_or_without_its_token_changes_nothing() {
    let site = site().await;
    let mut browser = signed_in_as(&site, "it@example.org", "domain_administrator").await;
    let body = format!("act=password&password={PASSWORD}&again={PASSWORD}").replace(' ', "+");
    let request = browser
        .request(Method::POST, ALICE)
        .header("sec-fetch-site", "cross-site")
        .header("content-type", "application/x-www-form-urlencoded");
    let foreign = browser.send(request.body(Body::from(body)).unwrap()).await;
    assert_eq!(foreign.status, StatusCode::FORBIDDEN);
    let fields = [
        ("act", "password"),
        ("password", PASSWORD),
        ("again", PASSWORD),
    ];
    let bare = browser.post(ALICE, &fields).await;
    assert_eq!(bare.status, StatusCode::FORBIDDEN);
    assert!(!has_password(&site, "alice@example.org").await);
}

#[tokio::test]
async fn c19_a_file_is_tried_and_then_read() {
    let site = site().await;
    let mut browser = signed_in_as(&site, "it@example.org", "domain_administrator").await;
    let path = "/people/example.org/import";
    let csv = format!("address,password\r\nnew@example.org,{PASSWORD}\r\n");
    let mut read = async |dry_run: bool, csv: &str| {
        let page = browser.get(path).await;
        let csrf = page.between("name=\"csrf\" value=\"", "\"").to_owned();
        let mut body = format!(
            "--b\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\n{csrf}\r\n\
             --b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"p.csv\"\r\n\
             Content-Type: text/csv\r\n\r\n{csv}\r\n"
        );
        if dry_run {
            body += "--b\r\nContent-Disposition: form-data; name=\"dry_run\"\r\n\r\n1\r\n";
        }
        body += "--b--\r\n";
        let request = browser
            .request(Method::POST, path)
            .header("sec-fetch-site", "same-origin")
            .header("content-type", "multipart/form-data; boundary=b");
        browser.send(request.body(Body::from(body)).unwrap()).await
    };
    let tried = read(true, &csv).await;
    assert!(
        tried
            .text
            .contains("Nothing was changed. It would be: 1 added"),
        "{}",
        tried.text
    );
    let faulty = read(false, "address,password\r\nx@example.org,short\r\n").await;
    assert_eq!(faulty.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(faulty.text.contains("line 2, password"), "{}", faulty.text);
    let done = read(false, &csv).await;
    assert!(done.text.contains("1 passwords set"), "{}", done.text);
    assert!(has_password(&site, "new@example.org").await);
}

#[tokio::test]
async fn c26_users_are_counted_by_month() {
    let site = site().await;
    let mut browser = signed_in_as(&site, "it@example.org", "domain_administrator").await;
    let fields = [
        ("act", "password"),
        ("password", PASSWORD),
        ("again", PASSWORD),
    ];
    browser.submit(ALICE, ALICE, &fields).await;
    for _ in 0..2 {
        assert!(user_signs_in(&site, PASSWORD).await);
    }
    let shown = site.get("/api/v1/domains/example.org/users").await.json();
    assert_eq!(shown["items"].as_array().unwrap().len(), 1);
    assert_eq!(shown["items"][0]["month"], "2027-01");
    assert_eq!(shown["items"][0]["mailboxes"], 2);
    assert_eq!(shown["items"][0]["signed_in"], 1, "once a month");
    let other = site.get("/api/v1/domains/other.example/users").await.json();
    assert_eq!(other["items"][0]["signed_in"], 0);
    let page = browser.get("/people/example.org/usage").await;
    assert!(page.text.contains("2027-01"));
}

#[tokio::test]
async fn a6_a_second_factor_that_is_lost_is_switched_off_and_the_user_is_told() {
    let site = site().await;
    let mut browser = signed_in_as(&site, "it@example.org", "domain_administrator").await;
    browser.submit(ALICE, ALICE, &[("act", "factor")]).await;
    assert_eq!(site.audit().await[0].0, "second_factor.off");
    site.clerk.catch_up().await;
    let waiting = site.spool.domains_with_mail();
    assert_eq!(waiting, [site.domain_id("example.org")], "a letter waits");
}

#[tokio::test]
async fn a6_an_administrator_without_device_and_codes_is_let_in_by_the_operator_alone() {
    let site = site().await;
    let mut browser = signed_in_as(&site, "it@example.org", "domain_administrator").await;
    let token = administrator(&site, "other@example.org", "example.org", "auditor").await;
    let target = "/api/v1/admin/second-factor?address=it@example.org";
    let foreign = axum::http::Request::builder()
        .method(Method::DELETE)
        .uri(target)
        .header("host", "localhost:8444")
        .header("authorization", format!("Bearer {token}"));
    let foreign = site.raw(foreign.body(Body::empty()).unwrap()).await;
    assert_eq!(foreign.status, StatusCode::UNAUTHORIZED);
    let account = AccountId::administrator(&"it@example.org".parse().unwrap());
    let before = site.spool.credentials(&account).await.unwrap();
    assert!(before.totp.is_some() && !before.recovery_codes.is_empty());
    let nobody = "/api/v1/admin/second-factor?address=nobody@example.org";
    let missing = site.delete(nobody).await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
    let done = site.delete(target).await;
    assert_eq!(done.status, StatusCode::NO_CONTENT);
    let after = site.spool.credentials(&account).await.unwrap();
    assert!(after.totp.is_none() && after.recovery_codes.is_empty());
    assert_eq!(after.password, before.password, "the password stays");
    let audit = site.audit().await;
    assert_eq!(audit[0].0, "second_factor.off");
    let ended = browser.get("/people/example.org").await;
    assert_eq!(ended.status, StatusCode::SEE_OTHER, "signed out");
    let mut browser = Browser::new(&site);
    let fields = [("address", "it@example.org"), ("password", ADMIN_PASSWORD)];
    let answer = browser.submit("/login", "/login", &fields).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    let setup = browser.get("/people/example.org").await;
    assert_eq!(setup.location(), "/me/second-factor", "another one first");
}
