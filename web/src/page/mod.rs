//! The plain status page at `/`: what anybody may know, which is whether mail is taken in. Names,
//! counts and addresses are behind the token (`mailhold status`).

use axum::Router;
use axum::extract::State;
use axum::http::header;
use axum::routing::get;
use maud::{DOCTYPE, Markup, html};
use storage::spool::IntakeState;

use crate::AdminSite;

/// The style sheet, served from our own origin: the policy allows no other (HD1).
const STYLE: &str = include_str!("status.css");

/// The page and its style sheet.
pub(crate) fn router() -> Router<AdminSite> {
    Router::new()
        .route("/", get(status))
        .route("/status.css", get(style))
        .layer(crate::guard::time_limit())
}

async fn style() -> ([(header::HeaderName, &'static str); 1], &'static str) {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], STYLE)
}

async fn status(State(site): State<AdminSite>) -> Markup {
    let (word, sentence) = match site.spool.intake() {
        IntakeState::Open => ("ok", "Mail is taken in."),
        IntakeState::Soft => ("warning", "Mail is taken in. The disk is filling up."),
        IntakeState::Full | IntakeState::Critical | IntakeState::Broken => (
            "alarm",
            "No mail is taken in at the moment. Senders try again by themselves.",
        ),
    };
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { "Status – Mailhold" }
                link rel="stylesheet" href="/status.css";
            }
            body {
                main {
                    h1 { "Mailhold" }
                    p.state.(word) role="status" { (sentence) }
                    @if let Some(share) = site.status.availability().share() {
                        p { "Taken in over the last 30 days: " (format!("{:.3} %", share * 100.0)) " of the time." }
                    }
                    p { a href="/login" { "Sign in" } " as administrator of a domain" }
                    p { "The state of each domain: " code { "mailhold status" } }
                    p { "Everything else: " a href="/api/openapi.json" { "the API" } }
                }
            }
        }
    }
}
