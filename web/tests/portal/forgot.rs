//! "I cannot sign in": help by ways that do not depend on what is down (C22, A8).

use std::time::Duration;

use actors::delivery::RouteKey;
use actors::status::{DestinationState, RouteStatus};
use axum::http::StatusCode;
use mail_parser::MessageParser;
use storage::model::{ReversePath, TokenPurpose};

use crate::browser::Browser;
use crate::site::{PASSWORD, Site};

const NEW: &str = "seven brave mountain goats";

/// A letter that waits to be sent: to whom, its subject, its text.
struct Letter {
    to: String,
    subject: String,
    text: String,
}

impl Letter {
    /// The path of the link in it.
    fn path(&self) -> String {
        let rest = self.text.split("https://mail.example.net").nth(1).unwrap();
        rest.split_whitespace().next().unwrap().to_owned()
    }
}

/// Lets the clerk work, and reads every letter that waits, to any domain.
async fn letters(site: &Site) -> Vec<Letter> {
    site.clerk.catch_up().await;
    let mut letters = Vec::new();
    for domain in site.spool.domains_with_mail() {
        for entry in site.spool.queue_page(domain, None, 100).await.unwrap() {
            let mut bytes = Vec::new();
            let mut reader = site.spool.body(&entry);
            while let Some(chunk) = reader.next().await.unwrap() {
                bytes.extend_from_slice(&chunk);
            }
            let message = MessageParser::default().parse(&bytes).unwrap();
            assert_eq!(entry.reverse_path, ReversePath::Null, "nothing answers it");
            assert_eq!(
                message.header_raw("Auto-Submitted").unwrap().trim(),
                "auto-generated"
            );
            letters.push(Letter {
                to: entry.recipients[0].recipient.path.to_string(),
                subject: message.subject().unwrap().to_owned(),
                text: message.body_text(0).unwrap().into_owned(),
            });
        }
    }
    letters
}

async fn ask(browser: &mut Browser<'_>, address: &str) -> crate::browser::Answer {
    browser
        .submit("/forgot", "/forgot", &[("address", address)])
        .await
}

fn server_is(site: &Site, state: DestinationState) {
    let domain = site.domain("example.org");
    let status = RouteStatus {
        state,
        ..RouteStatus::default()
    };
    site.board.publish_route(&RouteKey::of(&domain), status);
}

#[tokio::test]
async fn c22_a_link_to_the_recovery_address_sets_a_password_while_the_server_is_down() {
    let site = Site::new().await;
    site.put_recovery("bob@example.org", "bob@home.example")
        .await;
    server_is(&site, DestinationState::Down);
    let mut browser = Browser::new(&site);
    let shown = browser.get("/login").await;
    assert!(shown.text.contains("href=\"/forgot\""));
    let answer = ask(&mut browser, " Bob@Example.org ").await;
    assert_eq!(answer.status, StatusCode::OK);
    let letters_ = letters(&site).await;
    assert_eq!(letters_.len(), 1);
    let letter = &letters_[0];
    assert_eq!(letter.to, "bob@home.example");
    let path = letter.path();
    let fields = [("password", NEW), ("again", NEW)];
    let set = browser.submit(&path, &path, &fields).await;
    assert_eq!(set.header("location"), "/login", "{}", set.text);
    assert!(
        !browser.cookies.contains_key("__Host-portal"),
        "never signs in by itself"
    );
    assert_eq!(
        browser.sign_in("bob@example.org", NEW).await.status,
        StatusCode::SEE_OTHER
    );
    let told: Vec<_> = letters(&site).await;
    let told: Vec<_> = told
        .iter()
        .filter(|letter| letter.subject.contains("was set"))
        .map(|letter| letter.to.as_str())
        .collect();
    assert_eq!(told.len(), 2, "a notice to both addresses: {told:?}");
    assert!(told.contains(&"bob@home.example") && told.contains(&"bob@example.org"));
}

