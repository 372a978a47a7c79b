//! All routes of the portal, and what every request passes on its way.
//!
//! From the outside in: headers (HD1–HD4), the dressing of refusals, the reading of path and host
//! (HD5), the origin of everything that is not GET (A2), the page.

use axum::Router;
use axum::extract::{Request, State};
use axum::http::Method;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use tower_http::compression::CompressionLayer;

use super::refusal::{Refusal, dress};
use super::{Portal, assets, help, login, logout, new_password, sessions, settings, status};
use crate::guard::{Guard, time_limit};

/// All routes of the portal's listener.
pub fn router(portal: Portal, guard: Guard) -> Router {
    let pages = Router::new()
        .route("/", get(login::home))
        .route("/login", get(login::show).post(login::submit))
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
            "/settings/sessions",
            get(sessions::show).post(sessions::submit),
        )
        .route("/status", get(status::show))
        .route("/help", get(help::show))
        .route("/assets/{name}", get(assets::serve))
        .layer(time_limit())
        .fallback(|| async { Refusal::NotFound })
        .layer(middleware::from_fn_with_state(
            portal.clone(),
            require_same_origin,
        ))
        .with_state(portal.clone());
    guard.protect_dressed(pages, |router| {
        router
            .layer(middleware::from_fn_with_state(portal, dress))
            .layer(CompressionLayer::new())
    })
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
