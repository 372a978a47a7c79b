//! Anybody who looks, before sign-in: an extractor, like [`super::user::User`] after it.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use maud::Markup;

use super::Portal;
use super::flash::{Flash, left_by_page_before};
use super::layout::{self, Shell};
use super::redirect::{see_other, with_cookies};
use crate::auth::Client;
use crate::auth::csrf::CsrfToken;
use crate::language::Language;

/// Anybody. Forms before sign-in are bound to the browser by a cookie of their own.
#[derive(Debug)]
pub(crate) struct Visitor {
    /// The site.
    pub(crate) portal: Portal,
    /// The other end.
    pub(crate) client: Client,
    /// The reader's language.
    pub(crate) language: Language,
    /// The token for forms on pages before sign-in.
    pub(crate) csrf: CsrfToken,
    /// What ties this browser to its challenges: the cookie behind the token.
    pub(crate) browser: Vec<u8>,
    flash: Option<Flash>,
    cookies: Vec<HeaderValue>,
}

impl FromRequestParts<Portal> for Visitor {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, portal: &Portal) -> Result<Self, Infallible> {
        let cookie = portal.before_cookie();
        let (csrf, fresh) = CsrfToken::before_sign_in(cookie, &parts.headers);
        let mut cookies = Vec::from_iter(fresh);
        Ok(Self {
            client: Client::of(parts, &portal.proxies),
            language: Language::asked_for(&parts.headers),
            csrf,
            browser: cookie.read(&parts.headers).unwrap_or_default().into(),
            flash: left_by_page_before(portal, &parts.headers, &mut cookies),
            portal: portal.clone(),
            cookies,
        })
    }
}

impl Visitor {
    /// A page for anybody.
    pub(crate) fn page(&self, title: &str, content: &Markup) -> Response {
        self.page_with(StatusCode::OK, title, content)
    }

    /// A page for anybody, with another status.
    pub(crate) fn page_with(&self, status: StatusCode, title: &str, content: &Markup) -> Response {
        let shell = Shell {
            language: self.language,
            title,
            build: self.portal.build,
        };
        let page = layout::before_sign_in(&shell, self.flash, content);
        with_cookies((status, page).into_response(), &self.cookies)
    }

    /// Leads to another page of ours, which says what was done.
    pub(crate) fn lead_to(&self, path: &str, flash: Flash) -> Response {
        let cookie = self.portal.flash_cookie().set(&flash.word());
        with_cookies(see_other(path), cookie.as_slice())
    }
}
