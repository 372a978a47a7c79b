//! Every attack vector in a page like that of the reader (flow 5; H1–H13).
//!
//! The server shows each message as the portal does: trusted header, bars, frame, list of files, all
//! made by the functions that the portal calls.

use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path as UrlPath, State};
use axum::http::header::{self, HeaderMap};
use axum::http::{Response, StatusCode};
use axum::response::IntoResponse as _;
use axum::routing::get;
use maud::{DOCTYPE, Markup, html};
use storage::model::Timestamp;
use web::guard::Guard;
use web::message::{MessageView, PartPath};
use web::reader::capability::{Capabilities, Claim, Image};
use web::reader::frame::{self, Document, Shown};
use web::reader::{download, image, text};
use web::sanitize::{ImageSource, Sanitiser};

use crate::corpus::{self, Vector};
use crate::script;

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
const NONCE: &str = "bm9uY2U";

#[derive(Clone)]
struct Site {
    origin: Arc<str>,
    vectors: Arc<[Vector]>,
    sanitiser: Sanitiser,
    capabilities: Capabilities,
}

/// Images of one message; remote ones are let through to `/c/`, which has none of them, so that a
/// reader who switched images on is tested too.
#[derive(Debug)]
struct Images {
    origin: Arc<str>,
    capabilities: Capabilities,
    message: String,
    view: MessageView,
}

impl Images {
    fn address(&self, image: Image) -> Option<String> {
        let claim = Claim {
            session: [0; 32],
            message: self.message.clone().into_bytes(),
            image,
        };
        Some(format!(
            "{}{}",
            self.origin,
            self.capabilities.path(&claim, NOW)?
        ))
    }
}

impl ImageSource for Images {
    fn inline(&self, content_id: &str) -> Option<String> {
        let place = self.view.inline.get(content_id)?;
        self.address(Image::Part(place.to_string()))
    }

    fn remote(&self, url: &str) -> Option<String> {
        self.address(Image::Remote(url.to_owned()))
    }
}

impl Site {
    fn vector(&self, id: &str) -> Option<&Vector> {
        self.vectors.get(id.parse::<usize>().ok()?)
    }

    fn view(&self, id: &str) -> Option<MessageView> {
        MessageView::read(&self.vector(id)?.raw, &PartPath::default()).ok()
    }
}

/// The page around a message.
fn page(title: &str, main: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                title { (title) }
                link rel="stylesheet" href="/style.css";
            }
            body {
                header.portal { "Mailhold" }
                main {
                    form #search action="/m/inbox" { input name="q" aria-label="Search"; }
                    (main)
                }
            }
        }
    }
}

const STYLE: &str = "body{margin:0}header.portal{position:sticky;top:0;height:48px;background:#3d4fd1;color:#fff}\
    iframe.mail{width:100%;height:600px;border:1px solid #868b96;color-scheme:light}";

/// A page with the messages `from-to`, each as the reader shows it.
async fn messages(state: State<Site>, range: UrlPath<String>) -> Response<Body> {
    page_of(&state, &range, "/f")
}

/// The same page with the mail as it came in each frame.
async fn raw_messages(state: State<Site>, range: UrlPath<String>) -> Response<Body> {
    page_of(&state, &range, "/raw")
}

fn page_of(site: &Site, range: &str, frames: &str) -> Response<Body> {
    let (from, to) = range.split_once('-').unwrap_or(("0", "0"));
    let (from, to) = (from.parse().unwrap_or(0), to.parse().unwrap_or(0));
    let main = html! {
        h1 { "Messages" }
        @for id in from..to {
            @if let Some(view) = site.view(&id.to_string()) { (message(id, &view, frames)) }
        }
    };
    page("vector", &main).into_response()
}

fn message(id: usize, view: &MessageView, frames: &str) -> Markup {
    html! {
        article {
            h2 { (view.subject) }
            @for mailbox in view.from.iter().chain(&view.reply_to) {
                p title=(mailbox.address) { (mailbox.name) " <" (mailbox.address) ">" }
            }
            @for hint in view.hints(&["meier.example"]) { p role="note" { (format!("{hint:?}")) } }
            dl { @for (name, value) in &view.fields { dt { (name) } dd { (value) } } }
            @if let Some(invitation) = &view.invitation {
                @for event in &invitation.events {
                    section aria-label=(event.summary) {
                        p { (event.location) " " (event.organizer) }
                        p { (event.description) }
                        @if let Some(url) = &event.url { a href=(url) { (url) } }
                    }
                }
            }
            ul {
                @for file in &view.attachments {
                    li { a href=(format!("/a/{id}/{}", file.path)) { (file.name) } " " (file.kind) }
                }
            }
            @if view.html.is_some() {
                (frame::element(
                    &format!("{frames}/{id}"),
                    view.from.first().map_or("nobody", |from| &from.name),
                ))
            } @else if let Some(body) = &view.text {
                (text::view(&body.text, &[], "Quoted text"))
            }
        }
    }
}

