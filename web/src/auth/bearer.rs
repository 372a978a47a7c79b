//! `Authorization: Bearer` (RFC 6750 §2.1). Nothing else authenticates: no cookie, no query
//! parameter, so no other site can make a browser send it.

use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use super::operator_token::OperatorToken;
use crate::api::problem::Problem;
use crate::server::Peer;

/// Lets a request pass that carries the operator token; 401 for all others.
pub async fn require_operator(
    State(token): State<OperatorToken>,
    request: Request,
    next: Next,
) -> Response {
    if presented(&request).is_some_and(|presented| token.accepts(presented)) {
        return next.run(request).await;
    }
    unauthorized(&request)
}

/// 401, and what is expected instead.
pub(crate) fn unauthorized(request: &Request) -> Response {
    let peer = request.extensions().get::<Peer>();
    tracing::info!(
        client.address = peer.map(|peer| peer.0.to_string()),
        "a request to the administration API was refused: no valid token"
    );
    let challenge = [(header::WWW_AUTHENTICATE, "Bearer realm=\"mailhold\"")];
    let problem = Problem::new(StatusCode::UNAUTHORIZED, "unauthorized")
        .detail("expected the operator token: Authorization: Bearer TOKEN");
    (challenge, problem).into_response()
}

/// The token that a request carries.
pub(crate) fn presented(request: &Request) -> Option<&str> {
    let mut values = request.headers().get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return None;
    };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
