//! A browser without scripts: it keeps cookies and sends the forms that pages contain.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;
use web::server::Peer;

use crate::site::{HOST, PASSWORD, Site};

pub(crate) struct Browser<'s> {
    site: &'s Site,
    pub(crate) cookies: BTreeMap<String, String>,
    pub(crate) language: &'static str,
    pub(crate) from: SocketAddr,
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// The value of a form's hidden field.
    pub(crate) fn hidden(&self, name: &str) -> String {
        let start = format!("name=\"{name}\" value=\"");
        let rest = self.text.split(&start).nth(1);
        let value = rest.and_then(|rest| rest.split('"').next());
        value
            .unwrap_or_else(|| panic!("no {name} in {}", self.text))
            .to_owned()
    }
}

impl<'s> Browser<'s> {
    pub(crate) fn new(site: &'s Site) -> Self {
        Self {
            site,
            cookies: BTreeMap::new(),
            language: "en",
            from: "192.0.2.1:4711".parse().unwrap(),
        }
    }

    /// A browser in which Alice has signed in.
    pub(crate) async fn signed_in(site: &'s Site) -> Self {
        let mut browser = Self::new(site);
        let answer = browser.sign_in("alice@example.org", PASSWORD).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
        browser
    }

    /// Opens the form and sends it.
    pub(crate) async fn sign_in(&mut self, address: &str, password: &str) -> Answer {
        let fields = [("address", address), ("password", password)];
        self.submit("/login", "/login", &fields).await
    }

    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        let request = self.request(Method::GET, path).body(Body::empty());
        self.send(request.unwrap()).await
    }

    pub(crate) async fn get_with(&mut self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = self.request(Method::GET, path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(Body::empty()).unwrap()).await
    }

    /// What is no text.
    pub(crate) async fn bytes(
        &mut self,
        path: &str,
        headers: &[(&str, &str)],
    ) -> (StatusCode, Bytes) {
        let mut request = self.request(Method::GET, path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::empty()).unwrap();
        let response = self.site.router.clone().oneshot(request).await.unwrap();
        let status = response.status();
        (
            status,
            response.into_body().collect().await.unwrap().to_bytes(),
        )
    }

    /// Sends a form with files.
    pub(crate) async fn post_files(
        &mut self,
        path: &str,
        fields: &[(String, String)],
        files: &[(&str, &str)],
    ) -> Answer {
        let mut body = String::new();
        let part = "--frontier\r\nContent-Disposition: form-data; name=";
        for (name, value) in fields {
            body.push_str(&format!("{part}\"{name}\"\r\n\r\n{value}\r\n"));
        }
        for (name, content) in files {
            body.push_str(&format!(
                "{part}\"file\"; filename=\"{name}\"\r\n\r\n{content}\r\n"
            ));
        }
        body.push_str("--frontier--\r\n");
        let request = self
            .request(Method::POST, path)
            .header("sec-fetch-site", "same-origin")
            .header("content-type", "multipart/form-data; boundary=frontier");
        self.send(request.body(Body::from(body)).unwrap()).await
    }

    /// Opens `page` and sends a form of it to `action`.
    pub(crate) async fn submit(
        &mut self,
        page: &str,
        action: &str,
        fields: &[(&str, &str)],
    ) -> Answer {
        let csrf = self.get(page).await.hidden("csrf");
        let mut all = vec![("csrf", csrf.as_str())];
        all.extend_from_slice(fields);
        self.post(action, &all).await
    }

    /// Sends a form with exactly these fields, as a page of the site would.
    pub(crate) async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let headers = [
            ("sec-fetch-site", "same-origin"),
            ("content-type", "application/x-www-form-urlencoded"),
        ];
        self.post_with(path, fields, &headers).await
    }

    pub(crate) async fn post_with(
        &mut self,
        path: &str,
        fields: &[(&str, &str)],
        headers: &[(&str, &str)],
    ) -> Answer {
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        let mut request = self.request(Method::POST, path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(Body::from(body)).unwrap()).await
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> axum::http::request::Builder {
        let cookies = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"));
        let cookies: Vec<_> = cookies.collect();
        Request::builder()
            .method(method)
            .uri(path)
            .header("host", HOST)
            .header("accept-language", self.language)
            .header("user-agent", "Mozilla/5.0 Firefox/140.0")
            .header("cookie", cookies.join("; "))
            .extension(Peer(self.from))
    }

    pub(crate) async fn send(&mut self, request: Request<Body>) -> Answer {
        let response = self.site.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        for cookie in parts.headers.get_all("set-cookie") {
            let cookie = cookie.to_str().unwrap();
            let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
            if cookie.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        let bytes = body.collect().await.unwrap().to_bytes();
        Answer {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8(bytes.to_vec()).unwrap(),
        }
    }
}
