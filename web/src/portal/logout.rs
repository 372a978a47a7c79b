//! Signing out.

use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::HeaderName;
use axum::http::request::Parts;
use axum::response::Response;

use super::Portal;
use super::flash::Flash;
use super::posted::Posted;
use super::redirect::{see_other, with_cookies};
use super::refusal::Refusal;
use super::user::User;

/// Nobody is signed out by a link.
pub(super) async fn show() -> Response {
    see_other("/")
}

pub(super) async fn submit(
    State(portal): State<Portal>,
    parts: Parts,
    posted: Posted,
) -> Result<Response, Refusal> {
    if let Some(user) = User::of(&parts, &portal).await? {
        posted.of(&user.csrf)?;
        let address = user.address.to_string();
        portal
            .sign_in
            .end(&user.account, &address, user.session, &user.client)
            .await?;
    }
    let cookies = [
        portal.session_cookie().clear(),
        portal.flash_cookie().set(&Flash::SignedOut.word()),
    ];
    let cookies: Vec<HeaderValue> = cookies.into_iter().flatten().collect();
    let mut response = with_cookies(see_other("/login"), &cookies);
    // Not "cookies": that would clear those of the other site under the same domain, too.
    response.headers_mut().insert(
        HeaderName::from_static("clear-site-data"),
        HeaderValue::from_static("\"cache\", \"storage\""),
    );
    Ok(response)
}
