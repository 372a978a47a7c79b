//! All routes of the portal, and what every request passes on its way.
//!
//! From the outside in: headers (HD1–HD4), the dressing of refusals, the reading of path and host
//! (HD5), the origin of everything that is not GET (A2), the page.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{Method, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use tower_http::compression::CompressionLayer;
use tower_http::timeout::TimeoutLayer;

use super::account::{forgot, passkey_door, passkeys, second_step, security, setup};
use super::dress::{Dress, dress};
use super::refusal::Refusal;
use super::{
    Portal, assets, compose, events, export, help, login, logout, mailbox, new_password, reader,
    sessions, settings, status, suggest,
};
use crate::csp_reports;
use crate::guard::{Guard, time_limit};

/// How long the form for writing may take to arrive: 25 MiB over a slow line.
const UPLOAD_TIMEOUT: Duration = Duration::from_secs(600);

/// All routes of the portal's listener.
pub fn router(portal: Portal, guard: Guard) -> Router {
    let pages = Router::new()
        .route("/", get(login::home))
        .route("/login", get(login::show).post(login::submit))
        .route(
            "/login/2fa",
            get(second_step::show).post(second_step::submit),
        )
        .route(
            "/login/passkey",
            get(passkey_door::challenge).post(passkey_door::submit),
        )
        .route("/forgot", get(forgot::show).post(forgot::submit))
        .route("/logout", get(logout::show).post(logout::submit))
        .route(
            "/enroll",
            get(new_password::show_enroll).post(new_password::submit_enroll),
        )
        .route(
            "/reset/{token}",
            get(new_password::show_reset).post(new_password::submit_reset),
        )
        .route(
            "/settings/reading",
            get(settings::show_reading).post(settings::submit_reading),
        )
        .route(
            "/settings/writing",
            get(settings::show_writing).post(settings::submit_writing),
        )
        .route(
            "/settings/security",
            get(security::show).post(security::submit),
        )
        .route(
            "/settings/security/setup",
            get(setup::show).post(setup::submit),
        )
        .route(
            "/settings/security/passkeys",
            get(passkeys::show).post(passkeys::submit),
        )
        .route(
            "/settings/sessions",
            get(sessions::show).post(sessions::submit),
        )
        .route("/settings/export", get(export::show).post(export::submit))
        .route("/export/{token}", get(export::download))
        .route("/ac", get(suggest::show))
        .route("/m/{shelf}", get(mailbox::list))
        .route("/m/{shelf}/{id}", get(reader::show))
        .route("/m/{id}/source", get(reader::source))
        .route("/m/{id}/print", get(reader::print))
        .route("/m/{id}/eml", get(reader::eml))
        .route("/f/{id}", get(reader::framed))
        .route("/c/{cap}", get(reader::image))
        .route("/a/{id}/{part}", get(reader::one))
        .route("/a/{id}/all.zip", get(reader::all))
        .route("/compose", get(compose::begin))
        .route("/compose/{draft}", get(compose::draft))
        .route("/drafts", get(compose::drafts))
        .route("/outbox", get(compose::outbox))
        .route("/outbox/{id}/cancel", post(compose::cancel))
        .route("/act", post(mailbox::act))
        .route("/undo/{op}", post(mailbox::undo))
        .route("/events", get(events::show))
        .route("/status", get(status::show))
        .route("/help", get(help::show))
        .route("/assets/{name}", get(assets::serve))
        .layer(time_limit())
        .merge(uploads())
        .fallback(|| async { Refusal::NotFound })
        .layer(middleware::from_fn_with_state(
            portal.clone(),
            require_same_origin,
        ))
        .with_state(portal.clone())
        .merge(csp_reports::router(
            portal.origins.clone(),
            "portal",
            Arc::clone(portal.spool.clock()),
        ));
    let look = Dress {
        build: portal.build,
        language: None,
    };
    guard.protect_dressed(pages, |router| {
        router
            .layer(middleware::from_fn_with_state(look, dress))
            .layer(CompressionLayer::new())
    })
}

/// The form for writing, which brings files along: larger than other forms, and slower.
fn uploads() -> Router<Portal> {
    let limit = TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, UPLOAD_TIMEOUT);
    Router::new()
        .route("/compose/{draft}", post(compose::submit))
        .layer(DefaultBodyLimit::max(compose::REQUEST_BYTES_MAX))
        .layer(limit)
}

/// Everything but reading has to come from a page of ours, whatever route it is for.
async fn require_same_origin(
    State(portal): State<Portal>,
    request: Request,
    next: Next,
) -> Response {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    match portal.origins.check_form(request.headers()) {
        Err(fault) if !reads => Refusal::Foreign(fault).into_response(),
        _ => next.run(request).await,
    }
}