#[tokio::test]
async fn a8_the_link_goes_to_the_mailbox_only_while_its_server_is_up_and_else_to_the_administrators()
 {
    let site = Site::new().await;
    site.put_administrator("it@example.org", "example.org")
        .await;
    server_is(&site, DestinationState::Healthy);
    let mut browser = Browser::new(&site);
    ask(&mut browser, "bob@example.org").await;
    let first = letters(&site).await;
    assert_eq!((first.len(), first[0].to.as_str()), (1, "bob@example.org"));
    server_is(&site, DestinationState::Down);
    ask(&mut browser, "bob@example.org").await;
    let second = letters(&site).await;
    let letter = second.iter().find(|letter| letter.to == "it@example.org");
    let letter = letter.expect("the administrators are asked");
    assert!(letter.subject.contains("bob@example.org"));
    assert!(
        !letter.text.contains("/reset/"),
        "no way in for whoever reads it"
    );
    let account = site.account("bob@example.org");
    assert!(
        site.spool
            .open_token(&account, TokenPurpose::Request)
            .is_some()
    );
    let rows = site.audit().await;
    assert_eq!(
        rows[0],
        ("password.ask".to_owned(), "bob@example.org".to_owned())
    );
}

#[tokio::test]
async fn a8_every_address_gets_the_same_page_and_only_the_users_own_gets_a_letter() {
    let site = Site::new().await;
    let mut pages = Vec::new();
    for address in [
        "alice@example.org",
        "nobody@example.org",
        "left@example.org",
        "alice@elsewhere.example",
        "postmaster@example.org",
        "nonsense",
        "<script>alert(1)</script>",
    ] {
        let mut browser = Browser::new(&site);
        let page = ask(&mut browser, address).await;
        assert_eq!(page.status, StatusCode::OK, "{address}");
        assert!(!page.text.contains("<script>"));
        let escaped = address.replace('<', "&lt;").replace('>', "&gt;");
        pages.push(page.text.replace(&escaped, "ADDRESS"));
    }
    assert!(pages.iter().all(|page| *page == pages[0]));
    let to: Vec<_> = letters(&site).await.into_iter().map(|it| it.to).collect();
    assert_eq!(to, ["alice@example.org"]);
    let mut browser = Browser::new(&site);
    browser.language = "de";
    let german = ask(&mut browser, "alice@example.org").await;
    assert!(german.text.contains("Hilfe ist unterwegs"));
    let letters_ = letters(&site).await;
    assert!(
        letters_
            .iter()
            .any(|it| it.text.contains("innerhalb von 30 Minuten"))
    );
}

#[tokio::test(start_paused = true)]
async fn a8_three_letters_an_hour_and_the_account_is_never_locked() {
    let site = Site::new().await;
    for number in 0..5 {
        let mut browser = Browser::new(&site);
        browser.from = format!("192.0.2.{number}:4711").parse().unwrap();
        assert_eq!(
            ask(&mut browser, "alice@example.org").await.status,
            StatusCode::OK
        );
    }
    assert_eq!(letters(&site).await.len(), 3);
    Browser::signed_in(&site).await;
    tokio::time::advance(Duration::from_secs(3600)).await;
    ask(&mut Browser::new(&site), "alice@example.org").await;
    assert_eq!(letters(&site).await.len(), 4);
}

#[tokio::test]
async fn a8_a_network_that_asks_for_everybody_gets_ten_letters_an_hour() {
    let site = Site::new().await;
    for number in 0..12 {
        site.put_mailbox(&format!("u{number}@example.org"), true)
            .await;
    }
    let mut browser = Browser::new(&site);
    for number in 0..12 {
        ask(&mut browser, &format!("u{number}@example.org")).await;
    }
    assert_eq!(letters(&site).await.len(), 10);
    // Whoever sits elsewhere is helped all the same.
    let mut elsewhere = Browser::new(&site);
    elsewhere.from = "198.51.100.7:4711".parse().unwrap();
    ask(&mut elsewhere, "u11@example.org").await;
    assert_eq!(letters(&site).await.len(), 11);
}

#[tokio::test]
async fn a8_asking_leaves_password_and_sessions_as_they_are() {
    let site = Site::new().await;
    let mut signed_in = Browser::signed_in(&site).await;
    ask(&mut Browser::new(&site), "alice@example.org").await;
    letters(&site).await;
    assert_eq!(signed_in.get("/status").await.status, StatusCode::OK);
    let mut other = Browser::new(&site);
    assert_eq!(
        other.sign_in("alice@example.org", PASSWORD).await.status,
        StatusCode::SEE_OTHER
    );
}
