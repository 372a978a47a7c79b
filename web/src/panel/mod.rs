//! The pages of the administration: signing in, and the people of the own domains.
//!
//! Rules: administrators of a domain only, never operators (C25); a second factor is required (A6);
//! what cannot be undone asks again for the password (A9); a domain that is not theirs does not
//! exist for them. Every act goes through the same function as the API's. Works without scripts.

mod door;
mod enroll;
mod import;
mod layout;
mod me;
mod outages;
mod people;
mod person;
mod prove;
mod setup;
mod usage;
mod visitor;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::Method;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;

use crate::AdminSite;
use crate::api::import::FILE_MAX;
use crate::auth::CookieName;
use crate::guard::time_limit;
use crate::language::Language;
use crate::portal::dress::{Dress, dress};
use crate::portal::{Refusal, serve_asset};

/// Bytes that a form may have beside its file.
const FORM_MARGIN: usize = 64 * 1024;

/// All pages.
pub(crate) fn router(site: &AdminSite) -> Router<AdminSite> {
    let pages = Router::new()
        .route("/login", get(door::show).post(door::submit))
        .route(
            "/login/2fa",
            get(door::show_second).post(door::submit_second),
        )
        .route("/logout", get(door::home).post(door::sign_out))
        .route("/enroll/{token}", get(enroll::show).post(enroll::submit))
        .route("/prove", get(prove::show).post(prove::submit))
        .route("/me", get(me::show).post(me::submit))
        .route("/me/second-factor", get(setup::show).post(setup::submit))
        .route("/outages", get(outages::show))
        .route("/people", get(people::home))
        .route("/people/{domain}", get(people::show).post(people::submit))
        .route("/people/{domain}/usage", get(usage::show))
        .route("/person", get(person::show).post(person::submit))
        .route("/assets/{name}", get(serve_asset))
        .layer(time_limit());
    let jobs = Router::new()
        .route(
            "/people/{domain}/import",
            get(import::show).post(import::submit),
        )
        .layer(DefaultBodyLimit::max(FILE_MAX + FORM_MARGIN));
    let look = Dress {
        build: env!("CARGO_PKG_VERSION"),
        language: Some(Language::English),
    };
    pages
        .merge(jobs)
        .layer(middleware::from_fn_with_state(
            site.clone(),
            require_same_origin,
        ))
        .layer(middleware::from_fn_with_state(look, dress))
}

/// Everything but reading has to come from a page of ours, whatever route it is for (A2).
async fn require_same_origin(
    State(site): State<AdminSite>,
    request: Request,
    next: Next,
) -> Response {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    match site.origins.check_form(request.headers()) {
        Err(fault) if !reads => Refusal::Foreign(fault).into_response(),
        _ => next.run(request).await,
    }
}

impl AdminSite {
    /// The cookie of a session.
    const fn session_cookie(&self) -> CookieName {
        CookieName::strict("admin", self.tls)
    }

    /// The cookie of a browser that has not signed in.
    const fn before_cookie(&self) -> CookieName {
        CookieName::strict("admin-before", self.tls)
    }

    /// The cookie of a sign-in that waits for its second step.
    const fn factor_cookie(&self) -> CookieName {
        CookieName::strict("admin-factor", self.tls)
    }
}
