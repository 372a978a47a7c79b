//! The user of a mailbox, signed in: an extractor. A page that takes a [`User`] is seen by nobody
//! else, and what it may show is what belongs to `user.account`.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use maud::Markup;
use storage::model::{
    AccountId, Domain, Mailbox, Preferences, Scope, SecretDigest, SessionKind, Timestamp,
    ViewCounts,
};

use super::Portal;
use super::banner::Banner;
use super::flash::{Flash, left_by_page_before};
use super::layout::{self, Frame, Shell};
use super::navigation::Place;
use super::redirect::{see_other, with_cookies};
use super::refusal::Refusal;
use crate::auth::csrf::CsrfToken;
use crate::auth::{Client, Secret};
use crate::language::Language;

/// The user of a mailbox, signed in.
#[derive(Debug)]
pub(crate) struct User {
    /// The site.
    pub(crate) portal: Portal,
    /// Who it is.
    pub(crate) account: AccountId,
    /// The mailbox's address as entered.
    pub(crate) address: Mailbox,
    /// The mailbox's display name.
    pub(crate) name: Option<String>,
    /// Its domain.
    pub(crate) domain: Arc<Domain>,
    /// What the user has chosen.
    pub(crate) preferences: Preferences,
    /// Which session this is.
    pub(crate) session: SecretDigest,
    /// When this session's user last proved who it is.
    pub(crate) proven_at: Timestamp,
    /// The other end.
    pub(crate) client: Client,
    /// The reader's language.
    pub(crate) language: Language,
    /// The token for forms of this session.
    pub(crate) csrf: CsrfToken,
    /// The time of the request.
    pub(crate) now: Timestamp,
    /// In whose name the mailbox is read.
    pub(crate) scope: Scope,
    /// Messages in the mailbox.
    pub(crate) counts: ViewCounts,
    path: String,
    flash: Option<Flash>,
    cookies: Vec<HeaderValue>,
}

impl FromRequestParts<Portal> for User {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, portal: &Portal) -> Result<Self, Refusal> {
        match Self::of(parts, portal).await? {
            Some(user) => Ok(user),
            None => Err(Refusal::SignIn {
                next: if parts.method == Method::GET {
                    parts.uri.to_string()
                } else {
                    "/".to_owned()
                },
            }),
        }
    }
}

impl User {
    /// The user of a request; none when nobody has signed in.
    pub(crate) async fn of(parts: &Parts, portal: &Portal) -> Result<Option<Self>, Refusal> {
        let cookie = portal.session_cookie();
        let Some(id) = cookie.read(&parts.headers).and_then(Secret::presented) else {
            return Ok(None);
        };
        let session = id.digest();
        let Some(row) = portal.spool.session(&session).await? else {
            return Ok(None);
        };
        let AccountId::User { domain, local } = &row.account else {
            return Ok(None);
        };
        if row.kind != SessionKind::Portal {
            return Ok(None);
        }
        let Some(domain) = portal.spool.directory().domain(*domain) else {
            return Ok(None);
        };
        let Ok(address) = Mailbox::new(local, domain.name.clone()) else {
            return Ok(None);
        };
        let mailbox = portal.spool.mailbox(&address).await?;
        let Some(mailbox) = mailbox.filter(|mailbox| mailbox.enabled) else {
            return Ok(None);
        };
        let account = row.account.clone();
        let preferences = portal.spool.preferences(&account).await?;
        let chosen = preferences.language.as_deref();
        let language = chosen
            .or(mailbox.language.as_deref())
            .and_then(Language::of_tag);
        let scope = Scope::new(domain.id, local);
        let counts = portal.spool.view_counts(&scope).await?;
        let mut cookies = Vec::new();
        Ok(Some(Self {
            scope,
            counts,
            path: parts.uri.to_string(),
            account,
            address: mailbox.address,
            name: mailbox.name,
            domain,
            preferences,
            session,
            proven_at: row.proven_at,
            client: Client::of(parts, &portal.proxies),
            language: language.unwrap_or_else(|| Language::asked_for(&parts.headers)),
            csrf: CsrfToken::of(id.reveal()),
            now: portal.spool.clock().wall(),
            flash: left_by_page_before(portal, &parts.headers, &mut cookies),
            portal: portal.clone(),
            cookies,
        }))
    }

    /// A page for this user.
    pub(crate) fn page(&self, place: Place, title: &str, content: &Markup) -> Response {
        self.page_with(StatusCode::OK, place, title, content)
    }

    /// A page for this user, with another status.
    pub(crate) fn page_with(
        &self,
        status: StatusCode,
        place: Place,
        title: &str,
        content: &Markup,
    ) -> Response {
        let banner = Banner::of(&self.portal, &self.domain);
        let address = self.address.to_string();
        let frame = Frame {
            shell: Shell {
                language: self.language,
                title,
                build: self.portal.build,
            },
            place,
            address: &address,
            banner: &banner,
            flash: self.flash,
            counts: &self.counts,
            keys: self.preferences.keys,
            path: &self.path,
            csrf: &self.csrf,
            now: self.now,
            zone: &self.portal.zone,
        };
        let page = layout::signed_in(&frame, content);
        with_cookies((status, page).into_response(), &self.cookies)
    }

    /// Leads to another page of ours, which says what was done.
    pub(crate) fn lead_to(&self, path: &str, flash: Flash) -> Response {
        let cookie = self.portal.flash_cookie().set(&flash.word());
        with_cookies(see_other(path), cookie.as_slice())
    }

    /// Leads to another page of ours, which says nothing.
    pub(crate) fn go_to(&self, path: &str) -> Response {
        with_cookies(see_other(path), &self.cookies)
    }

    /// The addresses that this user may write from: the mailbox's own, then its aliases.
    pub(crate) fn own_addresses(&self) -> Vec<Mailbox> {
        let directory = self.portal.spool.directory();
        let aliases = directory.aliases_of(self.domain.id, self.scope.mailbox());
        let aliases = aliases.into_iter();
        let aliases = aliases.filter_map(|key| Mailbox::new(&key, self.domain.name.clone()).ok());
        std::iter::once(self.address.clone())
            .chain(aliases)
            .collect()
    }
}
