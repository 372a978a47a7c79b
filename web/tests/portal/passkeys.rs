//! Passkeys (A7), with a device made of software.

use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use sha2::{Digest as _, Sha256};
use web::auth::SetBy;

use crate::browser::{Answer, Browser};
use crate::site::{HOST, PASSWORD, Site, audit};

const PAGE: &str = "/settings/security/passkeys";
const DOOR: &str = "/login/passkey";

/// A device that keeps one key.
struct Device {
    pair: EcdsaKeyPair,
    handle: String,
    count: u32,
}

fn between<'t>(text: &'t str, start: &str, end: &str) -> &'t str {
    let rest = text
        .split_once(start)
        .unwrap_or_else(|| panic!("no {start} in {text}"));
    rest.1.split_once(end).unwrap().0
}

async fn challenge(browser: &mut Browser<'_>) -> String {
    let answer = browser.get_with(DOOR, &[("sec-fetch-site", "same-origin")]);
    answer.await.text
}

fn client_data(kind: &str, challenge: &str) -> String {
    format!(r#"{{"type":"webauthn.{kind}","challenge":"{challenge}","origin":"https://{HOST}"}}"#)
}

fn encoded(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

impl Device {
    fn authenticator_data(&self, flags: u8) -> Vec<u8> {
        let site = Sha256::digest(HOST.as_bytes());
        [site.as_slice(), &[flags], &self.count.to_be_bytes()].concat()
    }

    /// Makes a key on the page for it and sends it there.
    async fn register(browser: &mut Browser<'_>, name: &str) -> (Self, Answer) {
        let page = browser.get(PAGE).await;
        let random = SystemRandom::new();
        let kind = &ECDSA_P256_SHA256_ASN1_SIGNING;
        let made = EcdsaKeyPair::generate_pkcs8(kind, &random).unwrap();
        let device = Self {
            pair: EcdsaKeyPair::from_pkcs8(kind, made.as_ref(), &random).unwrap(),
            handle: between(&page.text, "data-handle=\"", "\"").to_owned(),
            count: 1,
        };
        let challenge = between(&page.text, "data-challenge=\"", "\"").to_owned();
        let answer = device.send(browser, name, &challenge).await;
        (device, answer)
    }

    async fn send(&self, browser: &mut Browser<'_>, name: &str, challenge: &str) -> Answer {
        let point = self.pair.public_key().as_ref();
        let head = [0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 0x20];
        let key = [&head[..], &point[1..33], &[0x22, 0x58, 0x20], &point[33..]].concat();
        let front = self.authenticator_data(0x45);
        let data = [front.as_slice(), &[0; 16], &[0, 4], &point[1..5], &key].concat();
        let fields = [
            ("act", "add"),
            ("name", name),
            ("client", &encoded(client_data("create", challenge))),
            ("authenticator", &encoded(data)),
        ];
        browser.submit(PAGE, PAGE, &fields).await
    }

    /// Signs a challenge of the door and sends it there.
    async fn open(&mut self, browser: &mut Browser<'_>) -> Answer {
        browser.get("/login").await;
        let signed = challenge(browser).await;
        self.answer(browser, &signed).await
    }

    async fn answer(&mut self, browser: &mut Browser<'_>, challenge: &str) -> Answer {
        self.count += 1;
        let client = client_data("get", challenge);
        let data = self.authenticator_data(0x05);
        let message = [data.as_slice(), &Sha256::digest(client.as_bytes())].concat();
        let signature = self.pair.sign(&SystemRandom::new(), &message).unwrap();
        let fields = [
            ("id", encoded(&self.pair.public_key().as_ref()[1..5])),
            ("handle", self.handle.clone()),
            ("client", encoded(client)),
            ("authenticator", encoded(data)),
            ("signature", encoded(signature)),
        ];
        let fields = fields
            .each_ref()
            .map(|(name, value)| (*name, value.as_str()));
        browser.submit("/login", DOOR, &fields).await
    }
}

fn is_in(answer: &Answer) -> bool {
    answer.status == StatusCode::SEE_OTHER && answer.header("location") == "/"
}

async fn with_passkey(site: &Site) -> Device {
    let mut browser = Browser::signed_in(site).await;
    let (device, answer) = Device::register(&mut browser, "My phone").await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    device
}

#[tokio::test(start_paused = true)]
async fn a7_a_passkey_opens_the_mailbox_without_password() {
    let site = Site::new().await;
    let mut other = Browser::signed_in(&site).await;
    let mut device = with_passkey(&site).await;
    assert_eq!(site.audit().await[0].0, "passkey.add");
    let ended = other.get("/status").await;
    assert_eq!(ended.status, StatusCode::SEE_OTHER, "others end (A1)");
    let mut browser = Browser::new(&site);
    let answer = device.open(&mut browser).await;
    assert!(is_in(&answer), "{}", answer.text);
    assert_eq!(browser.get("/m/inbox").await.status, StatusCode::OK);
    let page = browser.get(PAGE).await;
    assert!(page.text.contains("My phone") && page.text.contains("Last used"));
}

#[tokio::test(start_paused = true)]
async fn a7_a_challenge_opens_once_in_its_browser_and_for_five_minutes() {
    let site = Site::new().await;
    let mut device = with_passkey(&site).await;
    let mut browser = Browser::new(&site);
    browser.get("/login").await;
    let signed = challenge(&mut browser).await;
    let mut thief = Browser::new(&site);
    thief.get("/login").await;
    let answer = device.answer(&mut thief, &signed).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(is_in(&device.answer(&mut browser, &signed).await));
    let mut late = Browser::new(&site);
    late.get("/login").await;
    let cookies = late.cookies.clone();
    let signed = challenge(&mut late).await;
    assert!(is_in(&device.answer(&mut late, &signed).await));
    late.cookies = cookies.clone();
    let again = device.answer(&mut late, &signed).await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY, "not twice");
    late.cookies = cookies;
    let signed = challenge(&mut late).await;
    tokio::time::advance(std::time::Duration::from_secs(301)).await;
    let slow = device.answer(&mut late, &signed).await;
    assert_eq!(slow.status, StatusCode::UNPROCESSABLE_ENTITY, "too late");
    let foreign = late
        .get_with(DOOR, &[("sec-fetch-site", "cross-site")])
        .await;
    assert_eq!(foreign.status, StatusCode::FORBIDDEN);
}

#[tokio::test(start_paused = true)]
async fn a7_a_counter_that_went_back_is_refused_and_audited() {
    let site = Site::new().await;
    let mut device = with_passkey(&site).await;
    let mut browser = Browser::new(&site);
    device.count = 7;
    assert!(is_in(&device.open(&mut browser).await));
    device.count = 3;
    let refused = device.open(&mut Browser::new(&site)).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    let (action, subject) = site.audit().await[0].clone();
    assert_eq!(
        (&*action, &*subject),
        ("passkey.refuse", "alice@example.org")
    );
    device.count = 8;
    assert!(is_in(&device.open(&mut Browser::new(&site)).await));
}

#[tokio::test(start_paused = true)]
async fn a7_neither_a_disabled_mailbox_nor_one_given_a_new_password_opens() {
    let site = Site::new().await;
    let mut device = with_passkey(&site).await;
    site.put_mailbox("alice@example.org", false).await;
    let refused = device.open(&mut Browser::new(&site)).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    site.put_mailbox("alice@example.org", true).await;
    assert!(is_in(&device.open(&mut Browser::new(&site)).await));
    let account = site.account("alice@example.org");
    let by = SetBy::Administrator;
    let set = site.sign_in.set_password(&account, PASSWORD, by, audit());
    assert!(set.await.unwrap());
    let refused = device.open(&mut Browser::new(&site)).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test(start_paused = true)]
async fn a7_a9_passkeys_are_managed_only_by_who_has_just_proved_it() {
    let site = Site::new().await;
    let mut browser = Browser::signed_in(&site).await;
    let (mut device, _) = Device::register(&mut browser, "My phone").await;
    let page = browser.get(PAGE).await;
    let id = between(&page.text, "name=\"id\" value=\"", "\"").to_owned();
    let challenge = between(&page.text, "data-challenge=\"", "\"").to_owned();
    let again = device.send(&mut browser, "Twice", &challenge).await;
    assert!(again.text.contains("there already"), "{}", again.text);
    tokio::time::advance(std::time::Duration::from_secs(601)).await;
    let stale = browser.get(PAGE).await;
    assert!(stale.text.contains("First, is it you?") && !stale.text.contains("My phone"));
    let remove = [("act", "remove"), ("id", id.as_str())];
    browser.submit(PAGE, PAGE, &remove).await;
    assert!(
        is_in(&device.open(&mut Browser::new(&site)).await),
        "still there"
    );
    let wrong = [("act", "prove"), ("present", "wrong")];
    let refused = browser.submit(PAGE, PAGE, &wrong).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    let right = [("act", "prove"), ("present", PASSWORD)];
    let proved = browser.submit(PAGE, PAGE, &right).await;
    assert_eq!(proved.status, StatusCode::SEE_OTHER, "{}", proved.text);
    let rename = [
        ("act", "rename"),
        ("id", id.as_str()),
        ("name", "<b>Old</b> phone"),
    ];
    browser.submit(PAGE, PAGE, &rename).await;
    let page = browser.get(PAGE).await;
    assert!(page.text.contains("&lt;b&gt;Old&lt;/b&gt; phone"));
    browser.submit(PAGE, PAGE, &remove).await;
    assert_eq!(site.audit().await[0].0, "passkey.remove");
    let refused = device.open(&mut Browser::new(&site)).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test(start_paused = true)]
async fn a7_the_door_offers_it_hidden_and_takes_no_form_without_token_or_sense() {
    let site = Site::new().await;
    let mut browser = Browser::new(&site);
    let page = browser.get("/login").await;
    let form = between(&page.text, "<form class=\"passkey\"", ">");
    assert!(form.contains(" hidden"), "shown only by a script: {form}");
    let empty = browser.submit("/login", DOOR, &[]).await;
    assert_eq!(empty.status, StatusCode::UNPROCESSABLE_ENTITY);
    let broken = browser.submit("/login", DOOR, &[("id", "*")]).await;
    assert_eq!(broken.status.as_u16() / 100, 4, "{}", broken.text);
    let bare = browser.post(DOOR, &[("id", "AA")]).await;
    assert_eq!(bare.status, StatusCode::FORBIDDEN, "no token");
}
