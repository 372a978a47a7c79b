//! `/login/passkey`: signing in with a passkey. The button shows only where a script can ask a
//! device for it; without one the page is as it was.

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use maud::{Markup, html};

use super::words;
use crate::auth::csrf::CsrfFault;
use crate::auth::passkey::{Assertion, PasskeySignIn, Purpose};
use crate::portal::Portal;
use crate::portal::assets;
use crate::portal::login::signed_in;
use crate::portal::posted::{Form, Posted};
use crate::portal::redirect::place_of_ours;
use crate::portal::refusal::Refusal;
use crate::portal::visitor::Visitor;

const PATH: &str = "/login/passkey";

/// A challenge for this browser, as text. Nothing is kept for it.
pub(in crate::portal) async fn challenge(
    State(portal): State<Portal>,
    parts: Parts,
    visitor: Visitor,
) -> Result<Response, Refusal> {
    if portal.relying_party.is_none() || visitor.browser.is_empty() {
        return Err(Refusal::NotFound);
    }
    if !portal.origins.is_same_origin(&parts.headers) {
        return Err(Refusal::Foreign(CsrfFault::Origin));
    }
    let made = portal
        .sign_in
        .passkey_challenge(Purpose::SignIn, &visitor.browser);
    let text = made.map_err(|error| Refusal::Broken(error.to_string()))?;
    Ok(([(CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response())
}

pub(in crate::portal) async fn submit(
    State(portal): State<Portal>,
    visitor: Visitor,
    posted: Posted,
) -> Result<Response, Refusal> {
    let form = posted.of(&visitor.csrf)?;
    let Some(party) = &portal.relying_party else {
        return Err(Refusal::NotFound);
    };
    let assertion = Assertion {
        id: bytes(&form, "id")?,
        user_handle: bytes(&form, "handle")?,
        client_data: bytes(&form, "client")?,
        authenticator_data: bytes(&form, "authenticator")?,
        signature: bytes(&form, "signature")?,
    };
    let tried = portal
        .sign_in
        .with_passkey(party, &visitor.browser, &assertion, &visitor.client);
    match tried.await? {
        PasskeySignIn::SignedIn(session) => Ok(signed_in(&portal, &session, form.text("next"))),
        PasskeySignIn::Wait(wait) => Err(Refusal::TooMany(wait)),
        PasskeySignIn::Refused(_) => Ok(refused(&visitor)),
    }
}

/// The same words for every reason.
fn refused(visitor: &Visitor) -> Response {
    let language = visitor.language;
    let content = html! {
        section.card {
            h1 { (words::passkey_sign_in(language)) }
            p { (words::passkey_failed(language)) }
            p.actions { a.button href="/login" { (crate::portal::words::sign_in(language)) } }
        }
    };
    let title = words::passkey_sign_in(language);
    visitor.page_with(StatusCode::UNPROCESSABLE_ENTITY, title, &content)
}

/// What a script wrote into a field.
pub(super) fn bytes(form: &Form, name: &str) -> Result<Vec<u8>, Refusal> {
    let text = form.text(name).trim_end_matches('=');
    URL_SAFE_NO_PAD.decode(text).map_err(|_| Refusal::Malformed)
}

/// The button on the page for signing in.
pub(in crate::portal) fn draw(visitor: &Visitor, token: &Markup, next: &str) -> Markup {
    let language = visitor.language;
    let site = visitor.portal.relying_party.as_ref();
    html! {
        form.passkey #passkey-sign-in method="post" action=(PATH) hidden
            data-site=[site.map(|party| &party.id)] {
            (token)
            @if let Some(next) = place_of_ours(next) {
                input type="hidden" name="next" value=(next);
            }
            @for name in ["id", "handle", "client", "authenticator", "signature"] {
                input type="hidden" name=(name);
            }
            div.fault role="alert" hidden { (words::passkey_failed(language)) }
            button type="submit" { (words::passkey_sign_in(language)) }
        }
        script type="module" src=(assets::passkey_script_path()) {}
    }
}
