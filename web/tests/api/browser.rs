//! A browser without scripts on the administration's site: it keeps cookies and sends forms.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use web::auth::SharedSecret;

use crate::site::{HOST, Site};

/// The password of every administrator in these tests.
pub(crate) const ADMIN_PASSWORD: &str = "a long enough passphrase";

pub(crate) struct Browser<'s> {
    site: &'s Site,
    pub(crate) cookies: BTreeMap<String, String>,
}

#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Page {
    pub(crate) fn location(&self) -> &str {
        let location = self.headers.get("location");
        location.map_or("", |value| value.to_str().unwrap())
    }

    /// What stands between two marks.
    pub(crate) fn between(&self, start: &str, end: &str) -> &str {
        let rest = self.text.split(start).nth(1);
        let rest = rest.unwrap_or_else(|| panic!("no {start} in {}", self.text));
        rest.split(end).next().unwrap()
    }
}

impl<'s> Browser<'s> {
    pub(crate) fn new(site: &'s Site) -> Self {
        Self {
            site,
            cookies: BTreeMap::new(),
        }
    }

    /// A browser in which an administrator has signed in for the first time and set up the second
    /// factor.
    pub(crate) async fn signed_in(site: &'s Site, address: &str) -> Self {
        let mut browser = Self::new(site);
        let fields = [("address", address), ("password", ADMIN_PASSWORD)];
        let done = browser.submit("/login", "/login", &fields).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text);
        let led = browser.get("/people").await;
        assert_eq!(
            led.location(),
            "/me/second-factor",
            "nothing before the second factor"
        );
        let page = browser.get("/me/second-factor").await;
        let code = code(site, page.between("<code>", "</code>"));
        let codes = browser
            .submit("/me/second-factor", "/me/second-factor", &[("code", &code)])
            .await;
        assert_eq!(codes.status, StatusCode::OK, "{}", codes.text);
        browser
    }

    pub(crate) async fn get(&mut self, path: &str) -> Page {
        let request = self.request(Method::GET, path).body(Body::empty());
        self.send(request.unwrap()).await
    }

    /// Opens `page` and sends a form of it to `action`.
    pub(crate) async fn submit(
        &mut self,
        page: &str,
        action: &str,
        fields: &[(&str, &str)],
    ) -> Page {
        let shown = self.get(page).await;
        let csrf = shown.between("name=\"csrf\" value=\"", "\"").to_owned();
        let mut all = vec![("csrf", csrf.as_str())];
        all.extend_from_slice(fields);
        self.post(action, &all).await
    }

    pub(crate) async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        let request = self
            .request(Method::POST, path)
            .header("sec-fetch-site", "same-origin")
            .header("content-type", "application/x-www-form-urlencoded");
        self.send(request.body(Body::from(body)).unwrap()).await
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> axum::http::request::Builder {
        let cookies = self.cookies.iter();
        let cookies: Vec<_> = cookies
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        Request::builder()
            .method(method)
            .uri(path)
            .header("host", HOST)
            .header("cookie", cookies.join("; "))
    }

    pub(crate) async fn send(&mut self, request: Request<Body>) -> Page {
        let answer = self.site.raw(request).await;
        for cookie in answer.headers.get_all("set-cookie") {
            let cookie = cookie.to_str().unwrap();
            let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
            if cookie.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        Page {
            status: answer.status,
            headers: answer.headers,
            text: String::from_utf8(answer.bytes).unwrap(),
        }
    }
}

/// What an authenticator shows now for a key as it is typed.
pub(crate) fn code(site: &Site, key: &str) -> String {
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
