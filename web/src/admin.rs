//! The administration site: API, its description, and the status page.

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::middleware;

use actors::status::StatusBoard;
use actors::tls::ServerTls;
use jiff::tz::TimeZone;
use storage::model::{DomainName, Timestamp};
use storage::spool::Spool;

use crate::api;
use crate::api::problem::Problem;
use crate::api::require_caller;
use crate::auth::csrf::Origins;
use crate::auth::reset::ResetDesk;
use crate::auth::{OperatorToken, SignIn, require_operator};
use crate::csp_reports;
use crate::guard::Guard;
use crate::page;
use crate::panel;

/// What the site is made of. Cheap to clone.
#[derive(Debug, Clone)]
pub struct AdminSite {
    /// The store.
    pub spool: Spool,
    /// Live state of domains and routes.
    pub status: StatusBoard,
    /// Who may use the API.
    pub token: OperatorToken,
    /// Passwords and what they open.
    pub sign_in: SignIn,
    /// Where letters to people are written.
    pub desk: ResetDesk,
    /// Whether it speaks TLS; without it the cookies have other names.
    pub tls: bool,
    /// The zone in which pages show dates.
    pub zone: TimeZone,
    /// The origins that are ours.
    pub origins: Origins,
    /// How administrators reach this site, without a slash at its end.
    pub url: String,
    /// How users reach the portal, without a slash at its end.
    pub portal_url: String,
    /// What SMTP clients are shown; none where there is no such listener.
    pub smtp_tls: Option<Arc<ServerTls>>,
    /// This node's name.
    pub hostname: DomainName,
    /// When this process started.
    pub started_at: Timestamp,
}

/// All routes of the administration listener.
pub fn router(site: AdminSite, guard: Guard) -> Router {
    let (api, mut description) = api::router().split_for_parts();
    let (people, of_people) = api::people_router().split_for_parts();
    description.merge(of_people);
    let caller = middleware::from_fn_with_state(site.clone(), require_caller);
    let operator = middleware::from_fn_with_state(site.token.clone(), require_operator);
    let clock = Arc::clone(site.spool.clock());
    let reports = csp_reports::router(site.origins.clone(), "admin", clock);
    let routes = Router::new()
        .merge(api.route_layer(operator))
        .merge(people.route_layer(caller))
        .merge(api::description(&description))
        .merge(page::router())
        .merge(panel::router(&site))
        .method_not_allowed_fallback(|| async {
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method")
        })
        .fallback(|| async { Problem::not_found("there is nothing here") })
        .with_state(site)
        .merge(reports);
    guard.protect(routes)
}