async fn framed(
    State(site): State<Site>,
    UrlPath(id): UrlPath<String>,
    headers: HeaderMap,
) -> Response<Body> {
    if !frame::is_wanted_as_document(&headers) {
        return StatusCode::FORBIDDEN.into_response();
    }
    let Some(view) = site.view(&id) else {
        return (StatusCode::NOT_FOUND, "no HTML").into_response();
    };
    let Some(html) = view.html.clone() else {
        return (StatusCode::NOT_FOUND, "no HTML").into_response();
    };
    let images = Images {
        origin: Arc::clone(&site.origin),
        capabilities: site.capabilities.clone(),
        message: id,
        view,
    };
    let safe = site.sanitiser.run(html, Arc::new(images)).await;
    let shown = match &safe {
        Ok(safe) => Shown::Html(safe),
        Err(refusal) => Shown::Text(html! { p { (refusal) } }),
    };
    let document = Document {
        title: "vector",
        heading: None,
        shown,
    };
    frame::respond(&document, &site.origin, NONCE)
}

/// The mail as it is, behind the policy of the frame alone: what the second and third layer hold.
async fn raw(State(site): State<Site>, UrlPath(id): UrlPath<String>) -> Response<Body> {
    let html = site
        .view(&id)
        .and_then(|view| view.html)
        .unwrap_or_default();
    let policy = frame::policy(&site.origin, NONCE);
    (
        [
            (header::CONTENT_TYPE, "text/html; charset=utf-8".to_owned()),
            (header::CONTENT_SECURITY_POLICY, policy),
        ],
        html.replace("alarm()", ALARM),
    )
        .into_response()
}

async fn capability(
    State(site): State<Site>,
    UrlPath(token): UrlPath<String>,
    headers: HeaderMap,
) -> Response<Body> {
    if !image::is_wanted_as_image(&headers) {
        return StatusCode::FORBIDDEN.into_response();
    }
    let Some(claim) = site.capabilities.open(&token, NOW) else {
        return image::refused();
    };
    let id = String::from_utf8_lossy(&claim.message).into_owned();
    match (&claim.image, site.vector(&id)) {
        (Image::Part(place), Some(vector)) => image::respond_part(&vector.raw, place),
        // One pixel stands for every remote image: what is asked is where it is fetched from.
        _ => image::respond(PIXEL.to_vec()),
    }
}

async fn file(
    State(site): State<Site>,
    UrlPath((id, place)): UrlPath<(String, String)>,
) -> Response<Body> {
    match (site.vector(&id), place.parse()) {
        (Some(vector), Ok(place)) => download::respond_part(&vector.raw, &place),
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

const PIXEL: &[u8] = b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\0\0\0!\xf9\x04\x01\0\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;";

/// What `alarm()` becomes before a browser sees it.
const ALARM: &str = "console.error(/ALARM/)";

fn armed(vector: Vector) -> Vector {
    let text = vector.raw;
    let mut raw = Vec::with_capacity(text.len());
    let mut rest = text.as_slice();
    while let Some(at) = rest.windows(7).position(|window| window == b"alarm()") {
        raw.extend(&rest[..at]);
        raw.extend(ALARM.as_bytes());
        rest = &rest[at + 7..];
    }
    raw.extend(rest);
    Vector { raw, ..vector }
}

fn router(site: Site) -> Router {
    let names: Vec<_> = site
        .vectors
        .iter()
        .map(|vector| format!("{}/{}", vector.class, vector.name))
        .collect();
    let list = Bytes::from(serde_json::json!({ "vectors": names }).to_string());
    let guard = Guard {
        hosts: Arc::new([site.origin.trim_start_matches("http://").to_owned()]),
        tls: false,
        site: web::guard::Site::Portal,
    };
    let router = Router::new()
        .route("/v/{range}", get(messages))
        .route("/w/{range}", get(raw_messages))
        .route("/f/{id}", get(framed))
        .route("/raw/{id}", get(raw))
        .route("/c/{token}", get(capability))
        .route("/a/{id}/{place}", get(file))
        .route(
            "/style.css",
            get(|| async { ([(header::CONTENT_TYPE, "text/css")], STYLE) }),
        )
        .route("/favicon.ico", get(|| async { StatusCode::NO_CONTENT }))
        .route(
            "/vectors.json",
            get(move || std::future::ready(list.clone())),
        )
        .with_state(site);
    guard.protect(router)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn h1_no_vector_runs_loads_leads_away_or_covers_the_page() {
    if !script::can_run() {
        return;
    }
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("web/tests/vectors");
    let site = Site {
        origin: origin.clone().into(),
        vectors: corpus::vectors(&folder).into_iter().map(armed).collect(),
        sanitiser: Sanitiser::default(),
        capabilities: Capabilities::new(&[7; 32]),
    };
    assert!(site.vectors.len() >= 300);
    let server = axum::serve(listener, router(site));
    let browser = tokio::task::spawn_blocking(move || script::run("attacks.mjs", &[&origin]));
    tokio::select! {
        ended = server.into_future() => panic!("the server ended: {ended:?}"),
        ended = browser => ended.unwrap(),
    }
}
