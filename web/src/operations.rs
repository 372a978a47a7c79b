//! The operations listener: `/metrics` for Prometheus, `/healthz` and `/readyz` for whatever
//! restarts or routes. In clear and without a login, on loopback by default; nothing changes
//! anything here.

use std::fmt;
use std::sync::Arc;

use actors::status::StatusBoard;
use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use storage::spool::{IntakeState, Spool};

use crate::guard::{Guard, Site};
use crate::metrics;

/// What the listener is made of. Cheap to clone.
#[derive(Clone)]
pub struct OperationsSite {
    /// The store.
    pub spool: Spool,
    /// Live state of domains and routes.
    pub status: StatusBoard,
    /// Whether metrics name each domain.
    pub domain_labels: bool,
    /// Everything that was recorded, as Prometheus text.
    pub render: Arc<dyn Fn() -> String + Send + Sync>,
}

impl fmt::Debug for OperationsSite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OperationsSite").finish_non_exhaustive()
    }
}

/// All routes of the operations listener.
pub fn router(site: OperationsSite) -> Router {
    let routes = Router::new()
        .route("/metrics", get(scrape))
        .route("/healthz", get(health))
        .route("/readyz", get(readiness))
        .layer(crate::guard::time_limit())
        .with_state(site);
    let guard = Guard {
        hosts: Arc::default(),
        tls: false,
        site: Site::Admin,
    };
    guard.protect(routes)
}

async fn scrape(State(site): State<OperationsSite>) -> Response {
    metrics::record_snapshot(&site.spool, &site.status, site.domain_labels);
    let kind = [(
        header::CONTENT_TYPE,
        "text/plain; version=0.0.4; charset=utf-8",
    )];
    (kind, (site.render)()).into_response()
}

/// Whether the process is worth keeping: false once the store has failed.
async fn health(State(site): State<OperationsSite>) -> Response {
    match site.spool.failed().borrow().as_deref() {
        None => (StatusCode::OK, "ok\n").into_response(),
        Some(why) => {
            let text = format!("the store has failed: {why}\n");
            (StatusCode::SERVICE_UNAVAILABLE, text).into_response()
        }
    }
}

/// Whether mail is taken in.
async fn readiness(State(site): State<OperationsSite>) -> Response {
    match site.spool.intake() {
        IntakeState::Open | IntakeState::Soft => (StatusCode::OK, "ready\n").into_response(),
        state => {
            let (_, why) = crate::api::status::intake_words(state);
            (StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")).into_response()
        }
    }
}
